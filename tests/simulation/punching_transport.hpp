// SPDX-License-Identifier: GPL-3.0-or-later
// A transport that finds its way through simulated NATs as ICE does: reflexive addresses from a server, checks from
// both sides at once, the sender of a check is a candidate, too (RFC 8445 §7.3.1.3).
#pragma once

#include "tests/simulation/simulated_network.hpp"
#include "tests/simulation/simulated_path.hpp"
#include "tubes/core/ports/transport.hpp"

namespace tubes::simulation {

class PunchingAttempt;

/// What the attempts of a test share: the network, the server that tells addresses, and the paths made.
class PunchingWorld {
public:
    PunchingWorld(SimulatedNetwork& network, PathModel model);

    SimulatedNetwork& network() noexcept { return network_; }
    NetworkAddress server() const { return server_->local(); }
    std::vector<std::shared_ptr<SimulatedWire>> wires;

private:
    friend class PunchingAttempt;
    void connect(std::uint64_t first, std::uint64_t second);

    SimulatedNetwork& network_;
    PathModel model_;
    std::unique_ptr<SimulatedSocket> server_;
    std::map<std::uint64_t, PunchingAttempt*> attempts_;
    std::uint64_t next_attempt_ = 1;
};

/// The transport of one host.
class PunchingTransport final : public core::ports::Transport {
public:
    PunchingTransport(PunchingWorld& world, std::uint32_t host) : world_(world), host_(host) {}
    PathKind kind() const override { return PathKind::ice; }
    std::chrono::milliseconds head_start() const override { return std::chrono::milliseconds(250); }
    std::unique_ptr<core::ports::PathAttempt> make_attempt(core::ports::AttemptParameters parameters) override;

private:
    PunchingWorld& world_;
    std::uint32_t host_;
};

}  // namespace tubes::simulation
