// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of the vocabulary: bytes, printed forms, escaping.
#include <gtest/gtest.h>

#include "tubes/base/bytes.hpp"
#include "tubes/base/log.hpp"
#include "tubes/types.hpp"

namespace tubes::base {
namespace {

TEST(Bytes, RoundTripThroughHexAndBase64) {
    for (std::size_t size = 0; size < 40; ++size) {
        Bytes bytes(size);
        fill_random(bytes);
        EXPECT_EQ(from_hex(to_hex(bytes)).value(), bytes);
        EXPECT_EQ(from_base64(to_base64(bytes)).value(), bytes);
    }
}

TEST(Bytes, MalformedTextIsRefused) {
    EXPECT_EQ(from_hex("abc").error(), Errc::invalid_argument);
    EXPECT_EQ(from_hex("zz").error(), Errc::invalid_argument);
    for (const auto* text : {"a", "ab=c", "====", "QQ=Q", "QR==", "Q===", "QQ==QQ=="}) {
        EXPECT_FALSE(from_base64(text).has_value()) << text;
    }
}

TEST(Printable, MakesForeignTextHarmless) {
    EXPECT_EQ(printable("plain Grüße"), "plain Grüße");
    EXPECT_EQ(printable("\x1b[31mred\r\n"), "\\x1b[31mred\\x0d\\x0a");
    EXPECT_EQ(printable("a\xe2\x80\xae"
                        "b"),
              "a\\u202eb");
    EXPECT_EQ(printable("\xff\xc0\x80"), "\\xff\\xc0\\x80");
    EXPECT_EQ(printable("abcdef", 3), "abc...");
}

TEST(ServiceName, AllowsOnlyTheDocumentedCharacters) {
    EXPECT_TRUE(is_valid_service_name("org.example.Editor-2_x"));
    EXPECT_TRUE(is_valid_service_name(std::string(64, 'a')));
    for (const auto& name : {std::string(), std::string(65, 'a'), std::string("a b"), std::string("ä")}) {
        EXPECT_FALSE(is_valid_service_name(name)) << name;
    }
}

TEST(Logs, RejectUnknownLevelsWithoutChangingAnything) {
    EXPECT_FALSE(configure_logs("ice=loud").has_value());
    EXPECT_TRUE(configure_logs("ice=debug,error").has_value());
    EXPECT_EQ(logger("ice")->level(), spdlog::level::debug);
    EXPECT_EQ(logger("mux")->level(), spdlog::level::err);
    EXPECT_TRUE(configure_logs("warn").has_value());
}

}  // namespace
}  // namespace tubes::base
