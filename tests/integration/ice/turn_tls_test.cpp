// SPDX-License-Identifier: GPL-3.0-or-later
// TURN behind TLS and behind a proxy: a real coturn, a real tinyproxy, libnice none the wiser.
#include <gtest/gtest.h>

#include "tests/support/attempt_pair.hpp"
#include "tests/support/server_fixture.hpp"
#include "transports/ice/ice_transport.hpp"
#include "transports/turn_tls/forwarding_transport.hpp"

namespace tubes::transports {
namespace {

using core::ports::AttemptParameters;
using core::ports::IceServer;
using testing::AttemptPair;

class TurnOverTls : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        coturn = std::make_unique<test::ServerFixture>("coturn.py", std::vector<std::string>{});
    }
    static void TearDownTestSuite() { coturn.reset(); }

    static AttemptParameters relay_only(IceServer::Scheme scheme, const char* port, const std::string& ca_file) {
        const auto& described = coturn->description();
        AttemptParameters parameters;
        parameters.addresses = AddressPolicy::relay_only;
        parameters.servers.push_back({scheme, coturn->address(), coturn->port(port), described.at("username"),
                                      described.at("password"), std::chrono::seconds(0), ca_file});
        return parameters;
    }
    void start(const AttemptParameters& parameters, const base::Proxy& proxy = {}) {
        AddressRules rules;
        rules.loopback = true;
        transport.emplace(pair.loop.get_executor(), proxy,
                          std::make_unique<IceTransport>(pair.loop.get_executor(), rules));
        pair.start(*transport, parameters);
    }
    void carries() {
        ASSERT_TRUE(pair.run_until([&] { return pair.both_open(); }));
        EXPECT_EQ(pair.initiator.path->info().kind, PathKind::ice_relayed);
        pair.initiator.attempt.reset();  // the way outlives the attempt
        pair.responder.attempt.reset();
        pair.responder.keep_messages = false;
        std::uint64_t sent = 0;
        const core::Bytes message(10'000, 9);
        EXPECT_TRUE(pair.run_until([&] {
            while (sent < 1'000'000 && pair.initiator.path->send(2, {}, message)) sent += message.size();
            return pair.responder.received == 1'000'000;
        })) << pair.responder.received;
    }
    void has_no_relay() {
        const auto found = [&] { return !pair.initiator.candidates.empty() || pair.both_open(); };
        EXPECT_FALSE(pair.run_until(found, std::chrono::seconds(3)));
    }

    static std::unique_ptr<test::ServerFixture> coturn;
    AttemptPair pair;
    std::optional<ForwardingTransport> transport;
};
std::unique_ptr<test::ServerFixture> TurnOverTls::coturn;

TEST_F(TurnOverTls, RelaysThroughACheckedCertificate) {
    start(relay_only(IceServer::Scheme::turn_tls, "tls", coturn->certificate_authority()));
    carries();
}

TEST_F(TurnOverTls, RefusesACertificateOfAnUnknownAuthority) {
    start(relay_only(IceServer::Scheme::turn_tls, "tls", ""));
    has_no_relay();
}

TEST_F(TurnOverTls, RefusesACertificateForAnotherName) {
    auto parameters = relay_only(IceServer::Scheme::turn_tls, "tls", coturn->certificate_authority());
    parameters.servers[0].host = "localhost";
    start(parameters);
    has_no_relay();
}

TEST_F(TurnOverTls, RefusesAServerThatSpeaksNoTls) {
    test::ServerFixture web("proxy.py", {});
    auto parameters = relay_only(IceServer::Scheme::turn_tls, "tls", coturn->certificate_authority());
    parameters.servers[0].port = web.port("proxy");
    start(parameters);
    has_no_relay();
}

TEST_F(TurnOverTls, LeadsTurnOverTcpThroughTheProxy) {
    test::ServerFixture tunnel("proxy.py", {"--user", "user", "--password", "secret"});
    auto parameters = relay_only(IceServer::Scheme::turn_tcp, "turn", "");
    parameters.servers[0].host = "127.1";  // 127.0.0.1 for the proxy, no loopback address for us
    start(parameters, *base::parse_proxy("http://user:secret@127.0.0.1:" + std::to_string(tunnel.port("proxy"))));
    carries();
    const auto log = tunnel.command("log").at("log").get<std::string>();
    EXPECT_NE(log.find("CONNECT 127.1:"), std::string::npos) << log;
}

}  // namespace
}  // namespace tubes::transports
