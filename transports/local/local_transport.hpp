// SPDX-License-Identifier: GPL-3.0-or-later
// The path between two nodes on one machine: an abstract Unix socket whose name only the two know.
// Spec: unix(7); docs/protocol.md, "Same machine".
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "tubes/core/ports/transport.hpp"

namespace tubes::transports {

/// How long an attempt goes on after it knows its peer; connecting takes less than a millisecond.
inline constexpr std::chrono::milliseconds kLocalDeadline{5'000};

struct LocalOptions {
    /// Encrypt between processes of one user too, as between users. Has to be the same at both ends.
    bool always_encrypt = false;
    std::chrono::milliseconds time_limit = kLocalDeadline;
};

/// The link's responder listens, its initiator connects. One user's processes show each other tokens, and the channel
/// binding is derived from these; other users' processes speak TLS. A peer elsewhere fails at once: Errc::no_path.
class LocalTransport final : public core::ports::Transport {
public:
    /// All attempts and paths live on `executor`'s loop.
    explicit LocalTransport(boost::asio::any_io_executor executor, LocalOptions options = {});

    PathKind kind() const override { return PathKind::local; }
    std::chrono::milliseconds head_start() const override { return std::chrono::milliseconds(0); }
    /// Null with AddressPolicy::relay_only, which hides that two nodes are on one machine, and where the system does
    /// not say which machine this is.
    std::unique_ptr<core::ports::PathAttempt> make_attempt(core::ports::AttemptParameters parameters) override;

private:
    boost::asio::any_io_executor executor_;
    LocalOptions options_;
};

}  // namespace tubes::transports
