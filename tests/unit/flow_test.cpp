// SPDX-License-Identifier: GPL-3.0-or-later
// The pieces of a stream's flow: the byte queue, what was sent and acknowledged, credit and its pool.
#include <gtest/gtest.h>

#include <random>

#include "tubes/core/link/flow.hpp"

namespace tubes::core {
namespace {

using namespace std::chrono_literals;

wire::Frame data(std::uint64_t offset, ByteView payload, bool end = false) {
    wire::Frame frame;
    frame.type = wire::FrameType::data;
    frame.value = offset;
    frame.payload = payload;
    frame.flags = end ? wire::kFlagEnd : 0;
    return frame;
}

wire::Frame ack(std::uint64_t offset, std::uint32_t credit, bool end = false) {
    wire::Frame frame;
    frame.type = wire::FrameType::ack;
    frame.value = offset;
    frame.credit = credit;
    frame.flags = end ? wire::kFlagEnd : 0;
    return frame;
}

TEST(ByteQueue, KeepsEveryByteAtItsOffset) {
    std::mt19937 random(7);
    ByteQueue queue;
    Bytes model;
    std::size_t released = 0;
    for (int round = 0; round < 3000; ++round) {
        Bytes block(random() % (round % 100 == 0 ? 200'000 : 300));
        for (auto& byte : block) byte = static_cast<std::uint8_t>(random());
        queue.append(block);
        model.insert(model.end(), block.begin(), block.end());
        ASSERT_EQ(queue.end(), model.size());
        const auto offset = released + random() % (model.size() - released + 1);
        const auto view = queue.peek(offset, 1 + random() % 20'000);
        ASSERT_EQ(view.empty(), offset == model.size());
        ASSERT_TRUE(std::equal(view.begin(), view.end(), model.begin() + static_cast<std::ptrdiff_t>(offset)));
        released = std::min(model.size(), released + random() % 3000);
        queue.release(released);
        ASSERT_EQ(queue.begin(), released);
    }
    queue.clear();
    EXPECT_TRUE(queue.empty());
    EXPECT_TRUE(queue.peek(queue.begin(), 10).empty());
}

TEST(SendSide, SendsWhatCreditAllowsAndAgainAfterARewind) {
    SendSide side;
    side.queue.append(Bytes(1000, 1));
    side.finish();
    EXPECT_FALSE(side.has_work());
    side.allow(600);
    const auto first = side.next_frame();
    EXPECT_EQ(first.payload.size(), 600U);
    EXPECT_FALSE(first.has_end());
    EXPECT_EQ(side.sent(first), 600U);
    EXPECT_FALSE(side.has_work());
    EXPECT_EQ(side.acknowledge(ack(100, 5000)).value(), 100U);
    EXPECT_EQ(side.in_flight(), 500U);
    side.rewind();
    auto again = side.next_frame();
    EXPECT_EQ(again.value, 100U);
    EXPECT_EQ(again.payload.size(), 900U);
    EXPECT_TRUE(again.has_end());
    EXPECT_EQ(side.sent(again), 400U) << "only these for the first time";
    EXPECT_EQ(side.acknowledge(ack(1000, 0, true)).value(), 900U);
    EXPECT_TRUE(side.is_end_acknowledged());
    side.rewind();
    EXPECT_FALSE(side.has_work());
}

TEST(SendSide, RefusesAcknowledgementsOfWhatWasNeverSent) {
    SendSide side;
    side.queue.append(Bytes(10));
    side.allow(10);
    EXPECT_FALSE(side.acknowledge(ack(1, 0)).has_value());
    EXPECT_FALSE(side.acknowledge(ack(0, 0, true)).has_value());
}

TEST(ReceiveSide, TakesEachByteOnceAndNoneBeyondTheGrant) {
    ReceiveSide side(100, 100, 100);
    const Bytes bytes(200);
    const ByteView view(bytes);
    EXPECT_EQ(side.accept(data(0, view.first(60))).value().size(), 60U);
    EXPECT_EQ(side.accept(data(0, view.first(60))).value().size(), 0U);
    EXPECT_EQ(side.accept(data(40, view.first(40))).value().size(), 20U);
    EXPECT_FALSE(side.accept(data(90, view.first(5))).has_value()) << "a gap";
    EXPECT_FALSE(side.accept(data(80, view.first(21))).has_value()) << "beyond the grant";
    EXPECT_EQ(side.accept(data(80, view.first(20), true)).value().size(), 20U);
    EXPECT_TRUE(side.has_end());
    EXPECT_FALSE(side.accept(data(0, view.first(99), true)).has_value()) << "another end";
}

TEST(ReceiveSide, WindowGrowsWhenItIsConsumedQuicklyAndOnlyThen) {
    SharedPool pool(1 << 24);
    const Bytes block(4000);
    const auto granted_after = [&](Duration pace) {
        ReceiveSide side(8192, 8192, 1 << 20);
        TimePoint now{std::chrono::hours(1)};
        std::uint64_t offset = 0;
        for (int i = 0; i < 200; ++i, now += pace) {
            EXPECT_TRUE(side.accept(data(offset, block)).has_value());
            offset += block.size();
            side.consume(block.size(), now, 10ms, pool);
            if (side.wants_grant(pool)) side.acknowledge(pool);
        }
        const auto credit = side.acknowledge(pool).credit;
        side.close(pool);
        return credit;
    };
    EXPECT_GT(granted_after(100us), 200'000U);
    EXPECT_LE(granted_after(1s), 8192U);
    EXPECT_EQ(pool.used(), 0U);
}

TEST(SharedPool, LeavesEveryComerHalfOfTheRest) {
    SharedPool pool(1000);
    EXPECT_EQ(pool.share(0), 500U);
    pool.change(0, 500);
    EXPECT_EQ(pool.share(0), 250U);
    EXPECT_EQ(pool.share(500), 500U);
    pool.change(0, 600);
    EXPECT_EQ(pool.share(0), 0U);
}

}  // namespace
}  // namespace tubes::core
