// SPDX-License-Identifier: GPL-3.0-or-later
// Who may say what: the filter's verdicts, the contact list, and presence of peers.
#include "presence/xmpp/roster.hpp"

#include <gtest/gtest.h>

#include "presence/xmpp/stanza_filter.hpp"
#include "presence/xmpp/xml_stream.hpp"

namespace tubes::presence::xmpp {
namespace {

using core::ports::Presence;
using core::ports::Subscription;

const Jid kSelf = *Jid::parse("alice@a.example/tube-1");

StanzaKind verdict(const std::string& xml) {
    const auto stanza = parse_stanza(xml);
    return stanza ? filter_stanza(**stanza, kSelf).kind : StanzaKind::dropped;
}

ElementPtr stanza(const std::string& xml) {
    auto parsed = parse_stanza(xml);
    EXPECT_TRUE(parsed) << xml;
    return std::move(*parsed);
}

TEST(StanzaFilter, AcceptsRosterPushesFromOurOwnAccountOnly) {
    const std::string push = "<query xmlns='jabber:iq:roster'><item jid='m@evil.example'/></query></iq>";
    EXPECT_EQ(verdict("<iq type='set' id='1'>" + push), StanzaKind::roster_push);
    EXPECT_EQ(verdict("<iq type='set' id='1' from='Alice@A.example'>" + push), StanzaKind::roster_push);
    for (const char* from : {"mallory@evil.example/x", "a.example", "alice@a.example/other", "alice@a.example.evil"}) {
        EXPECT_EQ(verdict("<iq type='set' id='1' from='" + std::string(from) + "'>" + push), StanzaKind::forbidden);
    }
    EXPECT_EQ(verdict("<iq type='get' id='1'>" + push), StanzaKind::forbidden);
}

TEST(StanzaFilter, SortsStanzasAndDropsMalformedOnes) {
    EXPECT_EQ(verdict("<iq type='get' id='1' from='b@b.example/x'><q xmlns='x'/></iq>"), StanzaKind::request);
    EXPECT_EQ(verdict("<iq type='result' id='1'/>"), StanzaKind::answer);
    EXPECT_EQ(verdict("<iq type='get' id='1'/>"), StanzaKind::forbidden);
    EXPECT_EQ(verdict("<iq type='get' id='1'><a xmlns='x'/><b xmlns='x'/></iq>"), StanzaKind::forbidden);
    EXPECT_EQ(verdict("<presence/>"), StanzaKind::presence);
    EXPECT_EQ(verdict("<presence type='subscribe'/>"), StanzaKind::subscription);
    EXPECT_EQ(verdict("<presence type='error'/>"), StanzaKind::presence_error);
    EXPECT_EQ(verdict("<message/>"), StanzaKind::message);
    for (const char* dropped :
         {"<iq type='get'><q xmlns='x'/></iq>", "<iq id='1'><q xmlns='x'/></iq>",
          "<iq type='odd' id='1'><q xmlns='x'/></iq>", "<message type='error'/>", "<presence type='probe'/>",
          "<message from='@'/>", "<x:iq xmlns:x='urn:other' type='result' id='1'/>", "<other/>"}) {
        EXPECT_EQ(verdict(dropped), StanzaKind::dropped) << dropped;
    }
}

class RosterTest : public testing::Test {
protected:
    RosterTest() {
        roster.on_new_stream(kSelf);
        load(
            "<item jid='both@b.example' subscription='both' name='B'/><item jid='to@b.example' subscription='to'/>"
            "<item jid='from@b.example' subscription='from'/><item jid='none@b.example'/>");
    }
    void load(const std::string& items) {
        roster.load(*stanza("<query xmlns='jabber:iq:roster'>" + items + "</query>"));
    }
    bool presence(const std::string& from, const std::string& xml = "<presence/>") {
        return roster.on_presence(*Jid::parse(from), *stanza(xml));
    }
    std::size_t peers_of(const std::string& bare) { return roster.find(bare) ? roster.find(bare)->peers.size() : 99; }

    Roster roster;
};

TEST_F(RosterTest, ShowsWhoMaySeeWhom) {
    EXPECT_EQ(roster.contacts().size(), 5U);  // ourselves too
    EXPECT_EQ(roster.find("both@b.example")->name, "B");
    EXPECT_TRUE(roster.may_see_us(*Jid::parse("from@b.example/x")));
    EXPECT_TRUE(roster.may_see_us(*Jid::parse("alice@a.example/other")));
    EXPECT_FALSE(roster.may_see_us(*Jid::parse("to@b.example/x")));
    EXPECT_FALSE(roster.may_see_us(*Jid::parse("stranger@b.example/x")));
    EXPECT_TRUE(roster.may_see(*Jid::parse("to@b.example")));
    EXPECT_FALSE(roster.may_see(*Jid::parse("from@b.example")));
}

TEST_F(RosterTest, TakesPresenceOnlyFromThoseWhoShowItToUs) {
    EXPECT_TRUE(presence("both@b.example/1"));
    EXPECT_TRUE(presence("both@b.example/2", "<presence><show>dnd</show></presence>"));
    EXPECT_FALSE(presence("from@b.example/1"));
    EXPECT_FALSE(presence("stranger@b.example/1"));
    EXPECT_EQ(peers_of("both@b.example"), 2U);
    EXPECT_EQ(roster.find("both@b.example")->peers[1].presence, Presence::busy);
    EXPECT_TRUE(roster.has_peer(*Jid::parse("both@b.example/2")));
    EXPECT_TRUE(presence("both@b.example/2", "<presence type='unavailable'/>"));
    EXPECT_EQ(peers_of("both@b.example"), 1U);
    EXPECT_TRUE(presence("both@b.example", "<presence type='unavailable'/>"));
    EXPECT_EQ(peers_of("both@b.example"), 0U);
    EXPECT_TRUE(presence("alice@a.example/other"));
    EXPECT_TRUE(presence("alice@a.example/tube-1"));
    EXPECT_EQ(peers_of("alice@a.example"), 1U);
}

TEST_F(RosterTest, BoundsPeersAndNames) {
    for (int i = 0; i < 100; ++i) presence("both@b.example/" + std::to_string(i));
    EXPECT_EQ(peers_of("both@b.example"), kMaxPeersPerContact);
    std::string name;
    for (int i = 0; i < 300; ++i) name += "\xc3\xbc";
    load("<item jid='both@b.example' subscription='both' name='a" + name + "'/>");
    EXPECT_EQ(roster.find("both@b.example")->name.size(), 255U);  // no half character
}

TEST_F(RosterTest, FollowsPushesAndReloads) {
    roster.take_changed();
    ASSERT_TRUE(presence("both@b.example/1"));
    const auto push = [&](const std::string& items) {
        return roster.apply_push(*stanza("<query xmlns='jabber:iq:roster'>" + items + "</query>"));
    };
    EXPECT_TRUE(push("<item jid='both@b.example' subscription='from'/>"));
    EXPECT_EQ(peers_of("both@b.example"), 0U);  // they no longer show us
    EXPECT_EQ(roster.take_changed(), std::set<std::string>{"both@b.example"});
    EXPECT_TRUE(push("<item jid='both@b.example' subscription='remove'/>"));
    EXPECT_EQ(roster.take_removed(), std::set<std::string>{"both@b.example"});
    EXPECT_FALSE(push("<item jid='a@b.example'/><item jid='c@b.example'/>"));
    EXPECT_FALSE(push("<item jid='no jid'/>"));
    EXPECT_TRUE(push("<item jid='alice@a.example' subscription='none'/>"));
    EXPECT_EQ(roster.find("alice@a.example")->subscription, Subscription::both);
    load("<item jid='to@b.example' subscription='to'/>");
    EXPECT_EQ(roster.take_removed(), (std::set<std::string>{"from@b.example", "none@b.example"}));
    roster.on_new_stream(kSelf);
    EXPECT_EQ(roster.contacts().size(), 2U);
}

}  // namespace
}  // namespace tubes::presence::xmpp
