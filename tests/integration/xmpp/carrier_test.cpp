// SPDX-License-Identifier: GPL-3.0-or-later
// Paths through real servers: in-band bytes (XEP-0047) and their relays for byte streams (XEP-0065).
#include <gtest/gtest.h>

#include "tests/integration/xmpp/person.hpp"
#include "tests/integration/xmpp/raw_peer.hpp"
#include "tests/integration/xmpp/server_kinds.hpp"
#include "tests/integration/xmpp/tcp_relay.hpp"
#include "tests/support/attempt_pair.hpp"
#include "transports/in_band/in_band_transport.hpp"
#include "transports/socks5/socks5_transport.hpp"

namespace tubes::presence::xmpp::test {
namespace {

using core::ports::AttemptParameters;
using core::ports::StreamRelay;
using transports::InBandTransport;
using transports::Socks5Options;
using transports::Socks5Transport;
using tubes::testing::AttemptPair;
using tubes::testing::AttemptSide;

class XmppCarrier : public WithServer {
protected:
    /// Both people online, and their attempts under way.
    void connect(core::ports::Transport& transport, AddressPolicy policy = AddressPolicy::all) {
        ASSERT_TRUE(alice->log_in() && bob->log_in());
        to_bob = alice->find_peer("bob@tube.test");
        ASSERT_FALSE(to_bob.value.empty());
        AttemptParameters parameters;
        parameters.link = core::LinkId::random();
        parameters.addresses = policy;
        parameters.carrier = (*alice)->carrier(to_bob);
        pair.initiator.attempt = transport.make_attempt(parameters);
        parameters.role = core::LinkRole::responder;
        parameters.carrier = (*bob)->carrier(alice->address());
        pair.responder.attempt = transport.make_attempt(parameters);
        for (auto* side : {&pair.initiator, &pair.responder}) side->attempt->start(*side);
    }

    void make_people(const XmppConfiguration& alices) {
        alice = std::make_unique<Person>(pair.loop, alices);
        bob = std::make_unique<Person>(pair.loop, configuration_for(*server, "bob"));
    }

    /// Sends `total` bytes each way and compares them.
    void carry(std::size_t total) {
        core::Bytes message(1000);
        for (std::size_t i = 0; i < message.size(); ++i) message[i] = static_cast<std::uint8_t>(i * 7);
        std::size_t sent[2] = {0, 0};
        pair.initiator.messages.clear();
        pair.responder.messages.clear();
        const auto done = [&] {
            for (auto* side : {&pair.initiator, &pair.responder}) {
                auto& count = sent[side == &pair.responder];
                while (count < total && side->path->send(1, {}, message)) count += message.size();
            }
            return pair.initiator.messages.size() * 1000 == total && pair.responder.messages.size() * 1000 == total;
        };
        ASSERT_TRUE(pair.run_until(done)) << pair.initiator.messages.size() << " " << pair.responder.messages.size();
        for (const auto* side : {&pair.initiator, &pair.responder}) {
            for (const auto& [lane, bytes] : side->messages) ASSERT_EQ(bytes, message);
        }
    }

    tubes::test::ServerFixture* server = nullptr;
    AttemptPair pair;
    std::unique_ptr<Person> alice;
    std::unique_ptr<Person> bob;
    core::PeerAddress to_bob;
};

TEST_P(XmppCarrier, CarriesAPathInBandAndLetsSignalsThrough) {
    server = &start({"alice:secret", "bob:secret"});
    make_people(configuration_for(*server, "alice"));
    InBandTransport transport(pair.loop.get_executor());
    connect(transport, AddressPolicy::relay_only);
    ASSERT_TRUE(pair.run_until([&] { return pair.both_open(); }));
    EXPECT_EQ(pair.initiator.path->channel_binding(), pair.responder.path->channel_binding());
    EXPECT_EQ(pair.initiator.path->info().kind, PathKind::in_band);
    const auto begun = std::chrono::steady_clock::now();
    std::optional<std::chrono::steady_clock::duration> answered;
    (*alice)->send_signal(to_bob, core::PingSignal{}, std::chrono::seconds(10),
                          [&](const auto&) { answered = std::chrono::steady_clock::now() - begun; });
    carry(150'000);
    // The ping does not stand behind the 150 kB, which take two seconds at least.
    ASSERT_TRUE(answered);
    EXPECT_LT(*answered, std::chrono::seconds(1));
    EXPECT_GT(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(1500)) << "the limit does not hold";
    EXPECT_TRUE(pair.initiator.path->metrics().rtt);
    pair.initiator.path->close();
    EXPECT_TRUE(pair.run_until([&] { return pair.responder.closed.has_value(); }));
}

TEST_P(XmppCarrier, KeepsAnInBandPathWhenTheConnectionIsResumed) {
    server = &start({"alice:secret", "bob:secret"});
    TcpRelay relay(pair.loop, server->address(), server->port("c2s"));
    auto alices = configuration_for(*server, "alice");
    alices.port = relay.port();
    make_people(alices);
    InBandTransport transport(pair.loop.get_executor());
    connect(transport);
    ASSERT_TRUE(pair.run_until([&] { return pair.both_open(); }));
    const core::Bytes message(1000, 7);
    std::size_t sent = 0;
    const auto sends = [&] {
        while (sent < 60 && pair.initiator.path->send(0, {}, message)) ++sent;
        return pair.responder.messages.size() >= 10;
    };
    ASSERT_TRUE(pair.run_until(sends));
    relay.cut();
    ASSERT_TRUE(pair.run_until([&] { return sends() && pair.responder.messages.size() == 60; }));
    EXPECT_GT(relay.accepted(), 1U);
    EXPECT_FALSE(pair.initiator.closed || pair.responder.closed);
}

TEST_P(XmppCarrier, EndsAnInBandPathWhenThePeerIsGone) {
    server = &start({"alice:secret", "bob:secret"});
    make_people(configuration_for(*server, "alice"));
    InBandTransport transport(pair.loop.get_executor());
    connect(transport);
    ASSERT_TRUE(pair.run_until([&] { return pair.both_open(); }));
    (*bob)->close();
    ASSERT_TRUE(pair.run_until([&] { return pair.responder.closed.has_value(); }));
    const core::Bytes message(1000, 7);
    EXPECT_TRUE(pair.initiator.path->send(0, {}, message));
    EXPECT_TRUE(pair.run_until([&] { return pair.initiator.closed.has_value(); }));
}

TEST_P(XmppCarrier, FindsTheServersRelayAndCarriesAPathThroughIt) {
    server = &start({"alice:secret", "bob:secret"});
    make_people(configuration_for(*server, "alice"));
    Socks5Options options;
    options.rules.loopback = true;
    Socks5Transport transport(pair.loop.get_executor(), options);
    connect(transport);
    ASSERT_TRUE(pair.run_until([&] { return pair.both_open(); }));
    EXPECT_EQ(pair.initiator.path->info().kind, PathKind::socks5);
    EXPECT_NE(pair.initiator.path->info().detail.find("relay "), std::string::npos);
    std::optional<std::vector<StreamRelay>> found;
    (*alice)->carrier(to_bob)->find_relays([&](auto relays) { found = std::move(relays); });
    ASSERT_TRUE(pair.run_until([&] { return found.has_value(); }));
    ASSERT_EQ(found->size(), 1U);
    EXPECT_EQ(found->front().host, "127.0.0.1");
    EXPECT_EQ(found->front().port, server->port("proxy65"));
    carry(500'000);
}

TEST_P(XmppCarrier, CallsARelayOfTheSharedServerEvenWhereOnlyRelaysMayLearnTheAddress) {
    server = &start({"alice:secret", "bob:secret"});
    make_people(configuration_for(*server, "alice"));
    Socks5Options options;
    options.rules.loopback = true;
    Socks5Transport transport(pair.loop.get_executor(), options);
    connect(transport, AddressPolicy::relay_only);
    EXPECT_TRUE(pair.run_until([&] { return pair.both_open(); }));
}

TEST_P(XmppCarrier, RefusesAnActivationOfAStreamThatNobodyIsConnectedTo) {
    server = &start({"alice:secret", "bob:secret"});
    make_people(configuration_for(*server, "alice"));
    ASSERT_TRUE(alice->log_in() && bob->log_in());
    const auto carrier = (*alice)->carrier(alice->find_peer("bob@tube.test"));
    std::optional<error_code> answer;
    carrier->activate_relay({"proxy.tube.test", "127.0.0.1", server->port("proxy65")}, "nothing",
                            [&](error_code error) { answer = error; });
    ASSERT_TRUE(pair.run_until([&] { return answer.has_value(); }));
    EXPECT_TRUE(*answer);
}

TEST_P(XmppCarrier, TellsNobodyThatAStreamIsExpectedButTheOneItIsExpectedFrom) {
    server = &start({"alice:secret", "bob:secret", "mallory:secret"}, "alice,bob");
    alice = std::make_unique<Person>(pair.loop, configuration_for(*server, "alice"));
    RawPeer bobs(pair.loop, *server, "bob");
    RawPeer mallory(pair.loop, *server, "mallory");
    ASSERT_TRUE(alice->log_in() && bobs.log_in() && mallory.log_in());
    const core::PeerAddress peer{{"bob@tube.test"}, bobs.address()};
    const auto stream = (*alice)->carrier(peer)->make_in_band("s1", false);
    const auto open = [&](RawPeer& from, const std::string& id, const std::string& session) {
        from.send("<iq type='set' id='" + id + "' to='" + alice->address().value +
                  "'><open xmlns='http://jabber.org/protocol/ibb' sid='" + session + "' block-size='4096'/></iq>");
        return from.wait_for("id='" + id + "'");
    };
    EXPECT_NE(open(mallory, "m1", "s1").find("service-unavailable"), std::string::npos);
    EXPECT_NE(open(bobs, "b1", "other").find("service-unavailable"), std::string::npos);
    EXPECT_EQ(attribute_in(open(bobs, "b2", "s1"), "type"), "result");
    EXPECT_NE(open(bobs, "b3", "s1").find("not-acceptable"), std::string::npos);
}

TEST_P(XmppCarrier, AcknowledgesBlocksAsTheyAreReadAndEndsAtOneOutOfOrder) {
    server = &start({"alice:secret", "bob:secret"});
    alice = std::make_unique<Person>(pair.loop, configuration_for(*server, "alice"));
    RawPeer bobs(pair.loop, *server, "bob");
    ASSERT_TRUE(alice->log_in() && bobs.log_in());
    const core::PeerAddress peer{{"bob@tube.test"}, bobs.address()};
    const auto stream = (*alice)->carrier(peer)->make_in_band("s1", false);
    const auto send = [&](const std::string& id, const std::string& payload) {
        bobs.send("<iq type='set' id='" + id + "' to='" + alice->address().value + "'>" + payload + "</iq>");
    };
    const auto data = [](int sequence, const std::string& text) {
        return "<data xmlns='http://jabber.org/protocol/ibb' sid='s1' seq='" + std::to_string(sequence) + "'>" +
               base::to_base64(base::as_bytes(text)) + "</data>";
    };
    send("o", "<open xmlns='http://jabber.org/protocol/ibb' sid='s1' block-size='4096'/>");
    ASSERT_FALSE(bobs.wait_for("id='o'").empty());
    send("d0", data(0, "hello"));
    // The answer to what came later shows that the block is here: it is not acknowledged, since nobody has read it.
    bobs.send("<iq type='get' id='p' to='" + alice->address().value + "'><ping xmlns='urn:xmpp:ping'/></iq>");
    ASSERT_FALSE(bobs.wait_for("id='p'").empty());
    for (const auto& xml : bobs.received) EXPECT_EQ(xml.find("id='d0'"), std::string::npos) << xml;
    core::Bytes buffer(100);
    std::string text;
    ASSERT_TRUE(pair.run_until([&] {
        const auto count = stream->read_some(buffer);
        if (count) text.append(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*count));
        return text == "hello";
    }));
    EXPECT_EQ(attribute_in(bobs.wait_for("id='d0'"), "type"), "result");
    send("d2", data(2, "gap"));
    EXPECT_NE(bobs.wait_for("id='d2'").find("unexpected-request"), std::string::npos);
    EXPECT_TRUE(pair.run_until([&] {
        const auto count = stream->read_some(buffer);
        return !count && count.error() == Errc::protocol_violation;
    }));
}

TUBES_WITH_EVERY_SERVER(XmppCarrier);

}  // namespace
}  // namespace tubes::presence::xmpp::test
