// SPDX-License-Identifier: GPL-3.0-or-later
// Sending on one path.
#include "tubes/core/link/path_slot.hpp"

namespace tubes::core {

PathSlot::PathSlot(Owner& owner, std::unique_ptr<ports::MessagePath> path, std::uint32_t generation)
    : owner_(&owner), path_(std::move(path)), generation_(generation), kind_(path_->info().kind) {}

void PathSlot::close() noexcept {
    if (state == State::closed) return;
    state = State::closed;
    owner_ = nullptr;
    proof_deadline.reset();
    held_.clear();
    path_->close();
}

void PathSlot::queue(const wire::Frame& frame) {
    if (state == State::closed) return;
    outbox_.push_back(Queued{wire::encode_header(frame), Bytes(frame.payload.begin(), frame.payload.end())});
    drain();
    path_->flush();
}

bool PathSlot::drain() {
    std::size_t sent = 0;
    while (sent < outbox_.size() && !full_) {
        const auto& next = outbox_[sent];
        full_ = !path_->send(0, next.header.view(), next.payload);
        if (!full_) ++sent;
    }
    outbox_.erase(outbox_.begin(), outbox_.begin() + static_cast<std::ptrdiff_t>(sent));
    return outbox_.empty();
}

bool PathSlot::send(const wire::Frame& frame) {
    if (full_ || state != State::proven || !outbox_.empty()) return false;
    const auto header = wire::encode_header(frame);
    full_ = !path_->send(wire::lane_of(frame), header.view(), frame.payload);
    return !full_;
}

bool PathSlot::hold(ports::Lane lane, ByteView message) {
    if (held_bytes_ + message.size() > wire::kMaxHeld) return false;
    held_bytes_ += message.size();
    held_.push_back(Held{lane, Bytes(message.begin(), message.end())});
    return true;
}

std::vector<PathSlot::Held> PathSlot::take_held() noexcept {
    held_bytes_ = 0;
    return std::exchange(held_, {});
}

bool PathSlot::is_better_than(const PathSlot& other) const noexcept {
    return kind_ != other.kind_ ? kind_ < other.kind_ : generation_ > other.generation_;
}

bool PathSlot::is_safer_than(const PathSlot& other) const noexcept {
    if (suspect != other.suspect) return !suspect;
    return answered != other.answered ? answered : is_better_than(other);
}

void PathSlot::on_message(ports::Lane lane, ByteView message) {
    if (owner_ != nullptr) owner_->on_slot_message(*this, lane, message);
}

void PathSlot::on_writable() {
    full_ = false;
    if (owner_ != nullptr) owner_->on_slot_writable(*this);
}

void PathSlot::on_closed(error_code reason) {
    if (owner_ != nullptr) owner_->on_slot_closed(*this, reason);
}

}  // namespace tubes::core
