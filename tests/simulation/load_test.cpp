// SPDX-License-Identifier: GPL-3.0-or-later
// Links under load: stalled readers, many streams, keystrokes beside bulk, credit and buffers within their limits.
#include <gtest/gtest.h>

#include "tests/simulation/link_pair.hpp"

namespace tubes::simulation {
namespace {

using namespace core;
using namespace std::chrono_literals;

/// Accepts every stream; applications chosen by their order of arrival.
std::vector<std::unique_ptr<TestApplication>>& accept_all(LinkPair& pair,
                                                          std::vector<std::unique_ptr<TestApplication>>& accepted,
                                                          bool reads) {
    pair.b.stream_callback = [&accepted, reads](auto stream) {
        accepted.push_back(std::make_unique<TestApplication>(std::move(stream)));
        accepted.back()->reads = reads;
        accepted.back()->expected_seed = 1;
    };
    return accepted;
}

TEST(Load, OneStreamRunsAtFullSpeedBesideAThousandStalledReaders) {
    LinkPair pair;
    pair.connect({.delay = 25ms, .bytes_per_second = 25'000'000});
    ASSERT_TRUE(pair.open());
    std::vector<std::unique_ptr<TestApplication>> accepted;
    accept_all(pair, accepted, false);
    std::vector<std::unique_ptr<TestApplication>> stalled;
    for (int i = 0; i < 1000; ++i) {
        stalled.push_back(std::make_unique<TestApplication>(pair.link(Side::a).open_stream(TubeId::random()).value()));
        stalled.back()->send_pattern(50'000'000, 1);
    }
    pair.scheduler.advance(5s);
    ASSERT_EQ(accepted.size(), 1000U);
    std::uint64_t held = 0;
    for (const auto& each : accepted) held += each->received;
    const LinkLimits limits;
    EXPECT_LE(held, limits.receive_buffer + 1000 * limits.minimum_window);
    for (const auto& each : accepted) EXPECT_GE(each->received, limits.minimum_window);

    accept_all(pair, accepted, true);
    TestApplication fast(pair.link(Side::a).open_stream(TubeId::random()).value());
    const auto start = pair.scheduler.now();
    fast.send_pattern(50'000'000, 1);
    ASSERT_TRUE(pair.scheduler.run_until([&] { return accepted.size() == 1001 && accepted.back()->ended; }, 20s));
    const auto seconds = std::chrono::duration<double>(pair.scheduler.now() - start).count();
    EXPECT_TRUE(accepted.back()->has_pattern(50'000'000, 1));
    EXPECT_LT(seconds, 50.0 / 25 * 1.35) << "MB/s: " << 50 / seconds;
    // And the stalled ones wake up whole.
    for (auto& each : accepted) {
        each->reads = true;
        each->stream().consumed(each->received);
    }
    pair.scheduler.advance(1s);
    EXPECT_GT(accepted[500]->received, held / 1000);
}

TEST(Load, FillsALongFatPath) {
    LinkPair pair;
    pair.connect({.delay = 25ms, .bytes_per_second = 25'000'000, .queue = 256 * 1024});
    ASSERT_TRUE(pair.open());
    std::vector<std::unique_ptr<TestApplication>> accepted;
    accept_all(pair, accepted, true);
    TestApplication sender(pair.link(Side::a).open_stream(TubeId::random()).value());
    const auto start = pair.scheduler.now();
    sender.send_pattern(100'000'000, 1);
    ASSERT_TRUE(pair.scheduler.run_until([&] { return !accepted.empty() && accepted[0]->ended; }, 60s));
    const auto seconds = std::chrono::duration<double>(pair.scheduler.now() - start).count();
    EXPECT_GT(100 / seconds, 22.0) << "MB/s over 50 ms, 200 Mbit/s";
}

TEST(Load, KeystrokesDoNotWaitBehindBulk) {
    LinkPair pair;
    pair.connect({.delay = 5ms, .bytes_per_second = 10'000'000, .queue = 16 * 1024});
    ASSERT_TRUE(pair.open());
    std::vector<std::unique_ptr<TestApplication>> accepted;
    accept_all(pair, accepted, true);
    std::vector<std::unique_ptr<TestApplication>> bulk;
    for (int i = 0; i < 4; ++i) {
        bulk.push_back(std::make_unique<TestApplication>(pair.link(Side::a).open_stream(TubeId::random()).value()));
        bulk.back()->send_pattern(100'000'000, 1);
    }
    pair.scheduler.advance(1s);
    TestApplication keys(pair.link(Side::a).open_stream(TubeId::random()).value());
    pair.scheduler.advance(1s);
    ASSERT_EQ(accepted.size(), 5U);
    auto& screen = *accepted.back();
    screen.keeps = true;
    std::vector<Duration> delays;
    for (int i = 0; i < 200; ++i) {
        pair.scheduler.advance(20ms);
        const auto sent = pair.scheduler.now();
        const auto before = screen.received;
        keys.send_text("k");
        ASSERT_TRUE(pair.scheduler.run_until([&] { return screen.received > before; }, 1s));
        delays.push_back(pair.scheduler.now() - sent);
    }
    std::sort(delays.begin(), delays.end());
    // 5 ms of wire, and what the path itself holds: its queue and a frame, 3.2 ms.
    EXPECT_LE(delays[190], 10ms);
}

TEST(Load, StreamsShareThePathFairly) {
    LinkPair pair;
    pair.connect({.delay = 5ms, .bytes_per_second = 10'000'000});
    ASSERT_TRUE(pair.open());
    std::vector<std::unique_ptr<TestApplication>> accepted;
    accept_all(pair, accepted, true);
    std::vector<std::unique_ptr<TestApplication>> senders;
    for (int i = 0; i < 8; ++i) {
        senders.push_back(std::make_unique<TestApplication>(pair.link(Side::a).open_stream(TubeId::random()).value()));
        senders.back()->send_pattern(100'000'000, 1);
    }
    pair.scheduler.advance(2s);
    std::vector<std::uint64_t> before;
    for (const auto& each : accepted) before.push_back(each->received);
    pair.scheduler.advance(4s);
    for (std::size_t i = 0; i < accepted.size(); ++i) {
        const auto share = static_cast<double>(accepted[i]->received - before[i]) / (4 * 10'000'000.0 / 8);
        EXPECT_GT(share, 0.8);
        EXPECT_LT(share, 1.2);
    }
}

TEST(Load, TenThousandStreamsOpenTransferAndClose) {
    LinkPair pair;
    pair.connect({.delay = 5ms, .lane_jitter = 3ms});
    ASSERT_TRUE(pair.open());
    std::vector<std::unique_ptr<TestApplication>> accepted;
    accept_all(pair, accepted, true);
    std::vector<std::unique_ptr<TestApplication>> senders;
    for (int i = 0; i < 10'000; ++i) {
        senders.push_back(std::make_unique<TestApplication>(pair.link(Side::a).open_stream(TubeId::random()).value()));
        senders.back()->send_pattern(1000, 1);
    }
    pair.scheduler.advance(3s);
    ASSERT_EQ(accepted.size(), 10'000U);
    EXPECT_EQ(pair.link(Side::a).status().streams, 10'000U);
    for (const auto& each : accepted) {
        EXPECT_TRUE(each->has_pattern(1000, 1));
        each->stream().finish();
    }
    pair.scheduler.advance(3s);
    EXPECT_EQ(pair.link(Side::a).status().streams, 0U);
    EXPECT_EQ(pair.link(Side::b).status().streams, 0U);
}

TEST(Load, IdleLinkSleepsBetweenKeepalives) {
    LinkPair pair;
    pair.connect({.delay = 5ms});
    ASSERT_TRUE(pair.open());
    TestApplication at_a(pair.link(Side::a).open_stream(TubeId::random()).value());
    at_a.send_pattern(100'000, 1, false);
    pair.scheduler.advance(20s);
    const auto before = pair.scheduler.executed();
    pair.scheduler.advance(600s);
    // 40 keepalives a side: a timer, a probe and an answer, each of which the wire counts twice, and some posts.
    EXPECT_LT(pair.scheduler.executed() - before, 1000U);
}

TEST(Load, SmallWritesOfOneTurnLeaveInOneFrame) {
    LinkPair pair;
    auto wire = pair.connect();
    ASSERT_TRUE(pair.open());
    TestApplication at_a(pair.link(Side::a).open_stream(TubeId::random()).value());
    pair.scheduler.advance(1s);
    int frames = 0;
    wire->tap = [&](Side, ports::Lane lane, ByteView) { frames += lane != 0 ? 1 : 0; };
    for (int i = 0; i < 1000; ++i) at_a.send_text("x");
    pair.scheduler.advance(1ms);
    EXPECT_LE(frames, 4);
}

TEST(Load, WriterIsHeldBackAndTold) {
    LinkLimits limits;
    LinkPair pair(1, limits);
    auto stream = pair.link(Side::a).open_stream(TubeId::random()).value();
    const Bytes block(64 * 1024 * 1024);
    const auto taken = stream->write(block);
    EXPECT_LE(taken, limits.stream_send_buffer);
    EXPECT_GT(taken, 0U);
    EXPECT_EQ(stream->write(block), 0U);
    TestApplication at_a(stream);
    std::vector<std::unique_ptr<TestApplication>> accepted;
    accept_all(pair, accepted, true);
    pair.connect({.delay = 5ms});
    ASSERT_TRUE(pair.open());
    at_a.send_pattern(1'000'000, 1);
    pair.scheduler.advance(5s);
    ASSERT_FALSE(accepted.empty());
    EXPECT_EQ(accepted[0]->received, taken + 1'000'000);
}

}  // namespace
}  // namespace tubes::simulation
