// SPDX-License-Identifier: GPL-3.0-or-later
// A proved peer that breaks the rules: the link ends with protocol_violation or limit_exceeded, memory stays bounded.
#include <gtest/gtest.h>

#include "tests/simulation/hostile_peer.hpp"
#include "tubes/core/wire/control_codec.hpp"

namespace tubes::simulation {
namespace {

using namespace core;
using namespace std::chrono_literals;
using wire::FrameType;

wire::Frame frame_of(FrameType type, std::uint32_t stream, std::uint64_t value = 0, std::uint8_t flags = 0) {
    wire::Frame frame;
    frame.type = type;
    frame.stream = stream;
    frame.value = value;
    frame.flags = flags;
    frame.epoch = 1;
    return frame;
}

/// An honest responder facing a hostile initiator, open, with one stream (1) of the peer's.
struct Attack {
    explicit Attack(LinkLimits limits = {}) : peer(LinkRole::responder, limits) {
        peer.open();
        peer.send(frame_of(FrameType::open, 1), TubeId::random().view());
        peer.run();
    }
    Errc outcome() {
        peer.run();
        if (!peer.end.closed) return Errc::would_block;
        EXPECT_EQ(peer.end.closed_count, 1);
        EXPECT_EQ(peer.count(FrameType::close), 1U) << "the peer is told why";
        return static_cast<Errc>(peer.end.closed->value());
    }
    HostilePeer peer;
};

TEST(HostilePeer, DataBeyondTheCreditClosesTheLink) {
    Attack attack;
    const Bytes block(16'000);
    // What is granted: the initial window and more by the ACK that answered the OPEN. Far less than 64 MiB.
    for (std::uint64_t offset = 0; offset < 64'000'000; offset += block.size()) {
        attack.peer.send(frame_of(FrameType::data, 1, offset), block);
    }
    EXPECT_EQ(attack.outcome(), Errc::protocol_violation);
}

TEST(HostilePeer, GapsContradictingEndsAndBytesBehindTheEndCloseTheLink) {
    {
        Attack attack;
        attack.peer.send(frame_of(FrameType::data, 1, 5), Bytes(10));
        EXPECT_EQ(attack.outcome(), Errc::protocol_violation);
    }
    {
        Attack attack;
        attack.peer.send(frame_of(FrameType::data, 1, 0, wire::kFlagEnd), Bytes(10));
        attack.peer.send(frame_of(FrameType::data, 1, 0, wire::kFlagEnd), Bytes(9));
        EXPECT_EQ(attack.outcome(), Errc::protocol_violation);
    }
    {
        Attack attack;
        attack.peer.send(frame_of(FrameType::data, 1, 0, wire::kFlagEnd), Bytes(10));
        attack.peer.send(frame_of(FrameType::data, 1, 10), Bytes(1));
        EXPECT_EQ(attack.outcome(), Errc::protocol_violation);
    }
    {
        Attack attack;
        attack.peer.send(frame_of(FrameType::data, 1, wire::kMaxOffset), Bytes(10));
        EXPECT_EQ(attack.outcome(), Errc::protocol_violation);
    }
}

TEST(HostilePeer, OverlappingDataIsTakenOnce) {
    Attack attack;
    TestApplication application(attack.peer.end.accepted.at(0));
    Bytes block(100);
    for (std::size_t i = 0; i < block.size(); ++i) block[i] = pattern(i, 0);
    attack.peer.send(frame_of(FrameType::data, 1, 0), ByteView(block).first(60));
    attack.peer.send(frame_of(FrameType::data, 1, 0), ByteView(block).first(60));
    attack.peer.send(frame_of(FrameType::data, 1, 30), ByteView(block).subspan(30));
    EXPECT_EQ(attack.outcome(), Errc::would_block);
    EXPECT_TRUE(application.has_pattern(100, 0));
}

TEST(HostilePeer, AcknowledgingWhatWasNeverSentClosesTheLink) {
    {
        Attack attack;
        attack.peer.send(frame_of(FrameType::ack, 1, 1));
        EXPECT_EQ(attack.outcome(), Errc::protocol_violation);
    }
    {
        Attack attack;
        attack.peer.send(frame_of(FrameType::ack, 1, 0, wire::kFlagEnd));
        EXPECT_EQ(attack.outcome(), Errc::protocol_violation);
    }
    {
        Attack attack;
        attack.peer.send(frame_of(FrameType::ack, 0, 1));
        EXPECT_EQ(attack.outcome(), Errc::protocol_violation);
    }
}

TEST(HostilePeer, UnknownStreamsAndIdsOfTheWrongSideCloseTheLink) {
    for (const auto& frame : {frame_of(FrameType::data, 3, 0, wire::kFlagEnd), frame_of(FrameType::ack, 2),
                              frame_of(FrameType::reset, 0xfffffffe), frame_of(FrameType::gone, 0xffffffff)}) {
        Attack attack;
        attack.peer.send(frame);
        EXPECT_EQ(attack.outcome(), Errc::protocol_violation) << frame.stream;
    }
    Attack attack;
    attack.peer.send(frame_of(FrameType::open, 2), TubeId::random().view());
    EXPECT_EQ(attack.outcome(), Errc::protocol_violation);
}

TEST(HostilePeer, HugeIdsAreJustIds) {
    Attack attack;
    attack.peer.send(frame_of(FrameType::open, 0xffffffff), TubeId::random().view());
    EXPECT_EQ(attack.outcome(), Errc::would_block);
    EXPECT_EQ(attack.peer.end.accepted.size(), 2U);
    EXPECT_EQ(attack.peer.end.accepted[1]->write(Bytes(10)), 10U);
    attack.peer.run();
    EXPECT_EQ(attack.peer.count(FrameType::data), 1U);
}

TEST(HostilePeer, StreamsWithoutEndCloseTheLink) {
    LinkLimits limits;
    limits.streams = 100;
    Attack attack(limits);
    for (std::uint32_t id = 3; id < 1000; id += 2) {
        attack.peer.send(frame_of(FrameType::open, id), TubeId::random().view());
    }
    EXPECT_EQ(attack.outcome(), Errc::limit_exceeded);
    EXPECT_LE(attack.peer.end.accepted.size(), 200U);
}

TEST(HostilePeer, TalkOfClosedStreamsIsAnsweredBriefly) {
    Attack attack;
    attack.peer.send(frame_of(FrameType::reset, 1, static_cast<std::uint64_t>(Errc::cancelled)));
    for (int i = 0; i < 10'000; ++i) attack.peer.send(frame_of(FrameType::data, 1, 0), Bytes(100));
    EXPECT_EQ(attack.outcome(), Errc::would_block);
    EXPECT_GE(attack.peer.count(FrameType::gone), 1U);
    EXPECT_LE(attack.peer.count(FrameType::gone), 10'001U);
}

TEST(HostilePeer, UnknownTypesFlagsLanesAndSizesCloseTheLink) {
    const auto good = wire::encode_header(frame_of(FrameType::ping, 0));
    for (const auto& [position, value] :
         std::vector<std::pair<std::size_t, std::uint8_t>>{{0, 0}, {0, 8}, {0, 21}, {0, 22}, {1, 1}, {7, 1}}) {
        Attack attack;
        Bytes message(good.view().begin(), good.view().end());
        message[position] = value;
        attack.peer.send(0, message);
        EXPECT_EQ(attack.outcome(), Errc::protocol_violation) << position;
    }
    for (const auto size : {0U, 1U, 15U}) {
        Attack attack;
        attack.peer.send(0, Bytes(size, 5));
        EXPECT_EQ(attack.outcome(), Errc::protocol_violation) << size;
    }
    Attack attack;
    attack.peer.send(7, Bytes(good.view().begin(), good.view().end()));
    EXPECT_EQ(attack.outcome(), Errc::protocol_violation);
}

TEST(HostilePeer, SecondHelloMovesByTheWrongSideAndLeapingEpochsCloseTheLink) {
    {
        Attack attack;
        attack.peer.send_hello(attack.peer.hello());
        EXPECT_EQ(attack.outcome(), Errc::protocol_violation);
    }
    {
        Attack attack;
        attack.peer.send(frame_of(FrameType::moved, 0, 1));
        EXPECT_EQ(attack.outcome(), Errc::protocol_violation);
    }
    {
        Attack attack;
        attack.peer.send(frame_of(FrameType::move, 0, 0x10000));
        EXPECT_EQ(attack.outcome(), Errc::protocol_violation);
    }
    HostilePeer responder(LinkRole::initiator);
    responder.open();
    responder.send(frame_of(FrameType::move, 0, 2));
    responder.run();
    EXPECT_EQ(responder.end.closed, make_error_code(Errc::protocol_violation));
}

TEST(HostilePeer, ControlStreamThatIsNonsenseClosesTheLink) {
    {
        Attack attack;
        attack.peer.send(frame_of(FrameType::data, 0, 0), Bytes(8, 0xff));
        EXPECT_EQ(attack.outcome(), Errc::protocol_violation);
    }
    {
        Attack attack;
        attack.peer.send(frame_of(FrameType::data, 0, 0, wire::kFlagEnd), Bytes(8));
        EXPECT_EQ(attack.outcome(), Errc::protocol_violation);
    }
}

TEST(HostilePeer, ControlFloodIsHeldToItsWindow) {
    Attack attack;
    std::uint64_t offset = 0;
    const auto message = wire::frame_control(TubeClosed{TubeId::random(), Errc::cancelled});
    // Never waiting for credit: soon beyond it, or served as fast as it comes, but never stored.
    for (int i = 0; i < 20'000; ++i, offset += message.size()) {
        attack.peer.send(frame_of(FrameType::data, 0, offset), message);
    }
    const auto outcome = attack.outcome();
    EXPECT_TRUE(outcome == Errc::would_block || outcome == Errc::protocol_violation);
    EXPECT_GT(attack.peer.end.control.size(), 100U);
}

TEST(HostilePeer, UnreadControlMessagesCloseTheLinkAtTheirLimit) {
    LinkPair pair;
    for (int i = 0; i < 20'000 && !pair.a.closed; ++i) {
        pair.link(Side::a).send_control(TubeClosed{TubeId::random(), Errc::cancelled});
        if (i % 100 == 0) pair.scheduler.advance(1us);
    }
    pair.scheduler.advance(2s);
    EXPECT_EQ(pair.a.closed, make_error_code(Errc::limit_exceeded));
}

TEST(HostilePeer, PingFloodWithoutReadingIsBounded) {
    Attack attack;
    for (std::uint64_t i = 0; i < 50'000; ++i) attack.peer.send(frame_of(FrameType::ping, 0, i));
    EXPECT_EQ(attack.outcome(), Errc::would_block);
}

TEST(HostilePeer, UnknownErrorCodesAreHarmless) {
    Attack attack;
    TestApplication application(attack.peer.end.accepted.at(0));
    attack.peer.send(frame_of(FrameType::reset, 1, 0xffffffffffffffffULL));
    attack.peer.run();
    EXPECT_EQ(application.closed, make_error_code(Errc::cancelled));
    attack.peer.send(frame_of(FrameType::close, 0, 0));
    attack.peer.run();
    EXPECT_EQ(attack.peer.end.closed, make_error_code(Errc::cancelled));
}

TEST(HostilePeer, TooManyPathsAreRefused) {
    LinkPair pair;
    for (std::uint32_t i = 0; i < 20; ++i) pair.connect({.kind = PathKind::ice}, i);
    pair.scheduler.advance(100ms);
    EXPECT_EQ(pair.a.opened, 1);
    ASSERT_FALSE(pair.a.refused.empty());
    EXPECT_EQ(pair.a.refused[0].second, Errc::limit_exceeded);
    EXPECT_LE(pair.link(Side::a).status().paths.size(), wire::kMaxPaths);
}

// --- destroying the link in whatever callback

TEST(LinkLifetime, MayEndInEveryCallback) {
    for (int which = 0; which < 5; ++which) {
        SCOPED_TRACE(which);
        LinkPair pair;
        pair.connect({.delay = 1ms});
        if (which == 0) pair.b.destroy_on_callback = true;                       // on_open
        auto stream = pair.link(Side::a).open_stream(TubeId::random()).value();  // opens with the link
        TestApplication at_a(std::move(stream));
        if (which != 1) pair.scheduler.advance(100ms);
        if (which == 1) pair.b.destroy_on_callback = true;  // on_stream
        at_a.send_pattern(100'000, 1);
        pair.scheduler.advance(100ms);
        if (which == 2) {  // on_control
            pair.b.destroy_on_callback = true;
            pair.link(Side::a).send_control(TubeClosed{TubeId::random(), Errc::cancelled});
        }
        if (which == 3) {  // on_path_change
            pair.b.destroy_on_callback = true;
            pair.wires[0]->kill();
        }
        if (which == 4) {  // on_closed
            pair.b.destroy_on_callback = true;
            pair.link(Side::a).close(Errc::cancelled);
        }
        pair.scheduler.advance(LinkLimits().patience + 60s);
        EXPECT_EQ(pair.b.link, nullptr);
        EXPECT_TRUE(pair.a.closed);
        EXPECT_TRUE(at_a.closed);
    }
}

TEST(LinkLifetime, MayEndInAStreamsCallbackWhileStreamsLiveOn) {
    LinkPair pair;
    pair.connect({.delay = 1ms});
    std::vector<std::unique_ptr<TestApplication>> accepted;
    pair.b.stream_callback = [&](auto stream) {
        accepted.push_back(std::make_unique<TestApplication>(std::move(stream)));
        accepted.back()->on_any_data = [&pair] { pair.b.link.reset(); };
    };
    TestApplication at_a(pair.link(Side::a).open_stream(TubeId::random()).value());
    at_a.send_pattern(100'000, 1);
    pair.scheduler.advance(1s);
    ASSERT_EQ(accepted.size(), 1U);
    EXPECT_EQ(accepted[0]->closed, make_error_code(Errc::broken));
    EXPECT_EQ(accepted[0]->stream().write(Bytes(10)), 0U);
    accepted[0]->stream().consumed(100);
    accepted[0]->stream().finish();
    accepted[0]->stream().reset(Errc::cancelled);
    EXPECT_EQ(at_a.closed, make_error_code(Errc::broken));
    EXPECT_EQ(pair.a.closed, make_error_code(Errc::broken));
}

TEST(LinkLifetime, CloseOnAFullPathStillTellsThePeer) {
    LinkPair pair;
    pair.connect({.delay = 5ms, .bytes_per_second = 1'000'000, .queue = 32 * 1024});
    ASSERT_TRUE(pair.open());
    TestApplication at_a(pair.link(Side::a).open_stream(TubeId::random()).value());
    at_a.send_pattern(10'000'000, 1);
    pair.scheduler.advance(1s);
    pair.link(Side::a).close(Errc::cancelled);
    pair.scheduler.advance(500ms);
    EXPECT_EQ(pair.a.closed, make_error_code(Errc::cancelled));
    EXPECT_EQ(pair.b.closed, make_error_code(Errc::cancelled));
}

}  // namespace
}  // namespace tubes::simulation
