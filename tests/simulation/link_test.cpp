// SPDX-License-Identifier: GPL-3.0-or-later
// Links over simulated paths: opening, streams, half-close, reset, control messages, the end.
#include <gtest/gtest.h>

#include "tests/simulation/link_pair.hpp"

namespace tubes::simulation {
namespace {

using namespace core;
using namespace std::chrono_literals;

TEST(Link, OpensOnceBothEndsHaveProvedThemselves) {
    LinkPair pair;
    pair.connect({.delay = 25ms});
    const auto start = pair.scheduler.now();
    ASSERT_TRUE(pair.open());
    EXPECT_LE(pair.scheduler.now() - start, 75ms);
    EXPECT_EQ(pair.link(Side::a).status().state, LinkState::open);
    EXPECT_EQ(pair.link(Side::b).status().state, LinkState::open);
    pair.scheduler.advance(1s);
    EXPECT_EQ(pair.link(Side::a).status().rtt, 50ms);
}

TEST(Link, CarriesBytesBothWaysAndClosesCleanly) {
    LinkPair pair;
    pair.connect({.delay = 5ms, .bytes_per_second = 10'000'000});
    ASSERT_TRUE(pair.open());
    const auto tube = TubeId::random();
    TestApplication at_a(pair.link(Side::a).open_stream(tube).value());
    at_a.expected_seed = 2;
    at_a.send_pattern(3'000'000, 1);
    ASSERT_TRUE(pair.scheduler.run_until([&] { return !pair.b.accepted.empty(); }));
    EXPECT_EQ(pair.b.accepted[0]->tube(), tube);
    TestApplication at_b(pair.b.accepted[0]);
    at_b.expected_seed = 1;
    at_b.send_pattern(2'000'000, 2);
    ASSERT_TRUE(pair.scheduler.run_until([&] { return at_a.closed && at_b.closed; }, 60s));
    EXPECT_TRUE(at_b.has_pattern(3'000'000, 1));
    EXPECT_TRUE(at_a.has_pattern(2'000'000, 2));
    EXPECT_TRUE(at_a.ended && at_b.ended);
    EXPECT_FALSE(*at_a.closed);
    EXPECT_FALSE(*at_b.closed);
    pair.scheduler.advance(1s);
    EXPECT_EQ(pair.link(Side::a).status().streams, 0U);
    EXPECT_EQ(pair.link(Side::b).status().streams, 0U);
    EXPECT_EQ(pair.link(Side::a).status().bytes_sent, 3'000'000U);
    EXPECT_EQ(pair.link(Side::a).status().bytes_received, 2'000'000U);
}

TEST(Link, HalfCloseLeavesTheOtherDirectionOpen) {
    LinkPair pair;
    pair.connect({.delay = 5ms});
    ASSERT_TRUE(pair.open());
    TestApplication at_a(pair.link(Side::a).open_stream(TubeId::random()).value());
    at_a.keeps = true;
    at_a.stream().finish();
    ASSERT_TRUE(pair.scheduler.run_until([&] { return !pair.b.accepted.empty(); }));
    TestApplication at_b(pair.b.accepted[0]);
    pair.scheduler.advance(1s);
    EXPECT_TRUE(at_b.ended);
    EXPECT_FALSE(at_b.closed);
    at_b.send_text("still here");
    pair.scheduler.advance(1s);
    EXPECT_EQ(at_a.text, "still here");
    EXPECT_FALSE(at_a.closed);
    at_b.stream().finish();
    pair.scheduler.advance(1s);
    EXPECT_EQ(at_a.closed, error_code());
    EXPECT_EQ(at_b.closed, error_code());
}

TEST(Link, ResetReachesBothApplicationsWithItsReason) {
    LinkPair pair;
    pair.connect({.delay = 5ms});
    ASSERT_TRUE(pair.open());
    TestApplication at_a(pair.link(Side::a).open_stream(TubeId::random()).value());
    at_a.send_pattern(10'000'000, 1);
    ASSERT_TRUE(pair.scheduler.run_until([&] { return !pair.b.accepted.empty(); }));
    TestApplication at_b(pair.b.accepted[0]);
    pair.scheduler.advance(20ms);
    at_b.stream().reset(Errc::connection_refused);
    pair.scheduler.advance(1s);
    EXPECT_EQ(at_a.closed, make_error_code(Errc::connection_refused));
    EXPECT_EQ(at_b.closed, make_error_code(Errc::connection_refused));
    EXPECT_EQ(pair.link(Side::a).status().streams, 0U);
    EXPECT_EQ(pair.link(Side::b).status().streams, 0U);
    EXPECT_EQ(at_a.stream().write(Bytes(1)), 0U);
}

TEST(Link, StreamsOpenedBeforeAnyPathWaitForOne) {
    LinkPair pair;
    TestApplication at_a(pair.link(Side::a).open_stream(TubeId::random()).value());
    at_a.send_pattern(100'000, 3);
    pair.link(Side::a).send_control(TubeClosed{TubeId::random(), Errc::withdrawn});
    pair.scheduler.advance(10s);
    pair.connect({.delay = 5ms});
    ASSERT_TRUE(pair.scheduler.run_until([&] { return !pair.b.accepted.empty() && !pair.b.control.empty(); }));
    TestApplication at_b(pair.b.accepted[0]);
    at_b.expected_seed = 3;
    pair.scheduler.advance(2s);
    EXPECT_TRUE(at_b.has_pattern(100'000, 3));
    EXPECT_EQ(std::get<TubeClosed>(pair.b.control[0]).reason, Errc::withdrawn);
}

TEST(Link, DroppingTheLastHandleResetsTheStream) {
    LinkPair pair;
    pair.connect();
    ASSERT_TRUE(pair.open());
    auto stream = pair.link(Side::a).open_stream(TubeId::random()).value();
    pair.scheduler.advance(1s);
    ASSERT_EQ(pair.b.accepted.size(), 1U);
    TestApplication at_b(pair.b.accepted[0]);
    stream.reset();
    pair.scheduler.advance(1s);
    EXPECT_EQ(at_b.closed, make_error_code(Errc::cancelled));
    EXPECT_EQ(pair.link(Side::a).status().streams, 0U);
}

TEST(Link, CloseReachesTheOtherEndWithItsReasonAfterItsStreams) {
    LinkPair pair;
    pair.connect({.delay = 5ms});
    ASSERT_TRUE(pair.open());
    TestApplication at_a(pair.link(Side::a).open_stream(TubeId::random()).value());
    pair.scheduler.advance(1s);
    TestApplication at_b(pair.b.accepted.at(0));
    pair.link(Side::a).close(Errc::refused);
    pair.link(Side::a).close(Errc::cancelled);
    EXPECT_FALSE(pair.a.closed) << "no callback inside the call that caused it";
    pair.scheduler.advance(1s);
    EXPECT_EQ(pair.a.closed, make_error_code(Errc::refused));
    EXPECT_EQ(pair.b.closed, make_error_code(Errc::refused));
    EXPECT_EQ(pair.a.closed_count, 1);
    EXPECT_EQ(pair.b.closed_count, 1);
    EXPECT_EQ(at_a.closed, make_error_code(Errc::refused));
    EXPECT_EQ(at_b.closed, make_error_code(Errc::refused));
}

TEST(Link, PingMeasuresTheRoundTripOrTimesOut) {
    LinkPair pair;
    auto wire = pair.connect({.delay = 10ms});
    ASSERT_TRUE(pair.open());
    std::vector<result<std::chrono::microseconds>> answers;
    pair.link(Side::b).ping(1s, [&](auto answer) { answers.push_back(answer); });
    pair.scheduler.advance(1s);
    wire->silence();
    pair.link(Side::b).ping(1s, [&](auto answer) { answers.push_back(answer); });
    pair.scheduler.advance(2s);
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0].value(), 20ms);
    EXPECT_EQ(answers[1].error(), Errc::timed_out);
}

}  // namespace
}  // namespace tubes::simulation
