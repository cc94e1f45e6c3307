// SPDX-License-Identifier: GPL-3.0-or-later
// Offsets, acknowledgement and credit of one stream.
#include "tubes/core/link/flow.hpp"

#include <algorithm>

namespace tubes::core {
namespace {

constexpr std::uint64_t kLargestAckStep = 256 * 1024;  // bytes; bounds acknowledgements to 4 per MiB
constexpr std::uint64_t kSmallestAckStep = 2 * 1024;

error_code violation() noexcept {
    return make_error_code(Errc::protocol_violation);
}

}  // namespace

wire::Frame SendSide::next_frame() const noexcept {
    wire::Frame frame;
    frame.type = wire::FrameType::data;
    frame.value = next_;
    frame.payload = queue.peek(next_, std::min(sendable(), wire::kMaxPayload));
    if (finished_ && next_ + frame.payload.size() == queue.end()) frame.flags = wire::kFlagEnd;
    return frame;
}

std::size_t SendSide::sent(const wire::Frame& frame) noexcept {
    next_ = frame.value + frame.payload.size();
    if (frame.has_end()) end_sent_ = end_ever_sent_ = true;
    const auto fresh = next_ > highest_ ? next_ - highest_ : 0;
    highest_ = std::max(highest_, next_);
    return static_cast<std::size_t>(fresh);
}

result<std::size_t> SendSide::acknowledge(const wire::Frame& ack) noexcept {
    if (ack.value > highest_ || (ack.has_end() && (!end_ever_sent_ || ack.value != queue.end()))) return violation();
    allow(ack.value + ack.credit);
    const auto before = queue.begin();
    queue.release(ack.value);
    next_ = std::max(next_, queue.begin());
    if (ack.has_end()) end_sent_ = end_acknowledged_ = true;
    return static_cast<std::size_t>(queue.begin() - before);
}

void SendSide::acknowledge_all() noexcept {
    queue.clear();
    next_ = highest_ = queue.end();
    end_sent_ = end_acknowledged_ = true;
}

void SendSide::rewind() noexcept {
    next_ = queue.begin();
    end_sent_ = end_acknowledged_;
}

result<ByteView> ReceiveSide::accept(const wire::Frame& frame) noexcept {
    const auto end = frame.value + frame.payload.size();
    const bool beyond = end > granted_ || frame.value > received_ || (end_ && end > *end_);
    const bool contradiction = frame.has_end() && (end < received_ || (end_ && *end_ != end));
    if (beyond || contradiction) return violation();
    if (frame.has_end()) end_ = end;
    if (end <= received_) return ByteView{};
    const auto fresh = frame.payload.subspan(static_cast<std::size_t>(received_ - frame.value));
    received_ = end;
    return fresh;
}

void ReceiveSide::consume(std::uint64_t count, TimePoint now, Duration fast, SharedPool& pool) noexcept {
    const auto before = extra();
    consumed_ = std::min(consumed_ + count, received_);
    if (!closed_) pool.change(before, extra());
    if (consumed_ - tune_mark_ < window_ / 2) return;
    if (now - tune_time_ <= fast) window_ = std::max(window_, std::min(2 * window_, largest_));
    tune_mark_ = consumed_;
    tune_time_ = now;
}

std::size_t ReceiveSide::extra() const noexcept {
    const auto open = static_cast<std::size_t>(granted_ - consumed_);
    return closed_ || open <= minimum_ ? 0 : open - minimum_;
}

std::size_t ReceiveSide::effective_window(const SharedPool& pool) const noexcept {
    return std::max(minimum_, std::min(window_, minimum_ + pool.share(extra())));
}

bool ReceiveSide::wants_grant(const SharedPool& pool) const noexcept {
    const auto window = effective_window(pool);
    return !end_ && consumed_ + window >= granted_ + std::max<std::size_t>(window / 4, 1);
}

wire::Frame ReceiveSide::acknowledge(SharedPool& pool) noexcept {
    if (!end_ && !closed_) {
        const auto before = extra();
        granted_ = std::max<std::uint64_t>(granted_, consumed_ + effective_window(pool));
        pool.change(before, extra());
    }
    wire::Frame frame;
    frame.type = wire::FrameType::ack;
    frame.flags = has_end() ? wire::kFlagEnd : 0;
    frame.value = received_;
    frame.credit = static_cast<std::uint32_t>(granted_ - received_);
    acknowledged_ = received_;
    return frame;
}

bool ReceiveSide::is_ack_step_reached() const noexcept {
    return unacknowledged() >= std::clamp<std::uint64_t>(window_ / 4, kSmallestAckStep, kLargestAckStep);
}

void ReceiveSide::close(SharedPool& pool) noexcept {
    pool.change(extra(), 0);
    closed_ = true;
}

}  // namespace tubes::core
