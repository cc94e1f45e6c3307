// SPDX-License-Identifier: GPL-3.0-or-later
// The datagrams of one flow: bounds, numbers, repetitions.
#include <gtest/gtest.h>

#include "tubes/core/link/flow_datagrams.hpp"

namespace tubes::core {
namespace {

Bytes of_size(std::size_t size) {
    return Bytes(size, 0x5a);
}

TEST(FlowDatagrams, LeaveInOrderWithTheirNumbers) {
    FlowDatagrams flow;
    for (const std::size_t size : {3U, 0U, 7U}) flow.push(of_size(size));
    std::uint64_t number = 0;
    for (const std::size_t size : {3U, 0U, 7U}) {
        const auto frame = flow.next_frame();
        EXPECT_EQ(frame.type, wire::FrameType::datagram);
        EXPECT_EQ(frame.value, number++);
        EXPECT_EQ(frame.payload.size(), size);
        flow.sent();
    }
    EXPECT_TRUE(flow.is_empty());
    EXPECT_EQ(flow.size(), 0U);
    EXPECT_EQ(flow.counters().sent, 3U);
    EXPECT_EQ(flow.bytes_sent(), 10U);
}

TEST(FlowDatagrams, TheOldestGoWhenTooManyWait) {
    FlowDatagrams flow;
    for (int count = 0; count < 1000; ++count) flow.push(of_size(1000));
    EXPECT_LE(flow.size(), wire::kFlowQueue);
    EXPECT_GT(flow.size(), wire::kFlowQueue - 2000);
    EXPECT_EQ(flow.counters().dropped + flow.count(), 1000U);
    EXPECT_EQ(flow.next_frame().value, flow.counters().dropped) << "what is left are the newest";
}

TEST(FlowDatagrams, EmptyOnesAreBoundedToo) {
    FlowDatagrams flow;
    for (int count = 0; count < 10000; ++count) flow.push({});
    EXPECT_LE(flow.count() * wire::kDatagramOverhead, wire::kFlowQueue);
}

TEST(FlowDatagrams, EachNumberIsTakenOnceInWhateverOrder) {
    FlowDatagrams flow;
    for (const std::uint64_t number : {0U, 3U, 1U, 2U}) EXPECT_TRUE(flow.accept(number, 10)) << number;
    for (const std::uint64_t number : {0U, 3U, 1U, 2U}) EXPECT_FALSE(flow.accept(number, 10)) << number;
    EXPECT_EQ(flow.counters().received, 4U);
    EXPECT_EQ(flow.counters().missed, 0U);
    EXPECT_EQ(flow.bytes_received(), 40U);
}

TEST(FlowDatagrams, WhatIsTooOldToTellIsRefused) {
    FlowDatagrams flow;
    EXPECT_TRUE(flow.accept(5000, 1));
    EXPECT_FALSE(flow.accept(5000 - wire::kSeenDatagrams, 1));
    EXPECT_TRUE(flow.accept(5001 - wire::kSeenDatagrams, 1));
    EXPECT_EQ(flow.counters().missed, 4999U);
}

TEST(FlowDatagrams, AJumpForgetsOldNumbersButRepeatsNone) {
    FlowDatagrams flow;
    EXPECT_TRUE(flow.accept(7, 1));
    EXPECT_TRUE(flow.accept(wire::kMaxOffset, 1));
    EXPECT_FALSE(flow.accept(wire::kMaxOffset, 1));
    EXPECT_FALSE(flow.accept(7, 1));
    EXPECT_TRUE(flow.accept(wire::kMaxOffset - 1, 1));
}

}  // namespace
}  // namespace tubes::core
