// SPDX-License-Identifier: LGPL-2.1-or-later
// Endpoints to and from text.
#include "tubes/endpoint.hpp"

#include <algorithm>
#include <charconv>

namespace tubes {
inline namespace v0 {
namespace {

constexpr std::size_t kMaxUnixPath = 107;  // bytes of sockaddr_un::sun_path without its end, see unix(7)
constexpr std::size_t kMaxHost = 253;      // characters, RFC 1035 §2.3.4

result<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
        return make_error_code(Errc::invalid_argument);
    }
    return port;
}

result<Endpoint> parse_unix(std::string_view path) {
    const bool is_abstract = !path.empty() && path.front() == '@';
    if (is_abstract) path.remove_prefix(1);
    const bool has_zero = path.find('\0') != std::string_view::npos;
    if (path.empty() || path.size() > kMaxUnixPath || has_zero) return make_error_code(Errc::invalid_argument);
    return is_abstract ? Endpoint::unix_abstract(std::string(path)) : Endpoint::unix_path(std::string(path));
}

bool is_host_character(char c) noexcept {
    return static_cast<unsigned char>(c) > ' ' && c != '[' && c != ']' && c != '/' && c != '\x7f';
}

result<Endpoint> parse_tcp(std::string_view host, std::string_view port_text) {
    const auto port = parse_port(port_text);
    if (!port) return port.error();
    const bool good =
        !host.empty() && host.size() <= kMaxHost && std::all_of(host.begin(), host.end(), is_host_character);
    if (!good) return make_error_code(Errc::invalid_argument);
    return Endpoint::tcp(std::string(host), *port);
}

result<Endpoint> parse_bracketed(std::string_view text) {
    const auto close = text.find("]:");
    if (close == std::string_view::npos) return make_error_code(Errc::invalid_argument);
    const auto host = text.substr(1, close - 1);
    if (host.find(':') == std::string_view::npos) return make_error_code(Errc::invalid_argument);
    return parse_tcp(host, text.substr(close + 2));
}

result<Endpoint> parse_inet(std::string_view text) {
    if (!text.empty() && text.front() == '[') return parse_bracketed(text);
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return parse_tcp("127.0.0.1", text);
    if (text.find(':', colon + 1) != std::string_view::npos) return make_error_code(Errc::invalid_argument);
    return parse_tcp(text.substr(0, colon), text.substr(colon + 1));
}

result<Endpoint> parse_udp(std::string_view text) {
    auto endpoint = parse_inet(text);
    if (endpoint) endpoint->kind = Endpoint::Kind::udp;
    return endpoint;
}

result<Endpoint> parse_dbus(std::string_view path) {
    const bool good = path.size() <= kMaxUnixPath && path.find('\0') == std::string_view::npos;
    if (!good) return make_error_code(Errc::invalid_argument);
    return Endpoint::dbus(std::string(path));
}

bool is_alphanumeric(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

Endpoint Endpoint::tcp(std::string host, std::uint16_t port) {
    Endpoint endpoint;
    endpoint.kind = Kind::tcp;
    endpoint.host = std::move(host);
    endpoint.port = port;
    return endpoint;
}

Endpoint Endpoint::udp(std::string host, std::uint16_t port) {
    auto endpoint = tcp(std::move(host), port);
    endpoint.kind = Kind::udp;
    return endpoint;
}

Endpoint Endpoint::unix_path(std::string path) {
    Endpoint endpoint;
    endpoint.kind = Kind::unix_path;
    endpoint.path = std::move(path);
    return endpoint;
}

Endpoint Endpoint::unix_abstract(std::string name) {
    Endpoint endpoint;
    endpoint.kind = Kind::unix_abstract;
    endpoint.path = std::move(name);
    return endpoint;
}

Endpoint Endpoint::descriptors(int input, int output) {
    Endpoint endpoint;
    endpoint.kind = Kind::descriptors;
    endpoint.input = input;
    endpoint.output = output;
    return endpoint;
}

Endpoint Endpoint::dbus(std::string path) {
    Endpoint endpoint;
    endpoint.kind = Kind::dbus;
    endpoint.path = std::move(path);
    return endpoint;
}

result<Endpoint> Endpoint::parse(std::string_view text) {
    constexpr std::string_view kUnix = "unix:";
    constexpr std::string_view kUdp = "udp:";
    constexpr std::string_view kDbus = "dbus:";
    if (text.substr(0, kUnix.size()) == kUnix) return parse_unix(text.substr(kUnix.size()));
    if (text.substr(0, kUdp.size()) == kUdp) return parse_udp(text.substr(kUdp.size()));
    if (text.substr(0, kDbus.size()) == kDbus) return parse_dbus(text.substr(kDbus.size()));
    return parse_inet(text);
}

std::string Endpoint::to_string() const {
    switch (kind) {
        case Kind::in_process: return "in-process";
        case Kind::udp: return "udp:" + tcp(host, port).to_string();
        case Kind::tcp:
            return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
        case Kind::unix_path: return "unix:" + path;
        case Kind::unix_abstract: return "unix:@" + path;
        case Kind::descriptors: return "stdio";
        case Kind::dbus: return "dbus:" + path;
    }
    return "unknown";
}

TubeKind Endpoint::tube_kind() const noexcept {
    if (kind == Kind::dbus) return TubeKind::dbus;
    return kind == Kind::udp ? TubeKind::datagram : TubeKind::stream;
}

// D-Bus Specification 0.38, "Server Addresses": other bytes than these are escaped.
std::string Endpoint::bus_address() const {
    if (kind != Kind::dbus || path.empty()) return {};
    constexpr std::string_view kPlain = "-_/.\\*";
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string address = "unix:path=";
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        if (is_alphanumeric(c) || kPlain.find(c) != std::string_view::npos) {
            address.push_back(c);
        } else {
            address.append({'%', kHex[byte >> 4], kHex[byte & 15]});
        }
    }
    return address;
}

}  // namespace v0
}  // namespace tubes
