// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of the ICE transport through a real coturn: relays over UDP and TCP, what they hide, what happens without them.
#include <gtest/gtest.h>

#include "tests/support/attempt_pair.hpp"
#include "tests/support/server_fixture.hpp"
#include "transports/ice/ice_transport.hpp"

namespace tubes::transports {
namespace {

using namespace std::chrono_literals;
using core::ports::AttemptParameters;
using core::ports::IceServer;
using testing::AttemptPair;

class IceRelay : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        coturn = std::make_unique<test::ServerFixture>("coturn.py", std::vector<std::string>{});
    }
    static void TearDownTestSuite() { coturn.reset(); }

    IceRelay() {
        AddressRules rules;
        rules.loopback = true;
        transport.emplace(pair.loop.get_executor(), rules);
    }
    static IceServer server(IceServer::Scheme scheme) {
        const auto& described = coturn->description();
        return {scheme, coturn->address(), coturn->port("turn"), described.at("username"), described.at("password")};
    }
    static AttemptParameters relay_only(IceServer::Scheme scheme) {
        AttemptParameters parameters;
        parameters.addresses = AddressPolicy::relay_only;
        parameters.servers.push_back(server(scheme));
        return parameters;
    }
    void carries_both_ways() {
        pair.initiator.keep_messages = pair.responder.keep_messages = false;
        constexpr std::uint64_t kTotal = 200 * 10'000;
        std::uint64_t sent[2] = {0, 0};
        const core::Bytes message(10'000, 9);
        const auto fill = [&] {
            for (auto* side : {&pair.initiator, &pair.responder}) {
                auto& count = sent[side == &pair.responder];
                while (count < kTotal && side->path->send(2, {}, message)) count += message.size();
            }
            return pair.initiator.received == kTotal && pair.responder.received == kTotal;
        };
        EXPECT_TRUE(pair.run_until(fill)) << pair.initiator.received << " " << pair.responder.received;
    }

    static std::unique_ptr<test::ServerFixture> coturn;
    AttemptPair pair;
    std::optional<IceTransport> transport;
};
std::unique_ptr<test::ServerFixture> IceRelay::coturn;

TEST_F(IceRelay, RelayOnlyGoesThroughTurnOverUdpAndTellsNothingElse) {
    pair.start(*transport, relay_only(IceServer::Scheme::turn_udp));
    ASSERT_TRUE(pair.run_until([&] { return pair.both_open(); }));
    EXPECT_EQ(pair.initiator.path->info().kind, PathKind::ice_relayed);
    EXPECT_EQ(pair.responder.path->info().kind, PathKind::ice_relayed);
    EXPECT_NE(pair.initiator.path->info().detail.find("relay"), std::string::npos);
    for (const auto* side : {&pair.initiator, &pair.responder}) {
        for (const auto& candidate : side->candidates) {
            EXPECT_EQ(candidate.attributes.at("type"), "relay");
            EXPECT_EQ(candidate.attributes.count("rel-addr"), 0U);
        }
    }
    carries_both_ways();
}

TEST_F(IceRelay, RelayOnlyGoesThroughTurnOverTcp) {
    pair.start(*transport, relay_only(IceServer::Scheme::turn_tcp));
    ASSERT_TRUE(pair.run_until([&] { return pair.both_open(); }));
    EXPECT_EQ(pair.initiator.path->info().kind, PathKind::ice_relayed);
    carries_both_ways();
}

TEST_F(IceRelay, WithARelayAtHandADirectPairIsPreferred) {
    AttemptParameters parameters;
    parameters.servers = {server(IceServer::Scheme::stun), server(IceServer::Scheme::turn_udp)};
    pair.start(*transport, parameters);
    ASSERT_TRUE(pair.run_until([&] { return pair.both_open(); }));
    EXPECT_TRUE(pair.run_until([&] { return pair.initiator.path->info().kind == PathKind::ice; }));
    EXPECT_TRUE(pair.run_until([&] { return pair.initiator.candidates_ended && pair.responder.candidates_ended; }));
    const auto& candidates = pair.initiator.candidates;
    EXPECT_TRUE(std::any_of(candidates.begin(), candidates.end(),
                            [](const auto& candidate) { return candidate.attributes.at("type") == "relay"; }));
}

TEST_F(IceRelay, WrongCredentialsLeaveNoCandidateAndNoPath) {
    auto parameters = relay_only(IceServer::Scheme::turn_udp);
    parameters.servers[0].password = "wrong";
    pair.start(*transport, parameters);
    EXPECT_TRUE(pair.run_until([&] { return pair.initiator.candidates_ended && pair.responder.candidates_ended; }));
    EXPECT_TRUE(pair.initiator.candidates.empty());
    EXPECT_FALSE(pair.both_open());
}

TEST_F(IceRelay, ServersGivenByNameAreResolved) {
    auto parameters = relay_only(IceServer::Scheme::turn_udp);
    parameters.servers[0].host = "localhost";
    parameters.servers.push_back({IceServer::Scheme::stun, "no-such-host.invalid", 3478, "", ""});
    pair.start(*transport, parameters);
    EXPECT_TRUE(pair.run_until([&] { return pair.both_open(); }));
}

TEST_F(IceRelay, ADeadRelayEndsThePathWithinTheConsentTime) {
    pair.start(*transport, relay_only(IceServer::Scheme::turn_udp));
    ASSERT_TRUE(pair.run_until([&] { return pair.both_open(); }));
    coturn->command("kill");
    EXPECT_TRUE(pair.run_until([&] { return pair.initiator.closed && pair.responder.closed; }, 40s));
    EXPECT_EQ(*pair.initiator.closed, Errc::timed_out);
    coturn->command("start");
}

}  // namespace
}  // namespace tubes::transports
