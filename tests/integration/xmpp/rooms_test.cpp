// SPDX-License-Identifier: GPL-3.0-or-later
// Rooms of a real Prosody, semi-anonymous and open: occupants, announcements, signals, kicks and coming back.
#include <gtest/gtest.h>

#include "tests/integration/xmpp/person.hpp"
#include "tests/integration/xmpp/raw_peer.hpp"

namespace tubes::presence::xmpp::test {
namespace {

using namespace core::ports;
using tubes::test::start_prosody;

const core::ContactAddress kRoom{"cable@conference.tube.test"};

/// Somebody in the room.
class Guest : public Person {
public:
    Guest(boost::asio::io_context& loop, const tubes::test::ServerFixture& server, const std::string& user)
        : Person(loop, configuration_for(server, user)), loop_(loop), nick_(user + "'s tube") {}

    Rooms& rooms() { return *connection().rooms(); }
    const std::string& nick() const { return nick_; }
    bool enter(const std::string& password = "") {
        return rooms().join({kRoom, nick_, password, 20}) && run_until(loop_, [this] { return ended() || is_in(); }) &&
               is_in();
    }
    bool is_in() {
        const auto view = rooms().find(kRoom);
        return view && view->state == RoomState::joined;
    }
    std::optional<RoomChanged> ended() {
        for (const auto& event : room_events) {
            const auto* changed = std::get_if<RoomChanged>(&event.what);
            if (changed && changed->state == RoomState::left) return *changed;
        }
        return std::nullopt;
    }
    std::optional<Occupant> see(const Guest& other) {
        const auto view = rooms().find(kRoom);
        if (!view) return std::nullopt;
        for (const auto& occupant : view->occupants) {
            if (occupant.nick == other.nick()) return occupant;
        }
        return std::nullopt;
    }
    bool sees_offer(const Guest& other, std::size_t count) {
        return run_until(loop_, [&] {
            const auto occupant = see(other);
            return occupant && occupant->tubes && occupant->tubes->services.size() == count;
        });
    }
    void offer(const std::vector<std::string>& names) {
        core::ServiceList list;
        list.identity.bytes[0] = 7;
        for (const auto& name : names) list.services.push_back({name, TubeKind::stream, {}});
        rooms().announce(kRoom, list);
    }

private:
    boost::asio::io_context& loop_;
    std::string nick_;
};

class XmppRooms : public testing::Test {
protected:
    Guest& add(const std::string& user) {
        guests.push_back(std::make_unique<Guest>(loop, server, user));
        EXPECT_TRUE(guests.back()->log_in());
        return *guests.back();
    }

    /// Joins under the nickname "raw"; the room's owner is its moderator.
    static void enter_raw(RawPeer& peer) {
        peer.send("<presence to='" + kRoom.value + "/raw'><x xmlns='http://jabber.org/protocol/muc'/></presence>");
        EXPECT_FALSE(peer.wait_for("110").empty());
    }
    static std::vector<std::string> accounts() {
        std::vector<std::string> all;
        for (int number = 1; number <= 8; ++number) all.push_back("user" + std::to_string(number) + ":secret");
        return all;
    }
    tubes::test::ServerFixture server = start_prosody(accounts(), {"--no-groups"});
    boost::asio::io_context loop;
    std::vector<std::unique_ptr<Guest>> guests;
};

TEST_F(XmppRooms, EightSeeAnOfferNowOrOnJoiningAndSignalsReachThroughTheRoom) {
    auto& host = add("user1");
    ASSERT_TRUE(host.enter());
    for (int number = 2; number <= 7; ++number) ASSERT_TRUE(add("user" + std::to_string(number)).enter());
    host.offer({"web"});
    for (std::size_t index = 1; index < guests.size(); ++index) EXPECT_TRUE(guests[index]->sees_offer(host, 1));
    auto& late = add("user8");
    ASSERT_TRUE(late.enter());
    EXPECT_TRUE(late.sees_offer(host, 1));
    EXPECT_EQ(late.rooms().find(kRoom)->occupants.size(), 8u);
    ASSERT_TRUE(run_until(loop, [&] { return host.see(late).has_value(); }));
    // A semi-anonymous room: nobody but its owner learns an address.
    EXPECT_FALSE(late.see(host)->real);
    EXPECT_TRUE(late.rooms().find(kRoom)->traits.stable_ids);
    // Both ends call each other the same, which the proof of a link depends on.
    EXPECT_EQ(late.see(host)->address.contact, host.see(host)->address.contact);
    EXPECT_EQ(host.see(late)->address.contact, late.see(late)->address.contact);

    core::LinkInitiate request;
    request.request.service = "web";
    ASSERT_TRUE(late.ask(late.see(host)->address, request));
    ASSERT_EQ(host.signals.size(), 1u);
    const auto& origin = host.signals[0].origin;
    EXPECT_EQ(origin.room, kRoom);
    EXPECT_FALSE(origin.may_see_presence);
    EXPECT_EQ(origin.from, host.see(late)->address);
    host.offer({});
    EXPECT_TRUE(late.sees_offer(host, 0));
}

TEST_F(XmppRooms, AKickedOccupantIsGoneForAllAndLearnsWhy) {
    auto& host = add("user1");
    auto& bob = add("user2");
    ASSERT_TRUE(host.enter() && bob.enter());
    ASSERT_TRUE(run_until(loop, [&] { return host.see(bob).has_value(); }));
    const auto address = host.see(bob)->address;
    RawPeer moderator(loop, server, "user1");
    ASSERT_TRUE(moderator.log_in());
    enter_raw(moderator);
    moderator.send("<iq type='set' id='k1' to='" + kRoom.value +
                   "'><query xmlns='http://jabber.org/protocol/muc#admin'>"
                   "<item nick='" +
                   std::string("user2&apos;s tube") + "' role='none'><reason>out</reason></item></query></iq>");
    ASSERT_TRUE(run_until(loop, [&] { return bob.ended().has_value(); }));
    EXPECT_EQ(bob.ended()->end, RoomEnd::kicked);
    EXPECT_EQ(bob.ended()->text, "out");
    EXPECT_TRUE(run_until(loop, [&] { return !host.see(bob); }));
    EXPECT_FALSE(host.ask(address, core::PingSignal{}));
}

TEST_F(XmppRooms, AnOpenRoomTellsAddressesAndAPasswordKeepsOthersOut) {
    RawPeer owner(loop, server, "user1");
    ASSERT_TRUE(owner.log_in());
    enter_raw(owner);
    const auto field = [](const std::string& name, const std::string& value) {
        return "<field var='" + name + "'><value>" + value + "</value></field>";
    };
    owner.send("<iq type='set' id='c1' to='" + kRoom.value +
               "'><query xmlns='http://jabber.org/protocol/muc#owner'>"
               "<x xmlns='jabber:x:data' type='submit'>" +
               field("FORM_TYPE", "http://jabber.org/protocol/muc#roomconfig") +
               field("muc#roomconfig_whois", "anyone") + field("muc#roomconfig_passwordprotectedroom", "1") +
               field("muc#roomconfig_roomsecret", "sesame") + "</x></query></iq>");
    ASSERT_NE(owner.wait_for("c1").find("result"), std::string::npos);
    auto& bob = add("user2");
    auto& carol = add("user3");
    ASSERT_TRUE(bob.enter("sesame"));
    EXPECT_FALSE(carol.enter("wrong"));
    ASSERT_TRUE(carol.ended());
    EXPECT_EQ(carol.ended()->end, RoomEnd::password);
    carol.room_events.clear();
    ASSERT_TRUE(carol.enter("sesame"));
    ASSERT_TRUE(run_until(loop, [&] { return carol.see(bob).has_value(); }));
    ASSERT_TRUE(carol.see(bob)->real);
    EXPECT_EQ(carol.see(bob)->real->value, "user2@tube.test");
    EXPECT_TRUE(carol.rooms().find(kRoom)->traits.non_anonymous);
}

TEST_F(XmppRooms, ANicknameThatIsTakenIsRefused) {
    auto& host = add("user1");
    auto& bob = add("user2");
    ASSERT_TRUE(host.enter());
    ASSERT_TRUE(bob.rooms().join({kRoom, host.nick(), "", 20}));
    ASSERT_TRUE(run_until(loop, [&] { return bob.ended().has_value(); }));
    EXPECT_EQ(bob.ended()->end, RoomEnd::nick_taken);
}

TEST_F(XmppRooms, TextReachesEverybodyAndOneAlone) {
    auto& host = add("user1");
    auto& bob = add("user2");
    ASSERT_TRUE(host.enter() && bob.enter());
    ASSERT_TRUE(run_until(loop, [&] { return host.see(bob).has_value(); }));
    ASSERT_TRUE(host.rooms().say(kRoom, "hello <all>", std::nullopt));
    ASSERT_TRUE(host.rooms().say(kRoom, "psst", host.see(bob)->address));
    std::vector<RoomMessage> heard;
    ASSERT_TRUE(run_until(loop, [&] {
        heard.clear();
        for (const auto& event : bob.room_events) {
            if (const auto* said = std::get_if<RoomMessage>(&event.what)) heard.push_back(*said);
        }
        return heard.size() == 2;
    }));
    EXPECT_EQ(heard[0].text, "hello <all>");
    EXPECT_FALSE(heard[0].is_private);
    EXPECT_EQ(heard[1].text, "psst");
    EXPECT_TRUE(heard[1].is_private);
    // History comes with its time.
    auto& late = add("user3");
    ASSERT_TRUE(late.enter());
    ASSERT_TRUE(run_until(loop, [&] {
        for (const auto& event : late.room_events) {
            const auto* said = std::get_if<RoomMessage>(&event.what);
            if (said && said->text == "hello <all>" && said->sent > 0) return true;
        }
        return false;
    }));
}

}  // namespace
}  // namespace tubes::presence::xmpp::test
