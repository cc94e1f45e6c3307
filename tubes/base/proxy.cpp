// SPDX-License-Identifier: GPL-3.0-or-later
// Proxies' addresses, and the talk with them.
#include "tubes/base/proxy.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include <charconv>
#include <cstdlib>

#include "tubes/base/log.hpp"

namespace tubes::base {

namespace {

constexpr std::size_t kMaxName = 255;         // bytes: a length is one byte (RFC 1928 §5, RFC 1929 §2)
constexpr std::size_t kMaxHttpReply = 16384;  // bytes of an HTTP proxy's answer; real ones have some hundred

constexpr std::uint8_t kSocks5 = 5;
constexpr std::uint8_t kNoAuthentication = 0;
constexpr std::uint8_t kPasswordAuthentication = 2;

bool is_loopback(std::string_view host) {
    if (host == "localhost") return true;
    boost::system::error_code failure;
    const auto address = boost::asio::ip::make_address(std::string(host), failure);
    return !failure && address.is_loopback();
}

std::optional<std::string> unescape(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            plain += text[i];
            continue;
        }
        unsigned value = 0;
        const char* digits = text.data() + i + 1;
        if (i + 2 >= text.size() || std::from_chars(digits, digits + 2, value, 16).ptr != digits + 2) return {};
        plain += static_cast<char>(value);
        i += 2;
    }
    return plain;
}

bool take_port(std::string_view text, std::uint16_t& port) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size() && port != 0;
}

/// "host", "host:port", "[v6]:port".
bool take_place(std::string_view text, Proxy& proxy) {
    if (text.ends_with('/')) text.remove_suffix(1);
    std::string_view rest;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) return false;
        proxy.host = text.substr(1, end - 1);
        rest = text.substr(end + 1);
    } else {
        const auto colon = text.find(':');
        proxy.host = text.substr(0, colon);
        if (colon != std::string_view::npos) rest = text.substr(colon);
    }
    const bool plain = proxy.host.find_first_of("/@ \r\n") == std::string::npos;
    if (proxy.host.empty() || proxy.host.size() > kMaxName || !plain) return false;
    return rest.empty() || (rest.front() == ':' && take_port(rest.substr(1), proxy.port));
}

const char* environment(const char* lower, const char* upper) {
    const char* value = std::getenv(lower);
    return value && *value ? value : std::getenv(upper);
}

void append(Bytes& bytes, std::string_view text) {
    for (const char c : text) bytes.push_back(static_cast<std::uint8_t>(c));
}

void append_short(Bytes& bytes, std::string_view text) {
    bytes.push_back(static_cast<std::uint8_t>(text.size()));
    append(bytes, text);
}

/// RFC 1928 §6.
const char* socks_failure(std::uint8_t code) {
    switch (code) {
        case 2: return "its rules do not allow that";
        case 3: return "network unreachable";
        case 4: return "host unreachable";
        case 5: return "connection refused";
        case 6: return "no answer";
        case 7: return "it cannot connect";
        case 8: return "it does not know such addresses";
        default: return "it failed";
    }
}

}  // namespace

bool Proxy::applies_to(std::string_view called) const {
    if (kind == Kind::none || is_loopback(called)) return false;
    std::string_view rest = exceptions;
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        auto item = rest.substr(0, comma);
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
        while (item.starts_with(' ')) item.remove_prefix(1);
        while (item.ends_with(' ')) item.remove_suffix(1);
        if (item == "*") return false;
        if (item.starts_with('.')) item.remove_prefix(1);
        if (item.empty() || !called.ends_with(item)) continue;
        if (called.size() == item.size() || called[called.size() - item.size() - 1] == '.') return false;
    }
    return true;
}

std::string Proxy::printed() const {
    if (kind == Kind::none) return {};
    const bool v6 = host.find(':') != std::string::npos;
    return fmt::format("{}://{}{}:{}", kind == Kind::http ? "http" : "socks5", user.empty() ? "" : user + "@",
                       v6 ? "[" + host + "]" : host, port);
}

result<Proxy> parse_proxy(std::string_view text) {
    Proxy proxy;
    if (text.empty() || text == "none") return proxy;
    const auto bad = make_error_code(Errc::invalid_argument);
    const auto scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) return bad;
    const auto scheme = text.substr(0, scheme_end);
    text.remove_prefix(scheme_end + 3);
    if (scheme == "http") {
        proxy.kind = Proxy::Kind::http;
        proxy.port = 8080;
    } else if (scheme == "socks5" || scheme == "socks5h") {
        proxy.kind = Proxy::Kind::socks5;
        proxy.port = 1080;
    } else {
        return bad;
    }
    if (const auto at = text.rfind('@'); at != std::string_view::npos) {
        const auto login = text.substr(0, at);
        const auto colon = login.find(':');
        const auto user = unescape(login.substr(0, colon));
        const auto password = unescape(colon == std::string_view::npos ? "" : login.substr(colon + 1));
        if (!user || !password || user->empty() || user->size() > kMaxName || password->size() > kMaxName) return bad;
        proxy.user = *user;
        proxy.password = *password;
        text.remove_prefix(at + 1);
    }
    if (!take_place(text, proxy)) return bad;
    return proxy;
}

Proxy proxy_from_environment() {
    const char* named = environment("https_proxy", "HTTPS_PROXY");
    if (!named || !*named) named = environment("all_proxy", "ALL_PROXY");
    if (!named) return {};
    auto parsed = parse_proxy(named);
    if (!parsed) {
        logger("network")->warn("the environment's https_proxy or all_proxy is not understood");
        return {};
    }
    const char* exceptions = environment("no_proxy", "NO_PROXY");
    parsed->exceptions = exceptions ? exceptions : "";
    return *parsed;
}

ProxyHandshake::ProxyHandshake(const Proxy& proxy, std::string host, std::uint16_t port)
    : proxy_(proxy), host_(std::move(host)), port_(port) {
    if (proxy_.kind == Proxy::Kind::http) {
        const std::string place = host_.find(':') == std::string::npos ? fmt::format("{}:{}", host_, port_)
                                                                       : fmt::format("[{}]:{}", host_, port_);
        std::string text = fmt::format("CONNECT {} HTTP/1.1\r\nHost: {}\r\n", place, place);
        if (!proxy_.user.empty()) {
            const std::string login = proxy_.user + ":" + proxy_.password;
            text += "Proxy-Authorization: Basic " + to_base64(as_bytes(login)) + "\r\n";
        }
        append(output_, text + "\r\n");
        step_ = Step::status_line;
        wanted_ = 1;
        return;
    }
    output_ = proxy_.user.empty() ? Bytes{kSocks5, 1, kNoAuthentication}
                                  : Bytes{kSocks5, 2, kNoAuthentication, kPasswordAuthentication};
    wanted_ = 2;
}

error_code ProxyHandshake::feed(ByteView bytes) {
    wanted_ -= std::min(wanted_, bytes.size());
    input_.insert(input_.end(), bytes.begin(), bytes.end());
    if (step_ == Step::status_line) return on_status();
    return wanted_ > 0 ? error_code() : on_socks();
}

void ProxyHandshake::request() {
    output_ = {kSocks5, 1, 0};  // CONNECT
    boost::system::error_code no_address;
    const auto address = boost::asio::ip::make_address(host_, no_address);
    if (no_address) {
        output_.push_back(3);
        append_short(output_, host_);
    } else if (address.is_v4()) {
        output_.push_back(1);
        for (const auto byte : address.to_v4().to_bytes()) output_.push_back(byte);
    } else {
        output_.push_back(4);
        for (const auto byte : address.to_v6().to_bytes()) output_.push_back(byte);
    }
    output_.push_back(static_cast<std::uint8_t>(port_ >> 8));
    output_.push_back(static_cast<std::uint8_t>(port_));
    step_ = Step::reply;
    wanted_ = 4;
}

error_code ProxyHandshake::on_socks() {
    const Bytes got = std::exchange(input_, {});
    switch (step_) {
        case Step::method:
            if (got[0] != kSocks5) return fail(Errc::protocol_violation, "this is no SOCKS5 proxy");
            if (got[1] == kNoAuthentication) {
                request();
            } else if (got[1] == kPasswordAuthentication && !proxy_.user.empty()) {
                output_ = {1};  // RFC 1929 §2
                append_short(output_, proxy_.user);
                append_short(output_, proxy_.password);
                step_ = Step::authentication;
                wanted_ = 2;
            } else {
                return fail(Errc::authentication_failed, "the SOCKS5 proxy wants a user and a password");
            }
            return {};
        case Step::authentication:
            if (got[1] != 0) return fail(Errc::authentication_failed, "the SOCKS5 proxy refuses user and password");
            request();
            return {};
        case Step::reply:
            if (got[0] != kSocks5) return fail(Errc::protocol_violation, "this is no SOCKS5 proxy");
            if (got[1] != 0) {
                return fail(Errc::refused, fmt::format("the SOCKS5 proxy cannot reach {} port {}: {}", printable(host_),
                                                       port_, socks_failure(got[1])));
            }
            step_ = got[3] == 3 ? Step::name_length : Step::address;
            wanted_ = got[3] == 3 ? 1 : (got[3] == 1 ? 6 : 18);
            if (got[3] != 1 && got[3] != 3 && got[3] != 4) {
                return fail(Errc::protocol_violation, "the SOCKS5 proxy's answer is malformed");
            }
            return {};
        case Step::name_length:
            step_ = Step::address;
            wanted_ = got[0] + std::size_t{2};
            return {};
        case Step::address:
        case Step::status_line: return {};
    }
    return {};
}

error_code ProxyHandshake::on_status() {
    const std::string_view text = as_text(input_);
    if (text.size() > kMaxHttpReply) return fail(Errc::protocol_violation, "the HTTP proxy's answer is too long");
    if (!text.ends_with("\r\n\r\n")) {
        wanted_ = 1;
        return {};
    }
    int status = 0;
    if (text.starts_with("HTTP/1.") && text.size() > 12) std::from_chars(text.data() + 9, text.data() + 12, status);
    if (status >= 200 && status < 300) return {};
    // tinyproxy before 1.11.2 says 401.
    if (status == 407 || status == 401)
        return fail(Errc::authentication_failed, "the HTTP proxy wants another user and password");
    if (status == 0) return fail(Errc::protocol_violation, "this is no HTTP proxy");
    const auto line = text.substr(9, std::min<std::size_t>(text.find('\r') - 9, 80));
    return fail(Errc::refused, fmt::format("the HTTP proxy does not connect to {} port {}: {}", printable(host_), port_,
                                           printable(line)));
}

error_code ProxyHandshake::fail(Errc code, std::string detail) {
    detail_ = std::move(detail);
    wanted_ = 0;
    return code;
}

}  // namespace tubes::base
