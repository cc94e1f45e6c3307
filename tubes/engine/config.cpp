// SPDX-License-Identifier: GPL-3.0-or-later
// Lists the effective configuration.
#include "tubes/config.hpp"

#include <fmt/format.h>

#include "tubes/engine/state/config_file.hpp"
#include "tubes/engine/state/directories.hpp"
#include "tubes/engine/state/settings.hpp"

namespace tubes {
inline namespace v0 {
namespace {

using engine::ConfigContent;
using engine::Directories;

std::string origin_of(engine::Source source, const char* variable) {
    return source == engine::Source::environment ? variable : "";
}

void list_directories(const Directories& found, std::vector<ConfigValue>& list) {
    const std::string source(to_string(found.home_source));
    const auto origin = origin_of(found.home_source, "TUBES_HOME");
    list.push_back({"profile", found.profile, std::string(to_string(found.profile_source)),
                    origin_of(found.profile_source, "TUBES_PROFILE"), "TUBES_PROFILE", "Which profile is used"});
    list.push_back({"directory.config", found.config.string(), source, origin, "TUBES_HOME", "Configuration"});
    list.push_back({"directory.state", found.state.string(), source, origin, "TUBES_HOME", "Keys, pins and passwords"});
    list.push_back(
        {"directory.runtime", found.runtime.string(), source, origin, "TUBES_HOME", "Sockets of running nodes"});
}

ConfigValue from_file(std::string name, std::string value, const Directories& directories, std::size_t line) {
    const auto origin = fmt::format("{}:{}", directories.config_file().string(), line);
    return {std::move(name), std::move(value), "file", origin, "", ""};
}

std::string describe(const engine::AccountEntry& entry) {
    std::string text = entry.enabled ? "enabled" : "disabled";
    if (!entry.host.empty()) text += " host=" + entry.host;
    if (entry.direct_tls) text += " direct_tls";
    if (!entry.ca_file.empty()) text += " ca_file=" + entry.ca_file;
    if (!entry.pinned_certificate.empty()) text += " pinned_certificate";
    if (entry.allow_plain) text += " allow_plain";
    return text;
}

std::string describe(const engine::PolicyEntry& entry) {
    const auto any = [](const std::string& text) { return text.empty() ? std::string("*") : text; };
    auto text = fmt::format("contact={} service={}", any(entry.contact), any(entry.service));
    if (!entry.account.empty()) text += " account=" + entry.account;
    if (entry.policy) text += fmt::format(" policy={}", engine::to_string(*entry.policy));
    if (entry.addresses) text += fmt::format(" addresses={}", engine::to_string(*entry.addresses));
    return text;
}

void list_tables(const ConfigContent& content, const Directories& directories, std::vector<ConfigValue>& list) {
    for (const auto& entry : content.accounts) {
        list.push_back(from_file("account." + entry.address, describe(entry), directories, entry.line));
    }
    std::size_t number = 0;
    for (const auto& entry : content.policies) {
        list.push_back(from_file(fmt::format("policy.{}", ++number), describe(entry), directories, entry.line));
    }
    for (const auto& service : content.services) {
        const auto value = fmt::format("{} policy={}", service.target.to_string(), engine::to_string(service.policy));
        list.push_back({"service." + service.service, value, "file", directories.config_file().string(), "", ""});
    }
}

}  // namespace

result<std::vector<ConfigValue>> effective_config(const NodeOptions& options) {
    const auto directories = engine::find_directories(options);
    if (!directories) return directories.error();
    const auto file = engine::ConfigFile::open(directories->config_file());
    if (!file) return file.error();
    const auto& content = (*file)->content();
    const auto settings = engine::Settings::resolve(options.settings, content, directories->config_file());
    if (!settings) return settings.error();
    std::vector<ConfigValue> list;
    list_directories(*directories, list);
    for (auto& value : settings->list()) list.push_back(std::move(value));
    list_tables(content, *directories, list);
    return list;
}

result<std::vector<ShareOptions>> configured_services(const NodeOptions& options) {
    const auto directories = engine::find_directories(options);
    if (!directories) return directories.error();
    const auto file = engine::ConfigFile::open(directories->config_file());
    if (!file) return file.error();
    return (*file)->content().services;
}

result<std::filesystem::path> runtime_directory(const NodeOptions& options) {
    const auto directories = engine::find_directories(options);
    if (!directories) return directories.error();
    if (const auto made = engine::make_directories(*directories); !made) return made.error();
    return directories->runtime;
}

}  // namespace v0
}  // namespace tubes
