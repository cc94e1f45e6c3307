// SPDX-License-Identifier: GPL-3.0-or-later
// Addresses: prepared, compared only prepared, refused when malformed.
#include "presence/xmpp/address.hpp"

#include <gtest/gtest.h>

namespace tubes::presence::xmpp {
namespace {

TEST(XmppAddress, FoldsCaseOfLocalPartAndDomainButNotOfTheResource) {
    const auto jid = Jid::parse("Alice@EXAMPLE.org/Home");
    ASSERT_TRUE(jid);
    EXPECT_EQ(jid->full(), "alice@example.org/Home");
    EXPECT_EQ(jid->bare(), "alice@example.org");
    EXPECT_EQ(jid->peer().contact.value, "alice@example.org");
    EXPECT_EQ(*Jid::parse("ALICE@example.ORG/Home"), *jid);
    EXPECT_NE(*Jid::parse("alice@example.org/home"), *jid);
}

TEST(XmppAddress, PreparesUnicodeForms) {
    EXPECT_EQ(Jid::parse("\xc3\x9cmit@b\xc3\x9c"
                         "cher.example")
                  ->bare(),
              "\xc3\xbcmit@b\xc3\xbc"
              "cher.example");
    EXPECT_EQ(*ascii_domain("b\xc3\xbc"
                            "cher.example"),
              "xn--bcher-kva.example");
    EXPECT_EQ(Jid::parse("a@example.org.")->domain(), "example.org");
    EXPECT_EQ(Jid::parse("\xef\xbd\x81@example.org")->bare(), "a@example.org");  // full-width a
}

TEST(XmppAddress, KeepsSlashesAndAtSignsInsideAResource) {
    const auto jid = Jid::parse("a@b.example/c/d@e");
    ASSERT_TRUE(jid);
    EXPECT_EQ(jid->resource(), "c/d@e");
    EXPECT_EQ(jid->without_resource().full(), "a@b.example");
    EXPECT_EQ(jid->without_resource().with_resource("x")->full(), "a@b.example/x");
}

TEST(XmppAddress, RefusesWhatIsMalformedTooLongOrForbidden) {
    const std::string long_part(kMaxAddressPart + 1, 'a');
    for (const std::string& bad :
         {std::string(), std::string("@b.example"), std::string("a@"), std::string("a@b.example/"),
          std::string("a b@c.example"), std::string("a\"b@c.example"), std::string("a<b@c.example"),
          std::string("a@b@c.example"), std::string("a@b..example"), std::string("a@-b.example"),
          std::string("a@\xff.example"), std::string("\xc3@b.example"), std::string("a@b_c.example"),
          long_part + "@b.example", "a@b.example/" + long_part, std::string("a\0b@c.example", 13),
          std::string("a@b.example/\x01"), std::string("a@b c.example")}) {
        EXPECT_FALSE(Jid::parse(bad)) << bad.substr(0, 40);
    }
}

TEST(XmppAddress, AcceptsServersAndAddressLiterals) {
    EXPECT_EQ(Jid::parse("example.org")->bare(), "example.org");
    EXPECT_TRUE(Jid::parse("example.org")->local().empty());
    EXPECT_EQ(Jid::parse("a@127.0.0.1")->domain(), "127.0.0.1");
}

}  // namespace
}  // namespace tubes::presence::xmpp
