// SPDX-License-Identifier: GPL-3.0-or-later
// The loop of a node: an executor that the application gave, or a thread of the node's own.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "tubes/error.hpp"

namespace tubes::engine {

/// Any thread may call. Objects that outlive their node hold it by shared_ptr, so that posting stays safe.
class Loop : public std::enable_shared_from_this<Loop> {
public:
    static std::shared_ptr<Loop> on_executor(boost::asio::any_io_executor executor);
    static std::shared_ptr<Loop> with_thread();
    ~Loop();

    const boost::asio::any_io_executor& executor() const { return executor_; }
    bool has_thread() const { return context_ != nullptr; }
    /// True on the node's own thread. With a given executor nobody can tell: false.
    bool is_here() const;
    /// True in a child process: the loop belongs to the parent.
    bool has_forked() const;

    /// True where nothing runs on the loop any more: in a child process, or after its own thread ended.
    bool is_gone() const { return has_forked() || over_; }

    /// Runs `task` on the loop, never inside the call. Returns why it cannot (then `task` is untouched): forked, or
    /// cancelled once a thread of our own has ended.
    template <class Task>
    std::optional<Errc> post(Task&& task) {
        if (has_forked()) return Errc::forked;
        if (!context_) {
            boost::asio::post(executor_, std::forward<Task>(task));
            return std::nullopt;
        }
        const std::lock_guard lock(mutex_);
        if (over_) return Errc::cancelled;
        ++waiting_;
        boost::asio::post(executor_, [this, held = std::forward<Task>(task)]() mutable {
            --waiting_;
            held();
        });
        return std::nullopt;
    }
    /// As post(), but at once where that is known to be on the loop.
    template <class Task>
    std::optional<Errc> dispatch(Task&& task) {
        if (!is_here()) return post(std::forward<Task>(task));
        task();
        return std::nullopt;
    }

    /// The node is done: a thread of our own ends when nothing is left to do.
    void end();
    /// Waits until that thread has ended, at most `patience`; returns at once on the thread itself, with a given
    /// executor and in a child process.
    void join(std::chrono::milliseconds patience);

private:
    explicit Loop(boost::asio::any_io_executor executor);
    Loop();
    void run();

    const pid_t process_;
    std::unique_ptr<boost::asio::io_context> context_;
    boost::asio::any_io_executor executor_;
    std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
    std::atomic<std::thread::id> thread_{};
    std::atomic<std::size_t> waiting_{0};
    std::mutex mutex_;
    std::condition_variable ended_;
    std::atomic<bool> over_{false};
};

}  // namespace tubes::engine
