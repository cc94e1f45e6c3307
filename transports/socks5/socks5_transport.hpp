// SPDX-License-Identifier: GPL-3.0-or-later
// SOCKS5 bytestreams: TLS 1.3 through a relay of either side's messaging server.
// Spec: XEP-0065, XEP-0260 (the idea); RFC 1928; docs/protocol.md, "SOCKS5 relays".
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "transports/addresses/address_rules.hpp"
#include "tubes/base/proxy.hpp"
#include "tubes/core/ports/transport.hpp"

namespace tubes::transports {

/// How long an attempt goes on after it knows its peer.
inline constexpr std::chrono::milliseconds kSocks5Deadline{15'000};

/// After ICE had time for its relays: those forward datagrams and cost the servers less.
inline constexpr std::chrono::milliseconds kSocks5HeadStart{1'500};

/// Relays of the peer that one attempt dials.
inline constexpr std::size_t kMaxPeerRelays = 4;

struct Socks5Options {
    AddressRules rules;  ///< Its policy is replaced by the attempt's.
    base::Proxy proxy;   ///< On the way to the relay.
    std::chrono::milliseconds time_limit = kSocks5Deadline;
};

/// Both ends offer their servers' relays. The other end connects and says so; then the owner connects, activates the
/// relay and begins TLS as the client. Of several connections the link's initiator nominates one.
class Socks5Transport final : public core::ports::Transport {
public:
    Socks5Transport(boost::asio::any_io_executor executor, Socks5Options options);

    PathKind kind() const override { return PathKind::socks5; }
    std::chrono::milliseconds head_start() const override { return kSocks5HeadStart; }
    /// Null without a carrier. With AddressPolicy::relay_only a peer's relay is contacted only if our own server
    /// names it, too: any other would learn our address.
    std::unique_ptr<core::ports::PathAttempt> make_attempt(core::ports::AttemptParameters parameters) override;

private:
    boost::asio::any_io_executor executor_;
    Socks5Options options_;
};

}  // namespace tubes::transports
