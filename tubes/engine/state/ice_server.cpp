// SPDX-License-Identifier: GPL-3.0-or-later
// STUN and TURN servers as people write them.
// Spec: RFC 7064 §3.1, RFC 7065 §3.1.
#include <charconv>

#include "tubes/engine/state/settings.hpp"

namespace tubes::engine {
namespace {

using core::ports::IceServer;

constexpr std::uint16_t kPort = 3478;     // RFC 8489 §3
constexpr std::uint16_t kTlsPort = 5349;  // RFC 8489 §3

bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (text.substr(0, prefix.size()) != prefix) return false;
    text.remove_prefix(prefix.size());
    return true;
}

bool take_suffix(std::string_view& text, std::string_view suffix) {
    if (text.size() < suffix.size() || text.substr(text.size() - suffix.size()) != suffix) return false;
    text.remove_suffix(suffix.size());
    return true;
}

int hexadecimal(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/// "%3A" is ":" (RFC 3986 §2.1); a "%" that begins no such triple stands for itself.
std::string percent_decoded(std::string_view text) {
    std::string decoded;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool triple = text[at] == '%' && at + 2 < text.size();
        const int high = triple ? hexadecimal(text[at + 1]) : -1;
        const int low = triple ? hexadecimal(text[at + 2]) : -1;
        const bool encoded = high >= 0 && low >= 0;
        decoded += encoded ? static_cast<char>(high * 16 + low) : text[at];
        if (encoded) at += 2;
    }
    return decoded;
}

result<void> parse_host(std::string_view text, IceServer& server) {
    auto host = text;
    std::string_view port;
    if (!text.empty() && text.front() == '[') {
        const auto close = text.find(']');
        if (close == std::string_view::npos) return make_error_code(Errc::invalid_argument);
        host = text.substr(1, close - 1);
        port = text.substr(close + 1);
    } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
        host = text.substr(0, colon);
        port = text.substr(colon);
    }
    const bool bad_host = host.empty() || host.find_first_of("/?#@ \t") != std::string_view::npos;
    if (bad_host) return make_error_code(Errc::invalid_argument);
    server.host = host;
    if (port.empty()) return {};
    const auto [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), server.port);
    const bool bad_port =
        port.front() != ':' || error != std::errc() || end != port.data() + port.size() || server.port == 0;
    if (bad_port) return make_error_code(Errc::invalid_argument);
    return {};
}

}  // namespace

result<IceServer> parse_ice_server(std::string_view text, bool relay) {
    IceServer server;
    const bool tls = relay && take_prefix(text, "turns:");
    if (relay && !tls) take_prefix(text, "turn:");
    if (!relay) take_prefix(text, "stun:");
    server.port = tls ? kTlsPort : kPort;
    server.scheme = !relay ? IceServer::Scheme::stun : tls ? IceServer::Scheme::turn_tls : IceServer::Scheme::turn_udp;
    if (relay) {
        const bool tcp = take_suffix(text, "?transport=tcp");
        if (!tcp) take_suffix(text, "?transport=udp");
        if (tcp && !tls) server.scheme = IceServer::Scheme::turn_tcp;
        const auto at = text.rfind('@');
        const auto colon = text.substr(0, at).find(':');
        if (at == std::string_view::npos || colon == std::string_view::npos)
            return make_error_code(Errc::invalid_argument);
        server.username = percent_decoded(text.substr(0, colon));
        server.password = percent_decoded(text.substr(colon + 1, at - colon - 1));
        text.remove_prefix(at + 1);
    }
    if (auto parsed = parse_host(text, server); !parsed) return parsed.error();
    return server;
}

}  // namespace tubes::engine
