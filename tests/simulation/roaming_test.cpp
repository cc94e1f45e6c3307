// SPDX-License-Identifier: GPL-3.0-or-later
// Networks that change under a link: what is asked at once, what is looked for, and what waits for better times.
#include "tests/simulation/two_people.hpp"

namespace tubes::simulation {
namespace {

core::LinkStatus status(LinkPair& pair, Side side) {
    return pair.link(side).status();
}

std::optional<PathKind> active_kind(const core::LinkStatus& status) {
    for (const auto& path : status.paths) {
        if (path.active) return path.info.kind;
    }
    return std::nullopt;
}

TEST(PathChecks, AnIdleLinkFindsOutWithinSecondsWhenItIsAskedTo) {
    LinkPair pair;
    const auto wire = pair.connect({.kind = PathKind::ice, .delay = 20ms});
    ASSERT_TRUE(pair.open());
    pair.scheduler.advance(5s);
    wire->silence();
    pair.link(Side::a).check_paths();
    pair.scheduler.advance(3s);
    EXPECT_EQ(status(pair, Side::a).state, core::LinkState::stalled);
    EXPECT_EQ(status(pair, Side::b).state, core::LinkState::open) << "nobody asked that side";
}

TEST(PathChecks, APathThatAnswersStays) {
    LinkPair pair;
    pair.connect({.kind = PathKind::ice, .delay = 300ms});
    ASSERT_TRUE(pair.open());
    pair.scheduler.advance(5s);
    for (int count = 0; count < 3; ++count) pair.link(Side::b).check_paths();
    pair.scheduler.advance(5s);
    EXPECT_EQ(status(pair, Side::b).state, core::LinkState::open);
    EXPECT_EQ(status(pair, Side::b).path_changes, 0u);
}

TEST(PathChecks, APathThatDoesNotAnswerIsSuspectAndAWorseOneThatDoesTakesOver) {
    LinkPair pair;
    const auto wire = pair.connect({.kind = PathKind::direct_tls, .delay = 20ms});
    ASSERT_TRUE(pair.open());
    TestApplication application(pair.link(Side::a).open_stream(core::TubeId::random()).value());
    pair.scheduler.advance(1s);
    wire->silence();
    application.send_pattern(10'000, 3);
    ASSERT_TRUE(pair.scheduler.run_until([&] { return status(pair, Side::a).suspect; }, 5s));
    EXPECT_EQ(active_kind(status(pair, Side::a)), PathKind::direct_tls) << "not given up yet";
    pair.connect({.kind = PathKind::ice_relayed, .delay = 20ms}, 1);
    ASSERT_TRUE(
        pair.scheduler.run_until([&] { return active_kind(status(pair, Side::b)) == PathKind::ice_relayed; }, 2s));
    EXPECT_FALSE(status(pair, Side::a).suspect);
}

class Roaming : public TwoPeople {
protected:
    Roaming() {
        alice.trust(bob);
        bob.trust(alice);
        alice.share("web", {"bob@b"}, Policy::always);
        direct().connect = relay().connect = 20ms;
    }
    ReachModel& direct() { return world.reach[PathKind::direct_tls]; }
    ReachModel& relay() { return world.reach[PathKind::ice_relayed]; }
    std::optional<PathKind> active(BrokerNode& node) { return active_kind(node.broker->links().at(0).status); }
    void silence_wires() {
        for (const auto& wire : world.reach.wires) {
            if (const auto alive = wire.lock()) alive->silence();
        }
    }
    core::TubeId open() {
        const auto tube = bob.connect("alice@a", "web");
        EXPECT_TRUE(opens(bob, tube));
        world.run(15s);
        return tube;
    }
};

TEST_F(Roaming, ASilentlyDeadPathIsReplacedSecondsAfterTheNetworkChanged) {
    const auto tube = open();
    silence_wires();
    bob.broker->network_changed();
    ASSERT_TRUE(world.until([&] { return world.reach.living_wires() == 2; }, 3s));
    EXPECT_TRUE(bob.carries_data(tube, alice));
    world.run(5s);
    EXPECT_EQ(world.reach.living_wires(), 1u);
}

TEST_F(Roaming, AfterSleepOnlyWhatIsDeadIsReplaced) {
    const auto tube = open();
    bob.broker->check_paths();
    world.run(10s);
    EXPECT_EQ(bob.broker->links().at(0).status.path_changes, 0u);
    silence_wires();
    bob.broker->check_paths();
    EXPECT_TRUE(world.until([&] { return bob.broker->links().at(0).status.path_changes == 1; }, 6s));
    EXPECT_TRUE(bob.carries_data(tube, alice));
}

TEST_F(Roaming, ThePeersRestartMakesUsDoubtOurOwnPaths) {
    const auto tube = open();
    silence_wires();
    bob.broker->network_changed();
    EXPECT_TRUE(world.until([&] { return alice.broker->links().at(0).status.path_changes == 1; }, 3s));
    EXPECT_TRUE(alice.carries_data(alice.opened.at(0).id, bob));
    EXPECT_TRUE(bob.is_open(tube));
}

TEST_F(Roaming, TheWishForNewPathsOutlivesAServerThatIsAway) {
    direct().fails = true;
    const auto tube = open();
    EXPECT_EQ(active(bob), PathKind::ice_relayed);
    direct().fails = false;
    world.server.set_online(bob.self, false);
    bob.broker->network_changed();
    world.run(4s);
    EXPECT_EQ(active(bob), PathKind::ice_relayed);
    world.server.set_online(bob.self, true);
    EXPECT_TRUE(world.until([&] { return active(bob) == PathKind::direct_tls; }, 2s))
        << "at once, not after a back-off";
    EXPECT_TRUE(bob.carries_data(tube, alice));
}

TEST_F(Roaming, AfterARestartOfTheServerThePeersReturnIsEnough) {
    direct().fails = true;
    const auto tube = open();
    direct().fails = false;
    for (const auto& self : {bob.self, alice.self}) world.server.set_online(self, false);
    bob.broker->network_changed();
    world.reach.kill_wires();
    world.run(4s);
    world.server.set_online(bob.self, true);
    world.run(20s);  // the back-off between restarts that reach nobody grows
    world.server.set_online(alice.self, true);
    EXPECT_TRUE(world.until([&] { return active(bob) == PathKind::direct_tls; }, 2s))
        << "at once, not after a back-off";
    EXPECT_TRUE(bob.carries_data(tube, alice));
}

TEST_F(Roaming, ARelayedLinkLooksForSomethingBetterNowAndThen) {
    direct().fails = true;
    const auto tube = open();
    world.run(10min);
    const auto looked = world.reach.attempts_made;
    EXPECT_GT(looked, 8u);
    EXPECT_LT(looked, 60u) << "less and less often";
    direct().fails = false;
    EXPECT_TRUE(world.until([&] { return active(bob) == PathKind::direct_tls; }, 20min));
    EXPECT_TRUE(bob.carries_data(tube, alice));
    const auto found = world.reach.attempts_made;
    world.run(3h);
    EXPECT_EQ(world.reach.attempts_made, found) << "a direct link is content";
}

TEST_F(Roaming, RelaysAreReplacedBeforeTheirCredentialsEnd) {
    direct().fails = true;
    core::ports::IceServer server;
    server.scheme = core::ports::IceServer::Scheme::turn_udp;
    server.valid_for = 40s;
    world.server.ice_servers = {server};
    open();
    const auto changes = bob.broker->links().at(0).status.path_changes;
    world.run(30s);
    EXPECT_GT(bob.broker->links().at(0).status.path_changes, changes);
    EXPECT_EQ(active(bob), PathKind::ice_relayed);
}

TEST_F(Roaming, BothEndsHearTheSameWhenThePeerIsAwayForTooLong) {
    open();
    world.server.set_online(bob.self, false);
    silence_wires();
    direct().works = relay().works = false;
    ASSERT_TRUE(world.until([&] { return !alice.closed.empty() && !bob.closed.empty(); }, 12min));
    EXPECT_EQ(alice.closed.at(0).second, Errc::broken);
    EXPECT_EQ(bob.closed.at(0).second, Errc::broken);
}

TEST_F(Roaming, FiveMinutesOfSleepAreSurvived) {
    const auto tube = open();
    world.server.set_online(bob.self, false);
    silence_wires();
    direct().works = relay().works = false;
    world.run(5min);
    direct().works = relay().works = true;
    world.server.set_online(bob.self, true);
    bob.broker->check_paths();
    EXPECT_TRUE(bob.carries_data(tube, alice));
}

}  // namespace
}  // namespace tubes::simulation
