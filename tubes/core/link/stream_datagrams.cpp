// SPDX-License-Identifier: GPL-3.0-or-later
// A stream as a flow: datagrams to and from the mux.
// Spec: docs/protocol.md, "Flows".
#include "tubes/core/link/stream_impl.hpp"

namespace tubes::core {

FlowDatagrams& StreamImpl::flow() {
    if (!flow_) flow_ = std::make_unique<FlowDatagrams>();
    return *flow_;
}

result<void> StreamImpl::send_datagram(ByteView datagram) {
    if (state_ != State::open || id_ == 0 || send_.is_finished()) return make_error_code(Errc::broken);
    const auto largest = host_->largest_datagram();
    if (largest == 0) return make_error_code(Errc::unsupported);
    if (datagram.size() > largest) return make_error_code(Errc::message_too_large);
    change_waiting([&](FlowDatagrams& flow) { flow.push(datagram); });
    host_->activate_flow(*this);
    return {};
}

template <class Change>
void StreamImpl::change_waiting(Change&& change) {
    auto& own = flow();
    const auto before = own.size();
    change(own);
    host_->count_waiting(static_cast<std::ptrdiff_t>(own.size()) - static_cast<std::ptrdiff_t>(before));
}

void StreamImpl::drop_datagram() {
    change_waiting([](FlowDatagrams& own) { own.drop_oldest(); });
}

void StreamImpl::drop_datagrams() {
    FlowHook::unlink();
    early_.clear();
    if (flow_) change_waiting([](FlowDatagrams& own) { own.clear(); });
}

std::size_t StreamImpl::next_datagram(FrameSink& sink) {
    auto frame = flow_->next_frame();
    frame.stream = id_;
    if (!sink.send(frame)) return 0;
    const auto size = frame.payload.size();
    change_waiting([](FlowDatagrams& own) { own.sent(); });
    host_->count_sent(size);
    return size + wire::kDataHeader;
}

void StreamImpl::on_datagram(const wire::Frame& frame) {
    if (state_ != State::open || discards_ || !flow().accept(frame.value, frame.payload.size())) return;
    host_->count_received(frame.payload.size());
    if (handler_ != nullptr && early_.empty()) return handler_->on_datagram(frame.payload);
    // Its application has not heard of the flow yet.
    if (early_.size() < kMaxEarlyDatagrams) early_.emplace_back(frame.payload.begin(), frame.payload.end());
    schedule_delivery();
}

void StreamImpl::deliver_datagrams() {
    while (handler_ != nullptr && state_ == State::open && !early_.empty()) {
        const auto datagram = std::move(early_.front());
        early_.pop_front();
        handler_->on_datagram(datagram);
    }
}

std::size_t StreamImpl::largest_datagram() const {
    return host_ == nullptr ? 0 : host_->largest_datagram();
}

std::size_t StreamImpl::packet_datagram() const {
    return host_ == nullptr ? 0 : host_->packet_datagram();
}

FlowCounters StreamImpl::flow_counters() const {
    return flow_ ? flow_->counters() : FlowCounters();
}

std::uint64_t StreamImpl::bytes_sent() const {
    return send_.queue.end() + (flow_ ? flow_->bytes_sent() : 0);
}

std::uint64_t StreamImpl::bytes_received() const {
    return delivered_ + (flow_ ? flow_->bytes_received() : 0);
}

}  // namespace tubes::core
