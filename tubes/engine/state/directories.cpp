// SPDX-License-Identifier: GPL-3.0-or-later
// The XDG directories and their overrides.
#include "tubes/engine/state/directories.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <vector>

#include "tubes/engine/state/files.hpp"
#include "tubes/types.hpp"

namespace tubes::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDefaultProfile = "default";
constexpr std::size_t kMaxRuntimePath = 36;  // bytes left of 107 for a socket's path after "/nodes/" and a 64-byte name

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

fs::path home_directory() {
    const auto home = environment("HOME");
    if (!home.empty()) return home;
    std::vector<char> buffer(16384);
    passwd entry{};
    passwd* found = nullptr;
    ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
    return found ? fs::path(found->pw_dir) : fs::path("/");
}

// XDG: "All paths must be absolute; if not, ignore".
fs::path xdg(const char* variable, const char* below_home) {
    const fs::path value = environment(variable);
    return value.is_absolute() ? value : home_directory() / below_home;
}

fs::path runtime_base() {
    const fs::path value = environment("XDG_RUNTIME_DIR");
    std::error_code error;
    if (value.is_absolute() && fs::is_directory(value, error)) return value / "tubes";
    return fmt::format("/tmp/tubes-{}", ::geteuid());
}

// Unix sockets need short paths: a long home gets a short directory of its own instead.
fs::path short_runtime(const fs::path& wanted) {
    if (wanted.native().size() <= kMaxRuntimePath) return wanted;
    const auto hash = std::hash<std::string>()(wanted.lexically_normal().string());
    return fmt::format("/tmp/tubes-{}-{:016x}", ::geteuid(), hash);
}

fs::path with_profile(const fs::path& base, const std::string& profile) {
    return profile == kDefaultProfile ? base : base / "profiles" / profile;
}

}  // namespace

std::string_view to_string(Source source) noexcept {
    switch (source) {
        case Source::flag: return "flag";
        case Source::environment: return "environment";
        case Source::file: return "file";
        case Source::default_value: return "default";
    }
    return "unknown";
}

result<Directories> find_directories(const NodeOptions& options) {
    Directories found;
    found.profile = options.profile;
    found.profile_source = Source::flag;
    if (found.profile.empty()) {
        found.profile = environment("TUBES_PROFILE");
        found.profile_source = Source::environment;
    }
    if (found.profile.empty()) {
        found.profile = kDefaultProfile;
        found.profile_source = Source::default_value;
    }
    const bool is_dots = found.profile == "." || found.profile == "..";
    if (is_dots || !is_valid_service_name(found.profile)) return make_error_code(Errc::invalid_argument);

    fs::path home = options.home;
    found.home_source = home.empty() ? Source::environment : Source::flag;
    if (home.empty()) home = environment("TUBES_HOME");
    if (!home.empty()) {
        home = fs::absolute(home).lexically_normal();
        found.config = with_profile(home / "config", found.profile);
        found.state = with_profile(home / "state", found.profile);
        found.runtime = short_runtime(with_profile(home / "run", found.profile));
        return found;
    }
    found.home_source = Source::default_value;
    found.config = with_profile(xdg("XDG_CONFIG_HOME", ".config") / "tubes", found.profile);
    found.state = with_profile(xdg("XDG_STATE_HOME", ".local/state") / "tubes", found.profile);
    found.runtime = short_runtime(with_profile(runtime_base(), found.profile));
    return found;
}

result<void> make_directories(const Directories& directories) {
    for (const auto* path : {&directories.config, &directories.state, &directories.runtime}) {
        if (auto made = make_private_directory(*path); !made) return made;
    }
    return {};
}

}  // namespace tubes::engine
