// SPDX-License-Identifier: GPL-3.0-or-later
// Keys: trust on first use, changed keys, verification, and a server in the middle with keys of its own.
#include "tests/simulation/two_people.hpp"
#include "tubes/core/trust/verification.hpp"

namespace tubes::simulation {
namespace {

/// What kept `node` from telling addresses: no attempt was let go, and no candidate was signaled by it.
class Trust : public TwoPeople {
protected:
    Trust() {
        world.server.tap = [this](const auto& from, const auto&, const core::Signal& signal) {
            if (std::holds_alternative<core::LinkCandidates>(signal)) candidates_from.push_back(from);
        };
    }
    bool told_addresses(const BrokerNode& node) const {
        return std::find(candidates_from.begin(), candidates_from.end(), node.self) != candidates_from.end();
    }
    core::ports::Pin pin_of(BrokerNode& owner, const BrokerNode& other) {
        for (const auto& pin : owner.trust_store.pins(owner.self.contact.value, other.self.contact)) {
            if (pin.key == other.identity.public_key()) return pin;
        }
        return {};
    }
    std::vector<core::PeerAddress> candidates_from;
};

TEST_F(Trust, TheFirstKeyIsPinnedOnBothSidesWhenTheTubeIsAccepted) {
    alice.share("web", {"bob@b"});
    const auto tube = bob.connect("alice@a", "web");
    ASSERT_TRUE(world.until([&] { return !alice.pending.empty(); }));
    EXPECT_FALSE(pin_of(alice, bob).accepted);
    alice.answer(true);
    ASSERT_TRUE(opens(bob, tube));
    EXPECT_TRUE(pin_of(alice, bob).accepted);
    EXPECT_TRUE(pin_of(bob, alice).accepted);
    EXPECT_FALSE(pin_of(bob, alice).verified);
}

TEST_F(Trust, AlwaysDoesNotCoverANewKeyAndTheUserHearsOfIt) {
    const auto tube = open_link();
    bob.broker->close_tube(tube, Errc::cancelled);
    BrokerNode other(world, "bob@b", "two", 77);
    other.trust(alice);
    world.run(1s);
    const auto second = other.connect("alice@a", "web");
    ASSERT_TRUE(world.until([&] { return !alice.pending.empty(); }));
    EXPECT_EQ(alice.pending[0].standing, core::KeyStanding::new_key);
    ASSERT_EQ(alice.new_keys.size(), 1u);
    EXPECT_EQ(alice.new_keys[0], other.identity.public_key());
    alice.answer(true);
    EXPECT_TRUE(opens(other, second));
    EXPECT_TRUE(pin_of(alice, other).accepted);
}

TEST_F(Trust, ConnectingToAChangedKeyFailsBeforeAnyAddressLeaves) {
    BrokerNode impostor(world, "carol@c", "one", 66);
    world.server.befriend("bob@b", "carol@c");
    world.run(1s);
    const core::PublicKey older = SimulatedIdentity(67).public_key();
    ASSERT_TRUE(bob.trust_store.put("bob@b", {"carol@c"}, {older, true, false, 1}));
    impostor.trust(bob);
    impostor.share("web", {"bob@b"}, Policy::always);
    const auto tube = bob.connect("carol@c", "web");
    ASSERT_TRUE(world.until([&] { return bob.outcomes.contains(tube); }));
    EXPECT_EQ(bob.failure(tube), Errc::key_changed);
    EXPECT_EQ(bob.new_keys.size(), 1u);
    EXPECT_FALSE(told_addresses(bob));
    world.run();
    EXPECT_TRUE(impostor.broker->links().empty());
}

TEST_F(Trust, AmongSeveralDevicesAKnownKeyIsPreferredToANewOne) {
    BrokerNode fresh(world, "alice@a", "0-fresh", 88);
    world.run(1s);
    bob.trust(alice);
    for (auto* node : {&alice, &fresh}) {
        node->trust(bob);
        node->share("web", {"bob@b"}, Policy::always);
    }
    const auto tube = bob.connect("alice@a", "web");
    ASSERT_TRUE(opens(bob, tube));
    EXPECT_EQ(bob.outcomes.at(tube)->peer, alice.self);
    EXPECT_TRUE(alice.broker->unshare("web"));
    const auto other = bob.connect("alice@a", "web");
    ASSERT_TRUE(world.until([&] { return bob.outcomes.contains(other); }));
    EXPECT_EQ(bob.failure(other), Errc::key_changed);
}

TEST_F(Trust, DroppingAKeyClosesItsLinkAtOnce) {
    const auto tube = open_link();
    ASSERT_TRUE(alice.trust_store.remove("alice@a", {"bob@b"}, bob.identity.public_key()));
    alice.broker->policies_changed();
    world.run(1s);
    EXPECT_FALSE(bob.is_open(tube));
    EXPECT_EQ(bob.closed.at(0).second, Errc::key_changed);
}

TEST_F(Trust, AnotherKeyFromTheSameAddressClosesTheOldLink) {
    const auto tube = open_link();
    core::LinkInitiate other;
    other.link.bytes[3] = 7;
    other.identity = SimulatedIdentity(99).public_key();
    other.request = {core::TubeId{}, "web", TubeKind::stream, std::nullopt, {}};
    world.server.inject({bob.self, true, false}, alice.self, other);
    world.run(1s);
    EXPECT_FALSE(alice.is_open(tube));
    EXPECT_EQ(alice.closed.at(0).second, Errc::key_changed);
}

TEST_F(Trust, AKeyThatCannotBeWrittenDownIsNotAccepted) {
    alice.trust_store.broken = true;
    alice.share("web", {"bob@b"});
    const auto tube = bob.connect("alice@a", "web");
    ASSERT_TRUE(world.until([&] { return !alice.pending.empty(); }));
    alice.answer(true);
    ASSERT_TRUE(world.until([&] { return bob.outcomes.contains(tube); }));
    EXPECT_EQ(bob.failure(tube), Errc::refused);
    EXPECT_EQ(alice.answered->error(), Errc::limit_exceeded);
}

TEST_F(Trust, APeerThatAnnouncesAKeyItDoesNotHaveNeverOpensALink) {
    alice.trust(bob);
    alice.share("web", {"bob@b"}, Policy::always);
    BrokerNode thief(world, "bob@b", "thief", 55);
    world.run(1s);
    // The server lets the thief announce Bob's key in its own name; the proof inside the path fails.
    core::LinkInitiate theft;
    theft.link.bytes[0] = 9;
    theft.identity = bob.identity.public_key();
    theft.request = {core::TubeId{}, "web", TubeKind::stream, std::nullopt, {}};
    theft.transports = {{PathKind::direct_tls, {}}};
    world.server.inject({thief.self, true, false}, alice.self, theft);
    world.run(60s);
    EXPECT_TRUE(alice.opened.empty());
    EXPECT_TRUE(alice.broker->links().empty());
}

TEST_F(Trust, TheShortStringIsTheSameOnBothSides) {
    open_link();
    std::vector<std::string> strings;
    const auto start = [&](BrokerNode& node) {
        node.broker->start_verification(node.broker->links().at(0).id,
                                        [&](result<std::string> text) { strings.push_back(*text); });
    };
    start(alice);
    world.run(5s);
    EXPECT_TRUE(strings.empty());  // Nothing is revealed until the other user starts as well.
    start(bob);
    ASSERT_TRUE(world.until([&] { return strings.size() == 2; }));
    EXPECT_EQ(strings[0], strings[1]);
    EXPECT_EQ(strings[0].size(), 11u);
    start(alice);
    start(bob);
    ASSERT_TRUE(world.until([&] { return strings.size() == 4; }));
    EXPECT_EQ(strings[2], strings[3]);
    EXPECT_NE(strings[0], strings[2]);  // Every exchange is a fresh guess.
}

TEST_F(Trust, VerificationNeedsALinkAndTimesOutWithoutTheOther) {
    std::optional<error_code> error;
    const auto keep = [&](const result<std::string>& text) { error = text.error(); };
    alice.broker->start_verification({}, keep);
    world.run(1s);
    EXPECT_EQ(error, Errc::not_found);
    open_link();
    error.reset();
    alice.broker->start_verification(alice.broker->links().at(0).id, keep);
    world.run(130s);
    EXPECT_EQ(error, Errc::timed_out);
}

}  // namespace
}  // namespace tubes::simulation
