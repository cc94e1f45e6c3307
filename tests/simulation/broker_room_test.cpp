// SPDX-License-Identifier: GPL-3.0-or-later
// Rooms: a service for everybody in them, tubes that end with the stay, and people who pretend to be others.
#include "tests/simulation/two_people.hpp"

namespace tubes::simulation {
namespace {

using core::ports::RoomEnd;

const core::ContactAddress kRoom{"room@muc"};

/// A node that can be asked what it sees of the room.
struct Member {
    Member(World& world, std::string name, std::uint64_t key)
        : nick(std::move(name)), node(world, nick + "@a", "one", key) {
        world.run(100ms);
    }

    void join(std::optional<AddressPolicy> addresses = AddressPolicy::all) {
        core::ports::RoomJoin join;
        join.room = kRoom;
        join.nick = nick;
        EXPECT_TRUE(node.broker->join_room(account(), join, addresses));
    }
    void leave() { node.broker->leave_room(account(), kRoom); }
    std::string account() const { return nick + "@a"; }
    std::optional<core::ports::RoomView> view() { return rooms().find(kRoom); }
    core::ports::Rooms& rooms() { return *node.broker->connection(account())->rooms(); }
    std::optional<core::ports::Occupant> see(const std::string& other) {
        const auto seen = view();
        if (!seen) return std::nullopt;
        for (const auto& occupant : seen->occupants) {
            if (occupant.nick == other) return occupant;
        }
        return std::nullopt;
    }
    void share(const std::string& service) {
        core::ShareSpec spec;
        spec.service = service;
        spec.audience = {kRoom};
        spec.policy = Policy::always;
        spec.trust_first_key = true;
        EXPECT_TRUE(node.broker->share(spec));
    }
    core::TubeId connect(const std::string& other, const std::string& service = "web") {
        core::ConnectSpec spec;
        spec.account = account();
        spec.room = kRoom;
        spec.service = service;
        if (const auto occupant = see(other)) spec.peer = occupant->address;
        if (spec.peer) spec.contact = spec.peer->contact;
        auto id = std::make_shared<core::TubeId>();
        *id = node.broker->connect(
            spec, [this, id](result<core::TubeStatus> outcome) { node.outcomes.emplace(*id, std::move(outcome)); });
        return *id;
    }

    std::string nick;
    BrokerNode node;
};

class ARoom : public testing::Test {
protected:
    Member& add(const std::string& name) {
        members.push_back(std::make_unique<Member>(world, name, members.size() + 1));
        return *members.back();
    }
    bool opens(Member& member, const core::TubeId& tube) {
        const bool ended = world.until([&] { return member.node.outcomes.contains(tube); });
        return ended && !member.node.failure(tube) && member.node.is_open(tube);
    }
    /// Alice shares "web"; Bob is there, too.
    void meet(std::optional<AddressPolicy> addresses = AddressPolicy::all) {
        alice = &add("alice");
        bob = &add("bob");
        alice->join(addresses);
        bob->join(addresses);
        world.run(1s);
        alice->share("web");
        world.run(1s);
    }

    World world;
    std::vector<std::unique_ptr<Member>> members;
    Member* alice = nullptr;
    Member* bob = nullptr;
};

TEST_F(ARoom, ShowsAnOfferToThoseWhoAreThereAndToThoseWhoJoinLater) {
    meet();
    ASSERT_TRUE(bob->see("alice") && bob->see("alice")->tubes);
    EXPECT_EQ(bob->see("alice")->tubes->services.at(0).name, "web");
    auto& carol = add("carol");
    carol.join();
    world.run(1s);
    ASSERT_TRUE(carol.see("alice") && carol.see("alice")->tubes);
    EXPECT_EQ(carol.see("alice")->tubes->services.size(), 1u);
    const auto first = bob->connect("alice");
    const auto second = carol.connect("alice");
    EXPECT_TRUE(opens(*bob, first));
    EXPECT_TRUE(opens(carol, second));
    EXPECT_TRUE(bob->node.carries_data(first, alice->node));
    EXPECT_TRUE(carol.node.carries_data(second, alice->node));
    // A link of its own for everybody.
    EXPECT_EQ(alice->node.broker->links().size(), 2u);
}

TEST_F(ARoom, TakesAnOfferBackFromEverybody) {
    meet();
    const auto tube = bob->connect("alice");
    ASSERT_TRUE(opens(*bob, tube));
    ASSERT_TRUE(alice->node.broker->unshare("web"));
    world.run(1s);
    EXPECT_TRUE(bob->see("alice")->tubes->services.empty());
    EXPECT_EQ(bob->node.open_tubes(), 0u);
}

TEST_F(ARoom, IsTheWholeAudience) {
    meet();
    auto& mallory = add("mallory");
    world.server.befriend("alice@a", "mallory@a");
    world.run(1s);
    const auto direct = mallory.node.connect("alice@a", "web");
    ASSERT_TRUE(world.until([&] { return mallory.node.outcomes.contains(direct); }));
    EXPECT_EQ(mallory.node.failure(direct), Errc::not_available);
}

TEST_F(ARoom, ClosesTheTubesOfAKickedOccupantAtOnce) {
    meet();
    auto& carol = add("carol");
    carol.join();
    world.run(1s);
    const auto kicked = bob->connect("alice");
    const auto other = carol.connect("alice");
    ASSERT_TRUE(opens(*bob, kicked));
    ASSERT_TRUE(opens(carol, other));
    world.server.chat.kick(kRoom, "bob", RoomEnd::kicked);
    world.run(1s);
    EXPECT_EQ(bob->node.open_tubes(), 0u);
    ASSERT_EQ(alice->node.closed.size(), 1u);
    EXPECT_EQ(alice->node.closed[0].second, Errc::refused);
    EXPECT_TRUE(carol.node.carries_data(other, alice->node));
    const auto again = bob->connect("alice");
    ASSERT_TRUE(world.until([&] { return bob->node.outcomes.contains(again); }));
    EXPECT_TRUE(bob->node.failure(again));
}

TEST_F(ARoom, ShowsStrangersRelayedAddressesOnlyUnlessTheUserSaysOtherwise) {
    meet(std::nullopt);
    const auto tube = bob->connect("alice");
    ASSERT_TRUE(opens(*bob, tube));
    for (const auto* transport : {&alice->node.direct, &bob->node.direct, &alice->node.relay, &bob->node.relay}) {
        for (const auto& made : transport->made) EXPECT_EQ(made.addresses, AddressPolicy::relay_only);
    }
}

TEST_F(ARoom, ShowsAFriendWhoProvesTheirKeyAllAddresses) {
    world.server.chat.non_anonymous = true;
    alice = &add("alice");
    bob = &add("bob");
    alice->node.trust(bob->node);
    alice->join(std::nullopt);
    bob->join(std::nullopt);
    world.run(1s);
    alice->share("web");
    world.run(1s);
    ASSERT_TRUE(opens(*bob, bob->connect("alice")));
    ASSERT_FALSE(alice->node.direct.made.empty());
    EXPECT_EQ(alice->node.direct.made[0].addresses, AddressPolicy::all);
}

TEST_F(ARoom, ThatLiesAboutAPersonGainsNothingWithoutTheirKey) {
    world.server.chat.non_anonymous = true;
    alice = &add("alice");
    auto& mallory = add("bob");  // The room says that it is Bob, whose key Alice knows; this is another one.
    Member real(world, "bobsdevice", 77);
    (void)alice->node.trust_store.put("alice@a", {"bob@a"}, {real.node.identity.public_key(), true, false, 1});
    alice->join(std::nullopt);
    mallory.join(std::nullopt);
    world.run(1s);
    alice->share("web");
    world.run(1s);
    (void)mallory.connect("alice");
    world.run(2s);
    EXPECT_EQ(mallory.node.open_tubes(), 0u);
    ASSERT_EQ(alice->node.pending.size(), 1u);
    EXPECT_EQ(alice->node.pending[0].standing, core::KeyStanding::new_key);
    EXPECT_TRUE(alice->node.direct.made.empty());
}

TEST_F(ARoom, KeepsTubesThroughANewNickname) {
    meet();
    const auto tube = bob->connect("alice");
    ASSERT_TRUE(opens(*bob, tube));
    world.server.chat.rename(kRoom, "bob", "robert");
    world.run(1s);
    EXPECT_TRUE(bob->node.carries_data(tube, alice->node));
    EXPECT_EQ(alice->node.broker->tubes().at(0).peer.value, "room@muc/robert");
    // Somebody who takes the old nickname inherits nothing.
    auto& eve = add("eve");
    eve.nick = "bob";
    core::ports::RoomJoin join;
    join.room = kRoom;
    join.nick = "bob";
    ASSERT_TRUE(eve.node.broker->join_room("eve@a", join, AddressPolicy::all));
    world.run(1s);
    world.server.chat.kick(kRoom, "bob", RoomEnd::kicked);
    world.run(1s);
    EXPECT_TRUE(bob->node.carries_data(tube, alice->node));
}

TEST_F(ARoom, WithoutOccupantIdsANewNicknameIsSomebodyElse) {
    world.server.chat.stable_ids = false;
    meet();
    ASSERT_TRUE(opens(*bob, bob->connect("alice")));
    world.server.chat.rename(kRoom, "bob", "robert");
    world.run(1s);
    EXPECT_EQ(alice->node.open_tubes(), 0u);
    EXPECT_EQ(bob->node.open_tubes(), 0u);
}

TEST_F(ARoom, DoesNotLetAnOccupantOfferByBypassingIt) {
    meet();
    core::OfferSignal offer;
    offer.service = "trap";
    offer.lifetime = 60s;
    std::optional<result<core::SignalReply>> reply;
    world.server.chat.relay(bob->node.self, alice->see("alice")->address, kRoom, offer,
                            [&](result<core::SignalReply> given) { reply = given; });
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->error(), Errc::not_available);
    EXPECT_TRUE(alice->node.pending.empty());
}

TEST_F(ARoom, WithoutOccupantIdsAllNicknamesShareOneAllowance) {
    world.server.chat.stable_ids = false;
    meet();
    std::size_t answered = 0;
    for (int round = 0; round < 600; ++round) {
        core::ports::SignalOrigin origin;
        origin.room = kRoom;
        origin.from = {{"room@muc/n" + std::to_string(round)}, "room@muc/n" + std::to_string(round)};
        world.server.inject(origin, alice->node.self, core::ServiceQuery{}, [&](result<core::SignalReply> given) {
            if (given) ++answered;
        });
    }
    world.run(1s);
    EXPECT_GT(answered, 0u);
    EXPECT_LE(answered, 250u);
}

TEST_F(ARoom, RefusesMoreOffersThanTheRoomIsTold) {
    meet();
    for (std::size_t number = 1; number < core::ports::kMaxRoomServices; ++number) {
        alice->share("web" + std::to_string(number));
    }
    core::ShareSpec spec;
    spec.service = "toomany";
    spec.audience = {kRoom};
    EXPECT_EQ(alice->node.broker->share(spec).error(), Errc::limit_exceeded);
}

/// Eight people come, connect, rename, are kicked, leave and crash as a seed says.
class Schedules : public testing::TestWithParam<std::uint64_t> {
protected:
    void act(std::size_t index) {
        auto& person = people[index];
        const auto name = "p" + std::to_string(index);
        switch (random() % 12) {
            case 0: return person.reset();  // A crash.
            case 1: return world.server.chat.kick(kRoom, name, RoomEnd::kicked);
            case 2: return rename(index, name);
            case 3:
                if (person && person->view()) person->leave();
                return;
            case 4:
            case 5:
            case 6:
            case 7:
                if (!person) person = std::make_unique<Member>(world, name, 10 + index);
                if (!person->view()) person->join();
                return;
            default:
                if (person && person->view()) (void)person->connect("host");
        }
    }
    void rename(std::size_t index, const std::string& name) {
        const auto other = name + "-" + std::to_string(++names[index]);
        world.server.chat.rename(kRoom, name, other);
        world.run(std::chrono::milliseconds(random() % 40));
        world.server.chat.rename(kRoom, other, name);
    }

    std::mt19937_64 random{GetParam()};
    World world{ServerModel(), GetParam()};
    std::array<std::unique_ptr<Member>, 8> people;
    std::array<int, 8> names{};
};

TEST_P(Schedules, LeaveNothingBehindAndOthersUnaffected) {
    SCOPED_TRACE("seed " + std::to_string(GetParam()));
    Member host(world, "host", 100);
    host.join();
    world.run(1s);
    host.share("web");
    // One whom nothing happens to.
    Member witness(world, "witness", 101);
    witness.join();
    world.run(1s);
    const auto kept = witness.connect("host");
    ASSERT_TRUE(world.until([&] { return witness.node.is_open(kept); }));
    for (int step = 0; step < 300; ++step) {
        act(random() % people.size());
        world.run(std::chrono::milliseconds(random() % 300));
    }
    world.run(120s);
    EXPECT_GE(host.node.opened.size(), 20u);
    EXPECT_GE(host.node.closed.size(), 5u);
    // Whoever is still there may have tubes; nobody else.
    for (const auto& tube : host.node.broker->tubes()) {
        ASSERT_TRUE(tube.room);
        EXPECT_TRUE(host.rooms().occupant(*tube.room, tube.peer)) << tube.peer.value;
    }
    EXPECT_TRUE(witness.node.carries_data(kept, host.node));
    for (auto& person : people) {
        if (person && person->view()) person->leave();
    }
    world.run(120s);
    EXPECT_EQ(host.node.broker->tubes().size(), 1u);
    EXPECT_EQ(host.node.broker->links().size(), 1u);
    EXPECT_EQ(host.view()->occupants.size(), 2u);
    for (auto& person : people) {
        if (!person) continue;
        EXPECT_TRUE(person->node.broker->tubes().empty());
        EXPECT_TRUE(person->node.broker->links().empty());
    }
    EXPECT_EQ(world.reach.attempts_alive, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Schedules, testing::Range<std::uint64_t>(1, 26));

}  // namespace
}  // namespace tubes::simulation
