// SPDX-License-Identifier: GPL-3.0-or-later
// What servers and peers say of in-band blocks and relays, read and bounded.
#include <gtest/gtest.h>

#include "presence/xmpp/in_band.hpp"
#include "presence/xmpp/stream_relays.hpp"
#include "presence/xmpp/xml_stream.hpp"

namespace tubes::presence::xmpp {
namespace {

using core::ports::StreamRelay;

ElementPtr element(const std::string& xml) {
    return std::move(*parse_stanza(xml));
}

TEST(InBandStanzas, AreReadAndBounded) {
    const auto data = [](const std::string& attributes, const std::string& text) {
        return parse_in_band_data(
            *element("<data xmlns='http://jabber.org/protocol/ibb' " + attributes + ">" + text + "</data>"));
    };
    const auto block = data("sid='s' seq='65535'", "aGVsbG8=");
    ASSERT_TRUE(block);
    EXPECT_EQ(block->sequence, 65535);
    EXPECT_EQ(base::as_text(block->bytes), "hello");
    EXPECT_FALSE(data("sid='s' seq='65536'", "aGVsbG8="));
    EXPECT_FALSE(data("sid='s' seq='-1'", "aGVsbG8="));
    EXPECT_FALSE(data("sid='s'", "aGVsbG8="));
    EXPECT_FALSE(data("seq='0'", "aGVsbG8="));
    EXPECT_FALSE(data("sid='s' seq='0'", "not base64"));
    EXPECT_TRUE(data("sid='s' seq='0'", base::to_base64(core::Bytes(kInBandBlock))));
    EXPECT_FALSE(data("sid='s' seq='0'", base::to_base64(core::Bytes(kInBandBlock + 1))));
    const auto open = [](const std::string& attributes) {
        return parse_in_band_open(*element("<open xmlns='http://jabber.org/protocol/ibb' " + attributes + "/>"));
    };
    EXPECT_EQ(*open("sid='s' block-size='4096' stanza='iq'"), 4096U);
    EXPECT_EQ(*open("sid='s' block-size='1'"), 1U);
    EXPECT_EQ(open("sid='s' block-size='10' stanza='message'").error(), Errc::unsupported);
    EXPECT_FALSE(open("sid='s' block-size='0'"));
    EXPECT_FALSE(open("sid='s' block-size='65536'"));
    EXPECT_FALSE(open("sid='" + std::string(200, 's') + "' block-size='10'"));
}

TEST(StreamRelayAnswers, AreReadAndBadOnesSkipped) {
    const auto relays =
        parse_stream_hosts(*element("<query xmlns='http://jabber.org/protocol/bytestreams'>"
                                    "<streamhost jid='proxy.example' host='192.0.2.1' port='7777'/>"
                                    "<streamhost jid='proxy.example' host='192.0.2.1'/>"
                                    "<streamhost jid='proxy.example' host='' port='1'/>"
                                    "<streamhost jid='@' host='x' port='1'/>"
                                    "<streamhost jid='proxy.example' host='x' port='0'/></query>"));
    EXPECT_EQ(relays, (std::vector{StreamRelay{"proxy.example", "192.0.2.1", 7777}}));
}

TEST(StreamAddress, IsTheHashOfSessionRequesterAndTarget) {
    // XEP-0065 §5.3.2: SHA-1 of their concatenation; the value by sha1sum.
    const auto requester = *Jid::parse("requester@example.com/foo");
    const auto target = *Jid::parse("target@example.org/bar");
    EXPECT_EQ(stream_address("vxf9n471bn46", requester, target), "98b8d688d0f5d895fd41c5e7309a2e9e33ba32ff");
}

}  // namespace
}  // namespace tubes::presence::xmpp
