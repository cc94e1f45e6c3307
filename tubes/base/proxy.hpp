// SPDX-License-Identifier: GPL-3.0-or-later
// A proxy of the user's network: where it is, and what is said to it. No socket.
// Spec: RFC 1928 and 1929 (SOCKS5), RFC 9110 §9.3.6 (HTTP CONNECT), RFC 7617 (Basic).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tubes/base/bytes.hpp"

namespace tubes::base {

/// What stands between this machine and the servers it calls.
struct Proxy {
    enum class Kind : std::uint8_t { none, http, socks5 };
    Kind kind = Kind::none;
    std::string host;
    std::uint16_t port = 0;
    std::string user;
    std::string password;
    std::string exceptions;  ///< Hosts that are called without it, as in no_proxy: "example.org,.local,10.0.0.7", "*".

    /// True if `host` is to be called through it. Never for this machine's own loopback.
    bool applies_to(std::string_view host) const;
    /// "http://user@host:port": what may be shown; empty for none.
    std::string printed() const;
};

/// Reads "http://[user[:password]@]host[:port]" or "socks5://…" (also "socks5h://"); user and password may hold %XX.
/// "none" and "" give Kind::none. Ports by default: 8080 and 1080. Errc::invalid_argument for anything else.
result<Proxy> parse_proxy(std::string_view text);

/// What https_proxy, else all_proxy, names, with no_proxy (lower case before upper case); malformed ones are ignored.
Proxy proxy_from_environment();

/// The client's half of the talk that opens a tunnel through a proxy. It reads not one byte too many.
class ProxyHandshake {
public:
    /// A tunnel to `host` (name or address, at most 255 bytes) and `port` through `proxy`.
    ProxyHandshake(const Proxy& proxy, std::string host, std::uint16_t port);

    /// Bytes to send now; empty if it waits for the proxy.
    Bytes take_output() { return std::exchange(output_, {}); }
    /// How many bytes to read at most before the next feed(); 0: the tunnel is open.
    std::size_t wanted() const noexcept { return wanted_; }
    /// Takes what was read, at most wanted() bytes. An error ends it, and says why in detail().
    error_code feed(ByteView bytes);
    /// One line for people.
    const std::string& detail() const noexcept { return detail_; }

private:
    enum class Step : std::uint8_t { method, authentication, reply, name_length, address, status_line };

    void request();
    error_code on_socks();
    error_code on_reply();
    error_code on_status();
    error_code fail(Errc code, std::string detail);

    Proxy proxy_;
    std::string host_;
    std::uint16_t port_;
    Step step_ = Step::method;
    Bytes output_;
    Bytes input_;
    std::size_t wanted_ = 0;
    std::string detail_;
};

}  // namespace tubes::base
