// SPDX-License-Identifier: GPL-3.0-or-later
// Two people's brokers over a simulated server and network: shares, consent, reuse of links, refusals.
#include "tests/simulation/two_people.hpp"

namespace tubes::simulation {
namespace {

TEST_F(TwoPeople, OpenAStreamTubeToAShareThatTheUserAllowsWhenAsked) {
    alice.share("web", {"bob@b"});
    const auto tube = bob.connect("alice@a", "web");
    ASSERT_TRUE(world.until([&] { return !alice.pending.empty(); }));
    EXPECT_EQ(alice.pending[0].service, "web");
    EXPECT_EQ(alice.pending[0].standing, core::KeyStanding::first);
    alice.answer(true);
    ASSERT_TRUE(opens(bob, tube));
    ASSERT_TRUE(world.until([&] { return alice.opened.size() == 1; }));
    EXPECT_TRUE(alice.opened[0].incoming);
    EXPECT_TRUE(alice.answered && alice.answered->has_value());
    EXPECT_TRUE(bob.carries_data(tube, alice));
}

TEST_F(TwoPeople, SetUpPhasesAreReportedInOrder) {
    alice.trust(bob);
    alice.share("web", {"bob@b"}, Policy::always);
    const auto tube = bob.connect("alice@a", "web");
    ASSERT_TRUE(opens(bob, tube));
    std::vector<std::string> names;
    std::chrono::microseconds last{0};
    for (const auto& phase : bob.outcomes.at(tube)->phases) {
        names.push_back(phase.name);
        EXPECT_GE(phase.at, last);
        last = phase.at;
    }
    const std::vector<std::string> expected = {"requested", "accepted", "first-candidate", "path", "proved", "open"};
    EXPECT_EQ(names, expected);
}

TEST_F(TwoPeople, AlwaysCoversAKnownKeyAndAsksAboutAFirstOne) {
    alice.share("web", {"bob@b"}, Policy::always);
    const auto first = bob.connect("alice@a", "web");
    ASSERT_TRUE(world.until([&] { return !alice.pending.empty(); }));
    alice.answer(false);
    ASSERT_TRUE(world.until([&] { return bob.outcomes.contains(first); }));
    EXPECT_EQ(bob.failure(first), Errc::refused);
    alice.trust(bob);
    EXPECT_TRUE(opens(bob, bob.connect("alice@a", "web")));
    EXPECT_EQ(alice.pending.size(), 1u);
}

TEST_F(TwoPeople, TrustOnFirstUseIsAChoiceAndCoversOnlyTheFirstKeyEver) {
    core::ShareSpec spec;
    spec.service = "web";
    spec.audience = {core::ContactAddress{"bob@b"}};
    spec.policy = Policy::always;
    spec.trust_first_key = true;
    ASSERT_TRUE(alice.broker->share(spec).has_value());
    EXPECT_TRUE(opens(bob, bob.connect("alice@a", "web")));
    EXPECT_TRUE(alice.pending.empty());

    // Alice has taken another key of Bob's: the one he shows now is a changed key, and asks.
    alice.trust_store = MemoryTrust();
    core::ports::Pin other;
    other.key = core::PublicKey::random();
    other.accepted = true;
    ASSERT_TRUE(alice.trust_store.put("alice@a", core::ContactAddress{"bob@b"}, other).has_value());
    bob.connect("alice@a", "web");
    EXPECT_TRUE(world.until([&] { return !alice.pending.empty(); }));
}

TEST_F(TwoPeople, NotOfferedNotAllowedAndNeverLookTheSameFromOutside) {
    world.server.befriend("alice@a", "carol@c");
    alice.trust(bob);
    alice.share("for-carol", {"carol@c"}, Policy::always);
    alice.share("never", {"bob@b"}, Policy::always);
    alice.policies.incoming["never"] = Policy::never;
    std::vector<std::pair<std::size_t, core::TimePoint>> seen;
    for (const auto* service : {"no-such", "for-carol", "never"}) {
        const auto signals = world.server.sent;
        const auto begin = world.scheduler.now();
        const auto tube = bob.connect("alice@a", service);
        ASSERT_TRUE(world.until([&] { return bob.outcomes.contains(tube); }));
        EXPECT_EQ(bob.failure(tube), Errc::not_available) << service;
        seen.emplace_back(world.server.sent - signals, core::TimePoint(world.scheduler.now() - begin));
    }
    EXPECT_EQ(seen[0], seen[1]);
    EXPECT_EQ(seen[0], seen[2]);
    EXPECT_TRUE(alice.pending.empty());
}

TEST_F(TwoPeople, NoCandidateIsSignaledBeforeBothSidesHaveAccepted) {
    bool accepted = false;
    std::size_t before = 0;
    std::size_t after = 0;
    world.server.tap = [&](const auto&, const auto&, const core::Signal& signal) {
        if (std::holds_alternative<core::LinkAccept>(signal)) accepted = true;
        const bool carries = std::holds_alternative<core::LinkCandidates>(signal);
        (accepted ? after : before) += carries ? 1 : 0;
    };
    alice.share("web", {"bob@b"});
    const auto tube = bob.connect("alice@a", "web");
    ASSERT_TRUE(world.until([&] { return !alice.pending.empty(); }));
    world.run(30s);
    EXPECT_EQ(alice.direct.made.size(), 0u);  // Nothing is even gathered for one who was not accepted.
    alice.answer(true);
    ASSERT_TRUE(opens(bob, tube));
    EXPECT_EQ(before, 0u);
    EXPECT_GE(after, 2u);
}

TEST_F(TwoPeople, AnUnansweredRequestTimesOutOnBothSides) {
    alice.share("web", {"bob@b"});
    const auto tube = bob.connect("alice@a", "web", 10min);
    ASSERT_TRUE(world.until([&] { return bob.outcomes.contains(tube); }));
    EXPECT_EQ(bob.failure(tube), Errc::timed_out);
    EXPECT_EQ(alice.pending_ended.size(), 1u);
    EXPECT_TRUE(alice.broker->pending().empty());
    world.run();
    EXPECT_EQ(world.reach.attempts_alive, 0u);
}

TEST_F(TwoPeople, TheCallersDeadlineEndsTheRequestAndTellsThePeer) {
    alice.share("web", {"bob@b"});
    const auto tube = bob.connect("alice@a", "web", 5s);
    ASSERT_TRUE(world.until([&] { return bob.outcomes.contains(tube); }));
    EXPECT_EQ(bob.failure(tube), Errc::timed_out);
    world.run(1s);
    EXPECT_TRUE(alice.broker->pending().empty());
    ASSERT_EQ(alice.pending_ended.size(), 1u);
    EXPECT_EQ(world.reach.attempts_alive, 0u);
}

TEST_F(TwoPeople, CancellingARequestWithdrawsItFromTheOtherUser) {
    alice.share("web", {"bob@b"});
    const auto tube = bob.connect("alice@a", "web");
    ASSERT_TRUE(world.until([&] { return !alice.pending.empty(); }));
    bob.broker->close_tube(tube, Errc::cancelled);
    world.run(1s);
    EXPECT_EQ(bob.failure(tube), Errc::cancelled);
    EXPECT_TRUE(alice.broker->pending().empty());
}

TEST_F(TwoPeople, ASecondTubeRidesOnTheOpenLinkWithoutAnySignal) {
    open_link();
    alice.share("second", {"bob@b"}, Policy::always);
    const auto signals = world.server.sent;
    const auto tube = bob.connect("alice@a", "second");
    ASSERT_TRUE(opens(bob, tube));
    EXPECT_EQ(world.server.sent, signals);
    EXPECT_EQ(bob.broker->links().size(), 1u);
    EXPECT_TRUE(bob.carries_data(tube, alice));
}

TEST_F(TwoPeople, AnOpenLinkGrantsNothing) {
    open_link();
    alice.share("private", {"carol@c"}, Policy::always);
    alice.share("asked", {"bob@b"});
    const auto denied = bob.connect("alice@a", "private");
    ASSERT_TRUE(world.until([&] { return bob.outcomes.contains(denied); }));
    EXPECT_EQ(bob.failure(denied), Errc::not_available);
    const auto asked = bob.connect("alice@a", "asked");
    ASSERT_TRUE(world.until([&] { return !alice.pending.empty(); }));
    alice.answer(false);
    ASSERT_TRUE(world.until([&] { return bob.outcomes.contains(asked); }));
    EXPECT_EQ(bob.failure(asked), Errc::refused);
    const auto again = bob.connect("alice@a", "asked");
    ASSERT_TRUE(world.until([&] { return alice.broker->pending().size() == 1; }));
    alice.answer(true);
    EXPECT_TRUE(opens(bob, again));
}

TEST_F(TwoPeople, BothDirectionsUseOneLink) {
    open_link();
    bob.trust(alice);
    bob.share("back", {"alice@a"}, Policy::always);
    const auto tube = alice.connect("bob@b", "back");
    ASSERT_TRUE(opens(alice, tube));
    EXPECT_EQ(alice.broker->links().size(), 1u);
    EXPECT_TRUE(alice.carries_data(tube, bob));
}

TEST_F(TwoPeople, UnsharingClosesTubesAtOnceAndResetsTheirStreams) {
    const auto tube = open_link();
    auto stream = bob.broker->open_stream(tube);
    ASSERT_TRUE(stream);
    TestApplication application(*stream);
    application.send_text("hello");
    world.run(1s);
    ASSERT_TRUE(alice.broker->unshare("web"));
    world.run(1s);
    EXPECT_TRUE(application.closed);
    ASSERT_EQ(alice.closed.size(), 1u);
    ASSERT_EQ(bob.closed.size(), 1u);
    EXPECT_EQ(bob.closed[0].first, tube);
    EXPECT_EQ(bob.broker->open_stream(tube).error(), Errc::not_found);
}

TEST_F(TwoPeople, ANeverPolicyClosesOpenTubes) {
    const auto tube = open_link();
    alice.policies.incoming["web"] = Policy::never;
    alice.broker->policies_changed();
    world.run(1s);
    EXPECT_FALSE(bob.is_open(tube));
    EXPECT_EQ(bob.closed.size(), 1u);
}

TEST_F(TwoPeople, RemovingTheContactClosesItsLinksAtOnce) {
    const auto tube = open_link();
    world.server.remove_contact("alice@a", "bob@b");
    world.run(1s);
    EXPECT_FALSE(bob.is_open(tube));
    EXPECT_TRUE(alice.broker->links().empty());
    EXPECT_TRUE(bob.broker->links().empty());
}

TEST_F(TwoPeople, EndingTheSubscriptionClosesItsLinksAtOnce) {
    const auto tube = open_link();
    world.server.set_subscription("alice@a", "bob@b", core::ports::Subscription::to);
    world.run(1s);
    EXPECT_FALSE(bob.is_open(tube));
    EXPECT_TRUE(alice.broker->links().empty());
}

TEST_F(TwoPeople, ALinkWithoutTubesLingersAndThenGoes) {
    const auto tube = open_link();
    bob.broker->close_tube(tube, Errc::cancelled);
    world.run(20s);
    EXPECT_EQ(bob.broker->links().size(), 1u);
    const auto again = bob.connect("alice@a", "web");
    ASSERT_TRUE(opens(bob, again));
    bob.broker->close_tube(again, Errc::cancelled);
    world.run(40s);
    EXPECT_TRUE(bob.broker->links().empty());
    EXPECT_TRUE(alice.broker->links().empty());
    EXPECT_EQ(world.reach.attempts_alive, 0u);
}

TEST_F(TwoPeople, StreamsInATubeThatIsNotOpenAreReset) {
    const auto tube = open_link();
    auto stream = bob.broker->open_stream(tube);
    TestApplication application(*stream);
    alice.broker->close_tube(alice.opened[0].id, Errc::cancelled);
    application.send_text("hello?");
    world.run(1s);
    EXPECT_TRUE(application.closed);
    EXPECT_TRUE(application.text.empty());
}

TEST_F(TwoPeople, EndingTheConnectionClosesEverythingAndReportsWhenDone) {
    const auto tube = open_link();
    bool done = false;
    alice.broker->remove_connection("alice@a", [&] { done = true; });
    ASSERT_TRUE(world.until([&] { return done; }));
    EXPECT_EQ(alice.broker->connection("alice@a"), nullptr);
    world.run(1s);
    EXPECT_FALSE(bob.is_open(tube));
}

TEST_F(TwoPeople, WrongUseFailsWithItsOwnError) {
    const auto expect = [this](core::ConnectSpec spec, Errc reason) {
        std::optional<error_code> error;
        bob.broker->connect(spec, [&error](result<core::TubeStatus> outcome) { error = outcome.error(); });
        EXPECT_FALSE(error);  // Never inside the call.
        world.run(100ms);
        EXPECT_EQ(error, reason);
    };
    core::ConnectSpec spec;
    spec.account = "bob@b";
    spec.contact = {"alice@a"};
    spec.service = "bad name";
    expect(spec, Errc::invalid_argument);
    spec.service = "web";
    spec.account = "nobody@b";
    expect(spec, Errc::not_found);
    spec.account = "bob@b";
    spec.contact = {"unknown@a"};
    spec.deadline = 50ms;
    expect(spec, Errc::offline);
    EXPECT_EQ(alice.broker->share({}).error(), Errc::invalid_argument);
    alice.share("web", {"bob@b"});
    core::ShareSpec again;
    again.service = "web";
    EXPECT_EQ(alice.broker->share(again).error(), Errc::already_exists);
    EXPECT_EQ(alice.broker->unshare("other").error(), Errc::not_found);
}

TEST_F(TwoPeople, ServicesAreListedPerAsker) {
    world.server.befriend("alice@a", "carol@c");
    BrokerNode carol(world, "carol@c", "one", 3);
    world.run(1s);
    alice.share("for-bob", {"bob@b"});
    alice.share("for-both", {"bob@b", "carol@c"});
    const auto names = [this](BrokerNode& asker) {
        std::vector<std::string> found;
        asker.broker->query_services(asker.self.contact.value, {"alice@a"}, 3s, [&found](auto answer) {
            ASSERT_TRUE(answer);
            for (const auto& info : answer->at(0).services) found.push_back(info.name);
        });
        world.run(1s);
        return found;
    };
    const std::vector<std::string> both = {"for-bob", "for-both"};
    EXPECT_EQ(names(bob), both);
    EXPECT_EQ(names(carol), std::vector<std::string>{"for-both"});
}

TEST_F(TwoPeople, PingOpensNothingAndUsesTheLinkOnceThereIsOne) {
    std::vector<core::Broker::PingResult> results;
    const auto ping = [&] {
        results.clear();
        bob.broker->ping("bob@b", {"alice@a"}, 3s, [&](auto answer) { results = *answer; });
        world.run(1s);
    };
    ping();
    ASSERT_EQ(results.size(), 1u);
    EXPECT_FALSE(results[0].path);
    EXPECT_EQ(results[0].rtt, 20ms);
    EXPECT_TRUE(bob.broker->links().empty());
    open_link();
    ping();
    ASSERT_EQ(results.size(), 1u);
    ASSERT_TRUE(results[0].path);
    EXPECT_EQ(results[0].path->kind, PathKind::direct_tls);
}

TEST(LocalNodes, OfOneUserShareWithoutAudienceAndWithoutAsking) {
    World world;
    BrokerNode one(world, "local", "one", 1, {}, "local");
    BrokerNode two(world, "local", "two", 2, {}, "local");
    BrokerNode three(world, "local", "three", 3, {}, "local");
    world.run(1s);
    one.share("web", {});
    const auto tube = two.connect("local", "web");
    ASSERT_TRUE(world.until([&] { return two.is_open(tube); })) << "first";
    const auto other = three.connect("local", "web");
    ASSERT_TRUE(world.until([&] { return three.is_open(other); })) << "second key of the same user";
    EXPECT_TRUE(one.pending.empty());
    EXPECT_TRUE(two.direct.made.at(0).same_user);
}

TEST(SeveralDevices, TheOneThatHasTheServiceIsAsked) {
    World world;
    world.server.befriend("alice@a", "bob@b");
    BrokerNode phone(world, "alice@a", "phone", 1);
    BrokerNode laptop(world, "alice@a", "laptop", 2);
    BrokerNode bob(world, "bob@b", "one", 3);
    world.run(1s);
    bob.trust(phone);
    bob.trust(laptop);
    laptop.trust(bob);
    laptop.share("web", {"bob@b"}, Policy::always);
    const auto tube = bob.connect("alice@a", "web");
    ASSERT_TRUE(world.until([&] { return bob.outcomes.contains(tube); }));
    ASSERT_FALSE(bob.failure(tube));
    EXPECT_EQ(bob.outcomes.at(tube)->peer, laptop.self);
    const auto missing = bob.connect("alice@a", "missing");
    ASSERT_TRUE(world.until([&] { return bob.outcomes.contains(missing); }));
    EXPECT_EQ(bob.failure(missing), Errc::not_available);
}

TEST(SeveralDevices, AFullDeviceIsFollowedByTheNext) {
    World world;
    world.server.befriend("alice@a", "bob@b");
    BrokerNode first(world, "alice@a", "1", 1);
    BrokerNode second(world, "alice@a", "2", 2);
    BrokerNode bob(world, "bob@b", "one", 3);
    world.run(1s);
    for (auto* node : {&first, &second}) {
        bob.trust(*node);
        node->trust(bob);
        core::ShareSpec spec;
        spec.service = "web";
        spec.audience = {{"bob@b"}};
        spec.policy = Policy::always;
        spec.tubes = 1;
        ASSERT_TRUE(node->broker->share(spec));
    }
    const auto one = bob.connect("alice@a", "web");
    const auto two = bob.connect("alice@a", "web");
    const auto three = bob.connect("alice@a", "web");
    ASSERT_TRUE(world.until([&] { return bob.outcomes.size() == 3; }));
    EXPECT_EQ(bob.open_tubes(), 2u);
    EXPECT_FALSE(bob.is_open(one) && bob.is_open(two) && bob.is_open(three));
}

}  // namespace
}  // namespace tubes::simulation
