// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of the ICE transport between two attempts on loopback addresses.
#include <gtest/gtest.h>

#include <dirent.h>

#include "tests/support/attempt_pair.hpp"
#include "transports/ice/ice_transport.hpp"

namespace tubes::transports {
namespace {

using namespace std::chrono_literals;
using core::ports::AttemptParameters;
using testing::AttemptPair;

AddressRules loopback_only() {
    AddressRules rules;
    rules.loopback = true;
    return rules;
}

std::size_t open_descriptors() {
    std::size_t count = 0;
    auto* directory = opendir("/proc/self/fd");
    while (readdir(directory) != nullptr) ++count;
    closedir(directory);
    return count;
}

class IceTransportTest : public ::testing::Test {
protected:
    AttemptPair pair;
    IceTransport transport{pair.loop.get_executor(), loopback_only()};
};

TEST_F(IceTransportTest, OpensOnePathBothWaysOnLoopback) {
    const auto before = std::chrono::steady_clock::now();
    pair.start(transport);
    ASSERT_TRUE(pair.run_until([&] { return pair.both_open(); }));
    const auto took = std::chrono::steady_clock::now() - before;
    RecordProperty("setup_ms", static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
    EXPECT_EQ(pair.initiator.path->channel_binding(), pair.responder.path->channel_binding());
    EXPECT_TRUE(pair.initiator.path->send(5, base::as_bytes("head"), base::as_bytes("payload")));
    EXPECT_TRUE(pair.responder.path->send(31, {}, core::Bytes(core::ports::kMaxMessageSize, 7)));
    ASSERT_TRUE(pair.run_until([&] { return !pair.initiator.messages.empty() && !pair.responder.messages.empty(); }));
    EXPECT_EQ(base::as_text(pair.responder.messages[0].second), "headpayload");
    EXPECT_EQ(pair.responder.messages[0].first, 5);
    EXPECT_EQ(pair.initiator.messages[0].second.size(), core::ports::kMaxMessageSize);
    EXPECT_EQ(pair.initiator.messages[0].first, 31);
    const auto info = pair.initiator.path->info();
    EXPECT_EQ(info.kind, PathKind::ice);
    EXPECT_FALSE(info.remote_address.empty());
    EXPECT_NE(info.detail.find("DTLS 1.2"), std::string::npos) << info.detail;
    EXPECT_GT(pair.responder.path->metrics().bytes_sent, core::ports::kMaxMessageSize / 2);
}

TEST_F(IceTransportTest, AFingerprintChangedInSignalingEndsAsIdentityMismatch) {
    pair.initiator.change_description = [](core::ports::TransportDescription& description) {
        auto& text = description.attributes["fingerprint"];
        text[0] = text[0] == 'A' ? 'B' : 'A';
    };
    pair.start(transport);
    ASSERT_TRUE(pair.run_until([&] { return pair.responder.failed.has_value(); }));
    EXPECT_EQ(*pair.responder.failed, Errc::identity_mismatch);
    EXPECT_FALSE(pair.initiator.path || pair.responder.path);
}

TEST_F(IceTransportTest, AMalformedDescriptionIsAProtocolViolation) {
    pair.initiator.change_description = [](core::ports::TransportDescription& description) {
        description.attributes["pwd"] = "short";
    };
    pair.start(transport);
    ASSERT_TRUE(pair.run_until([&] { return pair.responder.failed.has_value(); }));
    EXPECT_EQ(*pair.responder.failed, Errc::protocol_violation);
}

TEST_F(IceTransportTest, WithoutAnyCandidateThatCanWorkItFailsAsNoPath) {
    for (auto* side : {&pair.initiator, &pair.responder}) side->pass = [](const auto&) { return false; };
    pair.start(transport);
    pair.run_until([&] { return pair.initiator.candidates_ended; });
    pair.initiator.attempt->remote_candidates_end();
    // A candidate that nobody answers at: checks have to time out first.
    EXPECT_FALSE(pair.run_until([&] { return pair.both_open(); }, 300ms));
}

TEST_F(IceTransportTest, RelayOnlyWithoutARelayLeavesNothingToTry) {
    AttemptParameters parameters;
    parameters.addresses = AddressPolicy::relay_only;
    EXPECT_EQ(transport.make_attempt(parameters), nullptr);
    parameters.servers.push_back({core::ports::IceServer::Scheme::turn_tls, "127.0.0.1", 5349, "u", "p"});
    EXPECT_EQ(transport.make_attempt(parameters), nullptr) << "libnice has no TURN over TLS";
}

TEST_F(IceTransportTest, LoopbackAddressesAreNotGatheredUnlessAllowed) {
    IceTransport plain(pair.loop.get_executor());
    pair.start(plain);
    pair.run_until([&] { return pair.initiator.candidates_ended || pair.initiator.failed; });
    for (const auto& candidate : pair.initiator.candidates) {
        EXPECT_FALSE(candidate.attributes.at("ip").starts_with("127."));
        EXPECT_NE(candidate.attributes.at("ip"), "::1");
    }
}

TEST_F(IceTransportTest, PublicOnlyRevealsNoPrivateAddress) {
    AttemptParameters parameters;
    parameters.addresses = AddressPolicy::public_only;
    pair.start(transport, parameters);
    pair.run_until([&] { return pair.initiator.candidates_ended || pair.initiator.failed; });
    for (const auto& candidate : pair.initiator.candidates) {
        EXPECT_FALSE(is_private(boost::asio::ip::make_address(candidate.attributes.at("ip"))));
    }
}

TEST_F(IceTransportTest, AnOrderlyCloseDeliversWhatWasSentFirst) {
    pair.start(transport);
    ASSERT_TRUE(pair.run_until([&] { return pair.both_open(); }));
    pair.responder.keep_messages = false;
    const core::Bytes payload(10'000, 1);
    std::uint64_t sent = 0;
    while (pair.initiator.path->send(0, {}, payload)) sent += payload.size();
    pair.initiator.path->close();
    ASSERT_TRUE(pair.run_until([&] { return pair.responder.closed.has_value(); }));
    EXPECT_EQ(*pair.responder.closed, Errc::end_of_stream);
    EXPECT_EQ(pair.responder.received, sent);
    EXPECT_FALSE(pair.initiator.closed);
}

TEST_F(IceTransportTest, APathThatIsDroppedIsReportedAtOnceToThePeer) {
    pair.start(transport);
    ASSERT_TRUE(pair.run_until([&] { return pair.both_open(); }));
    pair.initiator.path.reset();
    EXPECT_TRUE(pair.run_until([&] { return pair.responder.closed.has_value(); }, 2s));
}

TEST_F(IceTransportTest, AnAttemptThatIsClosedLeavesItsPathAlive) {
    pair.start(transport);
    ASSERT_TRUE(pair.run_until([&] { return pair.both_open(); }));
    pair.initiator.attempt.reset();
    pair.responder.attempt->close();
    EXPECT_TRUE(pair.initiator.path->send(0, {}, base::as_bytes("still here")));
    EXPECT_TRUE(pair.run_until([&] { return !pair.responder.messages.empty(); }));
}

TEST_F(IceTransportTest, AnAttemptMayBeClosedAtAnyStep) {
    for (int steps = 0; steps < 400; steps += 7) {
        pair.start(transport);
        for (int i = 0; i < steps && !pair.both_open(); ++i) pair.loop.run_one_for(5ms);
        for (auto* side : {&pair.initiator, &pair.responder}) {
            side->path.reset();
            side->attempt.reset();
            side->failed.reset();
            side->closed.reset();
        }
        pair.loop.restart();
        pair.loop.poll();
    }
}

TEST_F(IceTransportTest, DescriptorsReturnAfterManyOpenAndCloseCycles) {
    const int rounds = std::getenv("TUBES_LONG_TESTS") != nullptr ? 1000 : 20;
    std::size_t before = 0;
    for (int round = 0; round < rounds; ++round) {
        pair.start(transport);
        ASSERT_TRUE(pair.run_until([&] { return pair.both_open(); })) << round;
        for (auto* side : {&pair.initiator, &pair.responder}) {
            side->path.reset();
            side->attempt.reset();
        }
        if (round == 0) {
            pair.run_until([] { return false; }, 100ms);
            before = open_descriptors();
        }
    }
    EXPECT_TRUE(pair.run_until([&] { return open_descriptors() <= before; }, 5s))
        << open_descriptors() << " > " << before;
}

}  // namespace
}  // namespace tubes::transports
