// SPDX-License-Identifier: GPL-3.0-or-later
// The application's side of a stream: a socket or a pair of descriptors, read and written without blocking.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "tubes/base/bytes.hpp"
#include "tubes/base/peer_credentials.hpp"

namespace tubes::endpoints {

/// One byte connection of a local program. Lives on one loop.
class LocalStream {
public:
    using WaitHandler = std::function<void(error_code)>;

    virtual ~LocalStream() = default;

    /// Calls back once when read() or write() may make progress or has an error to tell. One wait each at a time.
    virtual void async_wait_readable(WaitHandler handler) = 0;
    virtual void async_wait_writable(WaitHandler handler) = 0;

    /// Bytes read, at least one; would_block; end_of_stream; connection_reset or a system error.
    virtual result<std::size_t> read(base::MutableByteView into) = 0;
    /// Bytes taken, at least one; would_block; connection_reset or a system error.
    virtual result<std::size_t> write(base::ByteView data) = 0;

    /// Of the program that connected, where its kind of connection tells.
    virtual std::optional<base::PeerCredentials> credentials() const { return std::nullopt; }

    /// Half-close: the program reads end of file after what was written.
    virtual void shutdown_write() = 0;
    /// Closes so that the program sees a reset where its kind of connection knows one. Waits end without a call.
    virtual void reset() = 0;
    /// Closes normally. Waits end without a call.
    virtual void close() = 0;
};

}  // namespace tubes::endpoints
