// SPDX-License-Identifier: GPL-3.0-or-later
// A message path over a byte stream that is already private: TLS, or a Unix socket between processes of one user.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <memory>

#include "transports/streams/byte_stream.hpp"
#include "tubes/core/ports/message_path.hpp"

namespace tubes::transports {

/// send() collects messages up to this size before it hands them to the stream in one piece (four TLS records).
inline constexpr std::size_t kWriteBatch = 64 * 1024;
/// While the stream is full, send() takes messages up to this many bytes and then refuses.
inline constexpr std::size_t kBlockedQueue = 16 * 1024;
/// How long a closed path waits for its last bytes to leave and for the peer to close as well.
inline constexpr std::chrono::seconds kLinger{5};

/// Frames messages over a stream. Messages leave at flush(), when a batch is full, or at the end of the loop's turn.
class FramedPath final : public core::ports::MessagePath {
public:
    /// Takes the open stream over. `channel_binding` as MessagePath::channel_binding() promises.
    FramedPath(boost::asio::any_io_executor executor, std::unique_ptr<ByteStream> stream, core::ports::PathInfo info,
               const core::Digest& channel_binding);
    /// Drops the connection, unless close() was called: then what was sent still leaves.
    ~FramedPath() override;

    void start(Handler& handler) override;
    bool send(core::ports::Lane lane, base::ByteView header, base::ByteView payload) override;
    void flush() override;
    const core::Digest& channel_binding() const override;
    core::ports::PathInfo info() const override;
    core::ports::PathMetrics metrics() const override;
    void close() override;

private:
    class Session;
    std::shared_ptr<Session> session_;
    core::ports::PathInfo info_;
    core::Digest channel_binding_;
};

}  // namespace tubes::transports
