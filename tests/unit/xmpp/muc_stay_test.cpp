// SPDX-License-Identifier: GPL-3.0-or-later
// Rooms: what is said there, staying in, coming back, leaving.
#include "tests/unit/xmpp/chat_room.hpp"

namespace tubes::presence::xmpp::test {
namespace {

TEST_F(ChatRoom, TellsMessagesWithSenderAndTime) {
    enter();
    const std::string head = "<message xmlns='jabber:client' from='chat@muc.example.org/bob' type='groupchat'>";
    receive(head + "<body>hello</body></message>");
    receive(head +
            "<body>old</body><delay xmlns='urn:xmpp:delay' from='chat@muc.example.org' "
            "stamp='2026-11-28T10:00:00Z'/></message>");
    receive(head +
            "<body>liar</body><delay xmlns='urn:xmpp:delay' from='mallory@a' "
            "stamp='1999-01-01T00:00:00Z'/></message>");
    receive(head + "<subject>topic</subject></message>");
    receive("<message xmlns='jabber:client' from='chat@muc.example.org/bob' type='chat'><body>psst</body></message>");
    receive("<message xmlns='jabber:client' from='chat@muc.example.org/nobody' type='chat'><body>x</body></message>");
    receive(
        "<message xmlns='jabber:client' from='chat@muc.example.org/me' type='groupchat'><body>mine</body></message>");
    const auto said = all<RoomMessage>();
    ASSERT_EQ(said.size(), 5u);
    EXPECT_EQ(said[0].nick, "bob");
    EXPECT_EQ(said[0].text, "hello");
    EXPECT_EQ(said[0].sent, 0);
    EXPECT_EQ(said[1].sent, 1795860000);
    EXPECT_EQ(said[2].sent, 0);
    EXPECT_TRUE(said[3].is_private);
    EXPECT_TRUE(said[4].is_own);
    ASSERT_EQ(all<RoomSubject>().size(), 1u);
    EXPECT_EQ(muc.find(kRoom)->subject, "topic");
}

TEST_F(ChatRoom, SaysThingsToAllAndToOne) {
    enter();
    ASSERT_TRUE(muc.say(kRoom, "a < b", std::nullopt));
    ASSERT_TRUE(muc.say(kRoom, "psst", occupant("bob")->address));
    ASSERT_TRUE(muc.set_subject(kRoom, "topic"));
    ASSERT_EQ(sent.size(), 3u);
    EXPECT_NE(sent[0].find("type='groupchat'"), std::string::npos);
    EXPECT_NE(sent[0].find("<body>a &lt; b</body>"), std::string::npos);
    EXPECT_NE(sent[1].find("to='chat@muc.example.org/bob'"), std::string::npos);
    EXPECT_NE(sent[1].find("type='chat'"), std::string::npos);
    EXPECT_NE(sent[2].find("<subject>topic</subject>"), std::string::npos);
    EXPECT_EQ(muc.say(kRoom, "", std::nullopt).error(), Errc::invalid_argument);
    EXPECT_EQ(muc.say({"other@muc"}, "x", std::nullopt).error(), Errc::not_found);
}

TEST_F(ChatRoom, TellsWhatIsOfferedOncePerChange) {
    enter();
    ServiceList services;
    services.services.push_back({"web", TubeKind::stream, {}});
    muc.announce(kRoom, services);
    muc.announce(kRoom, services);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].find(std::string(kMucNamespace) + "'"), std::string::npos);
    muc.announce(kRoom, {});
    EXPECT_EQ(sent.size(), 2u);
}

TEST_F(ChatRoom, LeavesInGoodOrder) {
    enter();
    muc.leave(kRoom);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_NE(sent[0].find("type='unavailable'"), std::string::npos);
    EXPECT_EQ(all<RoomChanged>().at(0).end, RoomEnd::left);
    muc.leave(kRoom);
    EXPECT_EQ(sent.size(), 1u);
}

TEST_F(ChatRoom, ComesBackAfterALostStreamAndTellsWhoLeftMeanwhile) {
    enter();
    muc.on_stream_lost();
    ASSERT_EQ(all<RoomChanged>().size(), 1u);
    EXPECT_EQ(all<RoomChanged>()[0].state, RoomState::rejoining);
    muc.on_online();
    traits("<feature var='urn:xmpp:occupant-id:0'/>");
    ASSERT_EQ(sent.size(), 1u);
    events.clear();
    receive(presence("me", "<item role='participant'/><status code='110'/>", "", id("M")));
    ASSERT_EQ(all<OccupantLeft>().size(), 1u);
    EXPECT_EQ(all<OccupantLeft>()[0].occupant.nick, "bob");
    EXPECT_EQ(all<RoomChanged>().at(0).state, RoomState::joined);
}

TEST_F(ChatRoom, AsksASilentRoomWhetherWeAreStillThere) {
    enter();
    const auto start = Muc::Time();
    muc.check(start);
    muc.check(start + std::chrono::minutes(1));
    EXPECT_TRUE(asked.empty());
    muc.check(start + kRoomSilence);
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_NE(asked[0].first.find("urn:xmpp:ping"), std::string::npos);
    EXPECT_NE(asked[0].first.find("to='chat@muc.example.org/me'"), std::string::npos);
    answer(
        "<iq xmlns='jabber:client' type='error'><error type='cancel'>"
        "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
    EXPECT_TRUE(events.empty());
    muc.check(start + 2 * kRoomSilence);
    answer(
        "<iq xmlns='jabber:client' type='error'><error type='cancel'>"
        "<not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
    EXPECT_EQ(all<RoomChanged>().at(0).state, RoomState::rejoining);
    traits("");
    EXPECT_EQ(sent.size(), 1u);
}

TEST_F(ChatRoom, ReadsAddressesAsPeopleTypeThem) {
    EXPECT_EQ(muc.parse_room("xmpp:Chat@muc.example.org?join")->value, "chat@muc.example.org");
    EXPECT_FALSE(muc.parse_room("muc.example.org"));
    EXPECT_FALSE(muc.parse_room("chat@muc/nick"));
}

}  // namespace
}  // namespace tubes::presence::xmpp::test
