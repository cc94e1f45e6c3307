// SPDX-License-Identifier: GPL-3.0-or-later
// The thread of a node and how it ends.
#include "tubes/engine/loop.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "tubes/base/log.hpp"

namespace tubes::engine {

Loop::Loop(boost::asio::any_io_executor executor) : process_(::getpid()), executor_(std::move(executor)) {}

Loop::Loop() : process_(::getpid()), context_(std::make_unique<boost::asio::io_context>(1)) {
    executor_ = context_->get_executor();
    work_.emplace(context_->get_executor());
}

// In a child the context's descriptors are the parent's epoll set: destroying it would disturb the parent.
Loop::~Loop() {
    if (has_forked()) static_cast<void>(context_.release());
}

std::shared_ptr<Loop> Loop::on_executor(boost::asio::any_io_executor executor) {
    return std::shared_ptr<Loop>(new Loop(std::move(executor)));
}

std::shared_ptr<Loop> Loop::with_thread() {
    std::shared_ptr<Loop> loop(new Loop());
    // Signals are the application's business: none is delivered to this thread.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread([loop] { loop->run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_setname_np(thread.native_handle(), "tubes");
    loop->thread_ = thread.get_id();
    thread.detach();
    return loop;
}

bool Loop::is_here() const {
    return thread_.load() == std::this_thread::get_id() && !has_forked();
}

bool Loop::has_forked() const {
    return ::getpid() != process_;
}

void Loop::run() {
    thread_ = std::this_thread::get_id();
    for (;;) {
        context_->run();
        const std::lock_guard lock(mutex_);
        if (waiting_ == 0) {
            over_ = true;
            break;
        }
        context_->restart();
    }
    ended_.notify_all();
}

void Loop::end() {
    if (context_) post([self = shared_from_this()] { self->work_.reset(); });
}

void Loop::join(std::chrono::milliseconds patience) {
    if (!context_ || has_forked() || is_here()) return;
    std::unique_lock lock(mutex_);
    if (ended_.wait_for(lock, patience, [this] { return over_.load(); })) return;
    base::logger("engine")->warn("a node's thread did not end within {} ms; it ends by itself", patience.count());
}

}  // namespace tubes::engine
