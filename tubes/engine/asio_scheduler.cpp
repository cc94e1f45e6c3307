// SPDX-License-Identifier: GPL-3.0-or-later
// Timers in a map, one timerfd for the earliest.
#include "tubes/engine/asio_scheduler.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <map>
#include <system_error>

#include "tubes/base/clock.hpp"

namespace tubes::engine {
namespace {

using core::Duration;
using core::TimePoint;

constexpr std::int64_t kSecond = 1'000'000'000;  // nanoseconds
constexpr auto kLate = std::chrono::seconds(3);  // no loop is held up that long by work

int make_timer() {
    const int descriptor = ::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "timerfd_create");
    return descriptor;
}

}  // namespace

class AsioScheduler::Queue : public std::enable_shared_from_this<Queue> {
public:
    struct Key {
        TimePoint when;
        std::uint64_t number;  // calls of the same time run in order
        auto operator<=>(const Key&) const = default;
    };

    Queue(boost::asio::any_io_executor executor, std::function<void()> woke_up)
        : executor_(executor), timer_(executor, make_timer()), woke_up_(std::move(woke_up)) {}

    void post(std::function<void()> task) { boost::asio::post(executor_, std::move(task)); }

    Key add(TimePoint when, std::function<void()> task) {
        const Key key{when, next_number_++};
        tasks_.emplace(key, std::move(task));
        if (tasks_.begin()->first == key) arm();
        wait();
        return key;
    }
    // A cancelled call's wake-up stays: it costs less than arming the timer anew.
    void remove(const Key& key) { tasks_.erase(key); }

    void close() {
        tasks_.clear();
        woke_up_ = nullptr;
        boost::system::error_code ignored;
        timer_.close(ignored);
    }

private:
    void arm() {
        armed_ = tasks_.begin()->first.when;
        const auto since = std::chrono::duration_cast<Duration>(armed_.time_since_epoch()).count();
        // Zero would disarm it.
        const auto at = std::max<std::int64_t>(since, 1);
        itimerspec setting{};
        setting.it_value.tv_sec = at / kSecond;
        setting.it_value.tv_nsec = at % kSecond;
        ::timerfd_settime(timer_.native_handle(), TFD_TIMER_ABSTIME, &setting, nullptr);
    }

    void wait() {
        if (waiting_ || tasks_.empty() || !timer_.is_open()) return;
        waiting_ = true;
        timer_.async_wait(boost::asio::posix::descriptor_base::wait_read, [weak = weak_from_this()](auto error) {
            if (auto self = weak.lock(); self && !error) self->on_timer();
        });
    }

    void on_timer() {
        waiting_ = false;
        std::uint64_t expirations = 0;
        static_cast<void>(::read(timer_.native_handle(), &expirations, sizeof expirations));
        const auto now = base::boot_time();
        if (woke_up_ && now - armed_ > kLate) woke_up_();
        // What a call adds waits for the next round, even if it is due already: sockets come first.
        const Key last{now, next_number_};
        const auto limit = next_number_;
        for (auto due = tasks_.begin(); due != tasks_.end() && due->first < last;) {
            if (due->first.number >= limit) {
                ++due;
                continue;
            }
            auto task = std::move(due->second);
            tasks_.erase(due);
            task();
            due = tasks_.begin();
        }
        if (tasks_.empty()) return;
        arm();
        wait();
    }

    boost::asio::any_io_executor executor_;
    boost::asio::posix::stream_descriptor timer_;
    std::function<void()> woke_up_;
    TimePoint armed_{};  // for when the timer is set
    std::map<Key, std::function<void()>> tasks_;
    std::uint64_t next_number_ = 0;
    bool waiting_ = false;
};

namespace {

template <class Queue>
class QueuedCall final : public core::ports::Scheduler::Timer {
public:
    QueuedCall(std::weak_ptr<Queue> queue, typename Queue::Key key) : queue_(std::move(queue)), key_(key) {}
    ~QueuedCall() override { cancel(); }
    void cancel() override {
        if (auto queue = queue_.lock()) queue->remove(key_);
        queue_.reset();
    }

private:
    std::weak_ptr<Queue> queue_;
    typename Queue::Key key_;
};

}  // namespace

AsioScheduler::AsioScheduler(boost::asio::any_io_executor executor, std::function<void()> woke_up)
    : queue_(std::make_shared<Queue>(std::move(executor), std::move(woke_up))) {}

AsioScheduler::~AsioScheduler() {
    stop();
}

void AsioScheduler::stop() {
    queue_->close();
}

TimePoint AsioScheduler::now() const {
    return base::boot_time();
}

void AsioScheduler::post(std::function<void()> task) {
    queue_->post(std::move(task));
}

std::unique_ptr<core::ports::Scheduler::Timer> AsioScheduler::call_at(TimePoint when, std::function<void()> task) {
    const auto key = queue_->add(when, std::move(task));
    return std::make_unique<QueuedCall<Queue>>(queue_, key);
}

}  // namespace tubes::engine
