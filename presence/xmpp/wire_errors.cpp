// SPDX-License-Identifier: GPL-3.0-or-later
// One table from our errors to standard conditions, one back.
#include "presence/xmpp/wire_errors.hpp"

#include <array>

#include "presence/xmpp/namespaces.hpp"

namespace tubes::presence::xmpp {
namespace {

struct WireError {
    Errc code;
    std::string_view name;       // ours
    std::string_view type;       // RFC 6120 §8.3.2
    std::string_view condition;  // RFC 6120 §8.3.3
    std::string_view reason;     // XEP-0166 §7.4
};

constexpr std::array<WireError, 19> kErrors = {{
    {Errc::not_available, "not-available", "cancel", "service-unavailable", "unsupported-applications"},
    {Errc::end_of_stream, "end", "cancel", "gone", "success"},
    {Errc::timed_out, "timed-out", "wait", "remote-server-timeout", "timeout"},
    {Errc::cancelled, "cancelled", "cancel", "not-acceptable", "cancel"},
    {Errc::refused, "refused", "auth", "forbidden", "decline"},
    {Errc::broken, "broken", "cancel", "internal-server-error", "general-error"},
    {Errc::not_found, "not-found", "cancel", "item-not-found", "general-error"},
    {Errc::identity_mismatch, "identity-mismatch", "cancel", "not-acceptable", "security-error"},
    {Errc::key_changed, "key-changed", "cancel", "not-acceptable", "security-error"},
    {Errc::protocol_violation, "protocol-violation", "modify", "bad-request", "general-error"},
    {Errc::limit_exceeded, "limit-exceeded", "wait", "resource-constraint", "busy"},
    {Errc::would_block, "would-block", "wait", "resource-constraint", "busy"},
    {Errc::already_exists, "already-exists", "cancel", "conflict", "alternative-session"},
    {Errc::invalid_argument, "invalid-argument", "modify", "bad-request", "incompatible-parameters"},
    {Errc::unsupported, "unsupported", "cancel", "feature-not-implemented", "unsupported-transports"},
    {Errc::taken, "taken", "cancel", "gone", "gone"},
    {Errc::withdrawn, "withdrawn", "cancel", "gone", "cancel"},
    {Errc::expired, "expired", "cancel", "gone", "expired"},
    {Errc::no_path, "no-path", "cancel", "recipient-unavailable", "connectivity-error"},
}};

struct Condition {
    std::string_view name;
    Errc code;
};

// Stanza error conditions that others send.
constexpr std::array<Condition, 17> kConditions = {{
    {"service-unavailable", Errc::not_available},
    {"recipient-unavailable", Errc::offline},
    {"remote-server-not-found", Errc::offline},
    {"remote-server-timeout", Errc::offline},
    {"gone", Errc::offline},
    {"item-not-found", Errc::not_found},
    {"forbidden", Errc::refused},
    {"not-allowed", Errc::refused},
    {"not-authorized", Errc::refused},
    {"not-acceptable", Errc::refused},
    {"policy-violation", Errc::refused},
    {"bad-request", Errc::protocol_violation},
    {"unexpected-request", Errc::protocol_violation},
    {"feature-not-implemented", Errc::unsupported},
    {"resource-constraint", Errc::limit_exceeded},
    {"conflict", Errc::already_exists},
    {"internal-server-error", Errc::broken},
}};

// Jingle reasons without our own name beside them.
constexpr std::array<Condition, 17> kReasons = {{
    {"success", Errc::end_of_stream},
    {"busy", Errc::refused},
    {"decline", Errc::refused},
    {"cancel", Errc::cancelled},
    {"timeout", Errc::timed_out},
    {"expired", Errc::expired},
    {"gone", Errc::taken},
    {"connectivity-error", Errc::no_path},
    {"failed-transport", Errc::no_path},
    {"unsupported-transports", Errc::no_path},
    {"security-error", Errc::identity_mismatch},
    {"alternative-session", Errc::already_exists},
    {"unsupported-applications", Errc::not_available},
    {"failed-application", Errc::broken},
    {"general-error", Errc::broken},
    {"incompatible-parameters", Errc::protocol_violation},
    {"media-error", Errc::broken},
}};

const WireError* find(int code) noexcept {
    for (const auto& entry : kErrors) {
        if (static_cast<int>(entry.code) == code) return &entry;
    }
    return nullptr;
}

/// Our own name among the children of an <error/> or <reason/>.
std::optional<Errc> own_name(const Element& parent) {
    for (const Element* element : children(parent)) {
        if (namespace_of(*element) != kTubesNamespace) continue;
        if (auto code = error_from_wire(element->name())) return code;
    }
    return std::nullopt;
}

std::optional<Errc> jingle_condition(const Element& error) {
    if (child(error, "unknown-session", kJingleErrorNamespace)) return Errc::not_found;
    if (child(error, "tie-break", kJingleErrorNamespace)) return Errc::already_exists;
    if (child(error, "out-of-order", kJingleErrorNamespace)) return Errc::protocol_violation;
    if (child(error, "unsupported-info", kJingleErrorNamespace)) return Errc::unsupported;
    return std::nullopt;
}

}  // namespace

std::string_view wire_name(Errc code) noexcept {
    const WireError* entry = find(static_cast<int>(code));
    return entry ? entry->name : std::string_view();
}

std::optional<Errc> error_from_wire(std::string_view name) noexcept {
    for (const auto& entry : kErrors) {
        if (entry.name == name) return entry.code;
    }
    return std::nullopt;
}

ElementPtr make_error(error_code code, bool jingle) {
    const bool ours = code.category() == tubes_category();
    const WireError* entry = find(ours ? code.value() : static_cast<int>(Errc::broken));
    if (!entry) entry = find(static_cast<int>(Errc::not_available));
    auto error = make_element("error");
    error->addAttribute("type", std::string(entry->type));
    add_element(*error, std::string(entry->condition), kStanzaErrorNamespace);
    if (entry->code == Errc::not_available) return error;
    if (jingle && entry->code == Errc::not_found) add_element(*error, "unknown-session", kJingleErrorNamespace);
    if (jingle && entry->code == Errc::already_exists) add_element(*error, "tie-break", kJingleErrorNamespace);
    add_element(*error, std::string(entry->name), kTubesNamespace);
    return error;
}

error_code parse_error(const Element& iq) {
    const Element* error = child(iq, "error");
    if (!error) return Errc::not_available;
    if (auto code = own_name(*error)) return *code;
    if (auto code = jingle_condition(*error)) return *code;
    for (const Element* element : children(*error)) {
        if (namespace_of(*element) != kStanzaErrorNamespace) continue;
        for (const auto& known : kConditions) {
            if (known.name == element->name()) return known.code;
        }
    }
    return Errc::not_available;
}

ElementPtr make_reason(Errc code, const std::string& survivor) {
    const WireError* entry = find(static_cast<int>(code));
    if (!entry) entry = find(static_cast<int>(Errc::cancelled));
    auto reason = make_element("reason");
    Element& condition = add_element(*reason, std::string(entry->reason));
    if (!survivor.empty() && entry->code == Errc::already_exists) {
        add_element(condition, "sid").setCData(survivor);
    }
    add_element(*reason, std::string(entry->name), kTubesNamespace);
    return reason;
}

Errc parse_reason(const Element& reason) noexcept {
    if (auto code = own_name(reason)) return *code;
    for (const Element* element : children(reason)) {
        for (const auto& known : kReasons) {
            if (known.name == element->name()) return known.code;
        }
    }
    return Errc::cancelled;
}

}  // namespace tubes::presence::xmpp
