// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of data channels over a datagram path in memory, with a peer that speaks SCTP and DCEP as a browser does.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include <set>

#include "tests/support/datagram_pair.hpp"
#include "transports/webrtc/data_channels.hpp"

namespace tubes::transports {
namespace {

using namespace std::chrono_literals;
using testing::DatagramWeather;
using testing::MemoryDatagramPath;

constexpr std::size_t kMegabyte = 1024 * 1024;

/// The byte at `at` of what is sent in these tests.
std::uint8_t byte_at(std::size_t at) {
    return static_cast<std::uint8_t>((at * 31) ^ (at >> 11));
}

/// The foreign side: opens channels, sends, counts.
struct Browser final : SctpAssociation::Handler {
    struct Channel {
        bool acknowledged = false;
        bool is_reset = false;
        bool in_order = true;
        std::size_t received = 0;
        std::size_t sent = 0;
        std::size_t to_send = 0;
        std::size_t message = 16 * 1024;
    };

    std::shared_ptr<MemoryDatagramPath> lower;
    std::shared_ptr<SctpAssociation> association;
    std::map<std::uint16_t, Channel> channels;
    bool open = false;
    std::optional<error_code> closed;

    Browser(boost::asio::any_io_executor executor, std::shared_ptr<MemoryDatagramPath> path) : lower(std::move(path)) {
        SctpSettings settings;
        settings.streams = kWebStreams;
        settings.foreign = true;
        association = SctpAssociation::create(std::move(executor), SctpStack::acquire(), *lower, settings);
    }
    ~Browser() { association->close(); }

    bool send(std::uint16_t id, WebProtocol protocol, ByteView message) {
        return association->send_to_foreign(id, static_cast<std::uint32_t>(protocol), message);
    }
    bool create(std::uint16_t id, DataChannelOpen how = {}) {
        channels[id] = {};
        return send(id, WebProtocol::control, encode_channel_open(how));
    }
    void pump() {
        for (auto& [id, channel] : channels) {
            while (channel.acknowledged && channel.to_send > 0) {
                core::Bytes message(std::min(channel.to_send, channel.message));
                for (std::size_t at = 0; at < message.size(); ++at) message[at] = byte_at(channel.sent + at);
                if (!send(id, WebProtocol::binary, message)) return;
                channel.sent += message.size();
                channel.to_send -= message.size();
            }
        }
    }
    void on_sctp_open() override { open = true; }
    void on_sctp_message(core::ports::Lane, ByteView) override {}
    void on_sctp_input(const SctpInput& input) override {
        auto& channel = channels[input.stream];
        if (static_cast<WebProtocol>(input.protocol) == WebProtocol::control) {
            channel.acknowledged = is_channel_ack(input.view());
            return pump();
        }
        for (const auto byte : input.view()) channel.in_order &= byte == byte_at(channel.received++);
    }
    void on_sctp_reset(std::uint16_t stream) override { channels[stream].is_reset = true; }
    void on_sctp_writable() override { pump(); }
    void on_sctp_closed(error_code reason) override { closed = reason; }
};

/// The program behind a channel: echoes, or only counts.
struct Program final : core::Stream::Handler {
    std::shared_ptr<core::Stream> stream;
    core::Bytes held;
    bool echoes = false;
    bool takes = true;
    bool in_order = true;
    bool ended = false;
    std::size_t received = 0;
    std::size_t owed = 0;
    std::size_t writable = 0;
    std::optional<error_code> closed;

    explicit Program(std::shared_ptr<core::Stream> opened) : stream(std::move(opened)) { stream->set_handler(this); }
    ~Program() { stream->set_handler(nullptr); }

    void on_data(ByteView data) override {
        for (const auto byte : data) in_order &= byte == byte_at(received++);
        if (echoes) {
            held.insert(held.end(), data.begin(), data.end());
            return echo();
        }
        owed += data.size();
        if (takes) stream->consumed(std::exchange(owed, 0));
    }
    void echo() {
        const auto taken = stream->write(held);
        held.erase(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(taken));
        stream->consumed(taken);
    }
    void on_end() override { ended = true; }
    void on_writable() override {
        ++writable;
        if (echoes) echo();
    }
    void on_closed(error_code reason) override { closed = reason; }
};

class DataChannelsTest : public ::testing::Test, public DataChannels::Events {
protected:
    void make(const DatagramWeather& weather = {}) {
        auto [a, b] = MemoryDatagramPath::make_pair(loop.get_executor(), loop.get_executor(), weather);
        ours = a;
        browser.emplace(loop.get_executor(), b);
        channels = DataChannels::create(loop.get_executor(), *ours, core::TubeId{}, *this);
        channels->open();
        browser->association->open(*browser);
        ASSERT_TRUE(run_until([&] { return open && browser->open; }));
    }
    void TearDown() override {
        programs.clear();
        if (channels) channels->close(Errc::cancelled);
    }
    Program& open_channel(std::uint16_t id) {
        const auto before = programs.size();
        EXPECT_TRUE(browser->create(id));
        EXPECT_TRUE(run_until([&] { return programs.size() > before && browser->channels[id].acknowledged; }));
        return *programs.back();
    }
    template <class Condition>
    bool run_until(Condition condition, std::chrono::seconds limit = 20s) {
        const auto deadline = std::chrono::steady_clock::now() + limit;
        loop.restart();
        while (!condition() && std::chrono::steady_clock::now() < deadline) loop.run_one_for(50ms);
        return condition();
    }
    void run_for(std::chrono::milliseconds time) {
        loop.restart();
        loop.run_for(time);
    }
    void on_channels_open() override { open = true; }
    void on_channel(std::shared_ptr<core::Stream> stream) override {
        programs.push_back(std::make_unique<Program>(std::move(stream)));
    }
    void on_channels_closed(error_code reason) override { closed = reason; }

    boost::asio::io_context loop;
    std::shared_ptr<MemoryDatagramPath> ours;
    std::optional<Browser> browser;
    std::shared_ptr<DataChannels> channels;
    std::vector<std::unique_ptr<Program>> programs;
    bool open = false;
    std::optional<error_code> closed;
};

/// CRC-32C bit by bit (RFC 9260, appendix A).
std::uint32_t plain_crc(ByteView bytes) {
    std::uint32_t sum = 0xffffffff;
    for (const auto byte : bytes) {
        sum ^= byte;
        for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0x82f63b78U : 0U);
    }
    return ~sum;
}

TEST(SctpChecksum, IsTheCrc32cOfThePacketInLittleEndian) {
    core::Bytes packet(60);
    for (std::size_t at = 0; at < packet.size(); ++at) packet[at] = byte_at(at);
    set_sctp_checksum(packet);
    auto without = packet;
    std::fill(without.begin() + 8, without.begin() + 12, std::uint8_t{0});
    const auto sum = plain_crc(without);
    for (std::size_t at = 0; at < 4; ++at) EXPECT_EQ(packet[8 + at], static_cast<std::uint8_t>(sum >> (8 * at)));
    EXPECT_TRUE(has_sctp_checksum(packet));
    packet[30] ^= 1;
    EXPECT_FALSE(has_sctp_checksum(packet));
    EXPECT_FALSE(has_sctp_checksum(core::ByteView(packet).first(11)));
}

TEST_F(DataChannelsTest, EchoesMegabytesInOrderThroughLoss) {
    make({.loss = 0.01, .delay = 1ms, .jitter = 500us, .seed = 5});
    auto& program = open_channel(1);
    program.echoes = true;
    browser->channels[1].to_send = 3 * kMegabyte;
    browser->pump();
    EXPECT_TRUE(run_until([&] { return browser->channels[1].received == 3 * kMegabyte; }, 50s))
        << browser->channels[1].received;
    EXPECT_TRUE(program.in_order && browser->channels[1].in_order);
    EXPECT_EQ(channels->waiting(), 0U);
}

TEST_F(DataChannelsTest, PacketsWithoutTheRightChecksumAreNotThere) {
    make();
    auto& program = open_channel(1);
    browser->lower->damage();
    browser->channels[1].to_send = 1000;
    browser->pump();
    run_for(500ms);
    EXPECT_EQ(program.received, 0U);
    EXPECT_FALSE(closed);
}

TEST_F(DataChannelsTest, WhatThePeerSentBeforeItClosedArrivesAndTheIdIsFreeAgain) {
    make();
    auto& first = open_channel(1);
    browser->channels[1].to_send = 100000;
    browser->pump();
    EXPECT_TRUE(run_until([&] { return browser->channels[1].to_send == 0; }));
    browser->association->reset_stream(1);
    EXPECT_TRUE(run_until([&] { return first.closed && browser->channels[1].is_reset; }));
    EXPECT_EQ(first.received, 100000U);
    EXPECT_TRUE(first.ended);
    EXPECT_FALSE(*first.closed);
    auto& second = open_channel(1);
    EXPECT_NE(&first, &second);
    EXPECT_EQ(channels->channels(), 2U);  // The first program still holds its stream.
}

TEST_F(DataChannelsTest, HalfCloseEndsTheChannelOnceEverythingHasArrived) {
    make();
    auto& program = open_channel(1);
    core::Bytes answer(200000);
    for (std::size_t at = 0; at < answer.size(); ++at) answer[at] = byte_at(at);
    ASSERT_EQ(program.stream->write(answer), answer.size());
    program.stream->finish();
    EXPECT_EQ(program.stream->write(answer), 0U);
    EXPECT_TRUE(run_until([&] { return browser->channels[1].is_reset; }));
    EXPECT_EQ(browser->channels[1].received, answer.size());
    EXPECT_FALSE(program.closed);
    browser->association->reset_stream(1);
    EXPECT_TRUE(run_until([&] { return program.closed.has_value(); }));
    EXPECT_FALSE(*program.closed);
}

TEST_F(DataChannelsTest, AResetTellsTheProgramWhyAndClosesTheChannel) {
    make();
    auto& program = open_channel(1);
    program.stream->reset(Errc::connection_refused);
    EXPECT_TRUE(run_until([&] { return program.closed && browser->channels[1].is_reset; }));
    EXPECT_EQ(*program.closed, Errc::connection_refused);
    browser->association->reset_stream(1);
    programs.clear();
    EXPECT_TRUE(run_until([&] { return channels->channels() == 0; }));
}

TEST_F(DataChannelsTest, APeerStopsWhenTheProgramDoesNotTakeWhatItSends) {
    make();
    auto& program = open_channel(1);
    program.takes = false;
    browser->channels[1].to_send = 8 * kMegabyte;
    browser->pump();
    std::size_t before = 1;
    EXPECT_TRUE(run_until([&] {
        // Nothing new for a while: everything between them is full.
        const auto now = program.received;
        run_for(300ms);
        return now == std::exchange(before, program.received) && now == program.received;
    }));
    EXPECT_LE(channels->waiting(), DataChannels::kMaxWaiting + 512 * 1024);
    EXPECT_GT(browser->channels[1].to_send, kMegabyte);
    program.takes = true;
    program.stream->consumed(std::exchange(program.owed, 0));
    EXPECT_TRUE(run_until([&] { return program.received == 8 * kMegabyte; }));
    EXPECT_TRUE(program.in_order);
}

TEST_F(DataChannelsTest, AProgramStopsWhenThePeerDoesNotTakeWhatItSends) {
    make();
    auto& program = open_channel(1);
    browser->association->pause_reading(true);
    core::Bytes chunk(64 * 1024);
    std::size_t written = 0;
    // The peer's window, ours, and the buffer of the channel.
    for (int turn = 0; turn < 400; ++turn) {
        for (std::size_t at = 0; at < chunk.size(); ++at) chunk[at] = byte_at(written + at);
        written += program.stream->write(chunk);
        loop.restart();
        loop.poll();
    }
    const auto full = written;
    EXPECT_LT(full, 6 * kMegabyte);
    EXPECT_EQ(program.stream->write(chunk), 0U);
    const auto told = program.writable;
    browser->association->pause_reading(false);
    EXPECT_TRUE(run_until([&] { return program.writable > told && browser->channels[1].received == full; }));
    EXPECT_TRUE(browser->channels[1].in_order);
}

TEST_F(DataChannelsTest, TextsAndEmptyMessagesAreBytes) {
    make();
    auto& program = open_channel(1);
    const core::Bytes text{byte_at(0), byte_at(1), byte_at(2)};
    EXPECT_TRUE(browser->send(1, WebProtocol::text, text));
    EXPECT_TRUE(browser->send(1, WebProtocol::empty_text, core::Bytes(1)));
    EXPECT_TRUE(browser->send(1, WebProtocol::empty_binary, core::Bytes(1)));
    EXPECT_TRUE(browser->send(1, WebProtocol::binary, core::Bytes{byte_at(3)}));
    EXPECT_TRUE(run_until([&] { return program.received == 4; }));
    EXPECT_TRUE(program.in_order);
}

TEST_F(DataChannelsTest, AMessageOfTheLargestSizeIsTakenAndALargerOneEndsIt) {
    make();
    auto& program = open_channel(1);
    browser->channels[1].message = kLargestWebMessage;
    browser->channels[1].to_send = kLargestWebMessage;
    browser->pump();
    EXPECT_TRUE(run_until([&] { return program.received == kLargestWebMessage; }));
    browser->channels[1].message = kLargestWebMessage + 1;
    browser->channels[1].to_send = kLargestWebMessage + 1;
    browser->pump();
    EXPECT_TRUE(run_until([&] { return closed && program.closed; }));
    EXPECT_EQ(*closed, Errc::protocol_violation);
    EXPECT_EQ(*program.closed, Errc::broken);
}

TEST_F(DataChannelsTest, ChannelsThatLoseOrReorderAreRefusedAndOthersGoOn) {
    make();
    DataChannelOpen unordered;
    unordered.ordered = false;
    DataChannelOpen unreliable;
    unreliable.reliable = false;
    EXPECT_TRUE(browser->create(3, unordered) && browser->create(5, unreliable));
    EXPECT_TRUE(run_until([&] { return browser->channels[3].is_reset && browser->channels[5].is_reset; }));
    EXPECT_TRUE(programs.empty());
    open_channel(1);
    EXPECT_FALSE(closed);
}

TEST_F(DataChannelsTest, AFloodOfChannelsIsRefusedAndThenEnded) {
    make();
    for (std::uint16_t id = 0; id < kMaxDataChannels + 1; ++id) ASSERT_TRUE(browser->create(id)) << id;
    EXPECT_TRUE(run_until([&] { return browser->channels[kMaxDataChannels].is_reset; }));
    EXPECT_EQ(programs.size(), kMaxDataChannels);
    EXPECT_FALSE(closed);
    for (std::uint16_t id = kMaxDataChannels + 1; id < 2 * kMaxDataChannels + 1; ++id) browser->create(id);
    EXPECT_TRUE(run_until([&] { return closed.has_value(); }));
    EXPECT_EQ(*closed, Errc::limit_exceeded);
}

struct Violation {
    const char* name;
    std::uint16_t stream;
    std::uint32_t protocol;
    core::Bytes message;
};

class DataChannelViolation : public DataChannelsTest, public ::testing::WithParamInterface<Violation> {};

TEST_P(DataChannelViolation, EndsTheAssociation) {
    make();
    open_channel(1);
    EXPECT_TRUE(browser->association->send_to_foreign(GetParam().stream, GetParam().protocol, GetParam().message));
    EXPECT_TRUE(run_until([&] { return closed && browser->closed; }));
    EXPECT_EQ(*closed, Errc::protocol_violation);
}

INSTANTIATE_TEST_SUITE_P(All, DataChannelViolation,
                         ::testing::Values(Violation{"DataWithoutAChannel", 2, 53, core::Bytes(4)},
                                           Violation{"EmptyWithoutAChannel", 2, 57, core::Bytes(1)},
                                           Violation{"OpenTwice", 1, 50, encode_channel_open({})},
                                           Violation{"UnknownControl", 3, 50, core::Bytes(12, 9)},
                                           Violation{"UnknownProtocol", 1, 52, core::Bytes(4)}),
                         [](const auto& made) { return std::string(made.param.name); });

}  // namespace
}  // namespace tubes::transports
