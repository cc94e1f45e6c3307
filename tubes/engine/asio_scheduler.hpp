// SPDX-License-Identifier: GPL-3.0-or-later
// The core's clock and queue on an Asio executor. Spec: timerfd_create(2), CLOCK_BOOTTIME.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

#include "tubes/core/ports/scheduler.hpp"

namespace tubes::engine {

/// One kernel timer serves all calls; it counts the time that the machine slept, so that what is overdue after a
/// resume runs at once. Lives on the executor's loop; timers may outlive it and then do nothing.
class AsioScheduler final : public core::ports::Scheduler {
public:
    /// `woke_up` is called on the loop when a call comes seconds after its time: the process had been stopped, or the
    /// machine slept. Throws std::system_error if the kernel has no descriptor left for a timer.
    explicit AsioScheduler(boost::asio::any_io_executor executor, std::function<void()> woke_up = {});
    ~AsioScheduler() override;

    /// Drops all calls and leaves nothing outstanding on the executor.
    void stop();

    core::TimePoint now() const override;
    void post(std::function<void()> task) override;
    [[nodiscard]] std::unique_ptr<Timer> call_at(core::TimePoint when, std::function<void()> task) override;

private:
    class Queue;
    std::shared_ptr<Queue> queue_;
};

}  // namespace tubes::engine
