// SPDX-License-Identifier: GPL-3.0-or-later
// A way to a TURN server that libnice cannot go itself: TLS with a checked certificate, and the user's proxy. libnice
// is given a TCP port on loopback instead. Spec: RFC 8656 §3.1, RFC 7350 (TLS for STUN and TURN), RFC 9525.
// For files inside transports/ only.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <memory>

#include "tubes/base/proxy.hpp"
#include "tubes/core/ports/transport.hpp"

namespace tubes::transports {

/// Connections that one forwarder accepts in its life: libnice makes one for each local address.
inline constexpr std::size_t kMaxForwardedConnections = 32;

/// Listens until it is destroyed; connections that it accepted live on until either end closes them. They carry what
/// TURN protects by its credentials and DTLS end to end; TLS hides it from the network on the way to the server.
class TurnForwarder final {
public:
    /// For a server of scheme turn_tls or turn_tcp. Null if no port can be had.
    static std::unique_ptr<TurnForwarder> make(boost::asio::any_io_executor executor, const base::Proxy& proxy,
                                               const core::ports::IceServer& server);
    ~TurnForwarder();
    TurnForwarder(const TurnForwarder&) = delete;
    TurnForwarder& operator=(const TurnForwarder&) = delete;

    /// The same server as libnice sees it: turn_tcp at 127.0.0.1.
    core::ports::IceServer local_server() const;

private:
    class Run;
    explicit TurnForwarder(std::shared_ptr<Run> run) : run_(std::move(run)) {}
    std::shared_ptr<Run> run_;
};

}  // namespace tubes::transports
