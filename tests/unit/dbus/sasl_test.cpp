// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of the handshake of D-Bus connections, with what libraries really send.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tubes/endpoints/dbus/sasl_server.hpp"

namespace tubes::endpoints::dbus {
namespace {

using namespace std::string_literals;

constexpr const char* kGuid = "0123456789abcdef0123456789abcdef";

SaslServer server(bool anonymous = false) {
    return SaslServer({kGuid, 1000, anonymous});
}

TEST(DbusHandshake, LetsLibdbusInAndRefusesDescriptors) {
    auto sasl = server();
    const auto input = "\0AUTH EXTERNAL 31303030\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\nl\1"s;
    const auto used = sasl.receive(base::as_bytes(input));
    ASSERT_TRUE(used);
    EXPECT_EQ(*used, input.size() - 2);
    EXPECT_TRUE(sasl.is_done());
    EXPECT_EQ(sasl.take_output(), fmt::format("OK {}\r\nERROR \"a tube carries no file descriptors\"\r\n", kGuid));
}

TEST(DbusHandshake, LetsSystemdInThatSendsEverythingAtOnce) {
    auto sasl = server();
    ASSERT_TRUE(sasl.receive(base::as_bytes("\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"s)));
    EXPECT_TRUE(sasl.is_done());
    EXPECT_TRUE(sasl.take_output().starts_with("DATA\r\nOK "));
}

TEST(DbusHandshake, RejectsAnotherUserThanTheKernelSays) {
    auto sasl = server();
    ASSERT_TRUE(sasl.receive(base::as_bytes("\0AUTH EXTERNAL 30\r\n"s)));
    EXPECT_EQ(sasl.take_output(), "REJECTED EXTERNAL\r\n");
    EXPECT_FALSE(sasl.is_done());
}

TEST(DbusHandshake, RejectsAUserWhoMayNotEnter) {
    SaslServer sasl({kGuid, 1000, false, false});
    ASSERT_TRUE(sasl.receive(base::as_bytes("\0AUTH EXTERNAL 31303030\r\nAUTH EXTERNAL\r\n"s)));
    EXPECT_EQ(sasl.take_output(), "REJECTED EXTERNAL\r\nREJECTED EXTERNAL\r\n");
    EXPECT_FALSE(sasl.is_done());
}

TEST(DbusHandshake, TakesAnonymousOnlyWherePolicySaysSo) {
    const auto input = "\0AUTH ANONYMOUS\r\nDATA 6162\r\nBEGIN\r\n"s;
    auto open = server(true);
    ASSERT_TRUE(open.receive(base::as_bytes(input)));
    EXPECT_TRUE(open.is_done());
    auto closed = server();
    EXPECT_EQ(closed.receive(base::as_bytes(input)).error(), Errc::protocol_violation);
    EXPECT_FALSE(closed.is_done());
}

TEST(DbusHandshake, EndsAtLinesWithoutEnd) {
    auto sasl = server();
    std::string input(SaslServer::kMaxLine + 2, 'A');
    input.front() = '\0';
    EXPECT_EQ(sasl.receive(base::as_bytes(input)).error(), Errc::limit_exceeded);
}

TEST(DbusHandshake, EndsAfterTooManyRejections) {
    auto sasl = server();
    ASSERT_TRUE(sasl.receive(base::as_bytes("\0"s)));
    for (int i = 0; i < SaslServer::kMaxRejections; ++i) ASSERT_TRUE(sasl.receive(base::as_bytes("AUTH\r\n")));
    EXPECT_EQ(sasl.receive(base::as_bytes("AUTH\r\n")).error(), Errc::limit_exceeded);
}

TEST(DbusHandshake, NeedsTheZeroByte) {
    auto sasl = server();
    EXPECT_EQ(sasl.receive(base::as_bytes("AUTH EXTERNAL\r\n")).error(), Errc::protocol_violation);
}

}  // namespace
}  // namespace tubes::endpoints::dbus
