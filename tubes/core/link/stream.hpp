// SPDX-License-Identifier: GPL-3.0-or-later
// A stream: one connection of an application inside a stream tube, multiplexed on a link.
// Spec: docs/protocol.md, "Streams".
#pragma once

#include <cstdint>
#include <memory>

#include "tubes/core/ids.hpp"

namespace tubes::core {

/// Traffic of a flow, in datagrams; both directions counted by this side.
struct FlowCounters {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t dropped = 0;  ///< Of those given to send_datagram(): the path took too long, and the oldest went.
    std::uint64_t missed = 0;   ///< Numbers of the peer's that have not arrived: lost, dropped there, or still coming.
};

/// Both directions of one application connection. Bytes written are delivered in order, exactly once, whatever
/// happens to the link's paths, or the stream closes with an error. Lives on its link's loop.
class Stream {
public:
    /// Told on the link's loop, never inside a call to the stream.
    class Handler {
    public:
        /// Bytes from the peer; valid during the call. The receiver owes Stream::consumed() for them: until then
        /// they count against the window that the peer may fill.
        virtual void on_data(ByteView data) = 0;
        /// The peer half-closed: everything it wrote has been delivered.
        virtual void on_end() = 0;
        /// write() takes bytes again after it had taken less than it was given.
        virtual void on_writable() = 0;
        /// One datagram of a flow, maybe empty; `datagram` is valid during the call. Nothing is owed for it.
        virtual void on_datagram(ByteView datagram) { static_cast<void>(datagram); }
        /// The stream is over. Exactly once, last. No error: both directions ended and our data is acknowledged.
        /// connection_reset or another Errc as the peer's application or broker said; broken: the link is gone.
        virtual void on_closed(error_code reason) = 0;

    protected:
        ~Handler() = default;
    };

    virtual ~Stream() = default;

    virtual TubeId tube() const = 0;

    /// Sets who is told. Data that came before waits. The handler outlives the stream or detaches with nullptr.
    virtual void set_handler(Handler* handler) = 0;

    /// Takes up to data.size() bytes into the send buffer and returns how many; fewer means full, and on_writable
    /// follows. Takes nothing after finish() or once closed.
    virtual std::size_t write(ByteView data) = 0;
    /// How many bytes write() would take now, so that nothing is read that would have to wait here. Asking counts as a
    /// write that took too little when it is 0: on_writable follows, unless the stream is finished or closed.
    virtual std::size_t writable_size() = 0;

    /// Gives back window for `count` bytes that on_data delivered.
    virtual void consumed(std::size_t count) = 0;

    /// Half-close: the peer gets on_end after all that was written. Idempotent.
    virtual void finish() = 0;

    /// Ends both directions at once; the peer's on_closed gets `reason`, and so does ours. Unsent data is dropped.
    virtual void reset(Errc reason) = 0;

    /// A stream of a datagram tube is a flow: opened and ended as any, its content are datagrams. Sends one, maybe
    /// empty, at most largest_datagram(): at once, or as soon as the path takes it. Never waits for the receiver. It
    /// may be lost or overtake others; nothing is repeated. message_too_large; unsupported (the peer's version has no
    /// datagrams); broken once closed.
    virtual result<void> send_datagram(ByteView datagram) = 0;
    /// Bytes of content; 0 if the peer's version has no datagrams.
    virtual std::size_t largest_datagram() const = 0;
    /// Up to this size one packet of the network carries it on the path in use; larger ones take several.
    virtual std::size_t packet_datagram() const = 0;
    virtual FlowCounters flow_counters() const = 0;

    virtual std::uint64_t bytes_sent() const = 0;      ///< Taken by write() or send_datagram().
    virtual std::uint64_t bytes_received() const = 0;  ///< Delivered by on_data or on_datagram.
};

}  // namespace tubes::core
