// SPDX-License-Identifier: GPL-3.0-or-later
// A message path: encrypted, ordered, message-preserving; what a link sends its frames over.
// Spec: docs/protocol.md, "Paths".
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "tubes/core/ids.hpp"

namespace tubes::core::ports {

/// Messages of one lane arrive in order; between lanes nothing is promised. SCTP maps lanes to data channels
/// 0..31; byte-stream paths have one order for all.
using Lane = std::uint8_t;
inline constexpr Lane kLaneCount = 32;

/// The lane for datagrams: nothing in it is ordered or sent again, and what is lost is lost; none arrives twice. SCTP
/// sends them unordered and once (RFC 3758); byte-stream paths lose none that they took.
inline constexpr Lane kDatagramLane = 32;

/// Whether a path carries such a lane.
constexpr bool is_lane(Lane lane) noexcept {
    return lane <= kDatagramLane;
}

/// The largest message a path carries: header and payload of one frame (docs/protocol.md, "Limits").
inline constexpr std::size_t kMaxMessageSize = 16 * 1024;

/// What a user is told about a path. Addresses are printed forms, empty where there is none to tell.
struct PathInfo {
    PathKind kind = PathKind::loopback;
    std::string local_address;
    std::string remote_address;
    std::string detail;  ///< Cipher, candidate types, relay: one line for people.
    /// Up to this many bytes a message travels in one packet of the network, and is lost as one; larger ones are cut
    /// into several, all of which have to arrive. Byte-stream paths know no packets.
    std::size_t packet_size = kMaxMessageSize;
};

/// Counters of a path; absent where the path cannot know.
struct PathMetrics {
    std::uint64_t bytes_sent = 0;  ///< On the wire, as far as the path sees it.
    std::uint64_t bytes_received = 0;
    std::optional<std::chrono::microseconds> rtt;
    std::optional<std::uint64_t> retransmissions;
};

/// One encrypted connection to the peer's end. Lives on one loop. Both ends of an open path have completed the
/// transport's own handshake; who the peer is, the link finds out by the identity proof.
class MessagePath {
public:
    /// Told on the path's loop, never inside a call to the path.
    class Handler {
    public:
        /// One whole message; `message` is valid during the call only.
        virtual void on_message(Lane lane, ByteView message) = 0;
        /// Room again after send() had returned false.
        virtual void on_writable() = 0;
        /// The path is dead. Exactly once, and nothing after it; not called for a close() from this side.
        virtual void on_closed(error_code reason) = 0;

    protected:
        ~Handler() = default;
    };

    virtual ~MessagePath() = default;

    /// Begins delivery; messages that arrived earlier are delivered first. Called once. The handler outlives the
    /// path or calls close() before it goes.
    virtual void start(Handler& handler) = 0;

    /// Takes one message of header followed by payload, together at most kMaxMessageSize, or returns false if the
    /// path is full (then nothing was taken and on_writable follows). Copies what it takes. A path is full when
    /// its own unsent queue exceeds what the network takes just now: the backlog stays in the link.
    virtual bool send(Lane lane, ByteView header, ByteView payload) = 0;

    /// Hints that a batch of send() calls is over, so that small messages leave together. Cheap when idle.
    virtual void flush() = 0;

    /// A value both ends compute alike and nobody else can: the TLS or DTLS exporter (RFC 5705, RFC 8446 §7.5)
    /// with label "EXPORTER-tubes-link-v1" and no context, 32 bytes.
    virtual const Digest& channel_binding() const = 0;

    virtual PathInfo info() const = 0;
    virtual PathMetrics metrics() const = 0;

    /// Closes after what send() took has left, or at once if the network is gone. No callback follows. Idempotent.
    virtual void close() = 0;
};

}  // namespace tubes::core::ports
