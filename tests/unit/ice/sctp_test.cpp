// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of SCTP over a datagram path in memory: order, loss, fullness, endings, two loops at once.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <thread>

#include "tests/support/datagram_pair.hpp"
#include "transports/sctp/sctp_association.hpp"

namespace tubes::transports {
namespace {

using namespace std::chrono_literals;
using testing::DatagramWeather;
using testing::MemoryDatagramPath;

constexpr std::size_t kFrame = core::ports::kMaxMessageSize;

/// One end: counts what comes and sends numbered messages of varying size as long as there is room.
struct End final : SctpAssociation::Handler {
    std::shared_ptr<MemoryDatagramPath> lower;
    std::shared_ptr<SctpAssociation> association;
    bool open = false;
    std::optional<error_code> closed;
    std::size_t to_send = 0;
    std::uint32_t next = 0;
    std::uint32_t expected = 0;
    std::size_t largest_queue = 0;
    std::size_t size_of_messages = 0;
    bool in_order = true;

    End(boost::asio::any_io_executor executor, std::shared_ptr<MemoryDatagramPath> path) : lower(std::move(path)) {
        association = SctpAssociation::create(std::move(executor), SctpStack::acquire(), *lower);
    }
    ~End() { association->close(); }

    void pump() {
        while (to_send > 0) {
            const core::Bytes header(reinterpret_cast<std::uint8_t*>(&next),
                                     reinterpret_cast<std::uint8_t*>(&next + 1));
            const auto size = size_of_messages != 0 ? size_of_messages : (next * 7919) % (kFrame - 4);
            const core::Bytes payload(size, static_cast<std::uint8_t>(next));
            if (!association->send(3, header, payload)) return;
            ++next;
            --to_send;
            largest_queue = std::max(largest_queue, association->window().queued());
        }
        association->flush();
    }
    void on_sctp_open() override {
        open = true;
        pump();
    }
    void on_sctp_message(core::ports::Lane lane, ByteView message) override {
        std::uint32_t number = 0;
        std::memcpy(&number, message.data(), 4);
        const auto size = size_of_messages != 0 ? size_of_messages : (number * 7919) % (kFrame - 4);
        in_order = in_order && lane == 3 && number == expected && message.size() == size + 4;
        ++expected;
    }
    void on_sctp_writable() override { pump(); }
    void on_sctp_closed(error_code reason) override { closed = reason; }
};

class Sctp : public ::testing::Test {
protected:
    void make(const DatagramWeather& weather) {
        auto [a, b] = MemoryDatagramPath::make_pair(loop.get_executor(), loop.get_executor(), weather);
        left.emplace(loop.get_executor(), a);
        right.emplace(loop.get_executor(), b);
    }
    void open_both() {
        left->association->open(*left);
        right->association->open(*right);
    }
    template <class Condition>
    bool run_until(Condition condition, std::chrono::seconds limit = 20s) {
        const auto deadline = std::chrono::steady_clock::now() + limit;
        loop.restart();
        while (!condition() && std::chrono::steady_clock::now() < deadline) loop.run_one_for(50ms);
        return condition();
    }

    boost::asio::io_context loop;
    std::optional<End> left, right;
};

TEST_F(Sctp, CarriesMessagesOfAllSizesInOrderBothWays) {
    make({});
    left->to_send = right->to_send = 500;
    open_both();
    EXPECT_TRUE(run_until([&] { return left->expected == 500 && right->expected == 500; }));
    EXPECT_TRUE(left->in_order && right->in_order);
}

TEST_F(Sctp, DeliversEverythingThroughLossAndReordering) {
    make({.loss = 0.03, .delay = 1ms, .jitter = 500us, .seed = 7});
    left->to_send = 200;
    open_both();
    EXPECT_TRUE(run_until([&] { return right->expected == 200; }, 50s)) << right->expected;
    EXPECT_TRUE(right->in_order);
}

TEST_F(Sctp, OpensWhenOneSideIsReadyLongBeforeTheOther) {
    make({});
    left->association->open(*left);
    run_until([&] { return right->lower->sent() > 0; }, 1s);
    EXPECT_EQ(right->lower->sent(), 0U) << "a side that is not open yet must not answer";
    right->association->open(*right);
    EXPECT_TRUE(run_until([&] { return left->open && right->open; }));
}

TEST_F(Sctp, KeepsTheUnsentQueueWithTheCaller) {
    make({.delay = 1ms});
    left->to_send = 2000;
    left->size_of_messages = right->size_of_messages = kFrame - 4;
    open_both();
    EXPECT_TRUE(run_until([&] { return right->expected == 2000; }));
    EXPECT_TRUE(right->in_order);
    // 32 MB are sent; what SCTP holds of them never exceeds its buffer and the frame that found room.
    EXPECT_LE(left->largest_queue, 2U * 1024U * 1024U + kFrame);
}

TEST_F(Sctp, AnOrderlyShutdownDeliversWhatWasTaken) {
    make({.delay = 2ms});
    left->to_send = 50;
    left->size_of_messages = right->size_of_messages = 1000;
    open_both();
    ASSERT_TRUE(run_until([&] { return left->to_send == 0; }));
    left->association->shutdown();
    EXPECT_TRUE(run_until([&] { return left->closed && right->closed; }));
    EXPECT_EQ(right->expected, 50U);
    EXPECT_EQ(*left->closed, Errc::end_of_stream);
    EXPECT_EQ(*right->closed, Errc::end_of_stream);
}

TEST_F(Sctp, AnAbruptCloseIsReportedAsBrokenToThePeerOnly) {
    make({});
    open_both();
    ASSERT_TRUE(run_until([&] { return left->open && right->open; }));
    left->association->close();
    EXPECT_TRUE(run_until([&] { return right->closed.has_value(); }));
    EXPECT_EQ(*right->closed, Errc::broken);
    EXPECT_FALSE(left->closed);
    EXPECT_FALSE(left->association->send(0, {}, core::Bytes(3)));
}

TEST_F(Sctp, APeerThatNeverAnswersEndsAsNoPath) {
    make({});
    right->lower->cut();
    open_both();
    // usrsctp tries eight times with back-off; here only that nothing is claimed to be open meanwhile.
    EXPECT_FALSE(run_until([&] { return left->open; }, 1s));
}

TEST_F(Sctp, ReturnsToTheStartAfterManyAssociations) {
    const int rounds = std::getenv("TUBES_LONG_TESTS") != nullptr ? 1000 : 50;
    for (int round = 0; round < rounds; ++round) {
        make({});
        left->to_send = 3;
        open_both();
        ASSERT_TRUE(run_until([&] { return right->expected == 3; })) << round;
        left.reset();
        right.reset();
        loop.poll();
    }
}

TEST(SctpThreads, AssociationsOnTwoLoopsDoNotDisturbEachOther) {
    boost::asio::io_context first, second;
    auto [a, b] = MemoryDatagramPath::make_pair(first.get_executor(), second.get_executor(), {});
    std::optional<End> left(std::in_place, first.get_executor(), a);
    std::optional<End> right(std::in_place, second.get_executor(), b);
    left->to_send = right->to_send = 300;
    std::atomic<int> waiting{2};
    const auto work = [&waiting](boost::asio::io_context& loop, End& end) {
        end.association->open(end);
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        bool counted = false;
        while (waiting > 0 && std::chrono::steady_clock::now() < deadline) {
            loop.run_one_for(10ms);
            if (end.expected == 300 && !std::exchange(counted, true)) --waiting;
        }
    };
    std::thread other([&] { work(second, *right); });
    work(first, *left);
    other.join();
    EXPECT_TRUE(left->in_order && right->in_order);
    EXPECT_EQ(left->expected, 300U);
    EXPECT_EQ(right->expected, 300U);
}

TEST(SendWindowTest, FollowsRateTimesRoundTripWithinItsBounds) {
    SendWindow window;
    auto now = core::TimePoint{} + 1h;
    EXPECT_TRUE(window.has_room(kFrame));
    // 25 MB/s at 50 ms: each round trip hands and acknowledges 1.25 MB.
    for (int round = 0; round < 20; ++round) {
        window.on_handed(1250 * 1000, now);
        now += 50ms;
        window.on_acknowledged(0, 8 << 20, now);
    }
    EXPECT_EQ(window.limit(), 2U * 1024 * 1024);
    EXPECT_EQ(*window.round_trip(), 50ms);
    window.on_acknowledged(0, 100 * 1024, now);
    EXPECT_EQ(window.limit(), 116U * 1024) << "never beyond the congestion window and a frame";
}

TEST(SendWindowTest, StaysSmallOnAFastLoopback) {
    SendWindow window;
    auto now = core::TimePoint{} + 1h;
    for (int round = 0; round < 20; ++round) {
        window.on_handed(10 * 1000, now);
        now += 100us;
        window.on_acknowledged(0, 8 << 20, now);
    }
    EXPECT_LE(window.limit(), 256U * 1024);
}

TEST(SendWindowTest, LooksForAShorterRoundTripNowAndThen) {
    SendWindow window;
    auto now = core::TimePoint{} + 1h;
    window.on_handed(100, now);
    now += 1ms;
    window.on_acknowledged(0, 1 << 20, now);
    for (int round = 0; round < 300; ++round) {
        window.on_handed(1000 * 1000, now);
        now += 100ms;
        window.on_acknowledged(0, 8 << 20, now);
    }
    // The path became a long one: the window has to have followed.
    EXPECT_GT(window.limit(), 1024U * 1024);
}

}  // namespace
}  // namespace tubes::transports
