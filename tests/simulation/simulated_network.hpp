// SPDX-License-Identifier: GPL-3.0-or-later
// A datagram network on the virtual clock: loss, delay, reordering, duplication, MTU, and NATs of every kind.
#pragma once

#include <random>
#include <set>

#include "tests/simulation/simulated_scheduler.hpp"
#include "tubes/base/bytes.hpp"

namespace tubes::simulation {

/// How a NAT maps and filters (RFC 4787 §4.1, §5, in the older words of RFC 3489 §5).
enum class NatKind : std::uint8_t {
    none,                ///< A public address.
    full_cone,           ///< One mapping per socket, open to all.
    address_restricted,  ///< ... open to hosts that were sent something.
    port_restricted,     ///< ... open to the very addresses that were sent something.
    symmetric,           ///< A mapping per destination, open to that only.
    udp_blocked,         ///< No datagram passes.
};
inline constexpr std::array kNatKinds = {
    NatKind::none,      NatKind::full_cone,  NatKind::address_restricted, NatKind::port_restricted,
    NatKind::symmetric, NatKind::udp_blocked};

/// Whether two hosts reach each other directly by punching holes; from theory, not from the simulation.
constexpr bool can_punch(NatKind a, NatKind b) noexcept {
    if (a == NatKind::udp_blocked || b == NatKind::udp_blocked) return false;
    const auto is_strict = [](NatKind kind) { return kind == NatKind::symmetric || kind == NatKind::port_restricted; };
    const bool one_symmetric = a == NatKind::symmetric || b == NatKind::symmetric;
    return !(one_symmetric && is_strict(a) && is_strict(b));
}

/// What happens to datagrams between any two hosts.
struct NetworkWeather {
    double loss = 0;         ///< Share that vanishes.
    double duplication = 0;  ///< Share that arrives twice.
    core::Duration delay = std::chrono::milliseconds(10);
    core::Duration jitter{};  ///< Up to this much more, per datagram: reorders.
    std::size_t mtu = 1400;   ///< Larger ones vanish.
};

/// Where a datagram comes from or goes to. Hosts behind a NAT have a number of their own inside and another outside.
struct NetworkAddress {
    std::uint32_t host = 0;
    std::uint16_t port = 0;
    auto operator<=>(const NetworkAddress&) const = default;
    std::string text() const;
    static result<NetworkAddress> parse(const std::string& text);
};

class SimulatedNetwork;

/// A socket of one host; closed when it goes.
class SimulatedSocket {
public:
    SimulatedSocket(SimulatedNetwork& network, std::uint32_t host, std::uint16_t port);
    ~SimulatedSocket();
    SimulatedSocket(const SimulatedSocket&) = delete;

    void send(const NetworkAddress& to, core::ByteView datagram);
    NetworkAddress local() const;
    std::function<void(const NetworkAddress& from, core::ByteView datagram)> on_datagram;

private:
    friend class SimulatedNetwork;
    SimulatedNetwork& network_;
    std::uint32_t host_;
    std::uint16_t port_;
};

/// Hosts, their NATs, and what is on its way.
class SimulatedNetwork {
public:
    SimulatedNetwork(SimulatedScheduler& scheduler, std::uint64_t seed) : scheduler_(scheduler), random_(seed) {}

    /// A new host; its number is its public address.
    std::uint32_t add_host(NatKind nat);
    std::unique_ptr<SimulatedSocket> open(std::uint32_t host);
    SimulatedScheduler& scheduler() noexcept { return scheduler_; }

    NetworkWeather weather;
    std::uint64_t delivered = 0;

private:
    friend class SimulatedSocket;
    struct Mapping {
        std::uint16_t inside = 0;
        NetworkAddress destination;  // symmetric only
        std::set<NetworkAddress> contacted;
    };
    struct Host {
        NatKind nat = NatKind::none;
        std::map<std::uint16_t, SimulatedSocket*> sockets;
        std::map<std::uint16_t, Mapping> mappings;  // by outside port
        std::uint16_t next_port = 10'000;
    };

    void send(SimulatedSocket& socket, const NetworkAddress& to, core::ByteView datagram);
    void arrive(const NetworkAddress& from, const NetworkAddress& to, const core::Bytes& datagram);
    std::uint16_t map_outbound(Host& host, std::uint16_t inside, const NetworkAddress& to);
    static bool lets_in(const Host& host, const Mapping& mapping, const NetworkAddress& from);
    bool chance(double share) { return std::uniform_real_distribution<>()(random_) < share; }

    SimulatedScheduler& scheduler_;
    std::mt19937_64 random_;
    std::map<std::uint32_t, Host> hosts_;
};

}  // namespace tubes::simulation
