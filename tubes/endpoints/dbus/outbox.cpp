// SPDX-License-Identifier: GPL-3.0-or-later
// The pieces of an outbox.
#include "tubes/endpoints/dbus/outbox.hpp"

namespace tubes::endpoints::dbus {

void Outbox::push(std::shared_ptr<const base::Bytes> message) {
    size_ += message->size();
    if (message->size() > kSmall) return pieces_.push_back({std::move(message), {}});
    const bool joins = !pieces_.empty() && !pieces_.back().shared && pieces_.back().own.size() < kPiece;
    if (!joins) pieces_.emplace_back();
    auto& own = pieces_.back().own;
    own.insert(own.end(), message->begin(), message->end());
}

void Outbox::append(Outbox& other) {
    while (!other.is_empty()) {
        const auto data = other.front();
        push(std::make_shared<const base::Bytes>(data.begin(), data.end()));
        other.pop(data.size());
    }
}

base::ByteView Outbox::front() const {
    if (pieces_.empty()) return {};
    const auto& first = pieces_.front();
    return base::ByteView(first.shared ? *first.shared : first.own).subspan(offset_);
}

void Outbox::pop(std::size_t count) {
    size_ -= count;
    progress_ += count;
    offset_ += count;
    if (!front().empty()) return;
    pieces_.pop_front();
    offset_ = 0;
}

}  // namespace tubes::endpoints::dbus
