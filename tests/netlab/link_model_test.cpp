// SPDX-License-Identifier: GPL-3.0-or-later
// The emulated link on a virtual clock: rate, delay, queue and accidents.
#include "tests/netlab/link_model.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/netlab/too_large.hpp"

namespace tubes::netlab {
namespace {

using namespace std::chrono_literals;

std::vector<Nanoseconds> deliveries(LinkModel& link) {
    std::vector<Nanoseconds> times;
    while (const auto due = link.next_due()) {
        times.push_back(*due);
        link.take(*due);
    }
    return times;
}

TEST(LinkModel, SendsAtItsRateAndArrivesAfterItsDelay) {
    LinkSettings settings;
    settings.delay = 25ms;
    settings.rate_bps = 12'000'000;  // a packet of 1500 bytes takes one millisecond
    LinkModel link(settings, 1);
    for (int i = 0; i < 3; ++i) link.offer(10ms, Packet(1500));
    EXPECT_EQ(deliveries(link), (std::vector<Nanoseconds>{36ms, 37ms, 38ms}));
    EXPECT_EQ(link.counters().delivered_bytes, 4500U);
}

TEST(LinkModel, DropsAtTheTailOfAFullQueueAndAcceptsAgainWhenItDrained) {
    LinkSettings settings;
    settings.rate_bps = 12'000'000;
    settings.queue_bytes = 4500;
    LinkModel link(settings, 1);
    for (int i = 0; i < 10; ++i) link.offer(0ms, Packet(1500));
    EXPECT_EQ(link.counters().dropped, 7U);
    link.offer(2ms, Packet(1500));
    EXPECT_EQ(link.counters().dropped, 7U);
}

TEST(LinkModel, LosesAndDuplicatesAboutAsOftenAsTold) {
    LinkSettings settings;
    settings.loss = 0.1;
    settings.duplication = 0.05;
    LinkModel link(settings, 7);
    for (int i = 0; i < 20'000; ++i) link.offer(Nanoseconds(i), Packet(100));
    deliveries(link);
    EXPECT_NEAR(static_cast<double>(link.counters().lost), 2000, 200);
    EXPECT_NEAR(static_cast<double>(link.counters().duplicated), 900, 150);
    EXPECT_EQ(link.counters().delivered, 20'000 - link.counters().lost + link.counters().duplicated);
}

TEST(LinkModel, AReorderedPacketOvertakesAndJitterKeepsTheOrder) {
    LinkSettings settings;
    settings.delay = 10ms;
    settings.jitter = 5ms;
    settings.reordering = 0.2;
    LinkModel link(settings, 3);
    for (std::uint8_t i = 0; i < 100; ++i) link.offer(Nanoseconds(i * 1000), Packet(1, i));
    int late = 0;
    std::uint8_t highest = 0;
    while (const auto due = link.next_due()) {
        const auto packet = link.take(*due);
        late += packet->front() < highest ? 1 : 0;
        highest = std::max(highest, packet->front());
    }
    EXPECT_GT(link.counters().reordered, 5U);
    EXPECT_GT(late, 5);
    settings.reordering = 0;
    LinkModel ordered(settings, 3);
    for (std::uint8_t i = 0; i < 100; ++i) ordered.offer(Nanoseconds(i * 1000), Packet(1, i));
    for (std::uint8_t i = 0; i < 100; ++i) EXPECT_EQ(ordered.take(1h)->front(), i);
}

TEST(LinkModel, OneSeedGivesOneTrace) {
    LinkSettings settings;
    settings.delay = 1ms;
    settings.jitter = 1ms;
    settings.loss = 0.3;
    LinkModel first(settings, 42);
    LinkModel second(settings, 42);
    LinkModel other(settings, 43);
    for (auto* link : {&first, &second, &other}) {
        for (int i = 0; i < 1000; ++i) link->offer(Nanoseconds(i * 100), Packet(10));
    }
    const auto trace = deliveries(first);
    EXPECT_EQ(trace, deliveries(second));
    EXPECT_NE(trace, deliveries(other));
}

TEST(LinkModel, NothingPassesALinkThatIsDownNotEvenWhatWasUnderWay) {
    LinkSettings settings;
    settings.delay = 10ms;
    LinkModel link(settings, 1);
    link.offer(0ms, Packet(10));
    settings.up = false;
    link.set(settings);
    link.offer(1ms, Packet(10));
    EXPECT_FALSE(link.next_due().has_value());
    EXPECT_EQ(link.counters().dropped, 2U);
}

TEST(LinkModel, PacketsAboveTheMtuVanishAndOthersPass) {
    LinkSettings settings;
    settings.mtu = 1280;
    LinkModel link(settings, 1);
    link.offer(0ms, Packet(1281));
    link.offer(0ms, Packet(1280));
    EXPECT_EQ(deliveries(link).size(), 1U);
    EXPECT_EQ(link.counters().too_large, 1U);
}

TEST(TooLarge, AnswersThePacketsThatMustNotBeFragmentedOnly) {
    Packet packet(1400);
    packet[0] = 0x45;
    packet[6] = 0x40;  // do not fragment
    packet[9] = 17;    // UDP
    packet[12] = 10;
    packet[16] = 20;
    const auto answer = too_large_answer(packet, 1280);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->size(), 20U + 8U + 28U);
    EXPECT_EQ((*answer)[12], 20);  // from where it was going, to where it came from
    EXPECT_EQ((*answer)[16], 10);
    EXPECT_EQ((*answer)[20], 3);
    EXPECT_EQ((*answer)[21], 4);
    EXPECT_EQ((*answer)[26] << 8 | (*answer)[27], 1280);
    packet[6] = 0;
    EXPECT_FALSE(too_large_answer(packet, 1280));
    packet[6] = 0x40;
    packet[0] = 0x60;
    EXPECT_FALSE(too_large_answer(packet, 1280));
    EXPECT_FALSE(too_large_answer(Packet(10), 1280));
}

}  // namespace
}  // namespace tubes::netlab
