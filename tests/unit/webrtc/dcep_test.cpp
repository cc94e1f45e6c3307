// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of the messages that open a data channel.
#include <gtest/gtest.h>

#include "transports/webrtc/dcep.hpp"

namespace tubes::transports {
namespace {

core::Bytes bytes(std::string_view text) {
    return {text.begin(), text.end()};
}

TEST(Dcep, ReadsWhatChromiumSends) {
    // createDataChannel("web", {protocol: "p"}), taken from the wire.
    const core::Bytes wire{3, 0, 1, 0, 0, 0, 0, 0, 0, 3, 0, 1, 'w', 'e', 'b', 'p'};
    const auto open = parse_channel_open(wire);
    ASSERT_TRUE(open);
    EXPECT_TRUE(open->ordered && open->reliable);
    EXPECT_EQ(open->label, "web");
    EXPECT_EQ(open->protocol, "p");
    EXPECT_EQ(encode_channel_open(*open), wire);
}

TEST(Dcep, KnowsUnorderedAndUnreliableChannels) {
    DataChannelOpen open;
    open.ordered = false;
    open.reliable = false;
    open.by_time = true;
    open.reliability = 70000;
    const auto read = parse_channel_open(encode_channel_open(open));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, open);
}

TEST(Dcep, RefusesWhatIsCutLengthenedOrTooLong) {
    DataChannelOpen open;
    open.label = "label";
    const auto wire = encode_channel_open(open);
    for (std::size_t size = 0; size < wire.size(); ++size) {
        EXPECT_FALSE(parse_channel_open(core::ByteView(wire).first(size))) << size;
    }
    auto longer = wire;
    longer.push_back(0);
    EXPECT_FALSE(parse_channel_open(longer));
    auto other_type = wire;
    other_type[1] = 3;
    EXPECT_FALSE(parse_channel_open(other_type));
    open.label.assign(kMaxChannelText + 1, 'x');
    EXPECT_FALSE(parse_channel_open(encode_channel_open(open)));
}

TEST(Dcep, AnAcknowledgementIsOneByte) {
    EXPECT_TRUE(is_channel_ack(encode_channel_ack()));
    EXPECT_FALSE(is_channel_ack(bytes("\x02\x02")));
    EXPECT_FALSE(is_channel_ack({}));
}

}  // namespace
}  // namespace tubes::transports
