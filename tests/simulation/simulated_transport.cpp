// SPDX-License-Identifier: GPL-3.0-or-later
// Attempts that meet in a simulated network.
#include "tests/simulation/simulated_transport.hpp"

namespace tubes::simulation {

using core::LinkRole;
using core::ports::AttemptParameters;
using core::ports::Candidate;
using core::ports::TransportDescription;

class SimulatedAttempt final : public core::ports::PathAttempt {
public:
    SimulatedAttempt(SimulatedReach& reach, PathKind kind, AttemptParameters parameters)
        : reach_(reach), kind_(kind), parameters_(std::move(parameters)) {
        ++reach_.attempts_alive;
        ++reach_.attempts_made;
    }
    ~SimulatedAttempt() override {
        close();
        --reach_.attempts_alive;
    }

    void start(Handler& handler) override {
        handler_ = &handler;
        reach_.attempts_.insert(this);
        after(reach_[kind_].gather, [this] {
            handler_->on_description({kind_, {{"token", parameters_.link.hex().substr(0, 8)}}});
            after(std::chrono::milliseconds(1), [this] {
                const auto role = parameters_.role == LinkRole::initiator ? "1" : "2";
                handler_->on_candidate({kind_, {{"address", std::string("192.0.2.") + role}}});
                if (handler_) handler_->on_candidates_end();
            });
        });
    }
    void set_remote_description(const TransportDescription&) override {
        described_ = true;
        if (reach_[kind_].fails) {
            after(reach_[kind_].fail_after, [this] {
                auto* handler = std::exchange(handler_, nullptr);
                close();
                handler->on_failed(make_error_code(Errc::network_unreachable));
            });
        }
        reach_.arrived(*this);
    }
    void add_remote_candidate(const Candidate&) override {
        has_candidate_ = true;
        reach_.arrived(*this);
    }
    void remote_candidates_end() override {}
    void close() override {
        handler_ = nullptr;
        reach_.attempts_.erase(this);
    }

private:
    friend class SimulatedReach;
    void after(core::Duration delay, std::function<void()> task) {
        std::weak_ptr<int> alive = alive_;
        reach_.scheduler().run_after(delay, [this, alive, task = std::move(task)] {
            if (!alive.expired() && handler_) task();
        });
    }

    SimulatedReach& reach_;
    PathKind kind_;
    AttemptParameters parameters_;
    Handler* handler_ = nullptr;
    bool described_ = false;
    bool has_candidate_ = false;
    bool joined_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

void SimulatedReach::arrived(SimulatedAttempt& attempt) {
    auto& model = models_[attempt.kind_];
    if (!model.works || model.fails || !attempt.described_ || !attempt.has_candidate_ || attempt.joined_) return;
    for (auto* other : attempts_) {
        const bool fits = other != &attempt && other->kind_ == attempt.kind_ && other->described_ &&
                          other->has_candidate_ && !other->joined_ &&
                          other->parameters_.link == attempt.parameters_.link &&
                          other->parameters_.generation == attempt.parameters_.generation &&
                          other->parameters_.role != attempt.parameters_.role;
        if (!fits) continue;
        attempt.joined_ = other->joined_ = true;
        auto path = model.path;
        path.kind = attempt.kind_;
        path.seed = ++wires_made_;
        auto wire = SimulatedWire::make(scheduler_, path);
        wires.push_back(wire);
        const auto side = [](const SimulatedAttempt& end) {
            return end.parameters_.role == LinkRole::initiator ? Side::a : Side::b;
        };
        auto* first = &attempt;
        first->after(model.connect,
                     [first, wire, which = side(*first)] { first->handler_->on_path(wire->take(which)); });
        other->after(model.connect,
                     [other, wire, which = side(*other)] { other->handler_->on_path(wire->take(which)); });
        return;
    }
}

void SimulatedReach::kill_wires() {
    for (auto& weak : wires) {
        if (auto wire = weak.lock()) wire->kill();
    }
}

std::size_t SimulatedReach::living_wires() const {
    std::size_t count = 0;
    for (const auto& weak : wires) {
        const auto wire = weak.lock();
        if (wire && wire->is_alive()) ++count;
    }
    return count;
}

std::unique_ptr<core::ports::PathAttempt> SimulatedTransport::make_attempt(AttemptParameters parameters) {
    made.push_back(parameters);
    const bool direct = kind_ == PathKind::direct_tls || kind_ == PathKind::local || kind_ == PathKind::ice;
    if (parameters.addresses == AddressPolicy::relay_only && direct) return nullptr;
    return std::make_unique<SimulatedAttempt>(reach_, kind_, std::move(parameters));
}

}  // namespace tubes::simulation
