// SPDX-License-Identifier: GPL-3.0-or-later
// In-band: TLS 1.3 inside the messaging connection, where nothing else gets through.
// Spec: docs/protocol.md, "In-band"; XEP-0261 (the idea), XEP-0047 (what carries it over XMPP).
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "tubes/core/ports/transport.hpp"

namespace tubes::transports {

/// How long an attempt goes on after it knows its peer: a handshake is four blocks, a slow server takes seconds.
inline constexpr std::chrono::milliseconds kInBandDeadline{20'000};

/// Last of all: anything that carries data at all is better. Long enough for TURN and SOCKS5 relays to answer.
inline constexpr std::chrono::milliseconds kInBandHeadStart{4'000};

/// The responder names a session, the initiator opens it and is the TLS client; hence one path per attempt.
class InBandTransport final : public core::ports::Transport {
public:
    explicit InBandTransport(boost::asio::any_io_executor executor,
                             std::chrono::milliseconds time_limit = kInBandDeadline);

    PathKind kind() const override { return PathKind::in_band; }
    std::chrono::milliseconds head_start() const override { return kInBandHeadStart; }
    /// Null without a carrier. Every address policy allows it: it tells no address.
    std::unique_ptr<core::ports::PathAttempt> make_attempt(core::ports::AttemptParameters parameters) override;

private:
    boost::asio::any_io_executor executor_;
    std::chrono::milliseconds time_limit_;
};

}  // namespace tubes::transports
