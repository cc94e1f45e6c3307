// SPDX-License-Identifier: GPL-3.0-or-later
// Direct TLS: TLS 1.3 over TCP from one of our addresses to one of the peer's, either way round.
// Spec: RFC 8446; RFC 8305; docs/protocol.md, "Direct TLS".
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "tubes/core/ports/transport.hpp"

namespace tubes::transports {

/// How long an attempt goes on after it knows its peer.
inline constexpr std::chrono::milliseconds kDirectTlsDeadline{15'000};

/// What is off unless somebody asks for it.
struct DirectTlsOptions {
    /// Offer and contact 127.0.0.0/8 and ::1: for tests, and for attempts between nodes of one user.
    bool loopback = false;
    bool link_local = false;
    /// Offer the addresses of VPN and container interfaces.
    bool virtual_interfaces = false;
    std::chrono::milliseconds time_limit = kDirectTlsDeadline;
};

/// Own candidates of one attempt; machines with more addresses offer the first.
inline constexpr std::size_t kMaxLocalCandidates = 8;

/// Strangers' connections that one attempt holds at a time; the oldest goes when one more comes.
inline constexpr std::size_t kMaxUnverifiedConnections = 8;

/// Both ends listen and dial. The link's initiator takes the first connection whose handshake completes, says so on
/// it with a nomination, and both ends drop the others; hence each attempt gives at most one path.
class DirectTlsTransport final : public core::ports::Transport {
public:
    /// All attempts and paths live on `executor`'s loop.
    explicit DirectTlsTransport(boost::asio::any_io_executor executor, DirectTlsOptions options = {});

    PathKind kind() const override { return PathKind::direct_tls; }
    std::chrono::milliseconds head_start() const override { return std::chrono::milliseconds(0); }
    /// Null with AddressPolicy::relay_only.
    std::unique_ptr<core::ports::PathAttempt> make_attempt(core::ports::AttemptParameters parameters) override;

private:
    boost::asio::any_io_executor executor_;
    DirectTlsOptions options_;
};

}  // namespace tubes::transports
