// SPDX-License-Identifier: GPL-3.0-or-later
// Tubes to contacts who are not there yet.
#include "tests/simulation/two_people.hpp"

namespace tubes::simulation {
namespace {

TEST_F(TwoPeople, ATubeWaitsForAContactWhoIsAboutToComeOnline) {
    alice.share("web", {"bob@b"}, Policy::always);
    alice.trust(bob);
    bob.trust(alice);
    world.server.set_present(alice.self, false);
    world.run(1s);
    const auto tube = bob.connect("alice@a", "web", 20s);
    const auto hopeless = bob.connect("nobody@a", "web", 20s);
    world.run(10s);
    EXPECT_TRUE(bob.outcomes.empty());
    world.server.set_present(alice.self, true);
    EXPECT_TRUE(opens(bob, tube));
    EXPECT_TRUE(bob.carries_data(tube, alice));
    ASSERT_TRUE(world.until([&] { return bob.outcomes.contains(hopeless); }, 15s));
    EXPECT_EQ(bob.failure(hopeless), Errc::offline);
}

TEST_F(TwoPeople, ATubeAskedForBeforeTheLogInIsOverWaitsForIt) {
    world.server.befriend("alice@a", "carol@c");
    alice.share("web", {"carol@c"}, Policy::always);
    BrokerNode carol(world, "carol@c", "one", 3);
    alice.trust(carol);
    carol.trust(alice);
    const auto tube = carol.connect("alice@a", "web");  // in the same moment: still connecting, nobody is known
    EXPECT_TRUE(opens(carol, tube));
    world.server.set_online(carol.self, false);
    const auto late = carol.connect("bob@b", "web", 2s);
    ASSERT_TRUE(world.until([&] { return carol.outcomes.contains(late); }, 3s));
    EXPECT_EQ(carol.failure(late), Errc::not_connected);
}

TEST_F(TwoPeople, AWaitingTubeEndsWithItsCallerOrItsAccount) {
    world.server.set_present(alice.self, false);
    world.run(1s);
    const auto given_up = bob.connect("alice@a", "web");
    const auto left = bob.connect("alice@a", "web");
    bob.broker->close_tube(given_up, Errc::cancelled);
    world.run(100ms);
    EXPECT_EQ(bob.failure(given_up), Errc::cancelled);
    bob.broker->remove_connection("bob@b", [] {});
    world.run(1s);
    EXPECT_EQ(bob.failure(left), Errc::cancelled);
    world.server.set_present(alice.self, true);
    world.run(10s);
    EXPECT_EQ(bob.open_tubes(), 0U);
}

TEST_F(TwoPeople, ADeadDeviceThatIsStillListedDoesNotHoldUpALiveOneThatTurnsUp) {
    alice.trust(bob);
    bob.trust(alice);
    BrokerNode again(world, "alice@a", "two", 3);
    again.share("web", {"bob@b"}, Policy::always);
    again.trust(bob);
    bob.trust(again);
    world.run(1s);
    world.server.set_present(again.self, false);
    world.server.dead.insert(alice.self);
    world.run(1s);
    const auto tube = bob.connect("alice@a", "web");
    world.run(1s);
    EXPECT_TRUE(bob.outcomes.empty());
    world.server.set_present(again.self, true);
    ASSERT_TRUE(world.until([&] { return bob.outcomes.contains(tube); }, 4s));
    EXPECT_FALSE(bob.failure(tube));
    EXPECT_TRUE(bob.carries_data(tube, again));
    world.run(1min);
    EXPECT_TRUE(bob.is_open(tube));
    EXPECT_EQ(bob.broker->links().size(), 1U);
}

TEST_F(TwoPeople, ASlowDeviceIsNotGivenUpForOneThatTurnsUp) {
    alice.share("web", {"bob@b"}, Policy::ask);
    alice.trust(bob);
    bob.trust(alice);
    const auto tube = bob.connect("alice@a", "web");
    world.run(1s);
    BrokerNode again(world, "alice@a", "two", 3);
    again.share("web", {"bob@b"}, Policy::always);
    again.trust(bob);
    bob.trust(again);
    world.run(5s);
    EXPECT_TRUE(bob.outcomes.empty());
    alice.answer(true);
    EXPECT_TRUE(opens(bob, tube));
    EXPECT_TRUE(bob.carries_data(tube, alice));
}

}  // namespace
}  // namespace tubes::simulation
