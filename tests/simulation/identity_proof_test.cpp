// SPDX-License-Identifier: GPL-3.0-or-later
// The identity proof: what opens a path, and everything that must not.
#include <gtest/gtest.h>

#include "tests/simulation/hostile_peer.hpp"

namespace tubes::simulation {
namespace {

using namespace core;
using namespace std::chrono_literals;
using wire::FrameType;

/// Sends a Hello that `spoil` has changed; what the honest end makes of it.
std::optional<error_code> refusal_of(LinkRole role, const std::function<void(HostilePeer&, wire::Hello&)>& spoil) {
    HostilePeer peer(role);
    peer.connect();
    auto hello = peer.hello();
    spoil(peer, hello);
    peer.send_hello(hello);
    peer.run();
    EXPECT_EQ(peer.end.opened, 0);
    EXPECT_FALSE(peer.end.closed) << "the link itself goes on";
    if (peer.end.refused.empty()) return std::nullopt;
    EXPECT_TRUE(peer.path_closed) << "a refused path is closed";
    return peer.end.refused[0].second;
}

class Proof : public testing::TestWithParam<LinkRole> {};
INSTANTIATE_TEST_SUITE_P(Roles, Proof, testing::Values(LinkRole::initiator, LinkRole::responder));

TEST_P(Proof, GenuineOneOpensTheLink) {
    HostilePeer peer(GetParam());
    peer.open();
    EXPECT_EQ(peer.end.opened, 1);
    EXPECT_TRUE(peer.end.refused.empty());
}

TEST_P(Proof, SignatureThatIsNotOverExactlyThisPathIsRefused) {
    const auto mismatch = make_error_code(Errc::identity_mismatch);
    const auto sign = [](HostilePeer& peer, wire::Hello& hello, const std::function<void(LinkConfiguration&)>& change) {
        auto configuration = peer.hostile;
        change(configuration);
        hello.signature = make_hello({configuration, peer.path->channel_binding(), 0}, peer.hostile_identity).signature;
    };
    EXPECT_EQ(mismatch, refusal_of(GetParam(), [](auto&, auto& hello) { hello.signature.bytes[0] ^= 1; }));
    EXPECT_EQ(mismatch, refusal_of(GetParam(), [](auto& peer, auto& hello) {
                  Digest other_path;
                  hello.signature = make_hello({peer.hostile, other_path, 0}, peer.hostile_identity).signature;
              }));
    EXPECT_EQ(mismatch, refusal_of(GetParam(), [&](auto& peer, auto& hello) {
                  sign(peer, hello, [](auto& link) { link.id.bytes[3] ^= 1; });
              }));
    EXPECT_EQ(mismatch, refusal_of(GetParam(), [&](auto& peer, auto& hello) {
                  sign(peer, hello, [](auto& link) { link.self.value = "mallory@example.org"; });
              }));
    EXPECT_EQ(mismatch, refusal_of(GetParam(), [&](auto& peer, auto& hello) {
                  sign(peer, hello, [](auto& link) { link.peer.value = "somebody@example.org"; });
              }));
    EXPECT_EQ(mismatch, refusal_of(GetParam(), [&](auto& peer, auto& hello) {
                  sign(peer, hello, [](auto& link) { link.peer_key.bytes[0] ^= 1; });
              }));
    EXPECT_EQ(mismatch, refusal_of(GetParam(), [](auto& peer, auto& hello) {
                  hello.signature = peer.hello(1).signature;  // an earlier negotiation's
              }));
}

TEST_P(Proof, WrongLinkGenerationRoleOrKeyIsRefused) {
    const auto mismatch = make_error_code(Errc::identity_mismatch);
    EXPECT_EQ(mismatch, refusal_of(GetParam(), [](auto&, auto& hello) { hello.link.bytes[0] ^= 1; }));
    EXPECT_EQ(mismatch, refusal_of(GetParam(), [](auto& peer, auto& hello) { hello = peer.hello(4); }));
    EXPECT_EQ(mismatch, refusal_of(GetParam(), [](auto& peer, auto& hello) { hello.role = peer.honest.role; }));
    EXPECT_EQ(mismatch, refusal_of(GetParam(), [](auto& peer, auto& hello) {
                  const SimulatedIdentity stranger(99);
                  hello = make_hello({peer.hostile, peer.path->channel_binding(), 0}, stranger);
              }));
}

TEST_P(Proof, OwnHelloReflectedIsRefused) {
    HostilePeer peer(GetParam());
    peer.connect();
    peer.run(1ms);
    ASSERT_EQ(peer.heard.size(), 1U);
    peer.send(peer.heard[0].first, peer.heard[0].second);
    peer.run();
    ASSERT_EQ(peer.end.refused.size(), 1U);
    EXPECT_EQ(peer.end.refused[0].second, Errc::identity_mismatch);
}

TEST_P(Proof, VersionsThatShareNoneAreRefusedAndUnknownFeaturesAreNot) {
    EXPECT_EQ(make_error_code(Errc::unsupported), refusal_of(GetParam(), [](auto&, auto& hello) {
                  hello.oldest_version = wire::kNewestVersion + 1;
                  hello.newest_version = wire::kNewestVersion + 5;
              }));
    HostilePeer peer(GetParam());
    peer.connect();
    auto hello = peer.hello();
    hello.newest_version = wire::kNewestVersion + 5;
    hello.features = ~std::uint64_t{0};
    peer.send_hello(hello);
    peer.run();
    EXPECT_TRUE(peer.end.refused.empty());
}

TEST_P(Proof, NothingIsProcessedBeforeIt) {
    for (const auto type :
         {FrameType::move, FrameType::moved, FrameType::ping, FrameType::pong, FrameType::close, FrameType::lost}) {
        HostilePeer peer(GetParam());
        peer.connect();
        wire::Frame frame;
        frame.type = type;
        frame.value = 1;
        peer.send(frame);
        peer.run();
        ASSERT_EQ(peer.end.refused.size(), 1U);
        EXPECT_EQ(peer.end.refused[0].second, Errc::protocol_violation);
        EXPECT_EQ(peer.count(FrameType::pong), 0U);
        EXPECT_FALSE(peer.end.closed);
    }
    HostilePeer peer(GetParam());
    peer.connect();
    wire::Frame frame;
    frame.type = FrameType::open;
    frame.epoch = 1;
    frame.stream = GetParam() == LinkRole::initiator ? 2 : 1;
    peer.send(frame, TubeId::random().view());
    peer.run();
    EXPECT_TRUE(peer.end.accepted.empty());
}

TEST_P(Proof, EarlyDataIsHeldWithinBounds) {
    HostilePeer peer(GetParam());
    peer.connect();
    for (int i = 0; i < 1000; ++i) {
        wire::Frame frame;
        frame.type = FrameType::data;
        frame.epoch = 1;
        frame.stream = GetParam() == LinkRole::initiator ? 2 : 1;
        peer.send(frame, Bytes(10'000));
    }
    peer.run();
    ASSERT_EQ(peer.end.refused.size(), 1U);
    EXPECT_EQ(peer.end.refused[0].second, Errc::protocol_violation);
}

TEST_P(Proof, PathThatNeverProvesIsRefusedAtItsDeadline) {
    HostilePeer peer(GetParam());
    peer.connect();
    peer.run(4900ms);
    EXPECT_TRUE(peer.end.refused.empty());
    peer.run(200ms);
    ASSERT_EQ(peer.end.refused.size(), 1U);
    EXPECT_EQ(peer.end.refused[0].second, Errc::timed_out);
}

TEST_P(Proof, MalformedHelloIsRefused) {
    HostilePeer peer(GetParam());
    peer.connect();
    wire::Frame frame;
    frame.type = FrameType::hello;
    peer.send(frame, Bytes(100, 0xff));
    peer.run();
    ASSERT_EQ(peer.end.refused.size(), 1U);
    EXPECT_EQ(peer.end.refused[0].second, Errc::protocol_violation);
}

}  // namespace
}  // namespace tubes::simulation
