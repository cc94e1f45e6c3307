// SPDX-License-Identifier: GPL-3.0-or-later
// Tells when the machine has slept, so that nobody waits for keep-alives to find out what it missed.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

namespace tubes::engine {

/// Costs no wake-up while nothing happens. Lives on the loop.
class SleepMonitor {
public:
    /// `slept` is called on the loop, until the monitor goes, after a suspension and after the wall clock was set,
    /// which the kernel does not tell apart (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET). Null if the kernel has no
    /// such timer.
    static std::unique_ptr<SleepMonitor> make(const boost::asio::any_io_executor& executor,
                                              std::function<void()> slept);
    ~SleepMonitor();

private:
    class Watch;
    explicit SleepMonitor(std::shared_ptr<Watch> watch);
    std::shared_ptr<Watch> watch_;
};

}  // namespace tubes::engine
