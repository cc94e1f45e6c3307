// SPDX-License-Identifier: GPL-3.0-or-later
// Logging in to real servers: encryption, mechanisms, certificates, and what is said when it fails.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>

#include "tests/integration/xmpp/person.hpp"
#include "tests/integration/xmpp/server_kinds.hpp"
#include "tests/integration/xmpp/stepped_executor.hpp"

namespace tubes::presence::xmpp::test {
namespace {

using core::ports::ConnectionState;
using tubes::test::start_prosody;

class XmppLoginAnywhere : public WithServer {};

std::string fingerprint_of(const std::string& path) {
    std::FILE* file = std::fopen(path.c_str(), "r");
    X509* certificate = file ? PEM_read_X509(file, nullptr, nullptr, nullptr) : nullptr;
    if (file) std::fclose(file);
    core::Digest digest;
    unsigned int size = 0;
    if (certificate) X509_digest(certificate, EVP_sha256(), digest.bytes.data(), &size);
    X509_free(certificate);
    return digest.hex();
}

/// Logs in where it has to fail; the person with the reason.
std::unique_ptr<Person> fail_to_log_in(boost::asio::io_context& loop, const XmppConfiguration& configuration) {
    auto person = std::make_unique<Person>(loop, configuration);
    (*person)->start(*person);
    EXPECT_TRUE(person->wait_for_state(ConnectionState::offline));
    return person;
}

TEST(XmppLogin, UsesTls13AndTheServersScramMechanism) {
    for (const std::string hash : {"SHA-256", "SHA-1"}) {
        auto server = start_prosody({"alice:secret"}, {"--password-hash", hash});
        boost::asio::io_context loop;
        Person alice(loop, configuration_for(server, "Alice"));
        ASSERT_TRUE(alice.log_in()) << alice.detail;
        const auto info = alice->info();
        EXPECT_EQ(info.security, "TLS 1.3, TLS_AES_256_GCM_SHA384, SCRAM-" + hash);
        EXPECT_EQ(info.self.value, "alice@tube.test");
        EXPECT_TRUE(info.self_peer.value.starts_with("alice@tube.test/tube-")) << info.self_peer.value;
        EXPECT_EQ(alice.mechanism, "SCRAM-" + hash);
        EXPECT_EQ(info.server, "127.0.0.1 port " + std::to_string(server.port("c2s")));
        EXPECT_TRUE(run_until(loop, [&] {
            const auto features = alice->info().features;
            return std::find(features.begin(), features.end(), "urn:xmpp:ping") != features.end();
        }));
        alice->close();
        EXPECT_TRUE(alice.wait_for_state(ConnectionState::offline));
        EXPECT_FALSE(alice.reason) << alice.detail;
    }
}

TEST(XmppLogin, BindsTheChannelOnTls12) {
    auto server = start_prosody({"alice:secret"}, {"--tls", "1.2"});
    boost::asio::io_context loop;
    Person alice(loop, configuration_for(server, "alice"));
    ASSERT_TRUE(alice.log_in()) << alice.detail;
    EXPECT_TRUE(alice->info().security.starts_with("TLS 1.2, ECDHE-")) << alice->info().security;
    EXPECT_TRUE(alice->info().security.ends_with("SCRAM-SHA-256-PLUS")) << alice->info().security;
    EXPECT_EQ(alice.mechanism, "SCRAM-SHA-256");
}

TEST_P(XmppLoginAnywhere, WorksWithTlsFromTheFirstByte) {
    auto& server = start({"alice:secret"});
    boost::asio::io_context loop;
    auto configuration = configuration_for(server, "alice");
    configuration.port = server.port("direct_tls");
    configuration.direct_tls = true;
    Person alice(loop, configuration);
    ASSERT_TRUE(alice.log_in()) << alice.detail;
    EXPECT_TRUE(alice->info().security.starts_with("TLS 1.3"));
}

TEST_P(XmppLoginAnywhere, SaysThatThePasswordIsWrongAndDoesNotTryAgain) {
    auto& server = start({"alice:secret"});
    boost::asio::io_context loop;
    auto person = fail_to_log_in(loop, configuration_for(server, "alice", "guess"));
    EXPECT_EQ(person->reason, Errc::authentication_failed);
    EXPECT_TRUE(person->detail.starts_with("wrong address or password")) << person->detail;
    run_for(loop, std::chrono::milliseconds(400));
    EXPECT_EQ(person->states, (std::vector{ConnectionState::connecting, ConnectionState::offline}));
    auto nobody = fail_to_log_in(loop, configuration_for(server, "nobody"));
    EXPECT_EQ(nobody->reason, Errc::authentication_failed);
}

TEST(XmppLogin, RefusesAMechanismWeakerThanTheRememberedOne) {
    auto server = start_prosody({"alice:secret"}, {"--password-hash", "SHA-1"});
    boost::asio::io_context loop;
    auto configuration = configuration_for(server, "alice");
    configuration.remembered_mechanism = "SCRAM-SHA-256";
    auto person = fail_to_log_in(loop, configuration);
    EXPECT_EQ(person->reason, Errc::authentication_failed);
    EXPECT_NE(person->detail.find("nothing weaker is accepted"), std::string::npos) << person->detail;
}

TEST(XmppLogin, RefusesCertificatesThatDoNotProveTheDomain) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"wrong-name", "not for tube.test"}, {"expired", "has expired"}, {"self-signed", "self-signed"}};
    for (const auto& [kind, text] : cases) {
        auto server = start_prosody({"alice:secret"}, {"--certificate", kind});
        boost::asio::io_context loop;
        auto person = fail_to_log_in(loop, configuration_for(server, "alice"));
        EXPECT_EQ(person->reason, Errc::certificate_rejected) << kind << ": " << person->detail;
        EXPECT_NE(person->detail.find(text), std::string::npos) << person->detail;
        const std::string fingerprint = fingerprint_of(server.description().at("certificate"));
        EXPECT_NE(person->detail.find(fingerprint), std::string::npos) << person->detail;
    }
}

TEST_P(XmppLoginAnywhere, RefusesAnUnknownAuthorityButAcceptsThePinnedCertificate) {
    auto& server = start({"alice:secret"});
    boost::asio::io_context loop;
    auto configuration = configuration_for(server, "alice");
    configuration.ca_file.clear();  // the system's authorities do not know the test's
    auto person = fail_to_log_in(loop, configuration);
    EXPECT_EQ(person->reason, Errc::certificate_rejected);
    EXPECT_NE(person->detail.find("unknown authority"), std::string::npos) << person->detail;

    configuration.pinned_certificate = fingerprint_of(server.description().at("certificate"));
    Person pinned(loop, configuration);
    EXPECT_TRUE(pinned.log_in()) << pinned.detail;

    configuration.pinned_certificate = std::string(64, 'a');
    auto other = fail_to_log_in(loop, configuration);
    EXPECT_EQ(other->reason, Errc::certificate_rejected);
    EXPECT_NE(other->detail.find("not the pinned one"), std::string::npos) << other->detail;
}

TEST_P(XmppLoginAnywhere, SaysWhichHostIsUnknownOrRefuses) {
    auto& server = start({"alice:secret"});
    boost::asio::io_context loop;
    auto configuration = configuration_for(server, "alice");
    configuration.port = 1;
    auto refused = fail_to_log_in(loop, configuration);
    EXPECT_EQ(refused->reason, Errc::network_unreachable);
    EXPECT_EQ(refused->detail, "connection refused by 127.0.0.1 port 1");

    configuration = configuration_for(server, "alice");
    configuration.address = "alice@other.test";
    auto foreign = fail_to_log_in(loop, configuration);
    EXPECT_TRUE(foreign->reason == Errc::not_found || foreign->reason == Errc::certificate_rejected) << foreign->detail;

    configuration = configuration_for(server, "alice");
    configuration.ca_file = "/nonexistent/ca.pem";
    auto no_file = fail_to_log_in(loop, configuration);
    EXPECT_EQ(no_file->reason, Errc::invalid_argument);
    EXPECT_EQ(no_file->detail, "cannot read certificates from /nonexistent/ca.pem");
}

TEST(XmppLogin, RefusesMalformedConfigurationsBeforeAnythingIsContacted) {
    boost::asio::io_context loop;
    for (const std::string address : {"", "alice", "alice@", "@tube.test", "alice@tube.test/home", "a b@tube.test"}) {
        XmppConfiguration configuration;
        configuration.address = address;
        configuration.password = [](const auto&) {};
        std::string detail;
        EXPECT_EQ(make_xmpp_connection(loop.get_executor(), configuration, detail).error(), Errc::invalid_argument);
        EXPECT_FALSE(detail.empty());
    }
}

TEST_P(XmppLoginAnywhere, CanBeClosedOrDestroyedAtAnyMoment) {
    auto& server = start({"alice:secret"});
    for (int rounds = 0; rounds < 40; ++rounds) {
        boost::asio::io_context loop;
        Person closed(loop, configuration_for(server, "alice"));
        closed->start(closed);
        for (int i = 0; i < rounds; ++i) loop.run_one_for(std::chrono::milliseconds(20));
        closed->close();
        EXPECT_TRUE(closed.wait_for_state(ConnectionState::offline));
        auto destroyed = std::make_unique<Person>(loop, configuration_for(server, "alice"));
        (*destroyed)->start(*destroyed);
        loop.restart();
        for (int i = 0; i < rounds; ++i) loop.run_one_for(std::chrono::milliseconds(20));
        destroyed.reset();
        run_for(loop, std::chrono::milliseconds(1));
    }
}

// Before every single handler of a log-in: what the server answered is handled before the loop sees any timer.
TEST(XmppLogin, EndsWhenClosedBetweenTwoAnswersOfTheServer) {
    auto server = start_prosody({"alice:secret"});
    bool was_online = false;
    for (int steps = 0; !was_online; ++steps) {
        ASSERT_LT(steps, 1000) << "never online";
        boost::asio::io_context loop;
        SteppedExecutor::Queue queue;
        Person alice(loop, SteppedExecutor(loop, queue), configuration_for(server, "alice"));
        alice->start(alice);
        for (int i = 0; i < steps; ++i) ASSERT_TRUE(run_next(loop, queue)) << alice.detail;
        ASSERT_TRUE(wait_for_next(loop, queue));
        was_online = !alice.states.empty() && alice.states.back() == ConnectionState::online;
        alice->close();
        for (auto due = queue.size(); due > 0; --due) ASSERT_TRUE(run_next(loop, queue));
        while (alice.states.empty() || alice.states.back() != ConnectionState::offline) {
            ASSERT_TRUE(run_next(loop, queue)) << "closed after " << steps << " steps, and no end";
        }
    }
}

TUBES_WITH_EVERY_SERVER(XmppLoginAnywhere);

}  // namespace
}  // namespace tubes::presence::xmpp::test
