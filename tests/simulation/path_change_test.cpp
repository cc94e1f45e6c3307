// SPDX-License-Identifier: GPL-3.0-or-later
// Links that move: paths that die at any moment, in any manner, and better ones that come up.
#include <gtest/gtest.h>

#include "tests/simulation/link_pair.hpp"

namespace tubes::simulation {
namespace {

using namespace core;
using namespace std::chrono_literals;

/// Streams with transfers in both directions, checked byte by byte.
class Transfers {
public:
    Transfers(LinkPair& pair, std::size_t count, std::uint64_t size) : pair_(pair), size_(size) {
        pair.a.stream_callback = [this](auto stream) { accept(Side::a, std::move(stream)); };
        pair.b.stream_callback = [this](auto stream) { accept(Side::b, std::move(stream)); };
        for (std::size_t i = 0; i < count; ++i) {
            const auto side = i % 2 == 0 ? Side::a : Side::b;
            auto application = std::make_unique<TestApplication>(pair.link(side).open_stream(TubeId::random()).value());
            application->expected_seed = 7;
            application->send_pattern(size, 11);
            callers_.push_back(std::move(application));
        }
    }

    bool done() const {
        const auto closed = [](const auto& each) { return each->closed.has_value(); };
        return called_.size() == callers_.size() && std::all_of(callers_.begin(), callers_.end(), closed) &&
               std::all_of(called_.begin(), called_.end(), closed);
    }

    void expect_complete() const {
        EXPECT_EQ(called_.size(), callers_.size());
        for (const auto& each : callers_) expect_complete(*each, 7);
        for (const auto& each : called_) expect_complete(*each, 11);
    }

private:
    void expect_complete(const TestApplication& application, std::uint8_t seed) const {
        EXPECT_TRUE(application.has_pattern(size_, seed))
            << application.received << " of " << size_ << ", " << application.mismatches << " wrong";
        ASSERT_TRUE(application.closed.has_value());
        EXPECT_FALSE(*application.closed) << application.closed->message();
    }

    void accept(Side, std::shared_ptr<Stream> stream) {
        auto application = std::make_unique<TestApplication>(std::move(stream));
        application->expected_seed = 11;
        application->send_pattern(size_, 7);
        called_.push_back(std::move(application));
    }

    LinkPair& pair_;
    std::uint64_t size_;
    std::vector<std::unique_ptr<TestApplication>> callers_;
    std::vector<std::unique_ptr<TestApplication>> called_;
};

void break_path(std::mt19937_64& random, SimulatedWire& wire) {
    switch (random() % 5) {
        case 0: return wire.kill();
        case 1: return wire.kill_side(Side::a);
        case 2: return wire.kill_side(Side::b);
        case 3: return wire.silence();
        default: return wire.silence(random() % 2 == 0 ? Side::a : Side::b);
    }
}

PathModel random_model(std::mt19937_64& random) {
    PathModel model;
    model.kind = static_cast<PathKind>(random() % 7);
    model.delay = std::chrono::microseconds(random() % 60'000);
    model.bytes_per_second = 500'000 + random() % 5'000'000;
    model.queue = 8 * 1024 + random() % 100'000;
    if (random() % 2 == 0) model.lane_jitter = std::chrono::microseconds(random() % 20'000);
    return model;
}

class ManyMoves : public testing::TestWithParam<int> {};

TEST_P(ManyMoves, LoseAndRepeatNothing) {
    const auto seed = static_cast<std::uint64_t>(GetParam());
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    LinkPair pair(seed);
    Transfers transfers(pair, 6, 400'000);
    std::uint32_t generation = 0;
    int moves = 0;
    for (; moves < 60; ++moves) {
        const auto wire = pair.connect(random_model(random), generation++);
        pair.scheduler.advance(std::chrono::microseconds(random() % 300'000));
        if (pair.wires.size() >= 2 && random() % 3 != 0) pair.wires[pair.wires.size() - 2]->kill();
        if (random() % 3 == 0) wire->kill();
    }
    pair.connect({.delay = 5ms, .bytes_per_second = 5'000'000}, generation);
    EXPECT_TRUE(pair.scheduler.run_until([&] { return transfers.done(); }, 300s));
    transfers.expect_complete();
    EXPECT_FALSE(pair.a.closed || pair.b.closed);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ManyMoves, testing::Range(1, 21));

class RandomFaults : public testing::TestWithParam<int> {};

TEST_P(RandomFaults, EndInCompleteTransfersOrOneReason) {
    for (int round = 0; round < 20; ++round) {
        const auto seed = static_cast<std::uint64_t>(GetParam() * 1000 + round);
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        LinkPair pair(seed);
        Transfers transfers(pair, 4, 100'000);
        for (std::uint32_t generation = 0; generation < 8; ++generation) {
            const auto wire = pair.connect(random_model(random), generation);
            pair.scheduler.advance(std::chrono::microseconds(random() % 2'000'000));
            if (random() % 4 != 0) break_path(random, *wire);
        }
        pair.scheduler.advance(45s);  // dead paths are found by now
        if (!pair.a.closed) pair.connect({.delay = 5ms}, 9);
        EXPECT_TRUE(pair.scheduler.run_until([&] { return transfers.done(); }, 300s));
        transfers.expect_complete();
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomFaults, testing::Range(1, 11));

TEST(PathChange, BetterPathTakesOverWhileBothLive) {
    LinkPair pair;
    Transfers transfers(pair, 2, 2'000'000);
    pair.connect({.kind = PathKind::ice_relayed, .delay = 40ms, .bytes_per_second = 1'000'000});
    ASSERT_TRUE(pair.open());
    pair.scheduler.advance(500ms);
    pair.connect({.kind = PathKind::direct_tls, .delay = 10ms, .bytes_per_second = 10'000'000});
    pair.scheduler.advance(500ms);
    const auto status = pair.link(Side::b).status();
    ASSERT_EQ(status.paths.size(), 2U);
    EXPECT_EQ(std::count_if(status.paths.begin(), status.paths.end(), [](const auto& path) { return path.active; }), 1);
    EXPECT_TRUE(pair.scheduler.run_until([&] { return transfers.done(); }, 10s));
    transfers.expect_complete();
    pair.scheduler.advance(10s);
    const auto later = pair.link(Side::a).status();
    ASSERT_EQ(later.paths.size(), 1U) << "the path that was left is closed once the better one has lasted";
    EXPECT_EQ(later.paths[0].info.kind, PathKind::direct_tls);
    EXPECT_EQ(later.path_changes, 1U);
    EXPECT_EQ(pair.link(Side::b).status().paths.size(), 1U);
}

TEST(PathChange, WorsePathWaitsAsReserveAndStepsIn) {
    LinkPair pair;
    Transfers transfers(pair, 2, 3'000'000);
    auto good = pair.connect({.kind = PathKind::direct_tls, .delay = 10ms, .bytes_per_second = 1'000'000});
    ASSERT_TRUE(pair.open());
    pair.connect({.kind = PathKind::ice, .delay = 10ms, .bytes_per_second = 1'000'000});
    pair.scheduler.advance(1s);
    EXPECT_EQ(pair.link(Side::a).status().path_changes, 0U);
    good->kill();
    EXPECT_TRUE(pair.scheduler.run_until([&] { return transfers.done(); }, 30s));
    transfers.expect_complete();
    EXPECT_EQ(pair.link(Side::a).status().paths.at(0).info.kind, PathKind::ice);
}

TEST(PathChange, ResponderAsksToMoveWhenOnlyItsEndDies) {
    LinkPair pair;
    Transfers transfers(pair, 2, 1'000'000);
    auto good = pair.connect({.kind = PathKind::direct_tls, .delay = 10ms, .bytes_per_second = 1'000'000});
    pair.connect({.kind = PathKind::ice, .delay = 10ms, .bytes_per_second = 1'000'000});
    ASSERT_TRUE(pair.open());
    pair.scheduler.advance(300ms);
    good->kill_side(Side::b);
    EXPECT_TRUE(pair.scheduler.run_until([&] { return transfers.done(); }, 5s)) << "long before any keepalive";
    transfers.expect_complete();
}

TEST(PathChange, ResponderThatLostItsOnlyPathGetsTheLinkOntoAWorseNewOne) {
    LinkPair pair;
    Transfers transfers(pair, 2, 1'000'000);
    auto good = pair.connect({.kind = PathKind::direct_tls, .delay = 10ms, .bytes_per_second = 1'000'000});
    ASSERT_TRUE(pair.open());
    pair.scheduler.advance(300ms);
    good->kill_side(Side::b);
    pair.scheduler.advance(1s);
    EXPECT_EQ(pair.link(Side::b).status().state, LinkState::stalled);
    EXPECT_EQ(pair.link(Side::a).status().state, LinkState::open) << "it cannot know yet";
    pair.connect({.kind = PathKind::ice_relayed, .delay = 20ms, .bytes_per_second = 1'000'000}, 1);
    EXPECT_TRUE(pair.scheduler.run_until([&] { return transfers.done(); }, 5s));
    transfers.expect_complete();
}

TEST(PathChange, BetterPathThatIsDeadOneWayNeverTakesOver) {
    LinkPair pair;
    Transfers transfers(pair, 2, 2'000'000);
    pair.connect({.kind = PathKind::ice_relayed, .delay = 20ms, .bytes_per_second = 1'000'000});
    ASSERT_TRUE(pair.open());
    auto half = pair.connect({.kind = PathKind::direct_tls, .delay = 5ms}, 1);
    half->silence(Side::a);
    EXPECT_TRUE(pair.scheduler.run_until([&] { return transfers.done(); }, 5s)) << "no pause of a keepalive";
    transfers.expect_complete();
    EXPECT_EQ(pair.link(Side::a).status().path_changes, 0U);
}

TEST(PathChange, FirstPathThatIsDeadOneWayGivesWayToAnyThatAnswers) {
    LinkPair pair;
    auto half = pair.connect({.kind = PathKind::direct_tls, .delay = 5ms});
    half->silence(Side::a);
    pair.connect({.kind = PathKind::ice, .delay = 20ms});
    EXPECT_TRUE(pair.scheduler.run_until([&] { return pair.a.opened == 1 && pair.b.opened == 1; }, 5s));
}

TEST(PathChange, FlappingBetterPathIsDamped) {
    LinkPair pair;
    pair.connect({.kind = PathKind::ice_relayed, .delay = 10ms});
    ASSERT_TRUE(pair.open());
    Transfers transfers(pair, 2, 100'000);
    std::uint32_t generation = 1;
    for (int i = 0; i < 40; ++i) {  // 20 seconds
        auto wire = pair.connect({.kind = PathKind::direct_tls, .delay = 5ms}, generation++);
        pair.scheduler.advance(400ms);
        wire->kill();
        pair.scheduler.advance(100ms);
    }
    EXPECT_LE(pair.link(Side::a).status().path_changes, 14U);
    EXPECT_TRUE(transfers.done());
    transfers.expect_complete();
}

TEST(PathChange, SilentDeathIsNoticedAndTheLinkStallsThenBreaks) {
    LinkPair pair;
    auto wire = pair.connect({.delay = 10ms});
    ASSERT_TRUE(pair.open());
    TestApplication at_a(pair.link(Side::a).open_stream(TubeId::random()).value());
    pair.scheduler.advance(1s);
    TestApplication at_b(pair.b.accepted.at(0));
    wire->silence();
    pair.scheduler.advance(27s);
    EXPECT_EQ(pair.link(Side::a).status().state, LinkState::stalled);
    EXPECT_EQ(pair.link(Side::b).status().state, LinkState::stalled);
    ASSERT_FALSE(pair.a.changes.empty());
    EXPECT_EQ(pair.a.changes.back().state, LinkState::stalled);
    EXPECT_FALSE(at_a.closed);
    pair.scheduler.advance(LinkLimits().patience);
    EXPECT_EQ(pair.a.closed, make_error_code(Errc::broken));
    EXPECT_EQ(pair.b.closed, make_error_code(Errc::broken));
    EXPECT_EQ(at_a.closed, make_error_code(Errc::broken));
    EXPECT_EQ(at_b.closed, make_error_code(Errc::broken));
}

TEST(PathChange, PathDeadInOneDirectionIsFoundByUnacknowledgedData) {
    LinkPair pair;
    auto wire = pair.connect({.delay = 10ms});
    ASSERT_TRUE(pair.open());
    Transfers transfers(pair, 1, 1'000'000);
    pair.scheduler.advance(1ms);
    wire->silence(Side::a);
    // b goes on asking for signs of life, so a hears something all the time.
    EXPECT_TRUE(pair.scheduler.run_until([&] { return pair.link(Side::a).status().state == LinkState::stalled; }, 45s));
    pair.connect({.delay = 10ms}, 1);
    EXPECT_TRUE(pair.scheduler.run_until([&] { return transfers.done(); }, 30s));
    transfers.expect_complete();
}

TEST(PathChange, StalledLinkGoesOnWhenAPathComesInTime) {
    LinkPair pair;
    Transfers transfers(pair, 4, 1'000'000);
    auto wire = pair.connect({.delay = 10ms, .bytes_per_second = 2'000'000});
    ASSERT_TRUE(pair.open());
    pair.scheduler.advance(200ms);
    wire->kill();
    pair.scheduler.advance(50s);
    EXPECT_FALSE(transfers.done());
    pair.connect({.delay = 10ms, .bytes_per_second = 2'000'000}, 1);
    EXPECT_TRUE(pair.scheduler.run_until([&] { return transfers.done(); }, 30s));
    transfers.expect_complete();
    pair.scheduler.advance(100s);
    EXPECT_FALSE(pair.a.closed || pair.b.closed);
}

TEST(PathChange, DeathAtEveryMessageOfAConversationLosesNothing) {
    for (std::uint64_t fatal = 1; fatal < 120; ++fatal) {
        SCOPED_TRACE("death after message " + std::to_string(fatal));
        LinkPair pair;
        Transfers transfers(pair, 2, 120'000);
        pair.link(Side::a).send_control(TubeClosed{TubeId::random(), Errc::withdrawn});
        auto wire = pair.connect({.delay = 10ms, .bytes_per_second = 3'000'000, .queue = 32 * 1024});
        wire->tap = [&pair, fatal](Side, ports::Lane, ByteView) {
            if (pair.wires[0]->messages() == fatal) pair.wires[0]->kill();
        };
        pair.scheduler.advance(2s);
        pair.connect({.delay = 10ms}, 1);
        EXPECT_TRUE(pair.scheduler.run_until([&] { return transfers.done(); }, 100s));
        transfers.expect_complete();
        pair.scheduler.advance(1s);
        EXPECT_EQ(pair.b.control.size(), 1U);
        EXPECT_EQ(pair.link(Side::a).status().streams, 0U);
        EXPECT_EQ(pair.link(Side::b).status().streams, 0U);
    }
}

TEST(PathChange, ControlMessagesArriveInOrderExactlyOnce) {
    for (std::uint64_t seed = 1; seed < 30; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        LinkPair pair(seed);
        std::vector<TubeId> sent;
        for (std::uint32_t generation = 0; generation < 10; ++generation) {
            auto wire = pair.connect(random_model(random), generation);
            for (int i = 0; i < 20; ++i) {
                sent.push_back(TubeId::random());
                pair.link(Side::b).send_control(TubeClosed{sent.back(), Errc::cancelled});
                pair.scheduler.advance(std::chrono::microseconds(random() % 20'000));
            }
            wire->kill();
        }
        pair.connect({}, 10);
        pair.scheduler.advance(5s);
        ASSERT_EQ(pair.a.control.size(), sent.size());
        for (std::size_t i = 0; i < sent.size(); ++i) EXPECT_EQ(std::get<TubeClosed>(pair.a.control[i]).tube, sent[i]);
    }
}

TEST(PathChange, SameSeedGivesTheSameTrace) {
    const auto run = [](std::uint64_t seed) {
        std::mt19937_64 random(seed);
        LinkPair pair(seed);
        Transfers transfers(pair, 4, 200'000);
        for (std::uint32_t generation = 0; generation < 5; ++generation) {
            auto wire = pair.connect(random_model(random), generation);
            pair.scheduler.advance(std::chrono::microseconds(random() % 400'000));
            wire->kill();
        }
        pair.connect({.delay = 1ms}, 6);
        pair.scheduler.run_until([&] { return transfers.done(); });
        return std::make_pair(pair.scheduler.now(), pair.scheduler.executed());
    };
    EXPECT_EQ(run(5), run(5));
    EXPECT_NE(run(5), run(6));
}

}  // namespace
}  // namespace tubes::simulation
