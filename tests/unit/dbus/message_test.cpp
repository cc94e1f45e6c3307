// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of reading D-Bus messages off a stream.
#include <gtest/gtest.h>

#include <cstring>

#include "tests/unit/dbus/bus_room.hpp"

namespace tubes::endpoints::dbus {
namespace {

TEST(DbusMessages, AreReadWhateverTheirPieces) {
    const auto bytes = *method_call(kService, "a.b", "Insert", 7).marshal();
    MessageReader reader;
    for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
        reader.feed(base::ByteView(bytes).subspan(i, 1));
        ASSERT_FALSE(*reader.next());
    }
    reader.feed(base::ByteView(bytes).last(1));
    EXPECT_EQ((**reader.next()).member(), "Insert");
}

TEST(DbusMessages, AreRefusedByTheirHeaderWhenTooLarge) {
    auto bytes = *method_call(kService, "a.b", "Insert", 7).marshal();
    const std::uint32_t body = kMaxMessageSize;
    std::memcpy(bytes.data() + 4, &body, sizeof(body));
    MessageReader reader;
    reader.feed(bytes);
    EXPECT_EQ(reader.next().error(), Errc::limit_exceeded);
    EXPECT_EQ(reader.next().error(), Errc::limit_exceeded);
}

TEST(DbusMessages, AreSkippedWhenTooLargeSoThatTheNextIsRead) {
    auto bytes = *method_call(kService, "a.b", "Insert", 7).marshal();
    const auto good = *method_call(kService, "a.b", "Next", 8).marshal();
    const std::uint32_t body = 9 * 1024 * 1024;
    std::memcpy(bytes.data() + 4, &body, sizeof(body));
    bytes.resize(bytes.size() + body);
    bytes.insert(bytes.end(), good.begin(), good.end());
    MessageReader reader;
    std::optional<OversizedMessage> skipped;
    std::optional<Message> last;
    for (std::size_t at = 0; at < bytes.size(); at += 65536) {
        reader.feed(base::ByteView(bytes).subspan(at, std::min<std::size_t>(65536, bytes.size() - at)));
        auto message = reader.next();
        if (!message) {
            EXPECT_EQ(message.error(), Errc::limit_exceeded);
            skipped = reader.skip_oversized();
            message = reader.next();
        }
        if (*message) last = **message;
    }
    ASSERT_TRUE(skipped);
    EXPECT_EQ(skipped->serial, 7U);
    EXPECT_TRUE(skipped->expects_reply);
    ASSERT_TRUE(last);
    EXPECT_EQ(last->member(), "Next");
}

}  // namespace
}  // namespace tubes::endpoints::dbus
