// SPDX-License-Identifier: GPL-3.0-or-later
// Messages on simulated wires.
#include "tests/simulation/simulated_path.hpp"

namespace tubes::simulation {

using core::Bytes;
using core::ByteView;
using core::ports::Lane;

class SimulatedPath final : public core::ports::MessagePath {
public:
    SimulatedPath(std::shared_ptr<SimulatedWire> wire, Side side) : wire_(std::move(wire)), side_(side) {}
    ~SimulatedPath() override { close(); }

    void start(Handler& handler) override { wire_->start(side_, handler); }
    bool send(Lane lane, ByteView header, ByteView payload) override {
        return wire_->send(side_, lane, header, payload);
    }
    void flush() override {}
    const core::Digest& channel_binding() const override { return wire_->binding_; }
    core::ports::PathInfo info() const override {
        return {wire_->model_.kind, side_ == Side::a ? "a" : "b", side_ == Side::a ? "b" : "a", "simulated",
                wire_->model_.packet_size};
    }
    core::ports::PathMetrics metrics() const override {
        core::ports::PathMetrics metrics;
        metrics.bytes_sent = wire_->end(side_).bytes_sent;
        metrics.bytes_received = wire_->end(side_).bytes_received;
        return metrics;
    }
    void close() override { wire_->close(side_); }

private:
    std::shared_ptr<SimulatedWire> wire_;
    Side side_;
};

SimulatedWire::SimulatedWire(SimulatedScheduler& scheduler, const PathModel& model)
    : scheduler_(scheduler), model_(model), random_(model.seed) {
    for (auto& byte : binding_.bytes) byte = static_cast<std::uint8_t>(random_());
}

std::shared_ptr<SimulatedWire> SimulatedWire::make(SimulatedScheduler& scheduler, const PathModel& model) {
    return std::shared_ptr<SimulatedWire>(new SimulatedWire(scheduler, model));
}

std::unique_ptr<core::ports::MessagePath> SimulatedWire::take(Side side) {
    end(side).taken = true;
    return std::make_unique<SimulatedPath>(shared_from_this(), side);
}

void SimulatedWire::start(Side side, core::ports::MessagePath::Handler& handler) {
    end(side).handler = &handler;
    scheduler_.post([self = shared_from_this(), side] {
        auto early = std::exchange(self->end(side).early, {});
        for (auto& [lane, message] : early) self->arrive(side, lane, std::move(message));
    });
}

bool SimulatedWire::send(Side from, Lane lane, ByteView header, ByteView payload) {
    auto& sender = end(from);
    const auto size = header.size() + payload.size();
    if (sender.closed || sender.told) return true;  // a dead path takes everything and says so by on_closed
    if (sender.queued >= model_.queue) {
        sender.blocked = true;
        return false;
    }
    sender.queued += size;
    sender.bytes_sent += size;
    const auto now = scheduler_.now();
    const auto span = model_.bytes_per_second == 0
                          ? core::Duration{}
                          : core::Duration(static_cast<std::int64_t>(size * 1'000'000'000 / model_.bytes_per_second));
    sender.free_at = std::max(sender.free_at, now) + span;
    auto arrival = sender.free_at + model_.delay;
    if (model_.lane_jitter.count() > 0) {
        arrival += core::Duration(
            static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(model_.lane_jitter.count())));
    }
    const bool is_datagram = lane == core::ports::kDatagramLane;
    if (is_datagram && model_.datagram_jitter.count() > 0) {
        arrival += core::Duration(
            static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(model_.datagram_jitter.count())));
    }
    if (!is_datagram) arrival = sender.lane_time[lane] = std::max(arrival, sender.lane_time[lane]);
    Bytes message(header.begin(), header.end());
    message.insert(message.end(), payload.begin(), payload.end());
    scheduler_.run_at(sender.free_at, [self = shared_from_this(), from, size] { self->left(from, size); });
    const bool is_lost = is_datagram && std::bernoulli_distribution(model_.datagram_loss)(random_);
    if (sender.silent || !alive_ || is_lost) return true;
    scheduler_.run_at(arrival, [self = shared_from_this(), from, lane, message = std::move(message)]() mutable {
        if (self->alive_ && !self->end(from).silent) self->arrive(other(from), lane, std::move(message));
    });
    return true;
}

void SimulatedWire::left(Side from, std::size_t size) {
    auto& sender = end(from);
    sender.queued -= size;
    if (!sender.blocked || sender.queued > model_.queue / 2 || sender.closed || sender.told) return;
    sender.blocked = false;
    if (sender.handler != nullptr) sender.handler->on_writable();
}

void SimulatedWire::arrive(Side to, Lane lane, Bytes message) {
    auto& receiver = end(to);
    if (receiver.closed || receiver.told) return;
    if (receiver.handler == nullptr || !receiver.early.empty()) {
        receiver.early.emplace_back(lane, std::move(message));
        return;
    }
    ++messages_;
    receiver.bytes_received += message.size();
    if (tap) tap(to, lane, message);
    if (!receiver.closed && !receiver.told && alive_) receiver.handler->on_message(lane, message);
}

void SimulatedWire::inject(Side receiver, Lane lane, Bytes message) {
    scheduler_.post([self = shared_from_this(), receiver, lane, message = std::move(message)]() mutable {
        self->arrive(receiver, lane, std::move(message));
    });
}

void SimulatedWire::close(Side side) {
    auto& own = end(side);
    if (std::exchange(own.closed, true)) return;
    own.handler = nullptr;
    if (!alive_ || own.silent || own.told) return;
    // The other end learns of it behind everything that was sent.
    auto last = std::max(scheduler_.now(), own.free_at) + model_.delay;
    for (const auto time : own.lane_time) last = std::max(last, time);
    scheduler_.run_at(last, [self = shared_from_this(), side] {
        if (self->alive_ && !self->end(side).silent)
            self->tell_closed(other(side), make_error_code(Errc::end_of_stream));
    });
}

void SimulatedWire::tell_closed(Side side, error_code reason) {
    auto& own = end(side);
    if (own.closed || std::exchange(own.told, true)) return;
    scheduler_.post([self = shared_from_this(), side, reason] {
        auto& told = self->end(side);
        if (auto* handler = std::exchange(told.handler, nullptr); handler != nullptr && !told.closed) {
            handler->on_closed(reason);
        }
    });
}

void SimulatedWire::kill(error_code reason) {
    alive_ = false;
    tell_closed(Side::a, reason);
    tell_closed(Side::b, reason);
}

void SimulatedWire::kill_side(Side side, error_code reason) {
    silence();
    tell_closed(side, reason);
}

}  // namespace tubes::simulation
