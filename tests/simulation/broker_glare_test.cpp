// SPDX-License-Identifier: GPL-3.0-or-later
// Both sides begin links to each other at once: every order in which the server may deliver their signals.
#include <cstdio>

#include "tests/simulation/two_people.hpp"

namespace tubes::simulation {
namespace {

/// Walks through all sequences of choices, depth first; one run per sequence.
class Choices {
public:
    /// One of `count` ways on, as this run's sequence says.
    std::size_t choose(std::size_t count) {
        if (depth_ == taken_.size()) taken_.push_back({0, count});
        return taken_[depth_++].first;
    }
    /// Goes on to the next sequence; false after the last.
    bool next() {
        depth_ = 0;
        while (!taken_.empty() && taken_.back().first + 1 >= taken_.back().second) taken_.pop_back();
        if (taken_.empty()) return false;
        ++taken_.back().first;
        return true;
    }
    std::string text() const {
        std::string all;
        for (const auto& [choice, count] : taken_) all += std::to_string(choice);
        return all;
    }

private:
    std::vector<std::pair<std::size_t, std::size_t>> taken_;
    std::size_t depth_ = 0;
};

constexpr int kMaxDeliveries = 400;
constexpr int kTimeSteps = 3;  // Of 1 ms, in runs that choose when time passes: enough for an answer to be prepared.

ServerModel held_model() {
    ServerModel model;
    model.manual = true;
    return model;
}

/// Delivers held signals in the order that `choices` says until nothing is left to deliver. With no time `between`
/// deliveries, passing time is a choice as well.
void run_all(World& world, Choices& choices, core::Duration between) {
    int steps = between.count() == 0 ? kTimeSteps : 0;
    for (int count = 0; count < kMaxDeliveries; ++count) {
        world.run(between);
        const auto routes = world.server.waiting();
        if (routes.empty()) {
            world.run(1s);
            if (world.server.waiting().empty()) return;
            continue;
        }
        const auto ways = routes.size() + (steps > 0 ? 1 : 0);
        const auto way = ways == 1 ? 0 : choices.choose(ways);
        if (way < routes.size()) {
            world.server.deliver(routes[way]);
        } else {
            --steps;
            world.run(1ms);
        }
    }
    FAIL() << "signals without end";
}

void trust_each_other(std::vector<BrokerNode*> alices, std::vector<BrokerNode*> bobs) {
    for (auto* alice : alices) {
        for (auto* bob : bobs) {
            alice->trust(*bob);
            bob->trust(*alice);
        }
    }
}

void expect_settled(BrokerNode& node, const core::TubeId& tube, BrokerNode& other, const std::string& order) {
    ASSERT_TRUE(node.outcomes.contains(tube)) << order;
    ASSERT_FALSE(node.failure(tube)) << order << ": " << node.failure(tube)->message();
    ASSERT_TRUE(node.carries_data(tube, other)) << order;
}

void one_device_each(Choices& choices, core::Duration between, Policy bobs_policy) {
    World world(held_model());
    world.server.befriend("alice@a", "bob@b");
    BrokerNode alice(world, "alice@a", "one", 1);
    BrokerNode bob(world, "bob@b", "one", 2);
    world.run(1s);
    trust_each_other({&alice}, {&bob});
    alice.share("hers", {"bob@b"}, Policy::always);
    bob.share("his", {"alice@a"}, bobs_policy);
    const auto his = alice.connect("bob@b", "his");
    const auto hers = bob.connect("alice@a", "hers");
    run_all(world, choices, between);
    if (bobs_policy == Policy::ask) {
        ASSERT_EQ(bob.broker->pending().size(), 1u) << choices.text();
        bob.answer(true);
        run_all(world, choices, between);
    }
    world.server.model.manual = false;
    expect_settled(alice, his, bob, choices.text());
    expect_settled(bob, hers, alice, choices.text());
    EXPECT_EQ(alice.broker->links().size(), 1u) << choices.text();
    EXPECT_EQ(bob.broker->links().size(), 1u) << choices.text();
    world.run(30s);
    EXPECT_EQ(world.reach.attempts_alive, 0u) << choices.text();
    EXPECT_EQ(world.reach.living_wires(), 1u) << choices.text();
}

std::size_t every_order(const std::function<void(Choices&)>& scenario) {
    Choices choices;
    std::size_t runs = 0;
    do {
        scenario(choices);
        ++runs;
    } while (!testing::Test::HasFailure() && choices.next());
    std::printf("%zu orders of delivery\n", runs);
    return runs;
}

TEST(Glare, OneDeviceEachSettlesOnOneLinkInEveryOrder) {
    const auto runs = every_order([](Choices& choices) { one_device_each(choices, 5ms, Policy::always); });
    EXPECT_GE(runs, 18u);
}

TEST(Glare, AlsoWhileTheAnswersAreStillBeingPrepared) {
    const auto runs = every_order([](Choices& choices) { one_device_each(choices, 0ms, Policy::always); });
    EXPECT_GT(runs, 100u);
}

TEST(Glare, AlsoWhenOneUserAnswersLater) {
    const auto runs = every_order([](Choices& choices) { one_device_each(choices, 5ms, Policy::ask); });
    EXPECT_GE(runs, 10u);
}

TEST(Glare, TwoDevicesEachSettleInEveryOrderOfRequestsAndAnswers) {
    const auto scenario = [](Choices& choices) {
        World world(held_model());
        // Candidates follow their accept at once; whose request and answer comes first is what the order decides.
        world.server.holds = [](const core::Signal& signal) {
            return !std::holds_alternative<core::LinkCandidates>(signal) &&
                   !std::holds_alternative<core::ServiceQuery>(signal);
        };
        world.server.befriend("alice@a", "bob@b");
        BrokerNode alice1(world, "alice@a", "1", 1);
        BrokerNode alice2(world, "alice@a", "2", 2);
        BrokerNode bob1(world, "bob@b", "1", 3);
        BrokerNode bob2(world, "bob@b", "2", 4);
        world.run(1s);
        trust_each_other({&alice1, &alice2}, {&bob1, &bob2});
        for (auto* node : {&alice1, &alice2}) node->share("hers", {"bob@b"}, Policy::always);
        for (auto* node : {&bob1, &bob2}) node->share("his", {"alice@a"}, Policy::always);
        const auto first = alice1.connect("bob@b", "his");
        const auto second = alice2.connect("bob@b", "his");
        const auto third = bob1.connect("alice@a", "hers");
        const auto fourth = bob2.connect("alice@a", "hers");
        run_all(world, choices, 3ms);
        world.server.model.manual = false;
        expect_settled(alice1, first, bob1, choices.text());
        expect_settled(alice2, second, bob1, choices.text());
        expect_settled(bob1, third, alice1, choices.text());
        expect_settled(bob2, fourth, alice1, choices.text());
        // Alice's first and Bob's first meet; the other two have a link each with one of them.
        std::size_t links = 0;
        for (auto* node : {&alice1, &alice2, &bob1, &bob2}) links += node->broker->links().size();
        EXPECT_EQ(links, 6u) << choices.text();
    };
    EXPECT_GT(every_order(scenario), 100u);
}

}  // namespace
}  // namespace tubes::simulation
