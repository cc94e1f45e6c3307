// SPDX-License-Identifier: GPL-3.0-or-later
// The table of settings and how each gets its value.
#include "tubes/engine/state/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "tubes/base/log.hpp"

namespace tubes::engine {
namespace {

enum class Kind : std::uint8_t {
    text,
    boolean,
    number,
    seconds,
    bytes,
    addresses,
    stun_servers,
    turn_servers,
    levels,
    transports,
    proxy
};

struct Setting {
    const char* name;
    Kind kind;
    std::string fallback;
    const char* description;
};

std::string seconds(std::chrono::milliseconds value) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(value).count());
}

// The one list of settings. A new one is a line here and a reader below.
std::vector<Setting> known_settings() {
    const core::BrokerLimits broker;
    const core::LinkLimits link;
    return {
        {"log.level", Kind::levels, "warn", "Log levels: \"info\", or by area \"ice=debug,warn\""},
        {"local.enabled", Kind::boolean, "true", "Meet this user's other nodes on this machine"},
        {"network.addresses", Kind::addresses, "all", "Which addresses contacts learn: all, public-only, relay-only"},
        {"network.transports", Kind::transports, "local,direct-tls,ice,socks5,in-band",
         "Ways to reach a peer that links may use"},
        {"network.proxy", Kind::proxy, "",
         "Proxy to call servers through: http://USER:PASSWORD@HOST:PORT, socks5://..., none; else the environment's"},
        {"network.loopback", Kind::boolean, "false", "Also offer 127.0.0.1 and ::1, as tests on one machine want it"},
        {"network.virtual_interfaces", Kind::boolean, "false", "Also offer addresses of VPN and container interfaces"},
        {"network.port_mapping", Kind::boolean, "false",
         "Ask the router (NAT-PMP) to lead ports of links in, so that they need no relay"},
        {"network.stun", Kind::stun_servers, "", "STUN servers to use besides those of the account's server"},
        {"network.turn", Kind::turn_servers, "",
         "TURN relays: turn:USER:PASSWORD@HOST:PORT?transport=udp (a \":\" of USER is written %3A)"},
        {"limits.links", Kind::number, std::to_string(broker.links), "Links open at once"},
        {"limits.tubes_per_link", Kind::number, std::to_string(broker.tubes_per_link), "Tubes on one link"},
        {"limits.pending_per_contact", Kind::number, std::to_string(broker.pending_per_contact),
         "Requests of one contact that wait for an answer"},
        {"limits.pending_total", Kind::number, std::to_string(broker.pending_total), "Requests that wait in all"},
        {"limits.request_lifetime", Kind::seconds, seconds(broker.request_lifetime),
         "Seconds that a request waits for an answer"},
        {"limits.negotiation", Kind::seconds, seconds(broker.negotiation), "Seconds to find a path after acceptance"},
        {"limits.linger", Kind::seconds, seconds(broker.linger), "Seconds that a link without tubes is kept"},
        {"limits.streams", Kind::number, std::to_string(link.streams), "Streams of a link that the peer may open"},
        {"limits.send_buffer", Kind::bytes, std::to_string(link.send_buffer), "Bytes a link holds unacknowledged"},
        {"limits.receive_buffer", Kind::bytes, std::to_string(link.receive_buffer), "Bytes a link lets the peer send"},
        {"limits.stream_window", Kind::bytes, std::to_string(link.stream_window), "Bytes in flight of one stream"},
        {"limits.patience", Kind::seconds, seconds(link.patience), "Seconds that a link waits without any path"},
        {"limits.keepalive", Kind::seconds, seconds(link.keepalive), "Seconds of silence before a path is probed"},
    };
}

constexpr std::uint64_t kLargestNumber = 1'000'000;
constexpr std::uint64_t kLargestSeconds = 7 * 24 * 3600;
constexpr std::uint64_t kSmallestBuffer = 64 * 1024;          // bytes: four of the largest frames
constexpr std::uint64_t kLargestBuffer = 1024 * 1024 * 1024;  // bytes

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

bool in_range(std::string_view text, std::uint64_t low, std::uint64_t high) {
    const auto value = parse_number(text);
    return value && *value >= low && *value <= high;
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> items;
    while (!text.empty()) {
        const auto comma = text.find(',');
        auto item = text.substr(0, comma);
        const auto first = item.find_first_not_of(' ');
        if (first != std::string_view::npos) {
            items.emplace_back(item.substr(first, item.find_last_not_of(' ') - first + 1));
        }
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    return items;
}

bool are_servers(std::string_view text, bool relay) {
    const auto items = split(text);
    return std::all_of(items.begin(), items.end(),
                       [&](const auto& item) { return parse_ice_server(item, relay).has_value(); });
}

bool are_transports(std::string_view text) {
    const auto items = split(text);
    return !items.empty() && std::all_of(items.begin(), items.end(), [](const auto& item) {
        return item == to_string(PathKind::local) || item == to_string(PathKind::direct_tls) ||
               item == to_string(PathKind::ice) || item == to_string(PathKind::socks5) ||
               item == to_string(PathKind::in_band);
    });
}

// What is wrong with a value; empty if nothing is.
std::string fault_of(Kind kind, const std::string& value) {
    switch (kind) {
        case Kind::text: return {};
        case Kind::boolean: return value == "true" || value == "false" ? "" : "must be true or false";
        case Kind::number: return in_range(value, 1, kLargestNumber) ? "" : "must be a number from 1 to 1000000";
        case Kind::seconds:
            return in_range(value, 1, kLargestSeconds) ? "" : "must be a number of seconds, at most a week";
        case Kind::bytes:
            return in_range(value, kSmallestBuffer, kLargestBuffer) ? "" : "must be a number of bytes, 64 KiB to 1 GiB";
        case Kind::addresses: return parse_address_policy(value) ? "" : "must be all, public-only or relay-only";
        case Kind::stun_servers: return are_servers(value, false) ? "" : "must be a list of HOST:PORT";
        case Kind::turn_servers:
            return are_servers(value, true) ? "" : "must be a list of turn:USER:PASSWORD@HOST:PORT";
        case Kind::levels: return {};
        case Kind::proxy: return base::parse_proxy(value) ? "" : "must be http://HOST:PORT, socks5://HOST:PORT or none";
        case Kind::transports:
            return are_transports(value) ? "" : "must be a list of local, direct-tls, ice, socks5 and in-band";
    }
    return {};
}

std::string environment_name(std::string name) {
    for (auto& c : name) c = c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return "TUBES_" + name;
}

ConfigValue choose(const Setting& setting, const std::map<std::string, std::string>& flags,
                   const ConfigContent& content, const std::filesystem::path& config_file) {
    ConfigValue value;
    value.name = setting.name;
    value.description = setting.description;
    value.environment = environment_name(setting.name);
    if (const auto flag = flags.find(value.name); flag != flags.end()) {
        value.value = flag->second;
        value.source = to_string(Source::flag);
    } else if (const char* variable = std::getenv(value.environment.c_str())) {
        value.value = variable;
        value.source = to_string(Source::environment);
        value.origin = value.environment;
    } else if (const auto entry = content.values.find(value.name); entry != content.values.end()) {
        value.value = entry->second.value;
        value.source = to_string(Source::file);
        value.origin = fmt::format("{}:{}", config_file.string(), entry->second.line);
    } else {
        value.value = setting.fallback;
        value.source = to_string(Source::default_value);
    }
    return value;
}

// user:password@ of each server becomes user:***@.
std::string without_passwords(std::string_view text) {
    std::string shown;
    for (const auto& item : split(text)) {
        if (!shown.empty()) shown += ",";
        const auto at = item.rfind('@');
        const auto scheme = item.rfind("turn:", 0) == 0 || item.rfind("turns:", 0) == 0 ? item.find(':') + 1 : 0;
        const auto user_end = at == std::string::npos ? at : item.find(':', scheme);
        shown += user_end == std::string::npos || user_end > at
                     ? item
                     : item.substr(0, user_end + 1) + "***" + item.substr(at);
    }
    return shown;
}

void complain(const ConfigValue& value, const std::string& fault) {
    const auto& where = value.origin.empty() ? value.source : value.origin;
    base::logger("engine")->error("{}: {} is \"{}\" but {}", base::printable(where), value.name,
                                  base::printable(without_passwords(value.value)), fault);
}

}  // namespace

result<Settings> Settings::resolve(const std::map<std::string, std::string>& flags, const ConfigContent& content,
                                   const std::filesystem::path& config_file) {
    Settings settings;
    for (const auto& setting : known_settings()) {
        auto value = choose(setting, flags, content, config_file);
        if (const auto fault = fault_of(setting.kind, value.value); !fault.empty()) {
            complain(value, fault);
            return make_error_code(Errc::invalid_argument);
        }
        settings.values_.emplace(value.name, std::move(value));
    }
    for (const auto& [name, value] : flags) {
        if (settings.values_.contains(name)) continue;
        base::logger("engine")->error("there is no setting {}", base::printable(name));
        return make_error_code(Errc::invalid_argument);
    }
    for (const auto& [name, value] : content.values) {
        if (settings.values_.contains(name)) continue;
        base::logger("engine")->warn("{}:{}: there is no setting {}", base::printable(config_file.string()), value.line,
                                     base::printable(name));
    }
    return settings;
}

const std::string& Settings::text(const std::string& name) const {
    return values_.at(name).value;
}

std::uint64_t Settings::number(const std::string& name) const {
    return parse_number(text(name)).value_or(0);
}

bool Settings::boolean(const std::string& name) const {
    return text(name) == "true";
}

core::BrokerLimits Settings::broker_limits() const {
    core::BrokerLimits limits;
    limits.links = number("limits.links");
    limits.tubes_per_link = number("limits.tubes_per_link");
    limits.pending_per_contact = number("limits.pending_per_contact");
    limits.pending_total = number("limits.pending_total");
    limits.request_lifetime = std::chrono::seconds(number("limits.request_lifetime"));
    limits.negotiation = std::chrono::seconds(number("limits.negotiation"));
    limits.linger = std::chrono::seconds(number("limits.linger"));
    return limits;
}

core::LinkLimits Settings::link_limits() const {
    core::LinkLimits limits;
    limits.streams = static_cast<std::uint32_t>(number("limits.streams"));
    limits.send_buffer = number("limits.send_buffer");
    limits.stream_send_buffer = std::min(limits.stream_send_buffer, limits.send_buffer);
    limits.receive_buffer = number("limits.receive_buffer");
    limits.stream_window = std::min<std::size_t>(number("limits.stream_window"), limits.receive_buffer);
    limits.patience = std::chrono::seconds(number("limits.patience"));
    limits.keepalive = std::chrono::seconds(number("limits.keepalive"));
    return limits;
}

AddressPolicy Settings::default_addresses() const {
    return parse_address_policy(text("network.addresses")).value_or(AddressPolicy::all);
}

bool Settings::allows(PathKind kind) const {
    const auto items = split(text("network.transports"));
    return std::find(items.begin(), items.end(), to_string(kind)) != items.end();
}

std::vector<core::ports::IceServer> Settings::ice_servers() const {
    std::vector<core::ports::IceServer> servers;
    for (const auto& item : split(text("network.stun"))) servers.push_back(*parse_ice_server(item, false));
    for (const auto& item : split(text("network.turn"))) servers.push_back(*parse_ice_server(item, true));
    return servers;
}

base::Proxy Settings::proxy() const {
    const auto& configured = text("network.proxy");
    return configured.empty() ? base::proxy_from_environment() : *base::parse_proxy(configured);
}

std::vector<ConfigValue> Settings::list() const {
    std::vector<ConfigValue> list;
    for (const auto& setting : known_settings()) {
        auto value = values_.at(setting.name);
        if (setting.kind == Kind::turn_servers) value.value = without_passwords(value.value);
        if (setting.kind == Kind::proxy && value.value != "none")
            value.value = base::parse_proxy(value.value)->printed();
        list.push_back(std::move(value));
    }
    return list;
}

}  // namespace tubes::engine
