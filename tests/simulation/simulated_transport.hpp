// SPDX-License-Identifier: GPL-3.0-or-later
// Transports over a simulated network: attempts meet there once each knows the other's description and a candidate.
#pragma once

#include <set>

#include "tests/simulation/simulated_path.hpp"
#include "tubes/core/ports/transport.hpp"

namespace tubes::simulation {

/// What the network lets through, per kind.
struct ReachModel {
    bool works = true;   ///< False: attempts wait for an answer that never comes.
    bool fails = false;  ///< They say so after `fail_after`.
    core::Duration connect = std::chrono::milliseconds(20);
    core::Duration fail_after = std::chrono::milliseconds(500);
    core::Duration gather = std::chrono::milliseconds(1);  ///< Until the description is there.
    PathModel path;
};

class SimulatedAttempt;

/// The network between all attempts of a test.
class SimulatedReach {
public:
    explicit SimulatedReach(SimulatedScheduler& scheduler) : scheduler_(scheduler) {}

    ReachModel& operator[](PathKind kind) { return models_[kind]; }
    SimulatedScheduler& scheduler() { return scheduler_; }
    std::vector<std::weak_ptr<SimulatedWire>> wires;
    std::size_t attempts_alive = 0;
    std::size_t attempts_made = 0;

    /// Kills every path there is.
    void kill_wires();
    std::size_t living_wires() const;

private:
    friend class SimulatedAttempt;
    void arrived(SimulatedAttempt& attempt);

    SimulatedScheduler& scheduler_;
    std::map<PathKind, ReachModel> models_;
    std::set<SimulatedAttempt*> attempts_;
    std::uint64_t wires_made_ = 0;
};

/// One kind of path of one node.
class SimulatedTransport final : public core::ports::Transport {
public:
    SimulatedTransport(SimulatedReach& reach, PathKind kind, std::chrono::milliseconds head_start)
        : reach_(reach), kind_(kind), head_start_(head_start) {}

    PathKind kind() const override { return kind_; }
    std::chrono::milliseconds head_start() const override { return head_start_; }
    std::unique_ptr<core::ports::PathAttempt> make_attempt(core::ports::AttemptParameters parameters) override;

    std::vector<core::ports::AttemptParameters> made;  ///< What attempts were made with.

private:
    SimulatedReach& reach_;
    PathKind kind_;
    std::chrono::milliseconds head_start_;
};

}  // namespace tubes::simulation
