// SPDX-License-Identifier: GPL-3.0-or-later
// Queue, numbers and the window of seen ones (after RFC 6479's anti-replay window).
#include "tubes/core/link/flow_datagrams.hpp"

namespace tubes::core {

void FlowDatagrams::push(ByteView datagram) {
    waiting_.push_back({next_number_++, Bytes(datagram.begin(), datagram.end())});
    size_ += datagram.size() + wire::kDatagramOverhead;
    while (size_ > wire::kFlowQueue) drop_oldest();
}

void FlowDatagrams::pop() {
    size_ -= waiting_.front().content.size() + wire::kDatagramOverhead;
    waiting_.pop_front();
}

void FlowDatagrams::drop_oldest() {
    pop();
    ++counters_.dropped;
}

wire::Frame FlowDatagrams::next_frame() const noexcept {
    wire::Frame frame;
    frame.type = wire::FrameType::datagram;
    frame.value = waiting_.front().number;
    frame.payload = waiting_.front().content;
    return frame;
}

void FlowDatagrams::sent() {
    bytes_sent_ += waiting_.front().content.size();
    ++counters_.sent;
    pop();
}

void FlowDatagrams::clear() noexcept {
    counters_.dropped += waiting_.size();
    waiting_.clear();
    size_ = 0;
}

bool FlowDatagrams::accept(std::uint64_t number, std::size_t size) noexcept {
    if (number + seen_.size() < expected_) return false;
    if (number >= expected_) {
        const auto fresh = number - expected_;
        if (fresh >= seen_.size()) {
            seen_.reset();
        } else {
            for (auto each = expected_; each <= number; ++each) seen_.reset(each % seen_.size());
        }
        expected_ = number + 1;
    }
    const auto place = number % seen_.size();
    if (seen_.test(place)) return false;
    seen_.set(place);
    ++counters_.received;
    bytes_received_ += size;
    return true;
}

FlowCounters FlowDatagrams::counters() const noexcept {
    auto counters = counters_;
    counters.missed = expected_ - counters.received;
    return counters;
}

}  // namespace tubes::core
