// SPDX-License-Identifier: LGPL-2.1-or-later
// A flow: datagrams through a tube, each whole or not at all, unordered, sent once.
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
class FlowBackend;
using DatagramHandler = boost::asio::any_completion_handler<void(error_code, std::size_t)>;
TUBES_API void start_send(const std::shared_ptr<FlowBackend>& backend, std::vector<std::uint8_t> datagram,
                          DatagramHandler handler);
/// `eof`: as in start_read().
TUBES_API void start_receive(const std::shared_ptr<FlowBackend>& backend, boost::asio::mutable_buffer buffer,
                             error_code eof, DatagramHandler handler);
}  // namespace detail

/// One conversation inside a datagram tube. Datagrams may be lost or overtake each other; none comes twice, none is
/// repeated, and all that arrive are whole. When the network changes, the flow goes on. Movable; destroying it ends the
/// flow for both sides. Any thread may use it, one at a time.
class TUBES_API DatagramFlow {
public:
    using executor_type = boost::asio::any_io_executor;

    DatagramFlow() = default;
    /// For the library: wraps an engine's flow.
    explicit DatagramFlow(std::shared_ptr<detail::FlowBackend> backend);
    DatagramFlow(DatagramFlow&&) noexcept = default;
    DatagramFlow& operator=(DatagramFlow&& other) noexcept;
    ~DatagramFlow();

    /// False for a default-constructed flow, and after close().
    bool is_open() const noexcept;
    /// The node's executor: where handlers without one of their own complete.
    executor_type get_executor() const noexcept;

    /// The largest datagram that the tube carries, in bytes.
    std::size_t max_size() const noexcept;
    /// Up to this size one packet of the network carries a datagram on the path in use just now; larger ones take
    /// several, and are lost if one of those is. Changes with the path.
    std::size_t packet_size() const noexcept;

    /// Sends one datagram, maybe empty; it is copied at once. Completes when the engine has taken it, not when it has
    /// left or arrived. Errc::message_too_large with the size of the datagram: compare max_size(); broken,
    /// connection_refused and others when the flow is over. Signature: void(error_code, std::size_t bytes).
    template <class ConstBufferSequence, class Token>
    auto async_send(const ConstBufferSequence& buffers, Token&& token) {
        return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
            [](auto handler, std::shared_ptr<detail::FlowBackend> backend, std::vector<std::uint8_t> datagram) {
                detail::start_send(backend, std::move(datagram), detail::DatagramHandler(std::move(handler)));
            },
            token, backend_, gather(buffers));
    }

    /// Receives the next datagram. One that does not fit the buffer stays: Errc::message_too_large with its size. At
    /// most 256 KiB wait; then the oldest are dropped. One receive at a time. boost::asio::error::eof when the peer
    /// ended the flow, another error if it was lost. Signature: void(error_code, std::size_t bytes).
    template <class Token>
    auto async_receive(boost::asio::mutable_buffer buffer, Token&& token) {
        return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
            [](auto handler, std::shared_ptr<detail::FlowBackend> backend, boost::asio::mutable_buffer into) {
                detail::start_receive(backend, into, boost::asio::error::eof,
                                      detail::DatagramHandler(std::move(handler)));
            },
            token, backend_, buffer);
    }

    /// Cancels an outstanding receive with Errc::cancelled; the flow stays usable and loses nothing.
    void cancel();
    /// Ends the flow for both sides and cancels what is outstanding. Not blocking, idempotent.
    void close();

private:
    template <class Sequence>
    static std::vector<std::uint8_t> gather(const Sequence& buffers) {
        std::vector<std::uint8_t> bytes(boost::asio::buffer_size(buffers));
        boost::asio::buffer_copy(boost::asio::buffer(bytes), buffers);
        return bytes;
    }

    std::shared_ptr<detail::FlowBackend> backend_;
};

}  // namespace v0
}  // namespace tubes
