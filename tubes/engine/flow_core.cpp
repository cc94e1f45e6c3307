// SPDX-License-Identifier: GPL-3.0-or-later
// Sends, receives and their ends.
#include "tubes/engine/flow_core.hpp"

#include <boost/asio/error.hpp>
#include <cstring>

namespace tubes::engine {

std::shared_ptr<FlowCore> FlowCore::make(std::shared_ptr<Loop> loop, std::shared_ptr<core::Stream> flow) {
    auto made = std::make_shared<FlowCore>(std::move(loop), std::move(flow));
    made->learn_sizes();
    made->flow_->set_handler(made.get());
    return made;
}

template <class Task>
void FlowCore::on_loop(const Transfer& done, Task task) {
    auto run = [self = shared_from_this(), task = std::move(task)]() mutable { task(*self); };
    const auto refused = loop_->dispatch(std::move(run));
    if (refused && done) done->fail(*refused);
}

void FlowCore::learn_sizes() {
    max_size_ = flow_->largest_datagram();
    packet_size_ = flow_->packet_datagram();
}

void FlowCore::send(std::vector<std::uint8_t> datagram, detail::DatagramHandler handler) {
    auto done = Completion<std::size_t>::make(loop_, std::move(handler));
    on_loop(done, [datagram = std::move(datagram), done](FlowCore& self) { self.begin_send(datagram, done); });
}

void FlowCore::begin_send(const std::vector<std::uint8_t>& datagram, const Transfer& done) {
    if (!flow_) return done->fail(reason_);
    learn_sizes();
    const auto sent = flow_->send_datagram(datagram);
    done->finish(sent ? error_code() : sent.error(), datagram.size());
}

void FlowCore::receive(boost::asio::mutable_buffer buffer, error_code eof, detail::DatagramHandler handler) {
    auto done = Completion<std::size_t>::make(loop_, std::move(handler));
    on_loop(done, [buffer, eof, done](FlowCore& self) { self.begin_receive(buffer, eof, done); });
}

void FlowCore::begin_receive(boost::asio::mutable_buffer buffer, error_code eof, Transfer done) {
    if (receive_ && !receive_->is_done()) return done->fail(Errc::invalid_argument);
    buffer_ = buffer;
    eof_ = eof;
    receive_ = std::move(done);
    try_receive();
}

void FlowCore::try_receive() {
    if (!receive_ || receive_->is_done()) return;
    if (backlog_.empty()) {
        if (reason_) receive_->fail(peer_ended_ ? eof_ : reason_);
        return;
    }
    const auto size = backlog_.front().size();
    if (size > buffer_.size()) return receive_->finish(make_error_code(Errc::message_too_large), size);
    if (size > 0) std::memcpy(buffer_.data(), backlog_.front().data(), size);
    backlog_.pop_front();
    backlog_bytes_ -= size;
    receive_->succeed(size);
}

void FlowCore::on_datagram(base::ByteView datagram) {
    constexpr std::size_t kEntry = sizeof(base::Bytes);  // so that empty ones are bounded, too
    backlog_.emplace_back(datagram.begin(), datagram.end());
    backlog_bytes_ += datagram.size();
    while (backlog_bytes_ + backlog_.size() * kEntry > kFlowBacklog) {
        backlog_bytes_ -= backlog_.front().size();
        backlog_.pop_front();
    }
    try_receive();
}

void FlowCore::on_end() {
    flow_->reset(Errc::cancelled);
}

void FlowCore::on_closed(error_code reason) {
    // The peer ended it: cancelled by them, not by us; timed out: idle there.
    const bool is_end = !reason || reason == Errc::cancelled || reason == Errc::timed_out;
    if (!reason_) {
        peer_ended_ = is_end;
        reason_ = is_end ? make_error_code(Errc::end_of_stream) : reason;
    }
    flow_->set_handler(nullptr);
    flow_.reset();
    try_receive();
}

void FlowCore::cancel() {
    on_loop(nullptr, [](FlowCore& self) {
        if (self.receive_) self.receive_->fail(Errc::cancelled);
    });
}

void FlowCore::close() {
    on_loop(nullptr, [](FlowCore& self) { self.release(Errc::cancelled); });
}

void FlowCore::release(Errc reason) {
    if (receive_) receive_->fail(Errc::cancelled);
    if (!reason_) reason_ = Errc::cancelled;
    backlog_.clear();
    backlog_bytes_ = 0;
    if (!flow_) return;
    flow_->set_handler(nullptr);
    flow_->reset(reason);
    flow_.reset();
}

}  // namespace tubes::engine
