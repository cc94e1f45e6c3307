// SPDX-License-Identifier: GPL-3.0-or-later
// A timer on the wall clock that never expires, but is cancelled when that clock jumps.
#include "tubes/engine/sleep_monitor.hpp"

#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>

namespace tubes::engine {
namespace {

constexpr time_t kNever = 4'102'444'800;  // 2100-01-01, seconds since 1970

bool arm(int descriptor) {
    itimerspec setting{};
    setting.it_value.tv_sec = kNever;
    return ::timerfd_settime(descriptor, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &setting, nullptr) == 0 ||
           errno == ECANCELED;
}

}  // namespace

class SleepMonitor::Watch : public std::enable_shared_from_this<Watch> {
public:
    Watch(const boost::asio::any_io_executor& executor, int descriptor, std::function<void()> slept)
        : timer_(executor, descriptor), slept_(std::move(slept)) {}

    void wait() {
        timer_.async_wait(boost::asio::posix::descriptor_base::wait_read, [weak = weak_from_this()](auto error) {
            if (auto self = weak.lock(); self && !error) self->on_readable();
        });
    }
    void close() {
        slept_ = nullptr;
        boost::system::error_code ignored;
        timer_.close(ignored);
    }

private:
    void on_readable() {
        std::uint64_t expirations = 0;
        const bool jumped = ::read(timer_.native_handle(), &expirations, sizeof expirations) < 0 && errno == ECANCELED;
        if (!arm(timer_.native_handle())) return;
        wait();
        if (jumped && slept_) slept_();
    }

    boost::asio::posix::stream_descriptor timer_;
    std::function<void()> slept_;
};

SleepMonitor::SleepMonitor(std::shared_ptr<Watch> watch) : watch_(std::move(watch)) {}

SleepMonitor::~SleepMonitor() {
    watch_->close();
}

std::unique_ptr<SleepMonitor> SleepMonitor::make(const boost::asio::any_io_executor& executor,
                                                 std::function<void()> slept) {
    const int descriptor = ::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (descriptor < 0) return nullptr;
    if (!arm(descriptor)) {
        ::close(descriptor);
        return nullptr;
    }
    auto watch = std::make_shared<Watch>(executor, descriptor, std::move(slept));
    watch->wait();
    return std::unique_ptr<SleepMonitor>(new SleepMonitor(std::move(watch)));
}

}  // namespace tubes::engine
