// SPDX-License-Identifier: GPL-3.0-or-later
// The end of an asynchronous operation of the public API: once, on the right executor, cancellable, never forgotten.
#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/prefer.hpp>
#include <functional>
#include <memory>
#include <new>
#include <thread>
#include <utility>

#include "tubes/engine/loop.hpp"
#include "tubes/node.hpp"

namespace tubes::engine {

/// Holds a handler and its executor's work until the operation ends. Lives on the loop, but any thread may make it
/// and drop it. Dropped without an outcome it ends with Errc::cancelled. Later outcomes are ignored.
template <class... Results>
class Completion : public std::enable_shared_from_this<Completion<Results...>> {
public:
    using Handler = detail::Handler<Results...>;

    static std::shared_ptr<Completion> make(std::shared_ptr<Loop> loop, Handler handler) {
        auto made = std::make_shared<Completion>(std::move(loop), std::move(handler));
        made->connect_slot();
        return made;
    }
    Completion(std::shared_ptr<Loop> loop, Handler handler) : loop_(std::move(loop)), handler_(std::move(handler)) {
        const boost::asio::any_completion_executor fallback(std::nothrow, loop_->executor());
        const auto found = boost::asio::get_associated_executor(handler_, loop_->executor());
        is_on_loop_ = found == fallback;
        executor_ = boost::asio::prefer(found, boost::asio::execution::outstanding_work.tracked);
    }
    ~Completion() { fail(Errc::cancelled); }
    Completion(const Completion&) = delete;
    Completion& operator=(const Completion&) = delete;

    bool is_done() const { return !handler_; }

    void succeed(Results... results) { finish({}, std::move(results)...); }
    void fail(error_code reason) { finish(reason, Results{}...); }

    /// Ends the operation; the handler runs later, also when called on the handler's own executor.
    void finish(error_code reason, Results... results) {
        if (!handler_) return;
        auto run = [executor = std::move(executor_), loop = loop_, is_on_loop = is_on_loop_,
                    handler = std::exchange(handler_, nullptr), reason, ... values = std::move(results)]() mutable {
            auto deliver = [inner = std::move(handler), reason, ... held = std::move(values)]() mutable {
                auto slot = boost::asio::get_associated_cancellation_slot(inner);
                if (slot.is_connected()) slot.clear();
                std::move(inner)(reason, std::move(held)...);
            };
            const auto target = std::move(executor);
            if (is_on_loop && loop->is_gone()) return deliver();
            target.execute(std::move(deliver));
        };
        on_cancel_ = nullptr;
        // No loop any more, or in a child process: a fresh thread is the last one who can tell.
        if (loop_->post(std::move(run))) std::thread(std::move(run)).detach();
    }

    /// What else to undo when the caller cancels; called on the loop.
    void on_cancel(std::function<void()> undo) { on_cancel_ = std::move(undo); }
    /// On the loop: gives the operation up.
    void cancel() {
        auto undo = std::exchange(on_cancel_, nullptr);
        if (undo) undo();
        fail(Errc::cancelled);
    }

private:
    void connect_slot() {
        auto slot = boost::asio::get_associated_cancellation_slot(handler_);
        if (!slot.is_connected()) return;
        slot.assign([weak = this->weak_from_this(), loop = loop_](boost::asio::cancellation_type) {
            loop->post([weak] {
                if (auto self = weak.lock()) self->cancel();
            });
        });
    }

    std::shared_ptr<Loop> loop_;
    Handler handler_;
    boost::asio::any_completion_executor executor_;
    bool is_on_loop_ = false;  // the handler has no executor of its own
    std::function<void()> on_cancel_;
};

template <class... Results>
using CompletionPointer = std::shared_ptr<Completion<Results...>>;

}  // namespace tubes::engine
