// SPDX-License-Identifier: GPL-3.0-or-later
// A TCP connection to a host, straight or through the user's proxy.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <memory>
#include <string>

#include "tubes/base/proxy.hpp"

namespace tubes::base {

inline constexpr std::chrono::seconds kOutboundDeadline{15};  // from the call to the open tunnel

/// One connection on its way. Destroying it drops it without a call.
class Outbound {
public:
    /// An open socket, or an error and why in one line: Errc::not_found (no such host), Errc::network_unreachable,
    /// Errc::timed_out, Errc::refused, Errc::authentication_failed or Errc::protocol_violation (by the proxy).
    using Done = std::function<void(error_code, boost::asio::ip::tcp::socket, const std::string& detail)>;
    /// Whether an address that a name has may be called; empty: any. Not asked about a proxy.
    using Filter = std::function<bool(const boost::asio::ip::address&)>;

    /// Begins. `done` is called once, from the loop and never inside this call; it may destroy this.
    Outbound(boost::asio::any_io_executor executor, const Proxy& proxy, std::string host, std::uint16_t port,
             Filter filter, Done done);
    /// The same to a SOCKS5 server at `host` and `port`, which is then asked for `name` (XEP-0065 §5.3).
    Outbound(boost::asio::any_io_executor executor, const Proxy& proxy, std::string host, std::uint16_t port,
             std::string name, Filter filter, Done done);
    ~Outbound();
    Outbound(const Outbound&) = delete;
    Outbound& operator=(const Outbound&) = delete;

private:
    class Run;
    std::shared_ptr<Run> run_;
};

}  // namespace tubes::base
