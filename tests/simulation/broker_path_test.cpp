// SPDX-License-Identifier: GPL-3.0-or-later
// Negotiation: the race of transports, better paths that come later, restarts, and why a link is relayed.
#include "tests/simulation/two_people.hpp"

namespace tubes::simulation {
namespace {

class Paths : public TwoPeople {
protected:
    Paths() {
        alice.trust(bob);
        bob.trust(alice);
        alice.share("web", {"bob@b"}, Policy::always);
        direct().connect = 20ms;
        relay().connect = 20ms;
    }
    ReachModel& direct() { return world.reach[PathKind::direct_tls]; }
    ReachModel& relay() { return world.reach[PathKind::ice_relayed]; }
    core::TubeId connect() { return bob.connect("alice@a", "web"); }
    std::optional<PathKind> active(BrokerNode& node) {
        for (const auto& report : node.broker->links()) {
            for (const auto& path : report.status.paths) {
                if (path.active) return path.info.kind;
            }
        }
        return std::nullopt;
    }
    std::string reason(BrokerNode& node) { return node.broker->links().at(0).why_relayed; }
};

TEST_F(Paths, TheBetterKindWinsByItsHeadStartAndTheOtherIsNotEvenTried) {
    ASSERT_TRUE(opens(bob, connect()));
    EXPECT_EQ(active(bob), PathKind::direct_tls);
    world.run(1s);
    EXPECT_EQ(world.reach.attempts_alive, 0u);
    EXPECT_EQ(world.reach.wires.size(), 1u);
    EXPECT_EQ(reason(bob), "");
}

TEST_F(Paths, AFailureLetsTheNextKindGoAtOnce) {
    direct().fails = true;
    direct().fail_after = 5ms;
    const auto begin = world.scheduler.now();
    ASSERT_TRUE(opens(bob, connect()));
    EXPECT_LT(world.scheduler.now() - begin, 200ms);
    EXPECT_EQ(active(bob), PathKind::ice_relayed);
}

TEST_F(Paths, SilenceLetsTheNextKindGoAfterItsHeadStart) {
    direct().works = false;
    const auto begin = world.scheduler.now();
    ASSERT_TRUE(opens(bob, connect()));
    EXPECT_GE(world.scheduler.now() - begin, 250ms);
    EXPECT_LT(world.scheduler.now() - begin, 500ms);
    EXPECT_EQ(active(bob), PathKind::ice_relayed);
}

TEST_F(Paths, ABetterPathThatComesLaterTakesOverLive) {
    direct().connect = 2s;
    const auto tube = connect();
    ASSERT_TRUE(opens(bob, tube));
    EXPECT_EQ(active(bob), PathKind::ice_relayed);
    EXPECT_TRUE(bob.carries_data(tube, alice));
    ASSERT_TRUE(world.until([&] { return active(bob) == PathKind::direct_tls; }, 5s));
    EXPECT_TRUE(bob.carries_data(tube, alice));
    EXPECT_EQ(bob.closed.size() + alice.closed.size(), 0u);
}

TEST_F(Paths, AttemptsThatNeverAnswerEndWhenTheLinkHasSettled) {
    direct().works = false;
    ASSERT_TRUE(opens(bob, connect()));
    world.run(5s);
    EXPECT_GT(world.reach.attempts_alive, 0u);
    world.run(10s);
    EXPECT_EQ(world.reach.attempts_alive, 0u);
}

TEST_F(Paths, WhyRelayedNamesEachDirectKindAndHowItFailed) {
    direct().fails = true;
    ASSERT_TRUE(opens(bob, connect()));
    EXPECT_EQ(reason(bob), "direct-tls: no answer so far");
    world.run(1s);
    EXPECT_EQ(reason(bob), "direct-tls: " + make_error_code(Errc::network_unreachable).message());
    EXPECT_EQ(reason(alice), reason(bob));
}

TEST_F(Paths, WhyRelayedSaysWhenThePolicyWithholdsAddresses) {
    bob.policies.address_policy = AddressPolicy::relay_only;
    ASSERT_TRUE(opens(bob, connect()));
    EXPECT_NE(reason(bob).find("relay only"), std::string::npos);
    EXPECT_EQ(reason(alice), "direct-tls: not offered by the other side");
    EXPECT_EQ(bob.direct.made.at(0).addresses, AddressPolicy::relay_only);
}

TEST_F(Paths, NoPathAtAllIsSaidAsSoonAsEverythingHasFailed) {
    direct().fails = relay().fails = true;
    const auto tube = connect();
    ASSERT_TRUE(world.until([&] { return bob.outcomes.contains(tube); }));
    EXPECT_EQ(bob.failure(tube), Errc::no_path);
    world.run(1s);
    EXPECT_TRUE(alice.broker->links().empty());
    EXPECT_TRUE(alice.broker->tubes().empty());
    EXPECT_EQ(world.reach.attempts_alive, 0u);
}

TEST_F(Paths, NoPathIsSaidAtTheDeadlineWhenNothingAnswers) {
    direct().works = relay().works = false;
    const auto begin = world.scheduler.now();
    const auto tube = connect();
    ASSERT_TRUE(world.until([&] { return bob.outcomes.contains(tube); }));
    EXPECT_EQ(bob.failure(tube), Errc::no_path);
    EXPECT_LT(world.scheduler.now() - begin, 31s);
    world.run(1s);
    EXPECT_TRUE(alice.broker->links().empty());
    EXPECT_EQ(world.reach.attempts_alive, 0u);
}

TEST_F(Paths, NoTransportInCommonIsNoPath) {
    bob.policies.address_policy = AddressPolicy::relay_only;
    relay().fails = true;
    const auto tube = connect();
    ASSERT_TRUE(world.until([&] { return bob.outcomes.contains(tube); }));
    EXPECT_EQ(bob.failure(tube), Errc::no_path);
}

TEST_F(Paths, ALinkThatLosesItsPathStartsOverAndItsTubesLiveOn) {
    const auto tube = connect();
    ASSERT_TRUE(opens(bob, tube));
    for (int count = 0; count < 5; ++count) {
        world.run(15s);
        world.reach.kill_wires();
        EXPECT_TRUE(bob.carries_data(tube, alice)) << count;
        EXPECT_TRUE(alice.carries_data(alice.opened.at(0).id, bob)) << count;
    }
    EXPECT_EQ(bob.broker->links().size(), 1u);
    EXPECT_EQ(bob.closed.size() + alice.closed.size(), 0u);
}

TEST_F(Paths, RestartsGoOnWithBackOffWhileTheLinkHasPatience) {
    const auto tube = connect();
    ASSERT_TRUE(opens(bob, tube));
    world.run(15s);
    direct().fails = relay().fails = true;
    world.reach.kill_wires();
    world.run(20s);
    direct().fails = relay().fails = false;
    EXPECT_TRUE(bob.carries_data(tube, alice));
}

TEST_F(Paths, WithoutAnyPathTheLinkBreaksWhenPatienceEnds) {
    const auto tube = connect();
    ASSERT_TRUE(opens(bob, tube));
    direct().works = relay().works = false;
    world.reach.kill_wires();
    ASSERT_TRUE(world.until([&] { return !bob.closed.empty() && !alice.closed.empty(); }, 12min));
    EXPECT_TRUE(bob.broker->links().empty());
    world.run(10s);
    EXPECT_EQ(world.reach.attempts_alive, 0u);
}

TEST_F(Paths, ARestartSurvivesAConnectionThatIsAwayForAWhile) {
    const auto tube = connect();
    ASSERT_TRUE(opens(bob, tube));
    world.run(15s);
    world.server.set_online(bob.self, false);
    world.reach.kill_wires();
    world.run(20s);
    EXPECT_TRUE(bob.is_open(tube));
    world.server.set_online(bob.self, true);
    EXPECT_TRUE(bob.carries_data(tube, alice));
}

TEST_F(Paths, PresenceThatVanishesLeavesAnOpenLinkAlone) {
    const auto tube = connect();
    ASSERT_TRUE(opens(bob, tube));
    world.server.set_present(alice.self, false);
    world.run(1min);
    EXPECT_TRUE(bob.carries_data(tube, alice));
}

TEST_F(Paths, AChangedNetworkLooksForNewPathsWithoutLosingTheOldOne) {
    direct().fails = true;
    const auto tube = connect();
    ASSERT_TRUE(opens(bob, tube));
    world.run(15s);
    EXPECT_EQ(active(bob), PathKind::ice_relayed);
    direct().fails = false;
    bob.broker->network_changed();
    ASSERT_TRUE(world.until([&] { return active(bob) == PathKind::direct_tls; }, 5s));
    EXPECT_TRUE(bob.carries_data(tube, alice));
    world.run(40s);
    EXPECT_EQ(world.reach.attempts_alive, 0u);
    bob.broker->network_changed();
    alice.broker->network_changed();
    world.run(40s);
    EXPECT_TRUE(bob.carries_data(tube, alice));
    EXPECT_EQ(world.reach.attempts_alive, 0u);
}

TEST_F(Paths, BothSidesRestartAtOnceInEveryOrder) {
    for (const auto first : {0, 1, 2, 3, 4, 5}) {
        World held_world;
        held_world.server.befriend("alice@a", "bob@b");
        BrokerNode one(held_world, "alice@a", "one", 1);
        BrokerNode two(held_world, "bob@b", "one", 2);
        held_world.run(1s);
        one.trust(two);
        two.trust(one);
        one.share("web", {"bob@b"}, Policy::always);
        const auto tube = two.connect("alice@a", "web");
        ASSERT_TRUE(held_world.until([&] { return two.outcomes.contains(tube); }));
        held_world.run(15s);
        held_world.server.model.manual = true;
        held_world.reach.kill_wires();
        held_world.run(100ms);
        auto routes = held_world.server.waiting();
        ASSERT_EQ(routes.size(), 2u);
        // The first `first` deliveries go one way, then the other way's turn comes.
        for (int count = 0; count < first && !held_world.server.waiting().empty(); ++count) {
            const auto waiting = held_world.server.waiting();
            const auto wanted = std::find(waiting.begin(), waiting.end(), routes[first % 2]);
            held_world.server.deliver(wanted == waiting.end() ? waiting.front() : *wanted);
            held_world.run(5ms);
        }
        while (!held_world.server.waiting().empty()) {
            held_world.server.deliver(held_world.server.waiting().back());
            held_world.run(5ms);
        }
        held_world.server.model.manual = false;
        EXPECT_TRUE(two.carries_data(tube, one)) << first;
        held_world.run(40s);
        EXPECT_EQ(held_world.reach.attempts_alive, 0u);
        EXPECT_EQ(held_world.reach.living_wires(), 1u);
    }
}

}  // namespace
}  // namespace tubes::simulation
