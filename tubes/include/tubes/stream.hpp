// SPDX-License-Identifier: LGPL-2.1-or-later
// A stream: one byte connection through a tube, usable wherever Asio takes a socket.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <cstddef>
#include <memory>
#include <vector>

#include "tubes/error.hpp"
#include "tubes/export.hpp"

namespace tubes {
inline namespace v0 {

namespace detail {
class StreamBackend;
using TransferHandler = boost::asio::any_completion_handler<void(error_code, std::size_t)>;
/// `eof` is the caller's own boost::asio::error::eof: the library's would not compare equal to it, because every
/// module has an own object for Asio's category.
TUBES_API void start_read(const std::shared_ptr<StreamBackend>& backend,
                          std::vector<boost::asio::mutable_buffer> buffers, error_code eof, TransferHandler handler);
TUBES_API void start_write(const std::shared_ptr<StreamBackend>& backend,
                           std::vector<boost::asio::const_buffer> buffers, TransferHandler handler);
/// Most buffers of a sequence that one operation looks at.
inline constexpr std::size_t kMaxBuffers = 64;
}  // namespace detail

/// Meets Asio's AsyncReadStream and AsyncWriteStream requirements, so that asio::async_read, Beast and the like work
/// over it. One read and one write may be outstanding at a time. Movable; the moved-from object is empty. Destroying
/// it resets the connection unless both directions had ended. Any thread may use it, one at a time.
class TUBES_API Stream {
public:
    using executor_type = boost::asio::any_io_executor;
    using lowest_layer_type = Stream;

    Stream() = default;
    /// For the library: wraps an engine's stream.
    explicit Stream(std::shared_ptr<detail::StreamBackend> backend);
    Stream(Stream&&) noexcept = default;
    Stream& operator=(Stream&& other) noexcept;
    ~Stream();

    /// False for a default-constructed stream, and after close().
    bool is_open() const noexcept;
    /// The node's executor: where handlers without one of their own complete.
    executor_type get_executor() const noexcept;
    lowest_layer_type& lowest_layer() noexcept { return *this; }

    /// Reads at least one byte. boost::asio::error::eof after the peer's half-close; Errc::connection_reset, broken
    /// or cancelled otherwise. Completion signature: void(error_code, std::size_t bytes).
    template <class MutableBufferSequence, class Token>
    auto async_read_some(const MutableBufferSequence& buffers, Token&& token) {
        return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
            [](auto handler, std::shared_ptr<detail::StreamBackend> backend,
               std::vector<boost::asio::mutable_buffer> list) {
                detail::start_read(backend, std::move(list), boost::asio::error::eof,
                                   detail::TransferHandler(std::move(handler)));
            },
            token, backend_, collect<boost::asio::mutable_buffer>(buffers));
    }

    /// Writes at least one byte; completes when the engine has taken it, not when it has arrived.
    /// Completion signature: void(error_code, std::size_t bytes).
    template <class ConstBufferSequence, class Token>
    auto async_write_some(const ConstBufferSequence& buffers, Token&& token) {
        return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
            [](auto handler, std::shared_ptr<detail::StreamBackend> backend,
               std::vector<boost::asio::const_buffer> list) {
                detail::start_write(backend, std::move(list), detail::TransferHandler(std::move(handler)));
            },
            token, backend_, collect<boost::asio::const_buffer>(buffers));
    }

    /// Half-close: the peer reads end of stream after all that was written. Not blocking, idempotent.
    void shutdown_send();
    /// Resets the connection and cancels outstanding operations (Errc::cancelled). Not blocking, idempotent.
    void close();
    /// Cancels outstanding operations with Errc::cancelled; the connection stays usable and loses no byte.
    void cancel();

private:
    template <class Buffer, class Sequence>
    static std::vector<Buffer> collect(const Sequence& buffers) {
        std::vector<Buffer> list;
        const auto end = boost::asio::buffer_sequence_end(buffers);
        for (auto it = boost::asio::buffer_sequence_begin(buffers); it != end; ++it) {
            if (list.size() == detail::kMaxBuffers) break;
            if (Buffer(*it).size() != 0) list.push_back(Buffer(*it));
        }
        return list;
    }

    std::shared_ptr<detail::StreamBackend> backend_;
};

}  // namespace v0
}  // namespace tubes
