// SPDX-License-Identifier: GPL-3.0-or-later
// Random faults: late, lost and repeated signals, devices that vanish, paths that die. Every request has an end, and
// everything returns to nothing.
#include <random>

#include "tests/simulation/two_people.hpp"

namespace tubes::simulation {
namespace {

constexpr std::uint64_t kSeeds = 60;

/// Four devices of two people under fire.
class Storm {
public:
    explicit Storm(std::uint64_t seed) : random_(seed), world_(model(seed), seed) {
        world_.server.befriend("alice@a", "bob@b");
        std::uint64_t key = 1;
        for (const auto* name : {"alice@a", "bob@b"}) {
            for (const auto* resource : {"1", "2"}) {
                nodes_.push_back(std::make_unique<BrokerNode>(world_, name, resource, key++));
            }
        }
        for (auto& one : nodes_) {
            for (auto& other : nodes_) one->trust(*other);
            one->share("always", {"alice@a", "bob@b"}, Policy::always);
            one->share("asked", {"alice@a", "bob@b"});
        }
        world_.run(1s);
    }

    void act() {
        auto& node = *nodes_[random_() % nodes_.size()];
        const std::string other = node.self.contact.value == "alice@a" ? "bob@b" : "alice@a";
        switch (random_() % 9) {
            case 0:
            case 1: node.connect(other, "always"); break;
            case 2: node.connect(other, random_() % 2 == 0 ? "asked" : "missing"); break;
            case 3: offer(node, other); break;
            case 4:
                if (!node.broker->pending().empty()) node.answer(random_() % 3 != 0);
                break;
            case 5: world_.reach.kill_wires(); break;
            case 6: world_.server.set_present(node.self, random_() % 2 == 0); break;
            case 7: world_.server.set_online(node.self, random_() % 2 == 0); break;
            default: close_one(node);
        }
        world_.run(std::chrono::milliseconds(random_() % 400));
    }

    /// All faults end; what remains is opened, used, closed.
    void calm() {
        world_.server.model.loss = world_.server.model.repeat = 0;
        for (auto& node : nodes_) world_.server.set_online(node->self, true);
        world_.run(5min);
    }
    void expect_every_request_ended() {
        for (auto& node : nodes_) {
            for (const auto& tube : node->broker->tubes()) EXPECT_EQ(tube.state, core::TubeState::open);
            for (const auto& request : node->broker->pending()) EXPECT_TRUE(request.is_offer);
        }
    }
    void expect_both_ends_agree() {
        std::set<core::TubeId> ends;
        for (auto& node : nodes_) {
            for (const auto& tube : node->broker->tubes()) {
                if (!ends.erase(tube.id)) ends.insert(tube.id);
            }
        }
        EXPECT_TRUE(ends.empty()) << ends.size() << " tubes are open at one end only";
    }
    void expect_usable() {
        auto& node = *nodes_[0];
        const auto tube = node.connect("bob@b", "always");
        EXPECT_TRUE(world_.until([&] { return node.outcomes.contains(tube); }));
        EXPECT_FALSE(node.failure(tube)) << node.failure(tube)->message();
        EXPECT_TRUE(node.failure(tube) || node.carries_data(tube, *nodes_[2]));
    }
    std::size_t opened() const {
        std::size_t count = 0;
        for (const auto& node : nodes_) count += node->opened.size();
        return count;
    }
    void expect_nothing_left() {
        for (auto& node : nodes_) {
            for (const auto& tube : node->broker->tubes()) node->broker->close_tube(tube.id, Errc::cancelled);
        }
        world_.run(20min);
        for (auto& node : nodes_) {
            node->applications.clear();
            EXPECT_TRUE(node->broker->tubes().empty());
            EXPECT_TRUE(node->broker->links().empty());
            EXPECT_TRUE(node->broker->pending().empty());
        }
        EXPECT_EQ(world_.reach.attempts_alive, 0u);
    }

private:
    static ServerModel model(std::uint64_t seed) {
        ServerModel chosen;
        chosen.seed = seed;
        chosen.jitter = std::chrono::milliseconds(seed % 5 * 40);
        chosen.repeat = seed % 3 == 0 ? 0.2 : 0;
        chosen.loss = seed % 4 == 0 ? 0.05 : 0;
        return chosen;
    }
    void offer(BrokerNode& node, const std::string& to) {
        core::OfferSpec spec;
        spec.account = node.self.contact.value;
        spec.contact = {to};
        spec.service = "gift";
        spec.lifetime = std::chrono::seconds(5 + random_() % 60);
        (void)node.broker->offer(spec);
    }
    void close_one(BrokerNode& node) {
        const auto tubes = node.broker->tubes();
        if (!tubes.empty()) node.broker->close_tube(tubes[random_() % tubes.size()].id, Errc::cancelled);
    }

    std::mt19937_64 random_;
    World world_;
    std::vector<std::unique_ptr<BrokerNode>> nodes_;
};

TEST(Faults, EveryRequestEndsAndNothingIsLeftWhateverHappens) {
    std::size_t opened = 0;
    for (std::uint64_t seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Storm storm(seed);
        for (int count = 0; count < 60; ++count) storm.act();
        storm.calm();
        storm.expect_every_request_ended();
        storm.expect_both_ends_agree();
        storm.expect_usable();
        opened += storm.opened();
        storm.expect_nothing_left();
    }
    EXPECT_GT(opened, kSeeds * 5);  // The storm is not so strong that nothing happens in it.
}

class Vanishing : public TwoPeople {};

TEST_F(Vanishing, ThePeerWhileItsUserIsAskedIsOffline) {
    alice.share("web", {"bob@b"});
    const auto tube = bob.connect("alice@a", "web");
    ASSERT_TRUE(world.until([&] { return !alice.pending.empty(); }));
    world.server.set_present(alice.self, false);
    ASSERT_TRUE(world.until([&] { return bob.outcomes.contains(tube); }, 5s));
    EXPECT_EQ(bob.failure(tube), Errc::offline);
}

TEST_F(Vanishing, TheCallerWhileTheUserIsAskedIsNoLongerShown) {
    alice.share("web", {"bob@b"});
    bob.connect("alice@a", "web");
    ASSERT_TRUE(world.until([&] { return !alice.pending.empty(); }));
    world.server.set_present(bob.self, false);
    world.run(1s);
    EXPECT_TRUE(alice.broker->pending().empty());
    EXPECT_EQ(alice.pending_ended.size(), 1u);
}

TEST_F(Vanishing, AProcessThatDiesAtAnyMomentOfTheSetUpLeavesNothingBehind) {
    for (int moment = 0; moment < 120; moment += 3) {
        World other;
        other.server.befriend("alice@a", "bob@b");
        BrokerNode survivor(other, "alice@a", "one", 1);
        auto dying = std::make_unique<BrokerNode>(other, "bob@b", "one", 2);
        other.run(1s);
        survivor.trust(*dying);
        dying->trust(survivor);
        survivor.share("web", {"bob@b"}, Policy::always);
        dying->share("back", {"alice@a"}, Policy::always);
        dying->connect("alice@a", "web");
        const auto tube = survivor.connect("bob@b", "back");
        other.run(std::chrono::milliseconds(moment));
        dying.reset();
        other.run(10min);
        EXPECT_TRUE(survivor.broker->tubes().empty()) << moment;
        EXPECT_TRUE(survivor.broker->links().empty()) << moment;
        EXPECT_TRUE(survivor.outcomes.contains(tube)) << moment;
        EXPECT_EQ(other.reach.attempts_alive, 0u) << moment;
    }
}

TEST_F(Vanishing, AServerThatLosesEverySignalEndsInATimeout) {
    world.server.model.loss = 1;
    const auto tube = bob.connect("alice@a", "web");
    ASSERT_TRUE(world.until([&] { return bob.outcomes.contains(tube); }));
    EXPECT_EQ(bob.failure(tube), Errc::timed_out);
    world.run(1min);
    EXPECT_EQ(world.reach.attempts_alive, 0u);
}

TEST_F(Vanishing, EverySignalTwiceChangesNothing) {
    world.server.model.repeat = 1;
    alice.share("web", {"bob@b"});
    const auto tube = bob.connect("alice@a", "web");
    ASSERT_TRUE(world.until([&] { return !alice.pending.empty(); }));
    world.run(1s);
    EXPECT_EQ(alice.pending.size(), 1u);
    alice.answer(true);
    ASSERT_TRUE(opens(bob, tube));
    world.run(1s);
    EXPECT_EQ(alice.opened.size(), 1u);
    EXPECT_EQ(bob.broker->links().size(), 1u);
    EXPECT_TRUE(bob.carries_data(tube, alice));
}

TEST_F(Vanishing, ARequestRepeatedAfterItsLinkEndedIsNotANewOne) {
    std::optional<core::LinkInitiate> seen;
    world.server.tap = [&](const auto&, const auto&, const core::Signal& signal) {
        if (const auto* message = std::get_if<core::LinkInitiate>(&signal)) seen = *message;
    };
    const auto tube = open_link();
    bob.broker->close_tube(tube, Errc::cancelled);
    world.run(1min);
    ASSERT_TRUE(alice.broker->links().empty());
    world.server.inject({bob.self, true, false}, alice.self, *seen);
    world.run(1s);
    EXPECT_TRUE(alice.broker->links().empty());
    EXPECT_EQ(alice.opened.size(), 1u);
}

}  // namespace
}  // namespace tubes::simulation
