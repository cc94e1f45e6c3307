// SPDX-License-Identifier: GPL-3.0-or-later
// What every message path has to do, whatever it runs over. The paths under test: path_pairs.cpp.
#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <map>
#include <random>
#include <set>

#include "tests/contract/path_pairs.hpp"

namespace tubes::contract {
namespace {

using core::ports::kDatagramLane;
using core::ports::kMaxMessageSize;
using core::ports::Lane;
using core::ports::MessagePath;

/// Keeps what it is told.
class Recorder : public MessagePath::Handler {
public:
    void on_message(Lane lane, base::ByteView message) override {
        EXPECT_TRUE(closed.empty()) << "a message after the end";
        lanes[lane].emplace_back(message.begin(), message.end());
        ++messages;
        bytes += message.size();
        if (on_each) on_each();
    }
    void on_writable() override {
        EXPECT_TRUE(closed.empty()) << "writable after the end";
        ++writable;
        if (on_room) on_room();
    }
    void on_closed(error_code reason) override {
        closed.push_back(reason);
        if (on_end) on_end();
    }

    std::map<Lane, std::deque<base::Bytes>> lanes;
    std::size_t messages = 0;
    std::size_t bytes = 0;
    int writable = 0;
    std::vector<error_code> closed;
    std::function<void()> on_each;
    std::function<void()> on_room;
    std::function<void()> on_end;
};

class MessagePathContract : public testing::TestWithParam<PathPairKind> {
protected:
    void open() {
        pair = GetParam().make(loop);
        ASSERT_TRUE(pair.first);
        ASSERT_TRUE(pair.second);
        pair.first->start(first);
        pair.second->start(second);
    }
    /// Lets everything that is due happen.
    void settle() {
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
        run_until(
            loop, [&] { return std::chrono::steady_clock::now() >= end; }, std::chrono::seconds(1));
    }

    boost::asio::io_context loop;
    Recorder first;
    Recorder second;
    PathPair pair;
};

base::Bytes pattern(std::size_t size, std::uint8_t seed) {
    base::Bytes bytes(size);
    for (std::size_t index = 0; index < size; ++index) {
        bytes[index] = static_cast<std::uint8_t>(index * 31 + (index >> 8U) + seed);
    }
    return bytes;
}

TEST_P(MessagePathContract, KeepsBoundariesOfEverySize) {
    open();
    const std::vector<std::size_t> sizes = {0,    1,    2,     3,     64,    1199,  1200,  4095, 4096, 4097,
                                            8192, 9000, 16000, 16380, 16381, 16383, 16384, 0,    1,    16384};
    for (const auto size : sizes) {
        const auto bytes = pattern(size, static_cast<std::uint8_t>(size));
        const auto split = base::ByteView(bytes).first(std::min<std::size_t>(size, 12));
        ASSERT_TRUE(pair.first->send(3, split, base::ByteView(bytes).subspan(split.size())));
        pair.first->flush();
        ASSERT_TRUE(run_until(loop, [&] { return !second.lanes[3].empty(); })) << size;
        EXPECT_EQ(second.lanes[3].front(), bytes) << size;
        second.lanes[3].clear();
    }
}

TEST_P(MessagePathContract, KeepsTheOrderOfEachLane) {
    open();
    constexpr int kMessages = 2000;
    int sent = 0;
    const auto fill = [&] {
        for (; sent < kMessages; ++sent) {
            const auto bytes = pattern(static_cast<std::size_t>(sent % 700), static_cast<std::uint8_t>(sent));
            if (!pair.first->send(static_cast<Lane>(sent % core::ports::kLaneCount), bytes, {})) break;
        }
        pair.first->flush();
    };
    first.on_room = fill;
    fill();
    ASSERT_TRUE(run_until(loop, [&] { return second.messages == kMessages; })) << second.messages;
    for (int index = 0; index < kMessages; ++index) {
        auto& lane = second.lanes[static_cast<Lane>(index % core::ports::kLaneCount)];
        ASSERT_EQ(lane.front(), pattern(static_cast<std::size_t>(index % 700), static_cast<std::uint8_t>(index)));
        lane.pop_front();
    }
}

TEST_P(MessagePathContract, SendsWithoutAFlush) {
    open();
    ASSERT_TRUE(pair.first->send(0, pattern(64, 1), {}));
    ASSERT_TRUE(run_until(loop, [&] { return second.messages == 1; }));
}

TEST_P(MessagePathContract, CarriesBothDirectionsAtOnce) {
    open();
    constexpr std::size_t kMessages = 400;
    std::size_t sent[2] = {0, 0};
    const auto message = pattern(kMaxMessageSize, 9);
    const auto fill = [&](MessagePath& path, std::size_t& count) {
        while (count < kMessages && path.send(1, {}, message)) ++count;
        path.flush();
    };
    first.on_room = [&] { fill(*pair.first, sent[0]); };
    second.on_room = [&] { fill(*pair.second, sent[1]); };
    first.on_room();
    second.on_room();
    ASSERT_TRUE(run_until(loop, [&] { return first.messages == kMessages && second.messages == kMessages; }));
    EXPECT_EQ(first.lanes[1].back(), message);
    EXPECT_EQ(second.lanes[1].back(), message);
}

TEST_P(MessagePathContract, SaysFullToAWriterWhosePeerDoesNotReadAndWritableLater) {
    pair = GetParam().make(loop);
    pair.first->start(first);
    const auto message = pattern(kMaxMessageSize, 5);
    constexpr std::size_t kFarTooMuch = 4096;  // 64 MiB: beyond any buffer a path may have.
    std::size_t taken = 0;
    const auto fill = [&] {
        while (taken < kFarTooMuch && pair.first->send(0, {}, message)) ++taken;
        pair.first->flush();
    };
    first.on_room = fill;
    fill();
    settle();
    ASSERT_LT(taken, kFarTooMuch);
    ASSERT_GT(taken, 0U);
    EXPECT_FALSE(pair.first->send(0, {}, message));
    first.on_room = nullptr;
    const int before = first.writable;
    const std::size_t accepted = taken;
    pair.second->start(second);
    ASSERT_TRUE(run_until(loop, [&] { return second.messages == accepted && first.writable > before; }))
        << second.messages << " of " << accepted;
    EXPECT_TRUE(pair.first->send(0, {}, message));
}

TEST_P(MessagePathContract, DeliversWhatWasSentBeforeTheClose) {
    open();
    std::size_t taken = 0;
    while (taken < 20 && pair.first->send(2, {}, pattern(kMaxMessageSize, static_cast<std::uint8_t>(taken)))) ++taken;
    ASSERT_TRUE(pair.second->send(2, {}, pattern(5000, 1)));
    pair.second->flush();
    pair.first->close();
    pair.first.reset();
    ASSERT_TRUE(run_until(loop, [&] { return !second.closed.empty(); }));
    EXPECT_EQ(second.messages, taken);
    EXPECT_EQ(second.closed.size(), 1U);
}

TEST_P(MessagePathContract, TellsTheOtherSideOnceAndNotTheClosingOne) {
    for (const bool from_first : {true, false}) {
        first.closed.clear();
        second.closed.clear();
        open();
        auto& closing = from_first ? *pair.first : *pair.second;
        auto& told = from_first ? second : first;
        auto& untold = from_first ? first : second;
        closing.close();
        closing.close();
        ASSERT_TRUE(run_until(loop, [&] { return !told.closed.empty(); }));
        settle();
        EXPECT_EQ(told.closed.size(), 1U);
        EXPECT_TRUE(untold.closed.empty());
        EXPECT_FALSE((from_first ? pair.second : pair.first)->send(0, {}, pattern(1, 1)));
    }
}

TEST_P(MessagePathContract, TellsNobodyWhenBothClose) {
    open();
    pair.first->close();
    pair.second->close();
    settle();
    EXPECT_TRUE(first.closed.empty());
    EXPECT_TRUE(second.closed.empty());
}

TEST_P(MessagePathContract, TellsTheOtherSideWhenAnEndIsDestroyed) {
    open();
    pair.first.reset();
    ASSERT_TRUE(run_until(loop, [&] { return !second.closed.empty(); }));
    EXPECT_EQ(second.closed.size(), 1U);
}

TEST_P(MessagePathContract, BindsBothEndsAlikeAndEveryPathDifferently) {
    open();
    const auto binding = pair.first->channel_binding();
    EXPECT_EQ(binding, pair.second->channel_binding());
    const auto other = GetParam().make(loop);
    EXPECT_NE(binding, other.first->channel_binding());
    EXPECT_NE(binding, core::Digest());
}

TEST_P(MessagePathContract, SurvivesItsDestructionInsideAMessage) {
    open();
    second.on_each = [&] { pair.second.reset(); };
    for (int index = 0; index < 10; ++index) ASSERT_TRUE(pair.first->send(0, pattern(100, 1), {}));
    pair.first->flush();
    ASSERT_TRUE(run_until(loop, [&] { return !first.closed.empty(); }));
    EXPECT_EQ(second.messages, 1U);
    EXPECT_TRUE(second.closed.empty());
}

TEST_P(MessagePathContract, SurvivesItsCloseInsideAMessage) {
    open();
    second.on_each = [&] { pair.second->close(); };
    for (int index = 0; index < 10; ++index) ASSERT_TRUE(pair.first->send(0, pattern(100, 1), {}));
    pair.first->flush();
    ASSERT_TRUE(run_until(loop, [&] { return !first.closed.empty(); }));
    EXPECT_EQ(second.messages, 1U);
    EXPECT_TRUE(second.closed.empty());
}

TEST_P(MessagePathContract, SurvivesItsDestructionInsideTheEnd) {
    open();
    second.on_end = [&] { pair.second.reset(); };
    pair.first->close();
    ASSERT_TRUE(run_until(loop, [&] { return !second.closed.empty(); }));
    settle();
    EXPECT_EQ(second.closed.size(), 1U);
}

TEST_P(MessagePathContract, SurvivesItsDestructionInsideWritable) {
    pair = GetParam().make(loop);
    pair.first->start(first);
    const auto message = pattern(kMaxMessageSize, 5);
    const auto fill = [&] {
        while (pair.first && pair.first->send(0, {}, message)) continue;
        if (pair.first) pair.first->flush();
    };
    first.on_room = fill;
    fill();
    settle();
    first.on_room = [&] { pair.first.reset(); };
    pair.second->start(second);
    ASSERT_TRUE(run_until(loop, [&] { return !pair.first; }));
    ASSERT_TRUE(run_until(loop, [&] { return !second.closed.empty(); }));
}

TEST_P(MessagePathContract, CallsNobodyInsideACall) {
    open();
    bool inside = false;
    int calls = 0;
    const auto check = [&] {
        EXPECT_FALSE(inside);
        ++calls;
    };
    first.on_each = first.on_room = second.on_each = second.on_room = check;
    inside = true;
    while (pair.first->send(0, {}, pattern(kMaxMessageSize, 1)) && first.messages < 1000) {
        if (first.bytes + second.bytes > 0) break;
    }
    pair.first->flush();
    pair.second->send(0, {}, pattern(10, 1));
    pair.second->flush();
    inside = false;
    ASSERT_TRUE(run_until(loop, [&] { return first.messages == 1; }));
    EXPECT_GT(calls, 0);
}

TEST_P(MessagePathContract, CarriesDatagramsOfEverySizeBesideTheLanes) {
    open();
    const std::vector<std::size_t> sizes = {16, 17, 64, 1100, 1200, 4096, 9000, kMaxMessageSize};
    for (const auto size : sizes) {
        const auto bytes = pattern(size, static_cast<std::uint8_t>(size));
        const auto split = base::ByteView(bytes).first(16);
        ASSERT_TRUE(pair.first->send(kDatagramLane, split, base::ByteView(bytes).subspan(16)));
        ASSERT_TRUE(pair.first->send(4, bytes, {}));
        pair.first->flush();
        ASSERT_TRUE(run_until(loop, [&] { return second.lanes[kDatagramLane].size() + second.lanes[4].size() == 2; }))
            << size;
        EXPECT_EQ(second.lanes[kDatagramLane].front(), bytes);
        EXPECT_EQ(second.lanes[4].front(), bytes);
        second.lanes.clear();
    }
}

TEST_P(MessagePathContract, SaysFullToAFloodOfDatagramsAndRepeatsNone) {
    open();
    constexpr std::uint32_t kMany = 20000;
    std::uint32_t sent = 0;
    const auto fill = [&] {
        for (int burst = 0; burst < 500 && sent < kMany; ++burst) {
            auto bytes = pattern(600, 1);
            std::memcpy(bytes.data(), &sent, sizeof(sent));
            if (!pair.first->send(kDatagramLane, bytes, {})) return;
            ++sent;
        }
        pair.first->flush();
    };
    first.on_room = fill;
    std::set<std::uint32_t> numbers;
    second.on_each = [&] {
        std::uint32_t number = 0;
        std::memcpy(&number, second.lanes[kDatagramLane].front().data(), sizeof(number));
        EXPECT_TRUE(numbers.insert(number).second) << number;
        second.lanes[kDatagramLane].pop_front();
        if (numbers.size() % 100 == 0) fill();
    };
    fill();
    run_until(loop, [&] { return sent == kMany; });
    EXPECT_EQ(sent, kMany);
    settle();
    EXPECT_GT(numbers.size(), kMany / 2);
    EXPECT_TRUE(first.closed.empty() && second.closed.empty());
}

TEST_P(MessagePathContract, KnowsWhatOnePacketCarries) {
    open();
    const auto size = pair.first->info().packet_size;
    EXPECT_GE(size, 1000U);
    EXPECT_LE(size, kMaxMessageSize);
}

TEST_P(MessagePathContract, RefusesAMessageThatIsTooLargeLoudly) {
    open();
    EXPECT_THROW(pair.first->send(0, pattern(1, 1), pattern(kMaxMessageSize, 1)), std::invalid_argument);
}

TEST_P(MessagePathContract, EndsOnGarbageFromTheNetwork) {
    open();
    if (!pair.send_garbage_to_second) return;  // Nobody can reach this path's wire.
    pair.send_garbage_to_second();
    ASSERT_TRUE(run_until(loop, [&] { return !second.closed.empty(); }));
    EXPECT_EQ(second.closed.size(), 1U);
    EXPECT_EQ(second.closed.front(), Errc::protocol_violation);
    EXPECT_EQ(second.messages, 0U);
}

TEST_P(MessagePathContract, CountsBytes) {
    open();
    ASSERT_TRUE(pair.first->send(0, pattern(1000, 1), {}));
    pair.first->flush();
    ASSERT_TRUE(run_until(loop, [&] { return second.messages == 1; }));
    EXPECT_GE(pair.first->metrics().bytes_sent, 1000U);
    EXPECT_GE(pair.second->metrics().bytes_received, 1000U);
}

INSTANTIATE_TEST_SUITE_P(Paths, MessagePathContract, testing::ValuesIn(path_pair_kinds()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace tubes::contract
