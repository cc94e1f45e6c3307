// SPDX-License-Identifier: GPL-3.0-or-later
// The simulated network: each NAT is what it says, and punching through pairs of them ends as theory demands.
#include <gtest/gtest.h>

#include "tests/simulation/link_pair.hpp"
#include "tests/simulation/punching_transport.hpp"

namespace tubes::simulation {
namespace {

using namespace core;
using namespace std::chrono_literals;

/// What a probe as in RFC 5780 §4 finds: whether the mapping depends on the destination, and who is let in.
struct Behaviour {
    bool mapped_alike = false;
    bool lets_in_same_address = false;
    bool lets_in_other_port = false;
    bool lets_in_other_host = false;
};

Behaviour probe(NatKind kind) {
    SimulatedScheduler scheduler;
    SimulatedNetwork network(scheduler, 1);
    auto inside = network.open(network.add_host(kind));
    const auto one = network.add_host(NatKind::none);
    auto first = network.open(one);
    auto second = network.open(one);
    auto third = network.open(network.add_host(NatKind::none));
    std::vector<NetworkAddress> seen;
    for (auto* server : {first.get(), third.get()}) {
        server->on_datagram = [&seen](const auto& from, ByteView) { seen.push_back(from); };
    }
    std::vector<NetworkAddress> heard;
    inside->on_datagram = [&heard](const auto& from, ByteView) { heard.push_back(from); };
    const Bytes datagram(10);
    Behaviour behaviour;
    inside->send(first->local(), datagram);
    scheduler.advance(1s);
    if (seen.empty()) return behaviour;
    const auto mapped = seen[0];
    for (auto* server : {first.get(), second.get(), third.get()}) server->send(mapped, datagram);
    scheduler.advance(1s);
    const auto was_heard = [&](const auto& socket) {
        return std::count(heard.begin(), heard.end(), socket->local()) > 0;
    };
    behaviour.lets_in_same_address = was_heard(first);
    behaviour.lets_in_other_port = was_heard(second);
    behaviour.lets_in_other_host = was_heard(third);
    inside->send(third->local(), datagram);
    scheduler.advance(1s);
    behaviour.mapped_alike = seen.at(1) == mapped;
    return behaviour;
}

TEST(SimulatedNetwork, EachNatIsWhatItSays) {
    const auto expect = [](NatKind kind, bool alike, bool address, bool port, bool host) {
        const auto found = probe(kind);
        EXPECT_EQ(found.mapped_alike, alike) << static_cast<int>(kind);
        EXPECT_EQ(found.lets_in_same_address, address) << static_cast<int>(kind);
        EXPECT_EQ(found.lets_in_other_port, port) << static_cast<int>(kind);
        EXPECT_EQ(found.lets_in_other_host, host) << static_cast<int>(kind);
    };
    expect(NatKind::none, true, true, true, true);
    expect(NatKind::full_cone, true, true, true, true);
    expect(NatKind::address_restricted, true, true, true, false);
    expect(NatKind::port_restricted, true, true, false, false);
    expect(NatKind::symmetric, false, true, false, false);
    expect(NatKind::udp_blocked, false, false, false, false);
}

TEST(SimulatedNetwork, LosesDoublesReordersAndDropsWhatIsTooLarge) {
    SimulatedScheduler scheduler;
    SimulatedNetwork network(scheduler, 3);
    network.weather = {.loss = 0.2, .duplication = 0.1, .delay = 10ms, .jitter = 20ms, .mtu = 1000};
    auto a = network.open(network.add_host(NatKind::none));
    auto b = network.open(network.add_host(NatKind::none));
    std::vector<int> order;
    b->on_datagram = [&](const auto&, ByteView datagram) { order.push_back(datagram[0] << 8 | datagram[1]); };
    for (int i = 0; i < 10'000; ++i) {
        a->send(b->local(), Bytes{static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)});
        scheduler.advance(1ms);
    }
    a->send(b->local(), Bytes(1001));
    scheduler.advance(1s);
    EXPECT_NEAR(static_cast<double>(order.size()), 10'000 * 0.8 * 1.1, 200);
    EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
    EXPECT_NEAR(static_cast<double>(std::set<int>(order.begin(), order.end()).size()), 8000, 150);
}

/// An attempt whose signals go straight to the other one.
struct Negotiator final : ports::PathAttempt::Handler {
    std::unique_ptr<ports::PathAttempt> attempt;
    Negotiator* other = nullptr;
    LinkPair* pair = nullptr;
    Side side = Side::a;
    bool has_path = false;
    std::optional<error_code> failed;

    void on_description(const ports::TransportDescription& description) override {
        other->attempt->set_remote_description(description);
    }
    void on_candidate(const ports::Candidate& candidate) override { other->attempt->add_remote_candidate(candidate); }
    void on_candidates_end() override { other->attempt->remote_candidates_end(); }
    void on_path(std::unique_ptr<ports::MessagePath> path) override {
        has_path = true;
        pair->link(side).add_path(std::move(path), 0);
    }
    void on_failed(error_code reason) override { failed = reason; }
};

void negotiate(NatKind nat_a, NatKind nat_b, NetworkWeather weather, std::uint64_t seed) {
    SCOPED_TRACE("NATs " + std::to_string(static_cast<int>(nat_a)) + " and " + std::to_string(static_cast<int>(nat_b)) +
                 ", seed " + std::to_string(seed));
    LinkPair pair(seed);
    SimulatedNetwork network(pair.scheduler, seed);
    network.weather = weather;
    PunchingWorld world(network, {.delay = 10ms});
    PunchingTransport transport_a(world, network.add_host(nat_a));
    PunchingTransport transport_b(world, network.add_host(nat_b));
    Negotiator a;
    Negotiator b;
    ports::AttemptParameters parameters;
    a.attempt = transport_a.make_attempt(parameters);
    parameters.role = LinkRole::responder;
    b.attempt = transport_b.make_attempt(parameters);
    a.other = &b;
    b.other = &a;
    a.pair = b.pair = &pair;
    b.side = Side::b;
    a.attempt->start(a);
    b.attempt->start(b);
    pair.scheduler.advance(10s);
    const bool expected = can_punch(nat_a, nat_b);
    EXPECT_EQ(a.has_path, expected);
    EXPECT_EQ(b.has_path, expected);
    EXPECT_EQ(a.failed.has_value(), !expected);
    EXPECT_EQ(pair.a.opened, expected ? 1 : 0);
    EXPECT_EQ(pair.b.opened, expected ? 1 : 0);
}

TEST(SimulatedNetwork, PairsOfNatsAreDirectWhereTheoryPermits) {
    for (const auto a : kNatKinds) {
        for (const auto b : kNatKinds) {
            negotiate(a, b, {}, 1);
            for (std::uint64_t seed = 2; seed < 6; ++seed) {
                negotiate(a, b, {.loss = 0.2, .duplication = 0.1, .delay = 30ms, .jitter = 40ms}, seed);
            }
        }
    }
}

}  // namespace
}  // namespace tubes::simulation
