// SPDX-License-Identifier: GPL-3.0-or-later
// config.toml through toml11 into checked data.
#include "tubes/engine/state/config_content.hpp"

#include <fmt/format.h>

#include <boost/algorithm/string/join.hpp>
#include <sstream>
#include <toml.hpp>

namespace tubes::engine {
namespace {

using Direction = core::ports::PolicyStore::Direction;

constexpr std::int64_t kVersion = 1;
constexpr std::size_t kMaxEntries = 4096;  // of one kind; a file beyond it is a mistake

// Unwinds to parse_config only; nothing throws out of this file.
struct Complaint {
    std::size_t line;
    std::string text;
};

std::size_t line_of(const toml::value& value) {
    return value.location().line();
}

std::string text_of(const toml::value& value, const std::string& name) {
    if (value.is_string()) return value.as_string().str;
    throw Complaint{line_of(value), name + " must be a text in quotes"};
}

/// The keys of one table: each is taken once, what is left over is a typing error worth telling.
class Fields {
public:
    Fields(const toml::value& table, std::string kind) : table_(table), kind_(std::move(kind)) {
        if (!table.is_table()) throw Complaint{line_of(table), kind_ + " must be a table"};
        for (const auto& [key, value] : table.as_table()) left_.emplace(key, &value);
    }
    std::string text(const char* key) {
        const auto* value = take(key);
        return value ? text_of(*value, key) : std::string();
    }
    bool boolean(const char* key, bool fallback) {
        const auto* value = take(key);
        if (!value) return fallback;
        if (!value->is_boolean()) throw Complaint{line_of(*value), fmt::format("{} must be true or false", key)};
        return value->as_boolean();
    }
    std::vector<std::string> texts(const char* key) {
        const auto* value = take(key);
        std::vector<std::string> list;
        if (!value) return list;
        if (!value->is_array()) return {text_of(*value, key)};
        for (const auto& item : value->as_array()) list.push_back(text_of(item, key));
        return list;
    }
    template <class T>
    std::optional<T> choice(const char* key, std::optional<T> (*parse)(std::string_view), const char* choices) {
        const auto* value = take(key);
        if (!value) return std::nullopt;
        auto parsed = parse(text_of(*value, key));
        if (!parsed) throw Complaint{line_of(*value), fmt::format("{} must be {}", key, choices)};
        return parsed;
    }
    std::string needed(const char* key) {
        auto value = text(key);
        if (value.empty()) throw Complaint{line(), fmt::format("[[{}]] needs {}", kind_, key)};
        return value;
    }
    std::size_t line() const { return line_of(table_); }
    void end() const {
        if (left_.empty()) return;
        const auto& [key, value] = *left_.begin();
        throw Complaint{line_of(*value), fmt::format("[[{}]] knows no {}", kind_, key)};
    }

private:
    const toml::value* take(const std::string& key) {
        const auto found = left_.find(key);
        if (found == left_.end()) return nullptr;
        const auto* value = found->second;
        left_.erase(found);
        return value;
    }
    const toml::value& table_;
    std::string kind_;
    std::map<std::string, const toml::value*> left_;
};

std::optional<Direction> parse_direction(std::string_view text) {
    if (text == "incoming") return Direction::incoming;
    if (text == "offered") return Direction::offered;
    return std::nullopt;
}

AccountEntry read_account(const toml::value& table) {
    Fields fields(table, "account");
    AccountEntry entry;
    entry.line = fields.line();
    entry.address = fields.needed("address");
    entry.host = fields.text("host");
    entry.direct_tls = fields.boolean("direct_tls", false);
    entry.ca_file = fields.text("ca_file");
    entry.pinned_certificate = fields.text("pinned_certificate");
    entry.allow_plain = fields.boolean("allow_plain", false);
    entry.enabled = fields.boolean("enabled", true);
    fields.end();
    return entry;
}

PolicyEntry read_policy(const toml::value& table) {
    Fields fields(table, "policy");
    PolicyEntry entry;
    entry.line = fields.line();
    entry.account = fields.text("account");
    entry.contact = fields.text("contact");
    entry.service = fields.text("service");
    entry.direction = fields.choice("direction", parse_direction, "incoming or offered");
    entry.policy = fields.choice("policy", parse_policy, "ask, always or never");
    entry.addresses = fields.choice("addresses", parse_address_policy, "all, public-only or relay-only");
    if (!entry.policy && !entry.addresses) throw Complaint{entry.line, "[[policy]] needs policy or addresses"};
    fields.end();
    return entry;
}

ShareOptions read_service(const toml::value& table) {
    Fields fields(table, "service");
    ShareOptions share;
    share.service = fields.needed("name");
    if (!is_valid_service_name(share.service)) {
        throw Complaint{fields.line(), "name must be 1 to 64 characters of A-Z a-z 0-9 . _ -"};
    }
    auto target = Endpoint::parse(fields.needed("target"));
    if (!target)
        throw Complaint{fields.line(),
                        "target must be PORT, HOST:PORT, udp:PORT, udp:HOST:PORT, unix:PATH or unix:@NAME"};
    share.target = *target;
    share.kind = target->tube_kind();
    share.account = fields.text("account");
    share.audience = fields.texts("to");
    share.policy = fields.choice("policy", parse_policy, "ask, always or never").value_or(Policy::ask);
    fields.end();
    return share;
}

template <class Entry>
std::vector<Entry> read_all(const toml::value& value, const char* name, Entry (*read)(const toml::value&)) {
    if (!value.is_array()) throw Complaint{line_of(value), fmt::format("write [[{}]] in double brackets", name)};
    const auto& tables = value.as_array();
    if (tables.size() > kMaxEntries) throw Complaint{line_of(value), fmt::format("too many [[{}]]", name)};
    std::vector<Entry> entries;
    for (const auto& table : tables) entries.push_back(read(table));
    return entries;
}

std::string scalar_text(const toml::value& value, const std::string& name) {
    if (value.is_string()) return value.as_string().str;
    if (value.is_boolean()) return value.as_boolean() ? "true" : "false";
    if (value.is_integer()) return std::to_string(value.as_integer());
    if (!value.is_array())
        throw Complaint{line_of(value), name + " must be a text, number, true, false or a list of texts"};
    std::vector<std::string> items;
    for (const auto& item : value.as_array()) items.push_back(text_of(item, name));
    return boost::algorithm::join(items, ",");
}

void check_version(const toml::value& value) {
    if (!value.is_integer() || value.as_integer() < 1) throw Complaint{line_of(value), "version must be a number"};
    if (value.as_integer() > kVersion) throw Errc::state_too_new;
}

ConfigContent read_content(const toml::value& root) {
    ConfigContent content;
    for (const auto& [key, value] : root.as_table()) {
        if (key == "version") check_version(value);
    }
    for (const auto& [key, value] : root.as_table()) {
        if (key == "version") continue;
        if (key == "account") {
            content.accounts = read_all(value, "account", read_account);
        } else if (key == "policy") {
            content.policies = read_all(value, "policy", read_policy);
        } else if (key == "service") {
            content.services = read_all(value, "service", read_service);
        } else if (value.is_table()) {
            for (const auto& [inner, scalar] : value.as_table()) {
                const auto name = key + "." + inner;
                content.values[name] = {scalar_text(scalar, name), line_of(scalar)};
            }
        } else {
            content.values[key] = {scalar_text(value, key), line_of(value)};
        }
    }
    return content;
}

// toml11 draws a picture under its first line; the number before the first '|' is the line.
std::string one_line(const std::string& what) {
    auto text = what.substr(0, what.find('\n'));
    if (const auto end = text.find("] "); end != std::string::npos) text = text.substr(end + 2);
    if (const auto end = text.find(": "); end != std::string::npos) text = text.substr(end + 2);
    constexpr std::string_view kDigits = "0123456789";
    for (auto bar = what.find(" |"); bar != std::string::npos; bar = what.find(" |", bar + 1)) {
        const auto begin = bar == 0 ? bar : what.find_last_not_of(kDigits, bar - 1) + 1;
        if (begin < bar) return fmt::format("line {}: {}", what.substr(begin, bar - begin), text);
    }
    return text;
}

}  // namespace

std::optional<ConfigContent> parse_config(const std::string& text, ConfigProblem& problem) {
    try {
        std::istringstream stream(text);
        return read_content(toml::parse(stream, "config.toml"));
    } catch (const Complaint& complaint) {
        problem = {Errc::state_corrupt, fmt::format("line {}: {}", complaint.line, complaint.text)};
    } catch (Errc code) {
        problem = {code, "it was written by a newer version of Tubes"};
    } catch (const std::exception& error) {
        problem = {Errc::state_corrupt, one_line(error.what())};
    }
    return std::nullopt;
}

std::optional<Policy> parse_policy(std::string_view text) {
    for (const auto policy : {Policy::ask, Policy::always, Policy::never}) {
        if (text == to_string(policy)) return policy;
    }
    return std::nullopt;
}

std::string_view to_string(Policy policy) noexcept {
    switch (policy) {
        case Policy::ask: return "ask";
        case Policy::always: return "always";
        case Policy::never: return "never";
    }
    return "unknown";
}

std::string_view to_string(AddressPolicy policy) noexcept {
    switch (policy) {
        case AddressPolicy::all: return "all";
        case AddressPolicy::public_only: return "public-only";
        case AddressPolicy::relay_only: return "relay-only";
    }
    return "unknown";
}

std::optional<AddressPolicy> parse_address_policy(std::string_view text) {
    if (text == "all") return AddressPolicy::all;
    if (text == "public-only") return AddressPolicy::public_only;
    if (text == "relay-only") return AddressPolicy::relay_only;
    return std::nullopt;
}

}  // namespace tubes::engine
