// SPDX-License-Identifier: GPL-3.0-or-later
// Strangers, floods and hostile signals: what they see, and that nothing grows without bound.
#include "tests/simulation/two_people.hpp"

namespace tubes::simulation {
namespace {

/// Mallory is nobody's contact unless a test says so.
class Hostile : public TwoPeople {
protected:
    Hostile() : mallory(world, "mallory@m", "one", 66) { world.run(1s); }

    /// What a signal from Mallory's connection is answered.
    error_code ask(core::Signal signal, BrokerNode* from = nullptr) {
        auto& sender = from ? *from : mallory;
        error_code answer;
        const auto account = sender.self.contact.value;
        sender.broker->connection(account)->send_signal(
            alice.self, std::move(signal), 5s,
            [&answer](const result<core::SignalReply>& reply) { answer = reply ? error_code() : reply.error(); });
        world.run(6s);
        return answer;
    }
    core::LinkInitiate request(std::uint8_t number, const std::string& service = "web") {
        core::LinkInitiate message;
        message.link.bytes = {number, 1};
        message.identity = mallory.identity.public_key();
        message.request.tube.bytes = {number, 2};
        message.request.service = service;
        return message;
    }
    core::OfferSignal offer(std::uint16_t number) {
        core::OfferSignal message;
        message.offer.bytes = {static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8)};
        message.service = "gift";
        message.lifetime = 600s;
        message.identity = mallory.identity.public_key();
        return message;
    }
    BrokerNode mallory;
};

TEST_F(Hostile, AStrangerSeesNobodyWhateverTheyAsk) {
    alice.share("web", {"mallory@m"}, Policy::always);
    EXPECT_EQ(ask(core::ServiceQuery{}), Errc::not_available);
    EXPECT_EQ(ask(core::PingSignal{}), Errc::not_available);
    EXPECT_EQ(ask(request(1)), Errc::not_available);
    EXPECT_EQ(ask(core::LinkTerminate{}), Errc::not_available);
    EXPECT_EQ(ask(core::OfferEndSignal{}), Errc::not_available);
    EXPECT_EQ(ask(offer(1)), Errc::not_available);
    EXPECT_TRUE(alice.direct.made.empty());
}

TEST_F(Hostile, AStrangersOfferIsShownToTheUserAlthoughTheStrangerSeesNothing) {
    EXPECT_EQ(ask(offer(1)), Errc::not_available);
    ASSERT_EQ(alice.pending.size(), 1u);
    EXPECT_EQ(alice.pending[0].from, mallory.self);
}

TEST_F(Hostile, AllStrangersTogetherAreLimitedInRateAndNumber) {
    for (std::uint16_t number = 0; number < 2000; ++number) {
        const auto stranger = "stranger" + std::to_string(number) + "@m";
        world.server.inject({{{stranger}, stranger + "/x"}, false, false}, alice.self, offer(number));
    }
    world.run(1s);
    EXPECT_LE(alice.broker->pending().size(), core::BrokerLimits().pending_per_contact);
    world.run(10min);
    for (std::uint16_t number = 3000; number < 3020; ++number) {
        world.server.inject({mallory.self, false, false}, alice.self, offer(number));
    }
    world.run(1s);
    EXPECT_LE(alice.broker->pending().size(), core::BrokerLimits().pending_per_contact);
    // Those who know her are not kept out by them.
    alice.trust(bob);
    alice.share("web", {"bob@b"}, Policy::always);
    EXPECT_TRUE(opens(bob, bob.connect("alice@a", "web")));
}

TEST_F(Hostile, AContactThatFloodsOffersFillsOnlyItsOwnRoom) {
    world.server.befriend("alice@a", "mallory@m");
    for (std::uint16_t number = 0; number < 1000; ++number) {
        world.server.inject({mallory.self, true, false}, alice.self, offer(number));
    }
    world.run(1s);
    EXPECT_EQ(alice.broker->pending().size(), core::BrokerLimits().pending_per_contact);
    EXPECT_EQ(alice.pending.size(), core::BrokerLimits().pending_per_contact);
    EXPECT_EQ(ask(offer(5000)), Errc::limit_exceeded);
}

TEST_F(Hostile, WaitingRequestsAreLimitedAltogether) {
    for (std::uint16_t number = 0; number < 400; ++number) {
        const auto contact = "c" + std::to_string(number) + "@m";
        world.server.inject({{{contact}, contact + "/x"}, true, false}, alice.self, offer(number));
    }
    world.run(1s);
    EXPECT_EQ(alice.broker->pending().size(), core::BrokerLimits().pending_total);
}

TEST_F(Hostile, RequestsThatNobodyAnswersAreRefusedBeyondTheLimit) {
    world.server.befriend("alice@a", "mallory@m");
    alice.share("web", {"mallory@m"});
    for (std::uint8_t number = 1; number < 100; ++number) {
        world.server.inject({mallory.self, true, false}, alice.self, request(number));
    }
    world.run(1s);
    EXPECT_EQ(alice.broker->pending().size(), core::BrokerLimits().pending_per_contact);
    EXPECT_EQ(world.reach.attempts_made, 0u);
    world.run(10min);
    EXPECT_TRUE(alice.broker->pending().empty());
}

TEST_F(Hostile, SignalsOfAContactAreLimitedPerMinute) {
    world.server.befriend("alice@a", "mallory@m");
    std::size_t answered = 0;
    std::size_t limited = 0;
    for (int count = 0; count < 1000; ++count) {
        world.server.inject({mallory.self, true, false}, alice.self, core::PingSignal{},
                            [&](auto reply) { ++(reply ? answered : limited); });
    }
    world.run(1s);
    EXPECT_EQ(answered, core::BrokerLimits().signals_per_minute);
    EXPECT_EQ(answered + limited, 1000u);
    world.run(1min);
    EXPECT_EQ(ask(core::PingSignal{}), error_code());
}

TEST_F(Hostile, TheLinkOfTwoOthersDoesNotExistForAThird) {
    const auto tube = open_link();
    world.server.befriend("alice@a", "mallory@m");
    const auto link = alice.broker->links().at(0).id;
    EXPECT_EQ(ask(core::LinkTerminate{link, Errc::cancelled, {}}), Errc::not_available);
    EXPECT_EQ(ask(core::LinkCandidates{link, 0, {}, true}), Errc::not_available);
    EXPECT_EQ(ask(core::LinkRestart{link, 1, false, {}}), Errc::not_available);
    EXPECT_EQ(ask(core::LinkAccept{link, {}, {}, {}}), Errc::not_available);
    auto theft = request(5);
    theft.link = link;
    EXPECT_EQ(ask(theft), Errc::not_available);
    EXPECT_TRUE(bob.is_open(tube));
    EXPECT_TRUE(bob.carries_data(tube, alice));
}

TEST_F(Hostile, MalformedNamesAndParametersAreNobodysService) {
    world.server.befriend("alice@a", "mallory@m");
    alice.share("web", {"mallory@m"});
    EXPECT_EQ(ask(request(1, "")), Errc::not_available);
    EXPECT_EQ(ask(request(2, "a b")), Errc::not_available);
    EXPECT_EQ(ask(request(3, std::string(65, 'a'))), Errc::not_available);
    auto heavy = request(4);
    for (int count = 0; count < 33; ++count) heavy.request.parameters["p" + std::to_string(count)] = true;
    EXPECT_EQ(ask(heavy), Errc::not_available);
    auto eternal = offer(9);
    eternal.lifetime = std::chrono::seconds(-5);
    EXPECT_EQ(ask(eternal), Errc::not_available);
    EXPECT_TRUE(alice.pending.empty());
}

TEST_F(Hostile, CandidatesBeforeAcceptanceAndAThousandOfThemDoNoHarm) {
    const auto flood = [](const core::LinkId& link) {
        core::LinkCandidates message{link, 0, {}, false};
        for (int count = 0; count < 500; ++count) {
            message.candidates.push_back({PathKind::direct_tls, {{"address", std::to_string(count)}}});
        }
        return message;
    };
    alice.share("web", {"bob@b"});
    const auto tube = bob.connect("alice@a", "web");
    ASSERT_TRUE(world.until([&] { return !alice.pending.empty(); }));
    core::LinkId link;
    for (const auto& status : bob.broker->tubes()) link = status.link;
    world.server.inject({alice.self, true, false}, bob.self, flood(link));
    world.server.inject({bob.self, true, false}, alice.self, flood(link));
    world.server.inject({bob.self, true, false}, alice.self, core::LinkRestart{link, 5, false, {}});
    world.run(1s);
    EXPECT_EQ(alice.direct.made.size(), 0u);
    alice.answer(true);
    EXPECT_TRUE(opens(bob, tube));
}

TEST_F(Hostile, TubesPerLinkAreLimited) {
    core::BrokerLimits limits;
    limits.tubes_per_link = 4;
    BrokerNode small(world, "small@s", "one", 7, limits);
    world.server.befriend("small@s", "bob@b");
    world.run(1s);
    small.trust(bob);
    small.share("web", {"bob@b"}, Policy::always);
    std::vector<core::TubeId> tubes;
    for (int count = 0; count < 6; ++count) {
        tubes.push_back(bob.connect("small@s", "web"));
        ASSERT_TRUE(world.until([&] { return bob.outcomes.contains(tubes.back()); }));
    }
    EXPECT_EQ(bob.open_tubes(), 4u);
    EXPECT_EQ(bob.failure(tubes[5]), Errc::limit_exceeded);
}

TEST_F(Hostile, LinksAreLimited) {
    core::BrokerLimits limits;
    limits.links = 2;
    BrokerNode small(world, "small@s", "one", 7, limits);
    std::vector<std::unique_ptr<BrokerNode>> others;
    for (std::uint64_t number = 0; number < 4; ++number) {
        const auto name = "o" + std::to_string(number) + "@o";
        world.server.befriend("small@s", name);
        others.push_back(std::make_unique<BrokerNode>(world, name, "one", 100 + number));
        small.trust(*others.back());
    }
    world.run(1s);
    small.share("web", {"o0@o", "o1@o", "o2@o", "o3@o"}, Policy::always);
    std::size_t open = 0;
    for (auto& other : others) {
        const auto tube = other->connect("small@s", "web");
        ASSERT_TRUE(world.until([&] { return other->outcomes.contains(tube); }));
        if (other->is_open(tube)) ++open;
    }
    EXPECT_EQ(open, 2u);
}

TEST_F(Hostile, SharesAndOffersOfOurOwnAreLimited) {
    core::BrokerLimits limits;
    limits.shares = 2;
    limits.offers_out = 2;
    BrokerNode small(world, "small@s", "one", 7, limits);
    world.run(1s);
    for (const auto* name : {"a", "b", "c"}) {
        core::ShareSpec share;
        share.service = name;
        core::OfferSpec offered;
        offered.account = "small@s";
        offered.contact = {"bob@b"};
        offered.service = name;
        const bool fits = std::string(name) != "c";
        EXPECT_EQ(small.broker->share(share).has_value(), fits);
        EXPECT_EQ(small.broker->offer(offered).has_value(), fits);
    }
}

}  // namespace
}  // namespace tubes::simulation
