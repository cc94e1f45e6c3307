// SPDX-License-Identifier: GPL-3.0-or-later
// Opens a profile's files.
#include "tubes/engine/profile.hpp"

#include "tubes/base/log.hpp"

namespace tubes::engine {
namespace {

std::string random_resource() {
    std::array<std::uint8_t, 4> random{};
    base::fill_random(random);
    return "tube-" + base::to_hex(random);
}

template <class T>
result<std::unique_ptr<T>> boxed(result<T> opened) {
    if (!opened) return opened.error();
    return std::make_unique<T>(std::move(*opened));
}

result<void> open_settings(Profile& profile, const NodeOptions& options) {
    auto config = ConfigFile::open(profile.directories.config_file());
    if (!config) return config.error();
    profile.config = std::move(*config);
    auto settings = boxed(Settings::resolve(options.settings, profile.config->content(), profile.config->path()));
    if (!settings) return settings.error();
    profile.settings = std::move(*settings);
    profile.policies = std::make_unique<PolicyFile>(*profile.config, profile.settings->default_addresses());
    return {};
}

result<void> open_state(Profile& profile) {
    auto trust = TrustFile::open(profile.directories.state);
    if (!trust) return trust.error();
    profile.trust = std::move(*trust);
    auto secrets = open_secret_file(profile.directories.state);
    if (!secrets) return secrets.error();
    profile.secrets = std::move(*secrets);
    auto memory = boxed(AccountMemory::open(profile.directories.state));
    if (!memory) return memory.error();
    profile.memory = std::move(*memory);
    return {};
}

result<void> take_name(Profile& profile, const NodeOptions& options) {
    profile.resource = options.resource.empty() ? random_resource() : options.resource;
    const bool is_dots = profile.resource == "." || profile.resource == "..";
    if (is_dots || !is_valid_service_name(profile.resource)) return make_error_code(Errc::invalid_argument);
    // A random name is nobody else's; a chosen one gets a lock file, which stays behind empty.
    if (options.resource.empty()) return {};
    auto lock = boxed(FileLock::try_acquire(profile.directories.runtime / (profile.resource + ".lock")));
    if (!lock) return lock.error();
    profile.name_lock = std::move(*lock);
    return {};
}

}  // namespace

result<std::unique_ptr<Profile>> Profile::open(const NodeOptions& options) {
    auto profile = std::make_unique<Profile>();
    auto directories = find_directories(options);
    if (!directories) return directories.error();
    profile->directories = std::move(*directories);
    if (auto made = make_directories(profile->directories); !made) {
        base::logger("engine")->error("cannot create the directories of profile {}: {}", profile->directories.profile,
                                      made.error().message());
        return made.error();
    }
    if (auto opened = open_settings(*profile, options); !opened) return opened.error();
    if (auto opened = open_state(*profile); !opened) return opened.error();
    if (auto taken = take_name(*profile, options); !taken) return taken.error();
    return profile;
}

}  // namespace tubes::engine
