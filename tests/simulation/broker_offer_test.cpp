// SPDX-License-Identifier: GPL-3.0-or-later
// Offers: to every device of a contact, first accept wins, and every way an offer can end.
#include "tests/simulation/two_people.hpp"

namespace tubes::simulation {
namespace {

/// Alice offers; Bob has a phone and a laptop.
class Offers : public testing::Test {
protected:
    Offers()
        : alice(world, "alice@a", "one", 1), phone(world, "bob@b", "phone", 2), laptop(world, "bob@b", "laptop", 3) {
        world.server.befriend("alice@a", "bob@b");
        alice.trust(phone);
        alice.trust(laptop);
        phone.trust(alice);
        laptop.trust(alice);
        world.run(1s);
    }

    core::OfferId offer(std::chrono::seconds lifetime = 600s) {
        core::OfferSpec spec;
        spec.account = "alice@a";
        spec.contact = {"bob@b"};
        spec.service = "web";
        spec.lifetime = lifetime;
        const auto id = alice.broker->offer(spec);
        EXPECT_TRUE(id);
        world.run(1s);
        return *id;
    }

    World world;
    BrokerNode alice;
    BrokerNode phone;
    BrokerNode laptop;
};

TEST_F(Offers, ReachEveryDeviceAndTheFirstAcceptWins) {
    const auto id = offer();
    ASSERT_EQ(phone.pending.size(), 1u);
    ASSERT_EQ(laptop.pending.size(), 1u);
    EXPECT_TRUE(phone.pending[0].is_offer);
    phone.answer(true);
    ASSERT_TRUE(world.until([&] { return phone.answered.has_value(); }));
    ASSERT_TRUE(phone.answered->has_value());
    world.run(1s);
    ASSERT_EQ(alice.offers_ended.size(), 1u);
    EXPECT_EQ(alice.offers_ended[0], std::make_pair(id, Errc::taken));
    ASSERT_EQ(laptop.pending_ended.size(), 1u);
    EXPECT_EQ(laptop.pending_ended[0].second, Errc::taken);
    ASSERT_EQ(alice.opened.size(), 1u);
    EXPECT_TRUE(phone.carries_data((*phone.answered)->id, alice));
    EXPECT_TRUE(alice.carries_data(alice.opened[0].id, phone));
}

TEST_F(Offers, OfTwoThatAcceptAtOnceTheSecondHearsTaken) {
    offer();
    phone.answer(true);
    laptop.answer(true);
    ASSERT_TRUE(world.until([&] { return phone.answered && laptop.answered; }));
    auto* loser = phone.answered->has_value() ? &laptop : &phone;
    ASSERT_FALSE(loser->answered->has_value());
    EXPECT_EQ(loser->answered->error(), Errc::taken);
    world.run(1s);
    EXPECT_EQ(alice.opened.size(), 1u);
}

TEST_F(Offers, ReachADeviceThatComesOnlineWhileTheyStand) {
    offer();
    BrokerNode tablet(world, "bob@b", "tablet", 4);
    world.run(1s);
    ASSERT_EQ(tablet.pending.size(), 1u);
    EXPECT_EQ(phone.pending.size(), 1u);
}

TEST_F(Offers, EndWhenEveryDeviceDeclined) {
    const auto id = offer();
    phone.answer(false);
    world.run(1s);
    EXPECT_TRUE(alice.offers_ended.empty());
    laptop.answer(false);
    world.run(1s);
    ASSERT_EQ(alice.offers_ended.size(), 1u);
    EXPECT_EQ(alice.offers_ended[0], std::make_pair(id, Errc::refused));
}

TEST_F(Offers, ExpireOnBothSides) {
    const auto id = offer(20s);
    world.run(25s);
    ASSERT_EQ(alice.offers_ended.size(), 1u);
    EXPECT_EQ(alice.offers_ended[0], std::make_pair(id, Errc::expired));
    EXPECT_EQ(phone.pending_ended.size(), 1u);
    EXPECT_TRUE(phone.broker->pending().empty());
}

TEST_F(Offers, CanBeTakenBack) {
    const auto id = offer();
    ASSERT_TRUE(alice.broker->withdraw(id));
    world.run(1s);
    ASSERT_EQ(phone.pending_ended.size(), 1u);
    EXPECT_EQ(phone.pending_ended[0].second, Errc::withdrawn);
    EXPECT_EQ(alice.broker->withdraw(id).error(), Errc::not_found);
}

TEST_F(Offers, AnAcceptThatComesLateHearsHowTheOfferEnded) {
    const auto id = offer();
    // The withdrawal never reaches the phone.
    world.server.model.loss = 1;
    ASSERT_TRUE(alice.broker->withdraw(id));
    world.server.model.loss = 0;
    phone.answer(true);
    ASSERT_TRUE(world.until([&] { return phone.answered.has_value(); }));
    EXPECT_EQ(phone.answered->error(), Errc::withdrawn);
}

TEST_F(Offers, CarryNoAddressAndNothingIsGatheredForThem) {
    offer();
    EXPECT_EQ(alice.direct.made.size() + phone.direct.made.size() + laptop.direct.made.size(), 0u);
}

TEST_F(Offers, OnAnOpenLinkAreAcceptedOverIt) {
    phone.share("other", {"alice@a"}, Policy::always);
    core::ConnectSpec spec;
    spec.account = "alice@a";
    spec.contact = {"bob@b"};
    spec.peer = phone.self;
    spec.service = "other";
    bool open = false;
    alice.broker->connect(spec, [&open](auto outcome) { open = outcome.has_value(); });
    ASSERT_TRUE(world.until([&] { return open; }));
    offer();
    phone.answer(true);
    ASSERT_TRUE(world.until([&] { return phone.answered.has_value(); }));
    ASSERT_TRUE(phone.answered->has_value());
    EXPECT_EQ(alice.broker->links().size(), 1u);
    world.run(1s);
    EXPECT_EQ(alice.offers_ended.at(0).second, Errc::taken);
    EXPECT_EQ(laptop.pending_ended.size(), 1u);
}

TEST_F(Offers, TwoForTheSameServiceStandSideBySide) {
    offer();
    offer();
    EXPECT_EQ(phone.pending.size(), 2u);
    phone.answer(true);
    ASSERT_TRUE(world.until([&] { return phone.answered.has_value(); }));
    world.run(1s);
    EXPECT_EQ(phone.broker->pending().size(), 1u);
}

TEST_F(Offers, AStandingAlwaysAcceptsWithoutAsking) {
    phone.policies.offered["web"] = Policy::always;
    offer();
    ASSERT_TRUE(world.until([&] { return phone.opened.size() == 1; }));
    EXPECT_FALSE(phone.opened[0].incoming);
    EXPECT_TRUE(phone.pending.empty());
}

TEST_F(Offers, AStandingNeverStaysSilentAndTheOfferStands) {
    phone.policies.offered["web"] = Policy::never;
    laptop.policies.offered["web"] = Policy::never;
    offer(30s);
    EXPECT_TRUE(phone.pending.empty());
    EXPECT_TRUE(alice.offers_ended.empty());
    world.run(40s);
    EXPECT_EQ(alice.offers_ended.at(0).second, Errc::expired);
}

TEST_F(Offers, CannotBeAcceptedBySomebodyElse) {
    const auto id = offer();
    world.server.befriend("alice@a", "mallory@m");
    BrokerNode mallory(world, "mallory@m", "one", 9);
    world.run(1s);
    std::optional<error_code> error;
    core::LinkInitiate theft;
    theft.link.bytes[0] = 1;
    theft.identity = mallory.identity.public_key();
    theft.request = {core::TubeId{}, "web", TubeKind::stream, id, {}};
    mallory.broker->connection("mallory@m")->send_signal(alice.self, theft, 5s, [&](auto reply) {
        if (!reply) error = reply.error();
    });
    world.run(1s);
    EXPECT_EQ(error, Errc::not_available);
    EXPECT_TRUE(alice.offers_ended.empty());
    EXPECT_EQ(phone.broker->pending().size(), 1u);
}

TEST_F(Offers, ToAContactWhosePresenceIsUnseenGoToTheBareAddressOnce) {
    BrokerNode dave(world, "dave@d", "one", 5);
    world.run(1s);
    std::vector<core::PeerAddress> sent_to;
    world.server.tap = [&](const auto&, const auto& to, const core::Signal& signal) {
        if (std::holds_alternative<core::OfferSignal>(signal)) sent_to.push_back(to);
    };
    core::OfferSpec spec;
    spec.account = "alice@a";
    spec.contact = {"dave@d"};
    spec.service = "web";
    ASSERT_TRUE(alice.broker->offer(spec));
    world.run(1s);
    ASSERT_EQ(sent_to.size(), 1u);
    EXPECT_EQ(sent_to[0].value, "dave@d");
    ASSERT_EQ(dave.pending.size(), 1u);
    dave.answer(true);
    ASSERT_TRUE(world.until([&] { return dave.answered.has_value(); }));
    EXPECT_TRUE(dave.answered->has_value());
    // Neither knows the other's presence: only relays are used.
    EXPECT_EQ(dave.direct.made.at(0).addresses, AddressPolicy::relay_only);
    EXPECT_EQ(alice.direct.made.at(0).addresses, AddressPolicy::relay_only);
}

TEST_F(Offers, FromADeviceThatVanishesAreNoLongerShown) {
    offer();
    world.server.set_present(alice.self, false);
    world.run(1s);
    EXPECT_TRUE(phone.broker->pending().empty());
    EXPECT_EQ(phone.pending_ended.at(0).second, Errc::offline);
}

TEST_F(Offers, ComeAgainAfterTheOffererReconnectsAndAreShownOnce) {
    offer();
    world.server.set_online(alice.self, false);
    world.run(1s);
    world.server.set_online(alice.self, true);
    world.run(1s);
    EXPECT_EQ(phone.broker->pending().size(), 1u);
}

}  // namespace
}  // namespace tubes::simulation
