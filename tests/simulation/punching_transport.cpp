// SPDX-License-Identifier: GPL-3.0-or-later
// Hole punching between simulated hosts.
#include "tests/simulation/punching_transport.hpp"

namespace tubes::simulation {
namespace {

using namespace core::ports;
using namespace std::chrono_literals;

constexpr auto kPace = 50ms;  // between two checks of one candidate
constexpr auto kGiveUp = 5s;  // after the peer's description
enum Type : std::uint8_t { kAsk = 1, kTell = 2, kCheck = 3, kAnswer = 4 };

core::Bytes message(Type type, std::uint64_t value) {
    core::Bytes bytes{type};
    for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
    return bytes;
}

std::uint64_t value_of(core::ByteView bytes) {
    std::uint64_t value = 0;
    for (const auto byte : bytes.subspan(1)) value = value << 8 | byte;
    return value;
}

}  // namespace

class PunchingAttempt final : public PathAttempt {
public:
    PunchingAttempt(PunchingWorld& world, std::uint32_t host, core::LinkRole role)
        : world_(world), role_(role), id_(world.next_attempt_++), socket_(world.network().open(host)) {
        world_.attempts_[id_] = this;
        socket_->on_datagram = [this](const auto& from, auto datagram) { on_datagram(from, datagram); };
    }
    ~PunchingAttempt() override { close(); }

    void start(Handler& handler) override {
        handler_ = &handler;
        later(core::Duration{}, [this] {
            handler_->on_description({PathKind::ice, {{"attempt", std::to_string(id_)}}});
            if (handler_ != nullptr) tell(socket_->local());
            ask();
        });
    }
    void set_remote_description(const TransportDescription& description) override {
        peer_ = std::strtoull(description.attributes.at("attempt").c_str(), nullptr, 10);
        later(kGiveUp, [this] {
            if (!connected_) std::exchange(handler_, nullptr)->on_failed(make_error_code(Errc::no_path));
        });
        check();
    }
    void add_remote_candidate(const Candidate& candidate) override {
        const auto address = NetworkAddress::parse(candidate.attributes.at("address"));
        if (address) candidates_.insert(*address);
    }
    void remote_candidates_end() override {}
    void close() override {
        handler_ = nullptr;
        socket_.reset();
        world_.attempts_.erase(id_);
    }

    void take(std::unique_ptr<MessagePath> path) {
        connected_ = true;
        if (handler_ != nullptr) handler_->on_path(std::move(path));
    }

private:
    void later(core::Duration delay, std::function<void()> task) {
        auto& scheduler = world_.network().scheduler();
        scheduler.run_after(delay, [weak = std::weak_ptr(alive_), this, task = std::move(task)] {
            if (!weak.expired() && handler_ != nullptr) task();
        });
    }
    void ask() {
        if (reflexive_ || connected_ || asked_++ == 20) return;
        socket_->send(world_.server(), message(kAsk, id_));
        later(kPace, [this] { ask(); });
    }
    void tell(const NetworkAddress& address) { handler_->on_candidate({PathKind::ice, {{"address", address.text()}}}); }
    void check() {
        if (connected_) return;
        for (const auto& candidate : candidates_) socket_->send(candidate, message(kCheck, id_));
        later(kPace, [this] { check(); });
    }
    void on_datagram(const NetworkAddress& from, core::ByteView datagram) {
        if (handler_ == nullptr || datagram.size() != 9) return;
        const auto value = value_of(datagram);
        if (datagram[0] == kTell && !std::exchange(reflexive_, true)) {
            const NetworkAddress seen{static_cast<std::uint32_t>(value >> 16), static_cast<std::uint16_t>(value)};
            if (seen != socket_->local()) tell(seen);
            if (handler_ != nullptr) handler_->on_candidates_end();
        } else if (datagram[0] == kCheck && value == peer_) {
            candidates_.insert(from);
            socket_->send(from, message(kAnswer, id_));
        } else if (datagram[0] == kAnswer && value == peer_ && role_ == core::LinkRole::initiator && !connected_) {
            world_.connect(id_, peer_);
        }
    }

    PunchingWorld& world_;
    core::LinkRole role_;
    std::uint64_t id_;
    std::uint64_t peer_ = 0;
    std::unique_ptr<SimulatedSocket> socket_;
    Handler* handler_ = nullptr;
    std::set<NetworkAddress> candidates_;
    int asked_ = 0;
    bool reflexive_ = false;
    bool connected_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

PunchingWorld::PunchingWorld(SimulatedNetwork& network, PathModel model)
    : network_(network), model_(model), server_(network.open(network.add_host(NatKind::none))) {
    server_->on_datagram = [this](const NetworkAddress& from, core::ByteView datagram) {
        if (datagram.size() != 9 || datagram[0] != kAsk) return;
        server_->send(from, message(kTell, static_cast<std::uint64_t>(from.host) << 16 | from.port));
    };
}

void PunchingWorld::connect(std::uint64_t first, std::uint64_t second) {
    const auto a = attempts_.find(first);
    const auto b = attempts_.find(second);
    if (a == attempts_.end() || b == attempts_.end()) return;
    model_.kind = PathKind::ice;
    ++model_.seed;
    const auto wire = SimulatedWire::make(network_.scheduler(), model_);
    wires.push_back(wire);
    b->second->take(wire->take(Side::b));
    a->second->take(wire->take(Side::a));
}

std::unique_ptr<PathAttempt> PunchingTransport::make_attempt(AttemptParameters parameters) {
    if (parameters.addresses == AddressPolicy::relay_only) return nullptr;
    return std::make_unique<PunchingAttempt>(world_, host_, parameters.role);
}

}  // namespace tubes::simulation
