// SPDX-License-Identifier: GPL-3.0-or-later
// A GMainContext that an Asio executor drives: GLib code runs on our loop, without a thread of its own.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <vector>

typedef struct _GMainContext GMainContext;  // NOLINT: as GLib declares it.
typedef struct _GPollFD GPollFD;            // NOLINT: as GLib declares it.

namespace tubes::transports {

/// Waits for what the context waits for (g_main_context_prepare, query, check, dispatch) by one epoll descriptor of its
/// own, so that GLib may close and reuse descriptors as it likes, and a timer. Lives on one loop. Keeps itself alive
/// from start() to stop(), or until the executor's context is destroyed.
class GlibLoop : public std::enable_shared_from_this<GlibLoop> {
public:
    /// `after_turn` runs each time after sources were dispatched, on the loop. Null if the system has no epoll
    /// descriptor left.
    static std::shared_ptr<GlibLoop> create(boost::asio::any_io_executor executor, std::function<void()> after_turn);
    ~GlibLoop();
    GlibLoop(const GlibLoop&) = delete;
    GlibLoop& operator=(const GlibLoop&) = delete;

    GMainContext* context() const noexcept { return context_; }

    /// Holds `payload`, which uses the context, until stop(); it goes before the context does.
    void start(std::shared_ptr<void> payload);
    /// Waits for nothing any more and lets the payload go, after the current turn. Idempotent.
    void stop();

private:
    GlibLoop(boost::asio::any_io_executor executor, int epoll, std::function<void()> after_turn);
    void run();
    void run_soon();
    void arm();
    void watch(const std::vector<GPollFD>& wanted);
    void wait_for_descriptors();
    void wait_for_time(int timeout_ms);

    boost::asio::any_io_executor executor_;
    GMainContext* context_;
    boost::asio::posix::stream_descriptor epoll_;
    boost::asio::steady_timer timer_;
    std::function<void()> after_turn_;
    std::shared_ptr<void> payload_;
    std::vector<GPollFD> polls_;
    std::vector<int> watched_;
    bool waiting_ = false;
    bool stopped_ = false;
    bool scheduled_ = false;
};

}  // namespace tubes::transports
