// SPDX-License-Identifier: GPL-3.0-or-later
// Entity capabilities: the hash of the specification's examples, forgeries, and one question for many peers.
#include "presence/xmpp/capabilities.hpp"

#include <gtest/gtest.h>

#include "presence/xmpp/xml_stream.hpp"

namespace tubes::presence::xmpp {
namespace {

result<DiscoInfo> info_of(const std::string& content) {
    const auto query = parse_stanza("<query xmlns='http://jabber.org/protocol/disco#info'>" + content + "</query>");
    if (!query) return query.error();
    return parse_disco_info(**query);
}

TEST(Capabilities, HashAsInTheExamplesOfXep0115) {
    const auto simple = info_of(
        "<identity category='client' type='pc' name='Exodus 0.9.1'/><feature var='http://jabber.org/protocol/caps'/>"
        "<feature var='http://jabber.org/protocol/disco#info'/><feature var='http://jabber.org/protocol/disco#items'/>"
        "<feature var='http://jabber.org/protocol/muc'/>");
    ASSERT_TRUE(simple);
    EXPECT_EQ(verification_string(*simple), "QgayPKawpkPSDYmwT/WM94uAlu0=");
    const auto complex = info_of(
        "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>"
        "<identity xml:lang='el' category='client' name='\xce\xa8 0.11' type='pc'/>"
        "<feature var='http://jabber.org/protocol/caps'/><feature var='http://jabber.org/protocol/disco#info'/>"
        "<feature var='http://jabber.org/protocol/disco#items'/><feature var='http://jabber.org/protocol/muc'/>"
        "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>"
        "<value>urn:xmpp:dataforms:softwareinfo</value></field><field var='ip_version' type='text-multi'>"
        "<value>ipv4</value><value>ipv6</value></field><field var='os'><value>Mac</value></field>"
        "<field var='os_version'><value>10.5.1</value></field><field var='software'><value>Psi</value></field>"
        "<field var='software_version'><value>0.11</value></field></x>");
    ASSERT_TRUE(complex);
    EXPECT_EQ(verification_string(*complex), "q07IKJEyjvHSyhy//CH0CxmKi8w=");
}

TEST(Capabilities, RefuseAnswersThatCouldHashAlike) {
    EXPECT_FALSE(info_of("<feature var='a'/><feature var='a'/>"));
    EXPECT_FALSE(info_of("<feature var='a&lt;b'/>"));
    EXPECT_FALSE(info_of("<identity category='c' type='t'/><identity category='c' type='t'/>"));
    EXPECT_FALSE(info_of("<identity category='client/pc//x&lt;y' type='t'/>"));
}

TEST(Capabilities, DescribeThisClient) {
    EXPECT_TRUE(own_disco_info().speaks_tubes());
    EXPECT_EQ(own_disco_info().client(), "Tubes");
    const auto caps = own_capabilities();
    const auto answer = own_disco_answer(attribute(*caps, "node") + "#" + attribute(*caps, "ver"));
    ASSERT_TRUE(answer);
    const auto parsed = parse_stanza(answer->xml());
    ASSERT_TRUE(parsed);
    EXPECT_EQ(verification_string(*parse_disco_info(**parsed)), attribute(*caps, "ver"));
    EXPECT_FALSE(own_disco_answer("other"));
}

class CapabilitiesOfPeers : public testing::Test {
protected:
    struct Question {
        Jid peer;
        std::string node;
        std::function<void(const Element*)> answer;
    };

    void announce(const std::string& peer, const std::string& hash) {
        const auto presence = parse_stanza(
            "<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' "
            "ver='" +
            hash + "'/></presence>");
        caps.on_presence(*Jid::parse(peer), **presence);
    }
    std::string own_hash() { return attribute(*own_capabilities(), "ver"); }

    std::vector<Question> questions;
    std::map<std::string, bool> told;
    Capabilities caps{[this](const Jid& peer, const std::string& node, auto answer) {
                          questions.push_back({peer, node, answer});
                      },
                      [this](const Jid& peer, bool speaks, const std::string&) { told[peer.full()] = speaks; }};
};

TEST_F(CapabilitiesOfPeers, AreAskedOfAFewForManyPeers) {
    for (const auto* peer : {"a", "b", "b", "c", "d", "e"}) announce(peer + std::string("@x.example/1"), own_hash());
    ASSERT_EQ(questions.size(), kAskedAtOnce);
    EXPECT_EQ(questions[0].node, "n#" + own_hash());
    EXPECT_EQ(questions[1].peer.full(), "b@x.example/1");
    EXPECT_TRUE(told.empty());
    questions[0].answer(own_disco_answer("").get());
    EXPECT_EQ(told.size(), 5U);
    EXPECT_TRUE(told.at("a@x.example/1") && told.at("e@x.example/1"));
    announce("f@x.example/1", own_hash());
    EXPECT_EQ(questions.size(), kAskedAtOnce);
    EXPECT_TRUE(told.at("f@x.example/1"));
}

// A device that was killed is listed until the server notices; another one of the same version is there already.
TEST_F(CapabilitiesOfPeers, DoNotWaitForADeadDevice) {
    announce("a@x.example/dead", own_hash());
    announce("a@x.example/alive", own_hash());
    ASSERT_EQ(questions.size(), 2U);
    questions[1].answer(own_disco_answer("").get());
    EXPECT_TRUE(told.at("a@x.example/alive"));
    questions[0].answer(nullptr);  // in the end
    EXPECT_TRUE(told.at("a@x.example/alive"));
}

TEST_F(CapabilitiesOfPeers, AreNotPoisonedByALiar) {
    announce("liar@x.example/1", own_hash());
    announce("honest@x.example/1", own_hash());
    const auto lie = parse_stanza("<query xmlns='http://jabber.org/protocol/disco#info'><feature var='f'/></query>");
    questions[0].answer(lie->get());
    EXPECT_FALSE(told.at("liar@x.example/1"));
    ASSERT_EQ(questions.size(), 2U);
    EXPECT_EQ(questions[1].peer.full(), "honest@x.example/1");
    EXPECT_FALSE(told.contains("honest@x.example/1"));
    questions[1].answer(own_disco_answer("").get());
    EXPECT_TRUE(told.at("honest@x.example/1"));
}

TEST_F(CapabilitiesOfPeers, AreDroppedWithPeersThatLeaveOrAnnounceNone) {
    announce("a@x.example/1", own_hash());
    caps.on_unavailable(*Jid::parse("a@x.example/1"));
    questions[0].answer(own_disco_answer("").get());
    EXPECT_TRUE(told.empty());
    caps.on_presence(*Jid::parse("b@x.example/1"), **parse_stanza("<presence/>"));
    EXPECT_FALSE(told.at("b@x.example/1"));
}

TEST_F(CapabilitiesOfPeers, AreKeptInBoundedMemory) {
    for (std::size_t i = 0; i < kMaxCachedCapabilities + 10; ++i) {
        DiscoInfo info;
        info.features.insert("f" + std::to_string(i));
        announce("a@x.example/" + std::to_string(i), verification_string(info));
        const auto answer = parse_stanza("<query xmlns='http://jabber.org/protocol/disco#info'><feature var='f" +
                                         std::to_string(i) + "'/></query>");
        questions.back().answer(answer->get());
    }
    const auto asked = questions.size();
    DiscoInfo oldest;
    oldest.features.insert("f0");
    announce("z@x.example/1", verification_string(oldest));
    EXPECT_EQ(questions.size(), asked + 1);
}

}  // namespace
}  // namespace tubes::presence::xmpp
