// SPDX-License-Identifier: GPL-3.0-or-later
// An in-process stream: Asio's read and write operations over a stream of a link.
#pragma once

#include <boost/asio/buffer.hpp>
#include <deque>
#include <memory>
#include <vector>

#include "tubes/client/backend.hpp"
#include "tubes/core/link/stream.hpp"
#include "tubes/engine/completion.hpp"

namespace tubes::engine {

/// Public calls come from any thread and go to the loop; the rest lives there. What the peer sent and the application
/// did not read yet is kept here and bounded by the stream's window, because window is given back on reading only.
class StreamCore final : public detail::StreamBackend,
                         public core::Stream::Handler,
                         public std::enable_shared_from_this<StreamCore> {
public:
    /// On the loop.
    static std::shared_ptr<StreamCore> make(std::shared_ptr<Loop> loop, std::shared_ptr<core::Stream> stream);

    boost::asio::any_io_executor get_executor() const override { return loop_->executor(); }
    void read(std::vector<boost::asio::mutable_buffer> buffers, error_code eof,
              detail::TransferHandler handler) override;
    void write(std::vector<boost::asio::const_buffer> buffers, detail::TransferHandler handler) override;
    void shutdown_send() override;
    void cancel() override;
    void close() override;

    /// On the loop: the node closes. Operations end with Errc::cancelled, the link's stream is let go.
    void abandon();

    void on_data(base::ByteView data) override;
    void on_end() override;
    void on_writable() override;
    void on_closed(error_code reason) override;

    StreamCore(std::shared_ptr<Loop> loop, std::shared_ptr<core::Stream> stream)
        : loop_(std::move(loop)), stream_(std::move(stream)) {}

private:
    using Transfer = CompletionPointer<std::size_t>;
    struct Read {
        std::vector<boost::asio::mutable_buffer> buffers;
        error_code eof;
        Transfer done;
        std::size_t filled = 0;
        bool is_finishing = false;
    };
    struct Write {
        std::vector<boost::asio::const_buffer> buffers;
        Transfer done;
    };

    template <class Task>
    void on_loop(Task task);
    void begin_read(std::vector<boost::asio::mutable_buffer> buffers, error_code eof, Transfer done);
    void begin_write(std::vector<boost::asio::const_buffer> buffers, Transfer done);
    std::size_t copy_to_reader(base::ByteView data);
    void drain_backlog();
    void finish_read_soon();
    void try_write();
    void cancel_operations(error_code reason);
    error_code read_error() const;
    void release(Errc reason);

    std::shared_ptr<Loop> loop_;
    std::shared_ptr<core::Stream> stream_;  // null once it is over or closed
    std::deque<base::Bytes> backlog_;
    std::size_t backlog_offset_ = 0;  // of the first chunk, already read
    Read read_;
    Write write_;
    bool peer_ended_ = false;
    bool sent_end_ = false;
    bool over_ = false;
    error_code reason_;
};

}  // namespace tubes::engine
