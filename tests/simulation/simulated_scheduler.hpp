// SPDX-License-Identifier: GPL-3.0-or-later
// A virtual clock: time passes only when nothing is left to do at the present instant.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "tubes/core/ports/scheduler.hpp"

namespace tubes::simulation {

/// Runs tasks in order of time, then of posting; the same calls give the same order in every run.
class SimulatedScheduler final : public core::ports::Scheduler {
public:
    core::TimePoint now() const override { return now_; }
    void post(std::function<void()> task) override;
    std::unique_ptr<Timer> call_at(core::TimePoint when, std::function<void()> task) override;

    /// For the simulation's own events: like call_at(), but cannot be cancelled.
    void run_at(core::TimePoint when, std::function<void()> task);
    void run_after(core::Duration delay, std::function<void()> task) { run_at(now_ + delay, std::move(task)); }

    /// Runs the next task, moving the clock to its time; false if there is none.
    bool step();
    /// Runs everything due within `span`, then sets the clock there.
    void advance(core::Duration span);
    /// Runs until `done()`; false if `limit` of virtual time passes, or nothing is left to do, before.
    bool run_until(const std::function<bool()>& done, core::Duration limit = std::chrono::hours(1));

    /// Tasks that timers or posts will still run; tells whether something idle really sleeps.
    std::size_t pending() const noexcept { return tasks_.size(); }
    std::uint64_t executed() const noexcept { return executed_; }

private:
    class SimulatedTimer;
    using Key = std::pair<core::TimePoint, std::uint64_t>;

    core::TimePoint now_{std::chrono::hours(1000)};  // not the epoch: a forgotten TimePoint{} must not look recent
    std::uint64_t sequence_ = 0;
    std::uint64_t executed_ = 0;
    std::map<Key, std::function<void()>> tasks_;
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace tubes::simulation
