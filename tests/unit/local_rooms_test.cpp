// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of rooms of the local protocol: several nodes, every piece of news encoded and parsed between them.
#include <gtest/gtest.h>

#include <deque>

#include "presence/local/local_rooms.hpp"

namespace tubes::presence::local {
namespace {

using namespace core::ports;

const core::ContactAddress kRoom{"local:plans"};

/// One node, and what its handler is told.
struct Node : LocalRooms::Surroundings {
    explicit Node(const std::string& called) : name(called), rooms(called, *this) {}

    bool is_online() const override { return online; }
    void send(const std::string& node, const RoomNews& news) override { outgoing.emplace_back(node, encode(news)); }
    void send_to_all(const RoomNews& news) override {
        for (const auto* other : others) send(other->name, news);
    }
    void tell(RoomEvent event) override { events.push_back(std::move(event.what)); }

    template <class Kind>
    std::vector<Kind> told() const {
        std::vector<Kind> found;
        for (const auto& event : events) {
            if (const auto* kind = std::get_if<Kind>(&event)) found.push_back(*kind);
        }
        return found;
    }
    std::vector<std::string> sees() const {
        std::vector<std::string> nicks;
        const auto view = rooms.find(kRoom);
        if (!view) return nicks;
        for (const auto& occupant : view->occupants) nicks.push_back(occupant.nick);
        std::sort(nicks.begin(), nicks.end());
        return nicks;
    }
    result<void> enter(const std::string& nick) { return rooms.join({kRoom, nick, "", 0}); }

    std::string name;
    LocalRooms rooms;
    bool online = true;
    std::vector<Node*> others;
    std::deque<std::pair<std::string, base::Bytes>> outgoing;
    std::vector<RoomEventKind> events;
};

class OnThisMachine : public testing::Test {
protected:
    Node& add(const std::string& name) {
        auto& fresh = *nodes_.emplace_back(std::make_unique<Node>(name));
        for (auto& other : nodes_) {
            if (other.get() == &fresh) continue;
            other->others.push_back(&fresh);
            fresh.others.push_back(other.get());
            other->rooms.on_node(name);
            fresh.rooms.on_node(other->name);
        }
        settle();
        return fresh;
    }
    void settle() {
        for (bool busy = true; busy;) {
            busy = false;
            for (auto& from : nodes_) {
                while (!from->outgoing.empty()) {
                    busy = true;
                    auto [to, bytes] = from->outgoing.front();
                    from->outgoing.pop_front();
                    auto news = parse_room_news(bytes);
                    ASSERT_TRUE(news);
                    for (auto& node : nodes_) {
                        if (node->name == to) {
                            EXPECT_FALSE(node->rooms.on_news(from->name, *news));
                        }
                    }
                }
            }
        }
    }
    std::vector<std::unique_ptr<Node>> nodes_;
};

using Nicks = std::vector<std::string>;

TEST_F(OnThisMachine, WhoIsThereAndWhoComesLaterSeeOneAnother) {
    auto& first = add("n1");
    auto& second = add("n2");
    ASSERT_TRUE(first.enter("alice"));
    settle();
    EXPECT_EQ(second.sees(), Nicks{});
    ASSERT_TRUE(second.enter("bob"));
    settle();
    auto& late = add("n3");
    ASSERT_TRUE(late.enter("carol"));
    settle();
    for (const auto& node : nodes_) EXPECT_EQ(node->sees(), (Nicks{"alice", "bob", "carol"}));
    EXPECT_EQ(late.told<RoomChanged>().back().state, RoomState::joined);
    const auto bob = late.rooms.occupant(kRoom, {{"local:plans?id=n2"}, "local:plans/bob"});
    ASSERT_TRUE(bob);
    EXPECT_FALSE(bob->is_self);
    const auto target = late.rooms.target_of(bob->address);
    ASSERT_TRUE(target);
    EXPECT_EQ(target->node, "n2");
    EXPECT_EQ(second.rooms.address_in("plans", "n3")->value, "local:plans/carol");
}

TEST_F(OnThisMachine, OffersReachThoseWhoAreThereAndThoseWhoCome) {
    auto& first = add("n1");
    auto& second = add("n2");
    ASSERT_TRUE(first.enter("alice") && second.enter("bob"));
    core::ServiceList offered;
    offered.services.push_back({"web", TubeKind::stream, {}});
    first.rooms.announce(kRoom, offered);
    settle();
    auto& late = add("n3");
    ASSERT_TRUE(late.enter("carol"));
    settle();
    for (const auto* node : {&second, &late}) {
        const auto alice = node->rooms.occupant(kRoom, {{"local:plans?id=n1"}, "local:plans/alice"});
        ASSERT_TRUE(alice && alice->tubes);
        EXPECT_EQ(alice->tubes->services.at(0).name, "web");
    }
}

TEST_F(OnThisMachine, LeavingAndCrashingAreTold) {
    auto& first = add("n1");
    auto& second = add("n2");
    auto& third = add("n3");
    ASSERT_TRUE(first.enter("alice") && second.enter("bob") && third.enter("carol"));
    settle();
    second.rooms.leave(kRoom);
    settle();
    EXPECT_EQ(first.told<OccupantLeft>().back().end, RoomEnd::left);
    EXPECT_EQ(second.told<RoomChanged>().back().state, RoomState::left);
    first.rooms.on_node_gone("n3");
    EXPECT_EQ(first.told<OccupantLeft>().back().end, RoomEnd::gone);
    EXPECT_EQ(first.sees(), Nicks{"alice"});
    first.rooms.close();
    EXPECT_EQ(first.told<RoomChanged>().back().end, RoomEnd::gone);
}

TEST_F(OnThisMachine, ANicknameBelongsToWhoWasThereFirst) {
    auto& first = add("n2");
    auto& second = add("n1");
    ASSERT_TRUE(first.enter("alice"));
    ASSERT_TRUE(second.enter("alice"));  // at the same moment: it has not heard of the other one
    settle();
    EXPECT_EQ(first.sees(), Nicks{"alice"});
    EXPECT_EQ(second.told<RoomChanged>().back().end, RoomEnd::nick_taken);
    EXPECT_TRUE(second.rooms.rooms().empty());
    ASSERT_TRUE(second.enter("alice"));  // and now that it has
    EXPECT_EQ(second.told<RoomChanged>().back().end, RoomEnd::nick_taken);
    ASSERT_TRUE(second.enter("bob"));
    settle();
    EXPECT_EQ(first.sees(), (Nicks{"alice", "bob"}));
}

TEST_F(OnThisMachine, TextsAndSubjectsReachTheRoomAlone) {
    auto& first = add("n1");
    auto& second = add("n2");
    auto& outside = add("n3");
    ASSERT_TRUE(first.enter("alice") && second.enter("bob"));
    settle();
    ASSERT_TRUE(first.rooms.say(kRoom, "hello", std::nullopt));
    ASSERT_TRUE(first.rooms.say(kRoom, "psst", core::PeerAddress{{"local:plans?id=n2"}, "local:plans/bob"}));
    ASSERT_TRUE(first.rooms.set_subject(kRoom, "the plan"));
    settle();
    const auto heard = second.told<RoomMessage>();
    ASSERT_EQ(heard.size(), 2U);
    EXPECT_EQ(heard[0].nick, "alice");
    EXPECT_FALSE(heard[0].is_private);
    EXPECT_TRUE(heard[1].is_private);
    EXPECT_TRUE(first.told<RoomMessage>().at(0).is_own);
    EXPECT_TRUE(outside.told<RoomMessage>().empty());
    ASSERT_TRUE(outside.enter("carol"));
    settle();
    EXPECT_EQ(outside.told<RoomSubject>().at(0).text, "the plan");
    EXPECT_EQ(second.told<RoomSubject>().size(), 1U);
}

TEST_F(OnThisMachine, RefusesWhatItCannotDo) {
    auto& node = add("n1");
    EXPECT_EQ(node.rooms.parse_room("plans")->value, kRoom.value);
    EXPECT_EQ(node.rooms.parse_room("cable@conference.example.org").error(), Errc::invalid_argument);
    EXPECT_EQ(node.rooms.join({kRoom, "", "", 0}).error(), Errc::invalid_argument);
    EXPECT_EQ(node.rooms.join({kRoom, "alice", "secret", 0}).error(), Errc::unsupported);
    ASSERT_TRUE(node.enter("alice"));
    EXPECT_EQ(node.enter("alice").error(), Errc::already_exists);
    EXPECT_EQ(node.rooms.say(kRoom, "", std::nullopt).error(), Errc::invalid_argument);
    EXPECT_EQ(node.rooms.say({"local:other"}, "hi", std::nullopt).error(), Errc::not_found);
    for (std::size_t i = 1; i < kMaxRooms; ++i) {
        ASSERT_TRUE(node.rooms.join({{"local:r" + std::to_string(i)}, "alice", "", 0}));
    }
    EXPECT_EQ(node.rooms.join({{"local:more"}, "alice", "", 0}).error(), Errc::limit_exceeded);
    node.online = false;
    EXPECT_EQ(node.rooms.join({{"local:more"}, "alice", "", 0}).error(), Errc::not_connected);
}

TEST_F(OnThisMachine, BoundsTheRoomsOfAnotherNode) {
    auto& node = add("n1");
    RoomNews news;
    news.kind = RoomNews::Kind::here;
    news.guest.nick = "x";
    for (std::size_t i = 0; i < kMaxRooms; ++i) {
        news.room = "r" + std::to_string(i);
        EXPECT_FALSE(node.rooms.on_news("n2", news));
    }
    news.room = "more";
    EXPECT_EQ(node.rooms.on_news("n2", news), Errc::limit_exceeded);
}

TEST(LocalRoomNews, RefusesWhatIsMalformed) {
    RoomNews news;
    news.kind = RoomNews::Kind::here;
    news.room = "plans";
    news.guest = {"alice", 7, std::nullopt};
    const auto good = encode(news);
    EXPECT_EQ(parse_room_news(good)->guest.since, 7U);
    for (std::size_t size = 0; size < good.size(); ++size) {
        EXPECT_EQ(parse_room_news(base::ByteView(good).first(size)).error(), Errc::protocol_violation) << size;
    }
    news.room = "a/b";
    EXPECT_FALSE(parse_room_news(encode(news)));
    news.room = "plans";
    news.guest.nick = std::string(kMaxNick + 1, 'x');
    EXPECT_FALSE(parse_room_news(encode(news)));
    EXPECT_FALSE(parse_room_news(base::Bytes{9, 1, 'a'}));
    EXPECT_FALSE(parse_room_request(base::Bytes{3, 'a'}));
}

}  // namespace
}  // namespace tubes::presence::local
