// SPDX-License-Identifier: GPL-3.0-or-later
// One turn of a GMainContext, and the wait for the next.
#include "transports/ice/glib_loop.hpp"

#include <boost/asio/post.hpp>
#include <glib.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "tubes/error.hpp"

namespace tubes::transports {
namespace {

/// Rounds of dispatching when nobody will come back for more.
constexpr int kLastRounds = 8;

std::uint32_t to_epoll(gushort events) noexcept {
    return ((events & G_IO_IN) != 0 ? EPOLLIN : 0U) | ((events & G_IO_OUT) != 0 ? EPOLLOUT : 0U) |
           ((events & G_IO_PRI) != 0 ? EPOLLPRI : 0U);
}

}  // namespace

std::shared_ptr<GlibLoop> GlibLoop::create(boost::asio::any_io_executor executor, std::function<void()> after_turn) {
    const auto epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) return nullptr;
    return std::shared_ptr<GlibLoop>(new GlibLoop(std::move(executor), epoll, std::move(after_turn)));
}

GlibLoop::GlibLoop(boost::asio::any_io_executor executor, int epoll, std::function<void()> after_turn)
    // Ownerless: nobody owns the context while we wait, and new sources have to wake us all the same.
    : executor_(std::move(executor)),
      context_(g_main_context_new_with_flags(G_MAIN_CONTEXT_FLAGS_OWNERLESS_POLLING)),
      epoll_(executor_, epoll),
      timer_(executor_),
      after_turn_(std::move(after_turn)) {}

GlibLoop::~GlibLoop() {
    // The executor went away first: what needs no network still gets its chance to end.
    for (int round = 0; round < kLastRounds && !stopped_; ++round) g_main_context_iteration(context_, FALSE);
    payload_.reset();
    g_main_context_unref(context_);
}

void GlibLoop::start(std::shared_ptr<void> payload) {
    payload_ = std::move(payload);
    run_soon();
}

void GlibLoop::stop() {
    if (std::exchange(stopped_, true)) return;
    boost::system::error_code ignored;
    epoll_.cancel(ignored);
    timer_.cancel();
    boost::asio::post(executor_, [self = shared_from_this()] { self->payload_.reset(); });
}

void GlibLoop::run_soon() {
    if (stopped_ || std::exchange(scheduled_, true)) return;
    boost::asio::post(executor_, [self = shared_from_this()] {
        self->scheduled_ = false;
        self->run();
    });
}

void GlibLoop::run() {
    if (stopped_) return;
    // One round, then others on the loop have their turn: what is still ready wakes us again at once.
    g_main_context_iteration(context_, FALSE);
    if (after_turn_) after_turn_();
    if (!stopped_) arm();
}

void GlibLoop::arm() {
    if (g_main_context_acquire(context_) == FALSE) return;
    gint priority = 0;
    const bool ready = g_main_context_prepare(context_, &priority) != FALSE;
    gint timeout_ms = 0;
    polls_.resize(std::max<std::size_t>(polls_.capacity(), 8));
    auto count = g_main_context_query(context_, priority, &timeout_ms, polls_.data(), static_cast<gint>(polls_.size()));
    if (static_cast<std::size_t>(count) > polls_.size()) {
        polls_.resize(static_cast<std::size_t>(count));
        count = g_main_context_query(context_, priority, &timeout_ms, polls_.data(), count);
    }
    polls_.resize(static_cast<std::size_t>(count));
    g_main_context_release(context_);
    watch(polls_);
    if (ready || timeout_ms == 0) return run_soon();
    wait_for_time(timeout_ms);
    wait_for_descriptors();
}

void GlibLoop::watch(const std::vector<GPollFD>& wanted) {
    const int epoll = epoll_.native_handle();
    for (const auto descriptor : watched_) {
        const auto is_same = [descriptor](const GPollFD& poll) { return poll.fd == descriptor; };
        if (std::none_of(wanted.begin(), wanted.end(), is_same)) epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, nullptr);
    }
    watched_.clear();
    for (const auto& poll : wanted) {
        epoll_event event{};
        event.events = to_epoll(poll.events);
        event.data.fd = poll.fd;
        // A number that was closed and opened again meanwhile has left the set by itself.
        if (epoll_ctl(epoll, EPOLL_CTL_MOD, poll.fd, &event) != 0 && errno == ENOENT) {
            epoll_ctl(epoll, EPOLL_CTL_ADD, poll.fd, &event);
        }
        watched_.push_back(poll.fd);
    }
}

void GlibLoop::wait_for_descriptors() {
    if (std::exchange(waiting_, true)) return;
    epoll_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [self = shared_from_this()](const error_code& error) {
                          self->waiting_ = false;
                          if (!error) self->run();
                      });
}

void GlibLoop::wait_for_time(int timeout_ms) {
    if (timeout_ms < 0) {
        timer_.cancel();
        return;
    }
    timer_.expires_after(std::chrono::milliseconds(timeout_ms));
    timer_.async_wait([self = shared_from_this()](const error_code& error) {
        if (!error) self->run();
    });
}

}  // namespace tubes::transports
