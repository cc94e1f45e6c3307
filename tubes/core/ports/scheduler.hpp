// SPDX-License-Identifier: GPL-3.0-or-later
// Time and "later" for the core: implemented by Asio in the engine and by a virtual clock in the simulation.
#pragma once

#include <functional>
#include <memory>

#include "tubes/core/ids.hpp"

namespace tubes::core::ports {

/// One loop's clock and queue. Everything that is created with a scheduler lives on its loop.
class Scheduler {
public:
    /// A pending call; destroying or cancelling it guarantees that the call does not happen.
    class Timer {
    public:
        virtual ~Timer() = default;
        virtual void cancel() = 0;
    };

    virtual ~Scheduler() = default;

    /// The loop's time. Only grows; counts time during which the machine slept.
    virtual TimePoint now() const = 0;

    /// Runs `task` on the loop after the current call has returned, in order of posting. Callable on the loop only.
    /// A task must hold a weak reference to anything that could be gone by then.
    virtual void post(std::function<void()> task) = 0;

    /// Runs `task` once at `when`, or as soon as possible if that has passed. The caller keeps the returned timer.
    [[nodiscard]] virtual std::unique_ptr<Timer> call_at(TimePoint when, std::function<void()> task) = 0;
};

}  // namespace tubes::core::ports
