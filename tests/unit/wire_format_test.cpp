// SPDX-License-Identifier: GPL-3.0-or-later
// The wire format against the committed bytes of version 1, and frames against every kind of damage.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tubes/core/wire/control_codec.hpp"
#include "tubes/core/wire/frame.hpp"
#include "tubes/core/wire/hello.hpp"
#include "tubes/core/wire/signal_codec.hpp"

namespace tubes::wire {
namespace {

using core::Bytes;

/// The words of each line of a golden file.
std::vector<std::vector<std::string>> golden(const std::string& name) {
    std::ifstream file(std::string(TUBES_GOLDEN_FOLDER) + "/" + name);
    std::vector<std::vector<std::string>> lines;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('#')) continue;
        std::istringstream words(line);
        lines.emplace_back(std::istream_iterator<std::string>(words), std::istream_iterator<std::string>());
    }
    return lines;
}

TEST(WireFormat, FramesAreThoseOfVersionOne) {
    const auto lines = golden("frames.txt");
    ASSERT_EQ(lines.size(), 16U);
    for (const auto& line : lines) {
        SCOPED_TRACE(line[0]);
        const auto bytes = base::from_hex(line.at(2)).value();
        const auto frame = decode_frame(static_cast<core::ports::Lane>(std::stoi(line[1])), bytes);
        ASSERT_TRUE(frame.has_value());
        const auto header = encode_header(*frame);
        auto encoded = Bytes(header.view().begin(), header.view().end());
        encoded.insert(encoded.end(), frame->payload.begin(), frame->payload.end());
        EXPECT_EQ(encoded, bytes);
    }
}

TEST(WireFormat, FieldsOfADataFrameAreWhereTheyBelong) {
    const auto bytes = base::from_hex(golden("frames.txt").at(7).at(2)).value();
    const auto frame = decode_frame(3, bytes).value();
    EXPECT_EQ(frame.type, FrameType::data);
    EXPECT_EQ(frame.epoch, 0x0102);
    EXPECT_EQ(frame.stream, 33U);
    EXPECT_EQ(frame.value, 0x0102030405U);
    EXPECT_EQ(base::as_text(frame.payload), "hello");
}

Bytes recode(const std::string& name, const Bytes& bytes) {
    if (name.starts_with("hello")) return encode(decode_hello(bytes).value());
    if (name.starts_with("control.")) return encode(decode_control(bytes).value());
    if (name.starts_with("signal.")) return encode(decode_signal(bytes).value());
    return encode_reply(decode_reply(bytes));
}

TEST(WireFormat, MessagesAreThoseOfVersionOne) {
    const auto lines = golden("messages.txt");
    ASSERT_EQ(lines.size(), 21U);
    for (const auto& line : lines) {
        SCOPED_TRACE(line[0]);
        const auto bytes = base::from_hex(line.at(1)).value();
        EXPECT_EQ(base::to_hex(recode(line[0], bytes)), line[1]);
    }
}

TEST(WireFormat, UnknownFieldsOfMessagesAreIgnored) {
    const Bytes field_1000 = {0xc2, 0x3e, 0x03, 'n', 'e', 'w'};
    for (const auto& line : golden("messages.txt")) {
        if (line[0] == "signal.ping") continue;
        SCOPED_TRACE(line[0]);
        auto bytes = base::from_hex(line.at(1)).value();
        bytes.insert(bytes.end(), field_1000.begin(), field_1000.end());
        EXPECT_EQ(base::to_hex(recode(line[0], bytes)), line[1]);
    }
}

TEST(WireFormat, FramesInAWrongLaneOrOfAWrongSizeAreRefused) {
    for (const auto& line : golden("frames.txt")) {
        SCOPED_TRACE(line[0]);
        const auto bytes = base::from_hex(line.at(2)).value();
        const auto lane = static_cast<core::ports::Lane>(std::stoi(line[1]));
        EXPECT_FALSE(decode_frame((lane + 1) % core::ports::kLaneCount, bytes).has_value());
        EXPECT_FALSE(decode_frame(lane, core::ByteView(bytes).first(15)).has_value());
        auto flagged = bytes;
        flagged[1] |= 0x80;
        EXPECT_FALSE(decode_frame(lane, flagged).has_value());
        auto long_one = bytes;
        long_one.resize(kMaxMessage + 1);
        EXPECT_FALSE(decode_frame(lane, long_one).has_value());
    }
}

TEST(WireFormat, EpochsCompareAroundTheirWrap) {
    EXPECT_TRUE(is_newer(1, 0));
    EXPECT_TRUE(is_newer(0, 0xffff));
    EXPECT_FALSE(is_newer(0xffff, 0));
    EXPECT_FALSE(is_newer(5, 5));
}

TEST(WireFormat, EveryStreamHasALaneOfItsOwnKind) {
    EXPECT_EQ(lane_of(0), 0);
    std::set<int> lanes;
    for (std::uint32_t id = 1; id < 200; ++id) lanes.insert(lane_of(id));
    EXPECT_EQ(lanes.size(), 31U);
    EXPECT_EQ(*lanes.begin(), 1);
    EXPECT_EQ(*lanes.rbegin(), 31);
}

TEST(ControlReader, ReadsMessagesHoweverTheyAreCut) {
    Bytes stream;
    for (int i = 0; i < 5; ++i) {
        const auto framed = frame_control(core::TubeClosed{core::TubeId::random(), Errc::cancelled});
        stream.insert(stream.end(), framed.begin(), framed.end());
    }
    for (std::size_t piece = 1; piece < stream.size(); ++piece) {
        ControlReader reader;
        std::size_t count = 0;
        for (std::size_t at = 0; at < stream.size(); at += piece) {
            const auto part = core::ByteView(stream).subspan(at, std::min(piece, stream.size() - at));
            count += reader.feed(part).value().size();
        }
        EXPECT_EQ(count, 5U);
    }
}

TEST(ControlReader, SkipsNewerMessagesAndRefusesHugeOnes) {
    ControlReader reader;
    const Bytes newer = {0, 0, 0, 3, 0xa2, 0x06, 0x00};
    EXPECT_TRUE(reader.feed(newer).value().empty());
    const Bytes huge = {0, 4, 0, 0};
    EXPECT_EQ(reader.feed(huge).error(), Errc::protocol_violation);
}

}  // namespace
}  // namespace tubes::wire
