// SPDX-License-Identifier: GPL-3.0-or-later
// Flows over simulated paths: loss, reordering, repetition, moves, floods, ends.
#include <gtest/gtest.h>

#include <set>

#include "tests/simulation/link_pair.hpp"
#include "tubes/core/wire/frame.hpp"

namespace tubes::simulation {
namespace {

using namespace std::chrono_literals;
using core::Bytes;
using core::ByteView;

/// Receives a flow's datagrams; each begins with its number.
class FlowEnd final : public core::Stream::Handler {
public:
    explicit FlowEnd(std::shared_ptr<core::Stream> taken) : flow(std::move(taken)) { flow->set_handler(this); }

    void send(std::uint32_t number, std::size_t size = 200) {
        Bytes datagram(std::max<std::size_t>(size, 4), 0x5a);
        for (int i = 0; i < 4; ++i) datagram[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(number >> 8 * i);
        ASSERT_TRUE(flow->send_datagram(datagram).has_value());
    }

    void on_data(ByteView) override { ADD_FAILURE() << "a flow has no bytes"; }
    void on_end() override {}
    void on_writable() override {}
    void on_datagram(ByteView datagram) override {
        EXPECT_FALSE(closed) << "after the end";
        std::uint32_t number = 0;
        for (int i = 0; i < 4; ++i) number |= std::uint32_t{datagram[static_cast<std::size_t>(i)]} << 8 * i;
        in_order = in_order && (numbers.empty() || number > *numbers.rbegin());
        EXPECT_TRUE(numbers.insert(number).second) << number << " came twice";
        sizes.push_back(datagram.size());
    }
    void on_closed(error_code reason) override { closed = reason; }

    std::shared_ptr<core::Stream> flow;
    std::set<std::uint32_t> numbers;
    std::vector<std::size_t> sizes;
    bool in_order = true;
    std::optional<error_code> closed;
};

class Datagrams : public testing::Test {
protected:
    void connect(PathModel model = {}) {
        pair.connect(model);
        ASSERT_TRUE(pair.open());
        pair.b.stream_callback = [this](std::shared_ptr<core::Stream> flow) {
            sharer = std::make_unique<FlowEnd>(std::move(flow));
        };
        user = std::make_unique<FlowEnd>(pair.link(Side::a).open_stream(core::TubeId::random()).value());
    }
    bool until(const std::function<bool()>& done, core::Duration limit = 10s) {
        return pair.scheduler.run_until(done, limit);
    }
    std::size_t arrived() const { return sharer ? sharer->numbers.size() : 0; }

    LinkPair pair{7};
    std::unique_ptr<FlowEnd> user;
    std::unique_ptr<FlowEnd> sharer;
};

TEST_F(Datagrams, KeepTheirBoundariesBothWays) {
    connect();
    const std::vector<std::size_t> sizes = {4, 5, 1200, 9000, user->flow->largest_datagram()};
    for (std::uint32_t i = 0; i < sizes.size(); ++i) user->send(i, sizes[i]);
    ASSERT_TRUE(until([&] { return arrived() == sizes.size(); }));
    EXPECT_EQ(sharer->sizes, sizes);
    sharer->send(0, 33);
    ASSERT_TRUE(until([&] { return user->numbers.size() == 1; }));
    EXPECT_EQ(user->flow->flow_counters().sent, sizes.size());
    EXPECT_EQ(user->flow->flow_counters().received, 1U);
}

TEST_F(Datagrams, ALargerOneIsAnErrorAndNothingIsSent) {
    connect();
    const Bytes large(user->flow->largest_datagram() + 1);
    EXPECT_EQ(user->flow->send_datagram(large).error(), Errc::message_too_large);
    EXPECT_EQ(user->flow->flow_counters().sent, 0U);
}

TEST_F(Datagrams, AreLostAloneAndCounted) {
    PathModel model;
    model.datagram_loss = 0.2;
    model.delay = 20ms;
    connect(model);
    for (std::uint32_t i = 0; i < 1000; ++i) {
        user->send(i);
        pair.scheduler.advance(1ms);
    }
    pair.scheduler.advance(1s);
    EXPECT_GT(arrived(), 700U);
    EXPECT_LT(arrived(), 900U);
    EXPECT_EQ(sharer->flow->flow_counters().missed + arrived(), *sharer->numbers.rbegin() + 1U);
}

TEST_F(Datagrams, FindAPathThatIsDeadInOneDirection) {
    connect();
    user->send(0);
    ASSERT_TRUE(until([&] { return arrived() == 1; }));
    const auto& wire = pair.wires.front();
    wire->silence(Side::a);
    std::uint32_t number = 1;
    // The other side goes on sending, and nobody acknowledges datagrams: neither silence nor missing progress shows.
    const auto lost = [&] {
        user->send(number);
        sharer->send(number++);
        pair.scheduler.advance(20ms);
        return pair.link(Side::a).status().state == core::LinkState::stalled;
    };
    const auto deadline = pair.scheduler.now() + 14s;
    while (!lost() && pair.scheduler.now() < deadline) continue;
    EXPECT_EQ(pair.link(Side::a).status().state, core::LinkState::stalled);
    const auto before = arrived();
    pair.connect({}, 1);
    for (int i = 0; i < 100; ++i) lost();
    EXPECT_GT(arrived(), before);
}

TEST_F(Datagrams, OvertakeEachOther) {
    PathModel model;
    model.datagram_jitter = 50ms;
    model.delay = 5ms;
    connect(model);
    user->send(0);
    ASSERT_TRUE(until([&] { return arrived() == 1; }));
    for (std::uint32_t i = 1; i < 300; ++i) user->send(i);
    ASSERT_TRUE(until([&] { return arrived() == 300; }));
    EXPECT_FALSE(sharer->in_order);
}

TEST_F(Datagrams, ThatThePathRepeatsAreTakenOnce) {
    connect();
    auto& wire = *pair.wires.front();
    std::size_t repeated = 0;
    wire.tap = [&](Side receiver, core::ports::Lane lane, ByteView message) {
        if (receiver != Side::b || lane != core::ports::kDatagramLane || repeated >= 500) return;
        ++repeated;
        wire.inject(receiver, lane, Bytes(message.begin(), message.end()));
    };
    for (std::uint32_t i = 0; i < 100; ++i) user->send(i);
    ASSERT_TRUE(until([&] { return repeated == 500; }));
    EXPECT_EQ(arrived(), 100U);
    EXPECT_EQ(sharer->flow->flow_counters().received, 100U);
}

TEST_F(Datagrams, GoOnAfterEveryMoveAndNoneComesTwice) {
    PathModel model;
    model.delay = 10ms;
    connect(model);
    std::uint32_t number = 0;
    for (std::uint32_t move = 1; move <= 50; ++move) {
        for (int i = 0; i < 20; ++i) {
            user->send(number++);
            pair.scheduler.advance(1ms);
        }
        pair.wires.back()->kill();
        pair.connect(model, move);
        const auto before = arrived();
        user->send(number++);
        ASSERT_TRUE(until([&] { return arrived() > before; })) << "move " << move;
    }
    EXPECT_GT(arrived(), number / 2);
    EXPECT_FALSE(user->closed);
}

TEST_F(Datagrams, AreNotStuckBehindABulkStream) {
    PathModel model;
    model.bytes_per_second = 1'000'000;
    model.queue = 32 * 1024;
    connect(model);
    std::unique_ptr<TestApplication> bulk_end;
    pair.b.stream_callback = [&](std::shared_ptr<core::Stream> stream) {
        if (!sharer) {
            sharer = std::make_unique<FlowEnd>(std::move(stream));
        } else {
            bulk_end = std::make_unique<TestApplication>(std::move(stream));
        }
    };
    user->send(0);
    ASSERT_TRUE(until([&] { return arrived() == 1; }));
    TestApplication bulk(pair.link(Side::a).open_stream(core::TubeId::random()).value());
    bulk.send_pattern(20'000'000, 1, false);
    ASSERT_TRUE(until([&] { return bulk_end && bulk_end->received > 1'000'000; }));
    const auto sent = pair.scheduler.now();
    user->send(1);
    ASSERT_TRUE(until([&] { return arrived() == 2; }));
    EXPECT_LT(pair.scheduler.now() - sent, 100ms) << "what the path had taken, and one frame";
}

TEST_F(Datagrams, AFloodLeavesAStreamItsShareAndOtherFlowsTheirs) {
    PathModel model;
    model.bytes_per_second = 1'000'000;
    model.queue = 32 * 1024;
    connect(model);
    std::vector<std::unique_ptr<FlowEnd>> flows;
    std::unique_ptr<TestApplication> bulk_end;
    const auto bulk_tube = core::TubeId::random();
    pair.b.stream_callback = [&](std::shared_ptr<core::Stream> stream) {
        if (stream->tube() == bulk_tube) {
            bulk_end = std::make_unique<TestApplication>(std::move(stream));
        } else {
            flows.push_back(std::make_unique<FlowEnd>(std::move(stream)));
        }
    };
    FlowEnd quiet(pair.link(Side::a).open_stream(core::TubeId::random()).value());
    TestApplication bulk(pair.link(Side::a).open_stream(bulk_tube).value());
    bulk.send_pattern(50'000'000, 1, false);
    std::uint32_t number = 0;
    for (int tick = 0; tick < 2000; ++tick) {  // 5 s; five times what the path carries
        for (int i = 0; i < 10; ++i) user->send(number++, 1200);
        if (tick % 100 == 0) quiet.send(static_cast<std::uint32_t>(tick));
        pair.scheduler.advance(2500us);
    }
    ASSERT_TRUE(bulk_end);
    EXPECT_GT(bulk_end->received, 5 * 1'000'000 / 4U) << "a quarter of the path at least";
    EXPECT_GT(user->flow->flow_counters().dropped, 0U);
    ASSERT_EQ(flows.size(), 2U);
    const auto& heard = flows[0]->numbers.size() < flows[1]->numbers.size() ? *flows[0] : *flows[1];
    EXPECT_GE(heard.numbers.size(), 19U) << "a flow that sends little loses nothing to the flood";
}

TEST_F(Datagrams, ThatComeAfterTheEndGoNowhere) {
    PathModel model;
    model.datagram_jitter = 500ms;
    connect(model);
    user->send(0);
    ASSERT_TRUE(until([&] { return arrived() == 1; }));
    for (std::uint32_t i = 1; i < 100; ++i) user->send(i);
    sharer->flow->reset(Errc::cancelled);
    ASSERT_TRUE(until([&] { return user->closed.has_value(); }));
    const auto before = arrived();
    pair.scheduler.advance(2s);
    EXPECT_EQ(arrived(), before);
    EXPECT_EQ(user->flow->send_datagram(Bytes(1)).error(), Errc::broken);
    EXPECT_FALSE(pair.a.closed);
    EXPECT_FALSE(pair.b.closed);
}

TEST_F(Datagrams, OfAFlowThatNobodyKnowsAreLost) {
    connect();
    wire::Frame frame;
    frame.type = wire::FrameType::datagram;
    frame.stream = 9999;
    const auto header = wire::encode_header(frame);
    pair.wires.front()->inject(Side::b, core::ports::kDatagramLane, Bytes(header.view().begin(), header.view().end()));
    user->send(0);
    ASSERT_TRUE(until([&] { return arrived() == 1; }));
    EXPECT_FALSE(pair.b.closed);
}

TEST_F(Datagrams, TellWhatOnePacketCarries) {
    PathModel model;
    model.packet_size = 1100;
    connect(model);
    user->send(0);
    ASSERT_TRUE(until([&] { return arrived() == 1; }));
    EXPECT_EQ(user->flow->packet_datagram(), 1100 - wire::kDataHeader);
    EXPECT_EQ(pair.link(Side::b).status().packet_datagram, 1100 - wire::kDataHeader);
    EXPECT_EQ(user->flow->largest_datagram(), wire::kMaxDatagram);
}

}  // namespace
}  // namespace tubes::simulation
