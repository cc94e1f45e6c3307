// SPDX-License-Identifier: GPL-3.0-or-later
// A datagram path: carries datagrams that may be lost, doubled or reordered, and knows how large they may be.
// What stands between ICE, DTLS and SCTP. For files inside transports/ only.
#pragma once

#include <cstddef>

#include "tubes/core/ids.hpp"

namespace tubes::transports {

using core::ByteView;

/// One virtual call down, one callback up, both on the loop that owns the path. A stage that stands on another one
/// (DTLS on ICE) is itself a datagram path with a smaller MTU. An implementation may gather what send() gives it and
/// hand it to the kernel in one piece at flush(), or when the loop's current turn is over, whichever comes first.
class DatagramPath {
public:
    /// Told outside any call to the path.
    class Handler {
    public:
        /// One datagram as it was sent; valid during the call only. The handler may send from here, and may close.
        virtual void on_datagram(ByteView datagram) = 0;

    protected:
        ~Handler() = default;
    };

    virtual ~DatagramPath() = default;

    /// Begins delivery to `handler`, which outlives the path or is taken away by passing nullptr. Datagrams that
    /// arrive while there is no handler are kept up to a limit of the path, then dropped.
    virtual void set_handler(Handler* handler) = 0;

    /// Takes a copy of `datagram`, at most mtu() bytes; what is larger is dropped. Never blocks; a datagram that the
    /// network does not take just now is held for a moment or lost.
    virtual void send(ByteView datagram) = 0;

    /// Hints that a batch of send() calls is over. Cheap when nothing is gathered.
    virtual void flush() = 0;

    /// Largest datagram in bytes. May change when the path's addresses change.
    virtual std::size_t mtu() const = 0;
};

}  // namespace tubes::transports
