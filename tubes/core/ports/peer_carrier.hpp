// SPDX-License-Identifier: GPL-3.0-or-later
// What transports need of a messaging connection on the way to one peer: bytes inside it, and its server's relays.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tubes/core/ports/byte_stream.hpp"

namespace tubes::core::ports {

/// A relay for byte streams (XEP-0065): both ends connect to it and one of them activates it.
struct StreamRelay {
    std::string name;  ///< As the protocol addresses it (XMPP: its JID).
    std::string host;  ///< Name or address.
    std::uint16_t port = 0;
    bool operator==(const StreamRelay&) const = default;
};

/// One peer's part of a connection. Lives on the connection's loop and may outlive it: then nothing works any more.
/// Callbacks never run inside a call.
class PeerCarrier {
public:
    virtual ~PeerCarrier() = default;

    /// Bytes inside the messaging connection, in order, slow, and limited so that chat gets through. Both ends name
    /// the same `session`, which only they know; the one that opens calls last. The peer's back-pressure is kept.
    /// Null if the protocol has no such thing.
    virtual std::unique_ptr<ByteStream> make_in_band(const std::string& session, bool opens) = 0;

    /// The relays of our own server; empty if it has none. From a cache after the first time.
    virtual void find_relays(std::function<void(std::vector<StreamRelay>)> callback) = 0;
    /// What a relay knows the stream of `session` by: `ours` is true if this end activates it.
    virtual std::string relay_address(const std::string& session, bool ours) const = 0;
    /// Connects the two connections that the relay has for `session`; both ends are there already.
    virtual void activate_relay(const StreamRelay& relay, const std::string& session,
                                std::function<void(error_code)> callback) = 0;
};

}  // namespace tubes::core::ports
