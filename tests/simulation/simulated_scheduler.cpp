// SPDX-License-Identifier: GPL-3.0-or-later
// The virtual clock's queue.
#include "tests/simulation/simulated_scheduler.hpp"

namespace tubes::simulation {

class SimulatedScheduler::SimulatedTimer final : public Timer {
public:
    SimulatedTimer(SimulatedScheduler& scheduler, Key key)
        : scheduler_(scheduler), alive_(scheduler.alive_), key_(key) {}
    ~SimulatedTimer() override { cancel(); }
    void cancel() override {
        if (!alive_.expired()) scheduler_.tasks_.erase(key_);
    }

private:
    SimulatedScheduler& scheduler_;
    std::weak_ptr<int> alive_;
    Key key_;
};

void SimulatedScheduler::post(std::function<void()> task) {
    tasks_.emplace(Key{now_, sequence_++}, std::move(task));
}

void SimulatedScheduler::run_at(core::TimePoint when, std::function<void()> task) {
    tasks_.emplace(Key{std::max(when, now_), sequence_++}, std::move(task));
}

std::unique_ptr<core::ports::Scheduler::Timer> SimulatedScheduler::call_at(core::TimePoint when,
                                                                           std::function<void()> task) {
    const Key key{std::max(when, now_), sequence_++};
    tasks_.emplace(key, std::move(task));
    return std::make_unique<SimulatedTimer>(*this, key);
}

bool SimulatedScheduler::step() {
    if (tasks_.empty()) return false;
    auto node = tasks_.extract(tasks_.begin());  // the task may cancel its own timer
    now_ = node.key().first;
    ++executed_;
    node.mapped()();
    return true;
}

void SimulatedScheduler::advance(core::Duration span) {
    const auto end = now_ + span;
    while (!tasks_.empty() && tasks_.begin()->first.first <= end) step();
    now_ = end;
}

bool SimulatedScheduler::run_until(const std::function<bool()>& done, core::Duration limit) {
    const auto end = now_ + limit;
    while (!done()) {
        if (tasks_.empty() || tasks_.begin()->first.first > end) return false;
        step();
    }
    return true;
}

}  // namespace tubes::simulation
