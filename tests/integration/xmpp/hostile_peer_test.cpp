// SPDX-License-Identifier: GPL-3.0-or-later
// Peers that lie, probe and flood, through real servers. Each of these succeeds against gloox's own client.
#include <gtest/gtest.h>

#include "tests/integration/xmpp/raw_peer.hpp"
#include "tests/integration/xmpp/server_kinds.hpp"

namespace tubes::presence::xmpp::test {
namespace {

using namespace core;
using core::ports::ConnectionState;
class HostilePeer : public WithServer {
protected:
    HostilePeer()
        : server(start({"alice:secret", "bob:secret", "mallory:secret"}, "alice,bob")),
          alice(loop, configuration_for(server, "alice")),
          bob(loop, server, "bob"),
          mallory(loop, server, "mallory") {}

    void SetUp() override { ASSERT_TRUE(alice.log_in() && bob.log_in() && mallory.log_in()); }

    std::string alices() { return alice.address().value; }

    /// Waits until everything that `peer` has sent to alice has been handled: stanzas between two keep their order.
    void settle(RawPeer& peer) {
        const std::string id = "settled" + std::to_string(++settled);
        peer.send("<iq type='get' id='" + id + "' to='" + alices() + "'><ping xmlns='urn:xmpp:ping'/></iq>");
        ASSERT_FALSE(peer.wait_for("id='" + id + "'").empty());
    }

    tubes::test::ServerFixture& server;
    boost::asio::io_context loop;
    Person alice;
    RawPeer bob;
    RawPeer mallory;
    int settled = 0;
};

TEST_P(HostilePeer, CannotAnswerARequestMadeToSomebodyElse) {
    std::optional<result<SignalReply>> answer;
    const PeerAddress to_bob{{"bob@tube.test"}, bob.address()};
    alice->send_signal(to_bob, PingSignal{}, std::chrono::seconds(5), [&](const auto& reply) { answer = reply; });
    const std::string asked = bob.wait_for("<ping xmlns='urn:tubes:protocol:0'");
    ASSERT_FALSE(asked.empty());
    const std::string id = attribute_in(asked, "id");
    EXPECT_EQ(id.size(), 32U);  // 128 bits that nobody guesses; here she is told
    mallory.send("<iq type='result' to='" + alices() + "' id='" + id + "'/>");
    mallory.send("<iq type='error' to='" + alices() + "' id='" + id + "'><error type='cancel'/></iq>");
    settle(mallory);
    EXPECT_FALSE(answer);
    bob.send("<iq type='result' to='" + alices() + "' id='" + id + "'/>");
    ASSERT_TRUE(run_until(loop, [&] { return answer.has_value(); }));
    EXPECT_TRUE(*answer);
}

TEST_P(HostilePeer, CannotChangeTheContactList) {
    for (RawPeer* peer : {&bob, &mallory}) {
        peer->send("<iq type='set' id='r1' to='" + alices() +
                   "'><query xmlns='jabber:iq:roster'>"
                   "<item jid='mallory@evil.test' subscription='both'/></query></iq>");
        EXPECT_FALSE(peer->wait_for("id='r1'").empty());
    }
    for (const auto& contact : alice->contacts()) EXPECT_NE(contact.address.value, "mallory@evil.test");
    EXPECT_EQ(alice->contacts().size(), 2U);
}

TEST_P(HostilePeer, CannotTellAPresentStrangerFromAnAbsentOne) {
    alice.on_request = [](const ReceivedSignal&, const core::ports::Connection::Responder& respond) {
        respond(make_error_code(Errc::not_available));
    };
    const std::string id16(32, '1');
    const std::vector<std::string> probes = {
        "<iq type='get'><query xmlns='http://jabber.org/protocol/disco#info'/>",
        "<iq type='get'><query xmlns='http://jabber.org/protocol/disco#items'/>",
        "<iq type='get'><ping xmlns='urn:xmpp:ping'/>",
        "<iq type='get'><query xmlns='jabber:iq:version'/>",
        "<iq type='get'><ping xmlns='urn:tubes:protocol:0'/>",
        "<iq type='get'><services xmlns='urn:tubes:protocol:0'/>",
        "<iq type='get'><nonsense xmlns='urn:tubes:protocol:0'/>",
        "<iq type='set'><offer xmlns='urn:tubes:protocol:0' id='malformed'/>",
        "<iq type='set'><jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='foreign'/>",
        "<iq type='set'><jingle xmlns='urn:xmpp:jingle:1' action='session-terminate' sid='" + id16 + "'/>",
        "<iq type='set'><query xmlns='jabber:iq:roster'/>"};
    int number = 0;
    for (const auto& probe : probes) {
        std::vector<std::string> answers;
        for (const std::string& to : {alices(), std::string("alice@tube.test/nobody-here")}) {
            const std::string id = "probe" + std::to_string(++number) + "x";
            std::string text = probe;
            text.insert(3, " id='" + id + "' to='" + to + "'");
            mallory.send(text + "</iq>");
            std::string answer = mallory.wait_for("id='" + id + "'");
            for (const auto& word : {id, to}) {
                const auto at = answer.find(word);
                if (at != std::string::npos) answer.replace(at, word.size(), "X");
            }
            // The order of attributes is the server's; what counts is what is inside.
            EXPECT_EQ(attribute_in(answer, "type"), "error") << probe;
            // ejabberd adds the question and a text to its own errors, which nobody but a server can imitate.
            const auto from = answer.find(GetParam() == "ejabberd" ? "<error" : ">");
            answers.push_back(
                answer.substr(from, GetParam() == "ejabberd" ? answer.find("/", from) - from : std::string::npos));
        }
        EXPECT_EQ(answers[0], answers[1]) << probe;
    }
}

TEST_P(HostilePeer, IsNotAskedBackWhenAStrangerAnnouncesThemselves) {
    mallory.send("<presence to='" + alices() +
                 "'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='x' "
                 "ver='AAAAAAAAAAAAAAAAAAAAAAAAAAA='/></presence>");
    settle(mallory);
    for (const auto& xml : mallory.received) EXPECT_EQ(xml.find("disco#info"), std::string::npos) << xml;
}

TEST_P(HostilePeer, DoesNotSpeakTubesByAForgedHash) {
    bob.send(
        "<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='x' "
        "ver='AAAAAAAAAAAAAAAAAAAAAAAAAAA='/></presence>");
    const std::string asked = bob.wait_for("x#AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    ASSERT_FALSE(asked.empty());
    bob.send("<iq type='result' id='" + attribute_in(asked, "id") + "' to='" + alices() +
             "'><query xmlns='http://jabber.org/protocol/disco#info' node='x#AAAAAAAAAAAAAAAAAAAAAAAAAAA='>"
             "<feature var='urn:tubes:protocol:0'/></query></iq>");
    settle(bob);
    for (const auto& contact : alice->contacts()) {
        for (const auto& peer : contact.peers) EXPECT_FALSE(peer.speaks_tubes) << peer.address.value;
    }
}

TEST_P(HostilePeer, CannotCutTheConnectionByMonstrousStanzas) {
    std::string deep;
    for (int i = 0; i < 200; ++i) deep += "<a xmlns='x'>";
    for (int i = 0; i < 200; ++i) deep += "</a>";
    std::string many;
    for (int i = 0; i < 20000; ++i) many += "<b/>";
    for (const std::string& content :
         {deep, "<a xmlns='x'>" + many + "</a>",
          "<a xmlns='x'>" + std::string(100000, '\'') + "</a>"}) {  // escaped: six times more
        mallory.send("<message type='chat' to='" + alices() + "'>" + content + "</message>");
    }
    mallory.send("<message to='" + bob.address() + "'><body>done</body></message>");
    ASSERT_FALSE(bob.wait_for("<body>done</body>").empty());
    bob.send("<iq type='get' id='after' to='" + alices() + "'><ping xmlns='urn:xmpp:ping'/></iq>");
    EXPECT_EQ(attribute_in(bob.wait_for("id='after'"), "type"), "result");
    EXPECT_EQ(alice.states, (std::vector{ConnectionState::connecting, ConnectionState::online})) << alice.detail;
}

TEST_P(HostilePeer, ActsOnceOnARequestThatIsRepeated) {
    const std::string offer = "<iq type='set' id='o1' to='" + alices() + "'><offer xmlns='urn:tubes:protocol:0' id='" +
                              std::string(32, '1') + "' service='web' kind='stream' lifetime='60' identity='" +
                              std::string(64, '2') + "'/></iq>";
    const auto answers = [&] {
        return std::count_if(bob.received.begin(), bob.received.end(),
                             [](const auto& xml) { return xml.find("id='o1'") != std::string::npos; });
    };
    bob.send(offer);
    ASSERT_TRUE(run_until(loop, [&] { return answers() == 1; }));
    bob.send(offer);
    EXPECT_TRUE(run_until(loop, [&] { return answers() == 2; }));
    EXPECT_EQ(alice.signals.size(), 1U);
}

TEST_P(HostilePeer, AnswersFriendsQuestions) {
    bob.send("<iq type='get' id='d1' to='" + alices() +
             "'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    const std::string info = bob.wait_for("id='d1'");
    EXPECT_NE(info.find("urn:tubes:protocol:0"), std::string::npos) << info;
    bob.send("<iq type='get' id='d2' to='" + alices() +
             "'><query xmlns='http://jabber.org/protocol/disco#info' node='other'/></iq>");
    EXPECT_NE(bob.wait_for("id='d2'").find("item-not-found"), std::string::npos);
    bob.send("<iq type='set' id='d3' to='" + alices() + "'><offer xmlns='urn:tubes:protocol:0' id='x'/></iq>");
    EXPECT_NE(bob.wait_for("id='d3'").find("bad-request"), std::string::npos);
}

TUBES_WITH_EVERY_SERVER(HostilePeer);

}  // namespace
}  // namespace tubes::presence::xmpp::test
