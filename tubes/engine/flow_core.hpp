// SPDX-License-Identifier: GPL-3.0-or-later
// An in-process flow: send and receive operations over a flow of a link.
#pragma once

#include <atomic>
#include <deque>

#include "tubes/client/backend.hpp"
#include "tubes/core/link/stream.hpp"
#include "tubes/engine/completion.hpp"

namespace tubes::engine {

/// Datagrams that the application has not received, bytes; then the oldest go.
inline constexpr std::size_t kFlowBacklog = 256 * 1024;

/// Public calls come from any thread and go to the loop; the rest lives there.
class FlowCore final : public detail::FlowBackend,
                       public core::Stream::Handler,
                       public std::enable_shared_from_this<FlowCore> {
public:
    /// On the loop.
    static std::shared_ptr<FlowCore> make(std::shared_ptr<Loop> loop, std::shared_ptr<core::Stream> flow);

    boost::asio::any_io_executor get_executor() const override { return loop_->executor(); }
    std::size_t max_size() const override { return max_size_; }
    std::size_t packet_size() const override { return packet_size_; }
    void send(std::vector<std::uint8_t> datagram, detail::DatagramHandler handler) override;
    void receive(boost::asio::mutable_buffer buffer, error_code eof, detail::DatagramHandler handler) override;
    void cancel() override;
    void close() override;

    /// On the loop: the node closes.
    void abandon() { release(Errc::broken); }

    void on_data(base::ByteView data) override { flow_->consumed(data.size()); }
    void on_end() override;
    void on_writable() override {}
    void on_datagram(base::ByteView datagram) override;
    void on_closed(error_code reason) override;

    FlowCore(std::shared_ptr<Loop> loop, std::shared_ptr<core::Stream> flow)
        : loop_(std::move(loop)), flow_(std::move(flow)) {}

private:
    using Transfer = CompletionPointer<std::size_t>;

    template <class Task>
    void on_loop(const Transfer& done, Task task);
    void learn_sizes();
    void begin_send(const std::vector<std::uint8_t>& datagram, const Transfer& done);
    void begin_receive(boost::asio::mutable_buffer buffer, error_code eof, Transfer done);
    void try_receive();
    void release(Errc reason);

    std::shared_ptr<Loop> loop_;
    std::shared_ptr<core::Stream> flow_;  // null once it is over
    std::atomic<std::size_t> max_size_{0};
    std::atomic<std::size_t> packet_size_{0};
    std::deque<base::Bytes> backlog_;
    std::size_t backlog_bytes_ = 0;
    boost::asio::mutable_buffer buffer_;
    error_code eof_;  // the receiver's
    Transfer receive_;
    bool peer_ended_ = false;
    error_code reason_;  // why it is over
};

}  // namespace tubes::engine
