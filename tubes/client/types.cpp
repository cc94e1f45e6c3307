// SPDX-License-Identifier: LGPL-2.1-or-later
// Names and checks of the shared vocabulary.
#include "tubes/types.hpp"

#include <algorithm>

namespace tubes {
inline namespace v0 {
namespace {

constexpr std::size_t kMaxNameLength = 64;        // characters; docs/protocol.md, "Limits"
constexpr std::size_t kMaxParameters = 32;        // entries
constexpr std::size_t kMaxParameterValue = 4096;  // bytes

bool is_name_character(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
}

std::size_t size_of(const ParameterValue& value) noexcept {
    if (const auto* text = std::get_if<std::string>(&value)) return text->size();
    if (const auto* bytes = std::get_if<std::vector<std::uint8_t>>(&value)) return bytes->size();
    return sizeof(std::uint64_t);
}

}  // namespace

std::string_view to_string(PathKind kind) noexcept {
    switch (kind) {
        case PathKind::loopback: return "loopback";
        case PathKind::local: return "local";
        case PathKind::direct_tls: return "direct-tls";
        case PathKind::ice: return "ice";
        case PathKind::ice_relayed: return "ice-relayed";
        case PathKind::socks5: return "socks5";
        case PathKind::in_band: return "in-band";
    }
    return "unknown";
}

std::string_view to_string(TubeKind kind) noexcept {
    switch (kind) {
        case TubeKind::stream: return "stream";
        case TubeKind::datagram: return "datagram";
        case TubeKind::dbus: return "dbus";
    }
    return "unknown";
}

bool is_valid_service_name(std::string_view name) noexcept {
    return !name.empty() && name.size() <= kMaxNameLength && std::all_of(name.begin(), name.end(), is_name_character);
}

result<void> check_parameters(const Parameters& parameters) {
    if (parameters.size() > kMaxParameters) return make_error_code(Errc::invalid_argument);
    for (const auto& [name, value] : parameters) {
        if (!is_valid_service_name(name) || size_of(value) > kMaxParameterValue) {
            return make_error_code(Errc::invalid_argument);
        }
    }
    return {};
}

}  // namespace v0
}  // namespace tubes
