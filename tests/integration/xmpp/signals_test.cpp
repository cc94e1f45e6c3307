// SPDX-License-Identifier: GPL-3.0-or-later
// Every signal through real servers, both ways, and what happens when the network or the server fails.
#include <gtest/gtest.h>

#include "tests/integration/xmpp/person.hpp"
#include "tests/integration/xmpp/server_kinds.hpp"
#include "tests/integration/xmpp/tcp_relay.hpp"

namespace tubes::presence::xmpp::test {
namespace {

using namespace core;
using core::ports::Connection;
using core::ports::ConnectionState;
using core::ports::Contact;
class XmppSignals : public WithServer {};

OfferSignal offer_number(int number) {
    OfferSignal offer;
    offer.offer.bytes[0] = static_cast<std::uint8_t>(number);
    offer.offer.bytes[1] = static_cast<std::uint8_t>(number >> 8);
    offer.service = "web";
    offer.lifetime = std::chrono::seconds(60);
    return offer;
}

std::vector<Signal> every_signal() {
    const LinkId link = LinkId::random();
    const std::vector<ports::TransportDescription> paths = {{PathKind::ice, {{"ufrag", "abc"}}}};
    const TubeRequest request{TubeId::random(), "web", TubeKind::stream, std::nullopt, {{"user", std::string("<&>")}}};
    return {offer_number(1),
            OfferEndSignal{OfferId::random(), OfferEnd::withdrawn},
            LinkInitiate{link, PublicKey::random(), request, paths},
            LinkPending{link},
            LinkAccept{link, PublicKey::random(), {}, paths},
            LinkCandidates{link, 0, {{PathKind::direct_tls, {{"address", "192.0.2.1"}}}}, true},
            LinkRestart{link, 1, false, paths},
            LinkTerminate{link, Errc::no_path, std::nullopt},
            PingSignal{}};
}

TEST_P(XmppSignals, ArriveBothWaysAndInOrder) {
    auto& server = start({"alice:secret", "bob:secret"});
    boost::asio::io_context loop;
    Person alice(loop, configuration_for(server, "alice"));
    Person bob(loop, configuration_for(server, "bob"));
    ASSERT_TRUE(alice.log_in() && bob.log_in());
    const auto to_bob = alice.find_peer("bob@tube.test");
    const auto to_alice = bob.find_peer("alice@tube.test");
    ASSERT_FALSE(to_bob.value.empty() || to_alice.value.empty());
    const auto signals = every_signal();
    std::size_t answered = 0;
    for (const auto& signal : signals) {
        alice->send_signal(to_bob, signal, std::chrono::seconds(5),
                           [&](const auto& reply) { answered += reply ? 1 : 0; });
        bob->send_signal(to_alice, signal, std::chrono::seconds(5),
                         [&](const auto& reply) { answered += reply ? 1 : 0; });
    }
    ASSERT_TRUE(run_until(loop, [&] { return answered == 2 * signals.size(); }));
    for (const Person* person : {&alice, &bob}) {
        ASSERT_EQ(person->signals.size(), signals.size());
        for (std::size_t i = 0; i < signals.size(); ++i) {
            EXPECT_EQ(person->signals[i].signal.index(), signals[i].index());
            EXPECT_TRUE(person->signals[i].origin.may_see_presence);
        }
    }
    EXPECT_EQ(bob.signals[0].origin.from, alice.address());
}

TEST_P(XmppSignals, BringBackServiceListsAndErrors) {
    auto& server = start({"alice:secret", "bob:secret"});
    boost::asio::io_context loop;
    Person alice(loop, configuration_for(server, "alice"));
    auto bob = std::make_unique<Person>(loop, configuration_for(server, "bob"));
    ASSERT_TRUE(alice.log_in() && bob->log_in());
    const auto to_bob = alice.find_peer("bob@tube.test");
    const ServiceList list{PublicKey::random(), {{"ssh", TubeKind::stream, {}}, {"x", TubeKind::dbus, {}}}};
    bob->on_request = [&](const ReceivedSignal& received, Connection::Responder respond) {
        if (std::holds_alternative<ServiceQuery>(received.signal)) return respond(SignalReply(list));
        respond(make_error_code(Errc::taken));
    };
    const auto services = alice.ask(to_bob, ServiceQuery{});
    ASSERT_TRUE(services) << services.error().message();
    EXPECT_EQ(std::get<ServiceList>(*services).identity, list.identity);
    EXPECT_EQ(std::get<ServiceList>(*services).services.size(), 2U);
    EXPECT_EQ(alice.ask(to_bob, offer_number(1)).error(), Errc::taken);
    bob->on_request = [](const ReceivedSignal&, const Connection::Responder&) {};  // dropped unanswered
    EXPECT_EQ(alice.ask(to_bob, PingSignal{}).error(), Errc::not_available);
    Connection::Responder kept;
    bob->on_request = [&](const ReceivedSignal&, Connection::Responder respond) { kept = std::move(respond); };
    EXPECT_EQ(alice.ask(to_bob, PingSignal{}, std::chrono::milliseconds(200)).error(), Errc::timed_out);
    kept = nullptr;
    (*bob)->close();
    ASSERT_TRUE(bob->wait_for_state(ConnectionState::offline));
    EXPECT_EQ(alice.ask(to_bob, PingSignal{}).error(), Errc::offline);
    alice->close();
    EXPECT_EQ(alice.ask(to_bob, PingSignal{}).error(), Errc::not_connected);
}

TEST_P(XmppSignals, ReachAStrangersDevicesWhoseNegativePriorityKeepsChatAway) {
    auto& server = start({"alice:secret", "bob:secret"}, "");
    boost::asio::io_context loop;
    Person alice(loop, configuration_for(server, "alice"));
    Person bob(loop, configuration_for(server, "bob"));
    ASSERT_TRUE(alice.log_in() && bob.log_in());
    // The server's features are asked for behind our presence: once they are here, the server knows that bob is there.
    ASSERT_TRUE(run_until(loop, [&] {
        const auto features = bob->info().features;
        return std::find(features.begin(), features.end(), "urn:xmpp:ping") != features.end();
    }));
    const PeerAddress anybody{{"bob@tube.test"}, "bob@tube.test"};
    EXPECT_TRUE(alice.ask(anybody, offer_number(7)));
    ASSERT_TRUE(run_until(loop, [&] { return !bob.signals.empty(); }));
    EXPECT_FALSE(bob.signals[0].origin.may_see_presence);
    EXPECT_EQ(bob.signals[0].origin.from, alice.address());
    EXPECT_EQ(std::get<OfferSignal>(bob.signals[0].signal).offer, offer_number(7).offer);
    EXPECT_EQ(alice.ask(anybody, PingSignal{}).error(), Errc::offline);
    LinkInitiate accept{LinkId::random(), PublicKey::random(), {}, {}};
    accept.request.service = "web";
    accept.request.offer = offer_number(7).offer;
    EXPECT_TRUE(bob.ask(bob.signals[0].origin.from, accept));
    EXPECT_TRUE(alice.ask(anybody, OfferEndSignal{offer_number(7).offer, OfferEnd::withdrawn}));
    ASSERT_TRUE(run_until(loop, [&] { return bob.signals.size() == 2; }));
    EXPECT_EQ(std::get<OfferEndSignal>(bob.signals[1].signal).offer, offer_number(7).offer);
    // Nothing of it made bob a contact of hers, nor told her that he is there.
    EXPECT_TRUE(bob.subscription_requests.empty());
    EXPECT_EQ(alice.find_peer_now("bob@tube.test"), PeerAddress());
}

// A contact who sees us, and whom we do not see, must not take the end of an offer for our going offline.
TEST_P(XmppSignals, EndAnOfferWithoutHidingFromWhoSeesUs) {
    auto& server = start({"alice:secret", "bob:secret"}, "");
    boost::asio::io_context loop;
    Person alice(loop, configuration_for(server, "alice"));
    Person bob(loop, configuration_for(server, "bob"));
    ASSERT_TRUE(alice.log_in() && bob.log_in());
    ASSERT_TRUE(bob->request_subscription({"alice@tube.test"}));
    ASSERT_TRUE(run_until(loop, [&] { return !alice.subscription_requests.empty(); }));
    ASSERT_TRUE(alice->answer_subscription({"bob@tube.test"}, true));
    ASSERT_EQ(bob.find_peer("alice@tube.test"), alice.address());
    const PeerAddress anybody{{"bob@tube.test"}, "bob@tube.test"};
    EXPECT_TRUE(alice.ask(anybody, offer_number(1)));
    EXPECT_TRUE(alice.ask(anybody, OfferEndSignal{offer_number(1).offer, OfferEnd::withdrawn}));
    ASSERT_TRUE(run_until(loop, [&] { return bob.signals.size() == 2; }));
    EXPECT_EQ(bob.find_peer_now("alice@tube.test"), alice.address());
}

TEST_P(XmppSignals, SurviveACutConnectionWithoutLossOrRepetition) {
    auto& server = start({"alice:secret", "bob:secret"});
    boost::asio::io_context loop;
    TcpRelay relay(loop, server.address(), server.port("c2s"));
    auto configuration = configuration_for(server, "alice");
    configuration.port = relay.port();
    Person alice(loop, configuration);
    Person bob(loop, configuration_for(server, "bob"));
    ASSERT_TRUE(alice.log_in() && bob.log_in());
    const auto to_bob = alice.find_peer("bob@tube.test");
    const auto to_alice = bob.find_peer("alice@tube.test");
    ASSERT_FALSE(to_bob.value.empty() || to_alice.value.empty());
    constexpr int kSignals = 60;
    int answered = 0;
    for (int i = 0; i < kSignals; ++i) {
        const auto count = [&](const auto& reply) { answered += reply ? 1 : 0; };
        alice->send_signal(to_bob, offer_number(i), std::chrono::seconds(20), count);
        bob->send_signal(to_alice, offer_number(i), std::chrono::seconds(20), count);
        if (i % 10 == 5) relay.cut();
        run_for(loop, std::chrono::milliseconds(i % 3 == 0 ? 7 : 0));
    }
    EXPECT_TRUE(run_until(loop, [&] { return answered == 2 * kSignals; })) << answered;
    EXPECT_GT(relay.accepted(), 2U);
    for (const Person* person : {&alice, &bob}) {
        ASSERT_EQ(person->signals.size(), static_cast<std::size_t>(kSignals));
        for (int i = 0; i < kSignals; ++i) {
            EXPECT_EQ(std::get<OfferSignal>(person->signals[static_cast<std::size_t>(i)].signal).offer,
                      offer_number(i).offer);
        }
    }
    // Resumed, not begun anew: nobody saw her go.
    EXPECT_EQ(alice.address(), to_alice);
    EXPECT_NE(std::find(alice.states.begin(), alice.states.end(), ConnectionState::reconnecting), alice.states.end());
}

TEST_P(XmppSignals, NoticeADeadNetworkByThemselves) {
    auto& server = start({"alice:secret"});
    boost::asio::io_context loop;
    TcpRelay relay(loop, server.address(), server.port("c2s"));
    auto configuration = configuration_for(server, "alice");
    configuration.port = relay.port();
    configuration.timings.keepalive_interval = std::chrono::milliseconds(200);
    configuration.timings.keepalive_timeout = std::chrono::milliseconds(200);
    Person alice(loop, configuration);
    ASSERT_TRUE(alice.log_in());
    run_for(loop, std::chrono::milliseconds(900));
    EXPECT_EQ(alice.states.back(), ConnectionState::online);  // pings are answered
    relay.set_swallowing(true);
    ASSERT_TRUE(alice.wait_for_state(ConnectionState::reconnecting));
    EXPECT_EQ(alice.reason, Errc::timed_out);
    relay.set_swallowing(false);
    EXPECT_TRUE(alice.wait_for_state(ConnectionState::online));
}

TEST_P(XmppSignals, WaitForAServerThatComesBackAndGiveUpAtTheirDeadline) {
    auto& server = start({"alice:secret", "bob:secret"});
    boost::asio::io_context loop;
    auto configuration = configuration_for(server, "alice");
    configuration.resource = "alice-device";
    Person alice(loop, configuration);
    configuration = configuration_for(server, "bob");
    configuration.resource = "bob-device";
    Person bob(loop, configuration);
    ASSERT_TRUE(alice.log_in() && bob.log_in());
    const auto to_bob = alice.find_peer("bob@tube.test");
    ASSERT_FALSE(to_bob.value.empty());
    server.command("kill");
    ASSERT_TRUE(alice.wait_for_state(ConnectionState::reconnecting));
    ASSERT_TRUE(bob.wait_for_state(ConnectionState::reconnecting));
    EXPECT_EQ(alice.ask(to_bob, offer_number(1), std::chrono::milliseconds(100)).error(), Errc::timed_out);
    EXPECT_EQ(alice.reason, Errc::network_unreachable);
    server.command("start");
    ASSERT_TRUE(bob.wait_for_state(ConnectionState::online));
    ASSERT_TRUE(alice.wait_for_state(ConnectionState::online));
    ASSERT_EQ(alice.find_peer("bob@tube.test"), to_bob);
    EXPECT_TRUE(alice.ask(to_bob, offer_number(2)));
    ASSERT_EQ(bob.signals.size(), 1U);
    EXPECT_EQ(std::get<OfferSignal>(bob.signals[0].signal).offer, offer_number(2).offer);
}

TUBES_WITH_EVERY_SERVER(XmppSignals);

}  // namespace
}  // namespace tubes::presence::xmpp::test
