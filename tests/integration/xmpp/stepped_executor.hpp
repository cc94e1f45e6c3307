// SPDX-License-Identifier: GPL-3.0-or-later
// An executor whose handlers wait in a queue until the test runs them, one by one: every order of events can be made.
#pragma once

#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace tubes::presence::xmpp::test {

/// Sockets and timers on it belong to `loop`, which only finds out what is ready.
class SteppedExecutor {
public:
    using Queue = std::deque<std::function<void()>>;

    SteppedExecutor(boost::asio::io_context& loop, Queue& queue) : loop_(&loop), queue_(&queue) {}

    template <class Function>
    void execute(Function&& function) const {
        auto held = std::make_shared<std::decay_t<Function>>(std::forward<Function>(function));
        queue_->push_back([held] { std::move (*held)(); });
    }
    boost::asio::io_context& query(boost::asio::execution::context_t) const noexcept { return *loop_; }
    static constexpr boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t) noexcept {
        return boost::asio::execution::blocking.never;
    }
    friend bool operator==(const SteppedExecutor& a, const SteppedExecutor& b) noexcept { return a.queue_ == b.queue_; }
    friend bool operator!=(const SteppedExecutor& a, const SteppedExecutor& b) noexcept { return !(a == b); }

private:
    boost::asio::io_context* loop_;
    Queue* queue_;
};

/// Waits until a handler is in the queue; false if none comes within ten seconds.
inline bool wait_for_next(boost::asio::io_context& loop, const SteppedExecutor::Queue& queue) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (queue.empty()) {
        loop.restart();
        if (loop.run_one_until(deadline) == 0 && std::chrono::steady_clock::now() >= deadline) return false;
    }
    return true;
}

/// Runs the next handler, waiting for one.
inline bool run_next(boost::asio::io_context& loop, SteppedExecutor::Queue& queue) {
    if (!wait_for_next(loop, queue)) return false;
    const auto handler = std::move(queue.front());
    queue.pop_front();
    handler();
    return true;
}

}  // namespace tubes::presence::xmpp::test
