// SPDX-License-Identifier: GPL-3.0-or-later
// Rooms: joining, occupants, and what a hostile occupant may send.
#include "tests/unit/xmpp/chat_room.hpp"

namespace tubes::presence::xmpp::test {
namespace {

TEST_F(ChatRoom, AsksWhatTheRoomIsBeforeItJoins) {
    ASSERT_TRUE(ask_in("me", "secret & more"));
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_NE(asked[0].first.find("disco#info"), std::string::npos);
    EXPECT_TRUE(sent.empty());
    ServiceList services;
    services.identity = *core::PublicKey::from_hex(kKey);
    services.services.push_back({"web", TubeKind::stream, {}});
    muc.announce(kRoom, services);
    traits("");
    ASSERT_EQ(sent.size(), 1u);
    const auto join = parse(sent[0]);
    EXPECT_EQ(attribute(*join, "to"), "chat@muc.example.org/me");
    const auto* x = child(*join, "x", kMucNamespace);
    ASSERT_TRUE(x);
    EXPECT_EQ(attribute(*child(*x, "history"), "maxstanzas"), "20");
    EXPECT_EQ(child(*x, "password")->cdata(), "secret & more");
    const auto* offered = child(*join, "services", kTubesNamespace);
    ASSERT_TRUE(offered);
    EXPECT_EQ(attribute(*child(*offered, "service"), "name"), "web");
}

TEST_F(ChatRoom, TellsOccupantsAndThenThatWeAreIn) {
    ASSERT_TRUE(ask_in());
    traits("<feature var='urn:xmpp:occupant-id:0'/><feature var='muc_membersonly'/>");
    receive(presence("bob", "<item affiliation='owner' role='moderator' jid='bob@a/x'/>", "",
                     id("B") + offers("<service name='web' kind='stream'/>")));
    EXPECT_TRUE(events.empty());
    receive(presence("me", "<item affiliation='none' role='participant'/><status code='100'/><status code='110'/>", "",
                     id("M")));
    ASSERT_EQ(events.size(), 3u);
    const auto bob = std::get<OccupantChanged>(events[0].what).occupant;
    EXPECT_EQ(bob.address.value, "chat@muc.example.org/bob");
    EXPECT_EQ(bob.address.contact.value, "chat@muc.example.org?id=B");
    EXPECT_EQ(bob.role, RoomRole::moderator);
    EXPECT_EQ(bob.affiliation, RoomAffiliation::owner);
    EXPECT_EQ(bob.real->value, "bob@a");
    ASSERT_TRUE(bob.tubes);
    EXPECT_EQ(bob.tubes->services.at(0).name, "web");
    EXPECT_EQ(std::get<RoomChanged>(events[2].what).state, RoomState::joined);
    const auto view = muc.find(kRoom);
    EXPECT_TRUE(view->traits.non_anonymous && view->traits.members_only && view->traits.stable_ids);
}

TEST_F(ChatRoom, SaysWhyItIsNotLetIn) {
    EXPECT_EQ(refused("conflict"), RoomEnd::nick_taken);
    EXPECT_EQ(refused("forbidden"), RoomEnd::banned);
    EXPECT_EQ(refused("registration-required"), RoomEnd::members_only);
    EXPECT_EQ(refused("not-authorized"), RoomEnd::password);
    EXPECT_EQ(refused("service-unavailable"), RoomEnd::full);
    EXPECT_EQ(refused("not-acceptable"), RoomEnd::bad_nick);
    EXPECT_EQ(refused("not-allowed"), RoomEnd::not_found);
    EXPECT_EQ(refused("internal-server-error"), RoomEnd::failed);
}

TEST_F(ChatRoom, RefusesWhatCannotBeJoined) {
    EXPECT_EQ(muc.join({kRoom, "", "", 0}).error(), Errc::invalid_argument);
    EXPECT_EQ(muc.join({kRoom, "a\nb", "", 0}).error(), Errc::invalid_argument);
    EXPECT_EQ(muc.join({kRoom, std::string(200, 'n'), "", 0}).error(), Errc::invalid_argument);
    EXPECT_EQ(muc.join({{"chat@muc/x"}, "me", "", 0}).error(), Errc::invalid_argument);
    ASSERT_TRUE(ask_in());
    EXPECT_EQ(ask_in().error(), Errc::already_exists);
    online = false;
    EXPECT_EQ(muc.join({{"other@muc"}, "me", "", 0}).error(), Errc::not_connected);
}

TEST_F(ChatRoom, AcceptsTheDefaultsOfARoomItMadeAndReadsItsIds) {
    ASSERT_TRUE(ask_in());
    answer(
        "<iq xmlns='jabber:client' type='error'><error type='cancel'>"
        "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
    receive(presence("me", "<item affiliation='owner' role='moderator'/><status code='110'/><status code='201'/>", "",
                     id("M")));
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_NE(asked[0].first.find("<x xmlns='jabber:x:data' type='submit'/>"), std::string::npos);
    answer("<iq xmlns='jabber:client' type='result'/>");
    traits("<feature var='urn:xmpp:occupant-id:0'/>");
    EXPECT_TRUE(events.empty());
    receive(presence("me", "<item affiliation='owner' role='moderator'/><status code='110'/>", "", id("M")));
    ASSERT_TRUE(muc.find(kRoom));
    EXPECT_EQ(muc.find(kRoom)->state, RoomState::joined);
    EXPECT_EQ(occupant("me")->address.contact.value, "chat@muc.example.org?id=M");
}

TEST_F(ChatRoom, BelievesNoOccupantIdWhereTheRoomGivesNone) {
    enter("");
    EXPECT_EQ(occupant("bob")->address.contact.value, "chat@muc.example.org/bob");
    receive(presence("mallory", "<item role='participant'/>", "", id("B")));
    EXPECT_EQ(occupant("mallory")->address.contact.value, "chat@muc.example.org/mallory");
}

TEST_F(ChatRoom, BelievesNoOccupantIdThatComesTwice) {
    enter();
    receive(presence("mallory", "<item role='participant'/>", "", id("B") + id("X")));
    EXPECT_EQ(occupant("mallory")->address.contact.value, "chat@muc.example.org/mallory");
}

TEST_F(ChatRoom, KnowsSignalsOfOccupantsOnly) {
    enter();
    const auto origin = muc.origin_of(*Jid::parse("chat@muc.example.org/bob"));
    ASSERT_TRUE(origin);
    EXPECT_EQ(origin->room, kRoom);
    EXPECT_EQ(origin->from.contact.value, "chat@muc.example.org?id=B");
    EXPECT_FALSE(origin->may_see_presence);
    EXPECT_FALSE(muc.origin_of(*Jid::parse("chat@muc.example.org/nobody")));
    EXPECT_FALSE(muc.origin_of(*Jid::parse("chat@muc.example.org")));
    EXPECT_FALSE(muc.origin_of(*Jid::parse("other@muc.example.org/bob")));
}

TEST_F(ChatRoom, IgnoresOtherRooms) {
    enter();
    receive("<presence xmlns='jabber:client' from='other@muc.example.org/bob' type='unavailable'/>");
    receive(
        "<message xmlns='jabber:client' type='groupchat' from='other@muc.example.org/bob'><body>x</body></message>");
    EXPECT_TRUE(events.empty());
    EXPECT_TRUE(occupant("bob"));
}

TEST_F(ChatRoom, FollowsANicknameOfOnePersonByTheirId) {
    enter();
    receive(presence("bob", "<item nick='robert' role='participant'/><status code='303'/>", "unavailable", id("B")));
    const auto renamed = all<OccupantRenamed>();
    ASSERT_EQ(renamed.size(), 1u);
    EXPECT_EQ(renamed[0].before.value, "chat@muc.example.org/bob");
    EXPECT_EQ(renamed[0].occupant.address.value, "chat@muc.example.org/robert");
    EXPECT_EQ(renamed[0].occupant.address.contact.value, "chat@muc.example.org?id=B");
    receive(presence("robert", "<item role='participant'/>", "", id("B")));
    EXPECT_TRUE(all<OccupantLeft>().empty());
    EXPECT_FALSE(muc.origin_of(*Jid::parse("chat@muc.example.org/bob")));
}

TEST_F(ChatRoom, DoesNotLetANewNicknameReplaceSomebodyWhoIsThere) {
    enter();
    receive(presence("eve", "<item role='participant'/>", "", id("E")));
    receive(presence("eve", "<item nick='bob'/><status code='303'/>", "unavailable", id("E")));
    EXPECT_TRUE(all<OccupantRenamed>().empty());
    EXPECT_EQ(occupant("bob")->address.contact.value, "chat@muc.example.org?id=B");
    EXPECT_FALSE(occupant("eve"));
}

TEST_F(ChatRoom, TakesSomebodyElseUnderANicknameForSomebodyElse) {
    enter();
    receive(presence("bob", "<item role='participant'/>", "", id("E")));
    ASSERT_EQ(all<OccupantLeft>().size(), 1u);
    EXPECT_EQ(all<OccupantLeft>()[0].occupant.address.contact.value, "chat@muc.example.org?id=B");
    ASSERT_EQ(all<OccupantChanged>().size(), 1u);
    EXPECT_TRUE(all<OccupantChanged>()[0].is_new);
}

TEST_F(ChatRoom, TellsHowAStayEnded) {
    const std::array<std::pair<std::string, RoomEnd>, 6> ends = {{
        {"<item/>", RoomEnd::left},
        {"<item><reason>go</reason></item><status code='307'/>", RoomEnd::kicked},
        {"<item/><status code='301'/>", RoomEnd::banned},
        {"<item/><status code='322'/>", RoomEnd::members_only},
        {"<item/><status code='332'/>", RoomEnd::removed},
        {"<item/><status code='307'/><status code='333'/>", RoomEnd::gone},
    }};
    for (const auto& [inside, end] : ends) {
        enter();
        receive(presence("bob", inside, "unavailable"));
        ASSERT_EQ(all<OccupantLeft>().size(), 1u) << inside;
        EXPECT_EQ(all<OccupantLeft>()[0].end, end) << inside;
        receive(presence("me", inside + "<status code='110'/>", "unavailable"));
        ASSERT_EQ(all<RoomChanged>().size(), 1u);
        EXPECT_EQ(all<RoomChanged>()[0].end, end);
        EXPECT_FALSE(muc.find(kRoom));
    }
    enter();
    receive(presence("me", "<item/><destroy jid='new@muc'><reason>moved</reason></destroy><status code='110'/>",
                     "unavailable"));
    EXPECT_EQ(all<RoomChanged>().at(0).end, RoomEnd::destroyed);
    EXPECT_EQ(all<RoomChanged>().at(0).text, "moved");
}

TEST_F(ChatRoom, BoundsAnnouncementsAndOccupants) {
    enter();
    std::string many;
    for (std::size_t index = 0; index <= kMaxRoomServices; ++index) {
        many += "<service name='s" + std::to_string(index) + "' kind='stream'/>";
    }
    receive(presence("bob", "<item role='participant'/>", "", id("B") + offers(many)));
    EXPECT_FALSE(occupant("bob")->tubes);
    std::string large;
    for (int index = 0; index < 3; ++index) {
        large += "<service name='s" + std::to_string(index) + "' kind='stream'><parameter name='p' type='string'>" +
                 std::string(4000, 'x') + "</parameter></service>";
    }
    receive(presence("bob", "<item role='participant'/>", "", id("B") + offers(large)));
    EXPECT_FALSE(occupant("bob")->tubes);
    receive(
        presence("bob", "<item role='participant'/>", "", id("B") + offers("<service name='../x' kind='stream'/>")));
    EXPECT_FALSE(occupant("bob")->tubes);
    for (std::size_t index = 0; index < kMaxOccupants + 10; ++index) {
        receive(presence("n" + std::to_string(index), "<item role='participant'/>"));
    }
    EXPECT_EQ(muc.find(kRoom)->occupants.size(), kMaxOccupants);
}

}  // namespace
}  // namespace tubes::presence::xmpp::test
