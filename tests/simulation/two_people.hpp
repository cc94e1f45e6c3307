// SPDX-License-Identifier: GPL-3.0-or-later
// The fixture most broker tests begin with: two people who know each other, one device each.
#pragma once

#include <gtest/gtest.h>

#include "tests/simulation/broker_node.hpp"

namespace tubes::simulation {

using namespace std::chrono_literals;

/// Alice shares, Bob connects.
class TwoPeople : public testing::Test {
protected:
    explicit TwoPeople(ServerModel model = {}, core::BrokerLimits limits = {})
        : world(model), alice(world, "alice@a", "one", 1, limits), bob(world, "bob@b", "one", 2, limits) {
        world.server.befriend("alice@a", "bob@b");
        world.run(1s);
    }

    /// Runs until the tube's outcome is there; whether it is an open tube.
    bool opens(BrokerNode& node, const core::TubeId& tube) {
        const bool ended = world.until([&] { return node.outcomes.contains(tube); });
        return ended && !node.failure(tube) && node.is_open(tube);
    }
    /// Opens a tube from Bob to Alice's share "web" between keys that know each other.
    core::TubeId open_link() {
        alice.trust(bob);
        bob.trust(alice);
        alice.share("web", {"bob@b"}, Policy::always);
        const auto tube = bob.connect("alice@a", "web");
        EXPECT_TRUE(opens(bob, tube));
        world.run(1s);
        return tube;
    }

    World world;
    BrokerNode alice;
    BrokerNode bob;
};

}  // namespace tubes::simulation
