// SPDX-License-Identifier: GPL-3.0-or-later
// Event queues: bounded, oldest dropped first, and the application is told.
#include "tubes/engine/events.hpp"

namespace tubes::engine {

void EventQueue::next(detail::Handler<Event> handler) {
    auto done = Completion<Event>::make(loop_, std::move(handler));
    auto take = [self = shared_from_this(), done] {
        if (self->waiting_ && !self->waiting_->is_done()) return done->fail(Errc::invalid_argument);
        self->waiting_ = done;
        self->deliver();
    };
    if (const auto refused = loop_->post(std::move(take))) done->fail(*refused);
}

void EventQueue::close() {
    loop_->post([self = shared_from_this()] {
        self->events_.clear();
        self->lost_ = 0;
        self->end();
    });
}

void EventQueue::push(const Event& event) {
    if (closed_) return;
    events_.push_back(event);
    if (events_.size() > kMaxEvents) {
        events_.pop_front();
        ++lost_;
    }
    deliver();
}

void EventQueue::end() {
    closed_ = true;
    deliver();
}

void EventQueue::deliver() {
    if (!waiting_ || waiting_->is_done()) return;
    if (lost_ > 0) return std::exchange(waiting_, nullptr)->succeed(EventsLost{std::exchange(lost_, 0)});
    if (!events_.empty()) {
        auto event = std::move(events_.front());
        events_.pop_front();
        return std::exchange(waiting_, nullptr)->succeed(std::move(event));
    }
    if (closed_) std::exchange(waiting_, nullptr)->fail(Errc::cancelled);
}

void EventFan::push(const Event& event) {
    std::erase_if(queues_, [](const auto& queue) { return queue.expired(); });
    for (const auto& weak : queues_) {
        if (auto queue = weak.lock()) queue->push(event);
    }
}

void EventFan::end() {
    for (const auto& weak : queues_) {
        if (auto queue = weak.lock()) queue->end();
    }
    queues_.clear();
}

}  // namespace tubes::engine
