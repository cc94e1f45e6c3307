// SPDX-License-Identifier: GPL-3.0-or-later
// Hands a node's events to its subscriptions.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "tubes/client/backend.hpp"
#include "tubes/engine/completion.hpp"

namespace tubes::engine {

/// Most events that a subscription keeps for an application that does not take them; then the oldest go.
inline constexpr std::size_t kMaxEvents = 1024;

/// Behind an Events object: a queue on the loop. Any thread may make it and call its backend functions.
class EventQueue final : public detail::EventsBackend, public std::enable_shared_from_this<EventQueue> {
public:
    explicit EventQueue(std::shared_ptr<Loop> loop) : loop_(std::move(loop)) {}

    void next(detail::Handler<Event> handler) override;
    void close() override;

    /// On the loop from here.
    void push(const Event& event);
    /// The node closes: what waits is still delivered, then Errc::cancelled.
    void end();
    bool is_closed() const { return closed_; }

private:
    void deliver();

    std::shared_ptr<Loop> loop_;
    std::deque<Event> events_;
    std::size_t lost_ = 0;
    CompletionPointer<Event> waiting_;
    bool closed_ = false;
};

/// All subscriptions of a node. On the loop.
class EventFan {
public:
    void add(std::weak_ptr<EventQueue> queue) { queues_.push_back(std::move(queue)); }
    void push(const Event& event);
    void end();

private:
    std::vector<std::weak_ptr<EventQueue>> queues_;
};

}  // namespace tubes::engine
