// SPDX-License-Identifier: GPL-3.0-or-later
// An ordered byte stream that says "not now" instead of blocking: what TLS and message framing run over, and what a
// connection carries in-band.
#pragma once

#include "tubes/core/ports/message_path.hpp"

namespace tubes::core::ports {

/// One connection that carries bytes in order: TCP, a Unix socket, TLS over another stream, bytes
/// through a relay or inside the messaging connection. Lives on one loop. It is asked, and it tells once when asking
/// again makes sense.
class ByteStream {
public:
    /// Told on the stream's loop, never inside a call to the stream. The stream may be destroyed in either call.
    class Handler {
    public:
        /// After want_readable(): read_some() may have something new: bytes, the end or an error.
        virtual void on_readable() = 0;
        /// After want_writable(): write_some() may take bytes again, or tell an error.
        virtual void on_writable() = 0;

    protected:
        ~Handler() = default;
    };

    virtual ~ByteStream() = default;

    /// Sets who is told; null tells nobody. The handler outlives the stream or is replaced before it goes.
    virtual void set_handler(Handler* handler) = 0;

    /// Moves 1 to `buffer.size()` bytes into `buffer` and returns their number. Errc::would_block: nothing now;
    /// Errc::end_of_stream: the peer finished writing; anything else: the stream is dead. `buffer` is not empty.
    virtual result<std::size_t> read_some(base::MutableByteView buffer) = 0;

    /// Takes a prefix of `bytes` and returns its length, which may be less than all; Errc::would_block: nothing
    /// taken; anything else: the stream no longer takes bytes. `bytes` is not empty.
    virtual result<std::size_t> write_some(base::ByteView bytes) = 0;

    /// True if bytes that write_some() took have not reached the kernel or the carrier yet. They leave by themselves
    /// as long as want_writable() is asked for until this is false.
    virtual bool has_unsent() const = 0;

    /// Asks for one on_readable(). Idempotent. Only after read_some() said Errc::would_block.
    virtual void want_readable() = 0;
    /// Asks for one on_writable(), or for as many as it takes until has_unsent() is false. Idempotent.
    virtual void want_writable() = 0;

    /// Tells the peer that no more bytes follow, once has_unsent() is false. Reading goes on.
    virtual void finish() = 0;
    /// Drops the connection. Nothing is told afterwards. Idempotent.
    virtual void close() = 0;

    /// Adds what this stream knows of bytes, round trip and retransmissions.
    virtual void add_metrics(PathMetrics& metrics) const = 0;
};

}  // namespace tubes::core::ports
