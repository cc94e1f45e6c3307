// SPDX-License-Identifier: GPL-3.0-or-later
// What reaches the XML parser is bounded; what it makes of it keeps namespaces apart.
#include "presence/xmpp/stanza_guard.hpp"

#include <gtest/gtest.h>

#include "presence/xmpp/namespaces.hpp"
#include "presence/xmpp/xml_stream.hpp"

namespace tubes::presence::xmpp {
namespace {

constexpr const char* kHeader =
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams' id='1'>";

std::string repeat(const std::string& text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
}

TEST(StanzaGuard, RefusesDeepNestingBeforeItIsParsed) {
    EXPECT_TRUE(parse_stanza(repeat("<a>", 32) + repeat("</a>", 32)));
    EXPECT_EQ(parse_stanza(repeat("<a>", 33) + repeat("</a>", 33)).error(), Errc::limit_exceeded);
    EXPECT_EQ(parse_stanza(repeat("<a>", 80000)).error(), Errc::limit_exceeded);
}

TEST(StanzaGuard, RefusesAnOversizeStanzaWhileItArrives) {
    StanzaLimits limits;
    limits.bytes = 1000;
    EXPECT_TRUE(parse_stanza("<a>" + std::string(900, 'x') + "</a>", limits));
    EXPECT_EQ(parse_stanza("<a>" + std::string(1000, 'x'), limits).error(), Errc::limit_exceeded);
    EXPECT_EQ(parse_stanza("<a b='" + std::string(1000, 'x'), limits).error(), Errc::limit_exceeded);
    EXPECT_EQ(parse_stanza("<" + std::string(1000, 'x'), limits).error(), Errc::limit_exceeded);
}

TEST(StanzaGuard, RefusesStanzasOfVeryManyElements) {
    StanzaLimits limits;
    limits.elements = 10;
    EXPECT_TRUE(parse_stanza("<a>" + repeat("<b/>", 9) + "</a>", limits));
    EXPECT_EQ(parse_stanza("<a>" + repeat("<b/>", 10) + "</a>", limits).error(), Errc::limit_exceeded);
}

TEST(StanzaGuard, CountsEachStanzaAnew) {
    StanzaLimits limits;
    limits.bytes = 200;
    XmlStream stream(limits);
    ASSERT_TRUE(stream.feed(kHeader));
    ASSERT_TRUE(stream.next());
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(stream.feed("<message><body>" + std::string(100, 'x') + "</body></message> \n"));
        ASSERT_TRUE(stream.next());
    }
}

TEST(StanzaGuard, SkipsOneStanzaBeyondTheLimitsAndGoesOn) {
    StanzaLimits limits;
    limits.bytes = 400;
    const std::string deep = "<message>" + repeat("<a b='>'>", 40) + repeat("</a>", 40) + "</message>";
    const std::string wide = "<message>" + std::string(1000, 'x') + "<b c='" + std::string(1000, '/') + "'/></message>";
    const std::string text =
        std::string(kHeader) + "<iq id='1'/>" + deep + "<iq id='2'/>" + wide + wide + "<iq id='3'><stream:x/></iq>";
    for (std::size_t size : {1U, 5U, 64U, 100000U}) {
        XmlStream stream(limits);
        for (std::size_t at = 0; at < text.size(); at += size) {
            ASSERT_TRUE(stream.feed(std::string_view(text).substr(at, size)));
        }
        ASSERT_TRUE(stream.next());
        for (const char* id : {"1", "2", "3"}) {
            const auto iq = stream.next();
            ASSERT_TRUE(iq) << id << " in pieces of " << size;
            EXPECT_EQ(attribute(*iq, "id"), id);
        }
        EXPECT_FALSE(stream.next());
        EXPECT_EQ(stream.take_skipped(), 3U);
    }
}

TEST(StanzaGuard, RefusesAHeaderBeyondTheLimits) {
    StanzaLimits limits;
    limits.bytes = 400;
    XmlStream stream(limits);
    EXPECT_EQ(stream.feed("<stream:stream a='" + std::string(500, 'x')).error(), Errc::limit_exceeded);
}

TEST(StanzaGuard, RefusesWhatXmppForbids) {
    for (const char* bad : {"<a><!-- c --></a>", "<a><?pi x?></a>", "<!DOCTYPE a [<!ENTITY b 'c'>]>", "<a>&foo;</a>",
                            "<a>\xff</a>", "<a>\xed\xa0\x80</a>", "<a>\x01</a>", "text", "<a", "<a><b></a></b>",
                            "< a/>", "<a b='<'/>", "</a></b></c>", "<a/><b/>", "<a>"}) {
        EXPECT_FALSE(parse_stanza(bad)) << bad;
    }
}

TEST(StanzaGuard, TakesInputInPiecesOfAnySize) {
    const std::string text =
        std::string(kHeader) + "<iq type='get' id='1'><q xmlns='urn:x' a='/>'>\xc3\xbc/&lt;</q></iq>";
    for (std::size_t size : {1U, 2U, 3U, 7U, 1000U}) {
        XmlStream stream(StanzaLimits{});
        for (std::size_t at = 0; at < text.size(); at += size) {
            ASSERT_TRUE(stream.feed(std::string_view(text).substr(at, size))) << size << " at " << at;
        }
        ASSERT_TRUE(stream.next());
        auto iq = stream.next();
        ASSERT_TRUE(iq);
        ASSERT_TRUE(child(*iq, "q", "urn:x"));
        EXPECT_EQ(child(*iq, "q", "urn:x")->cdata(), "\xc3\xbc/<");
    }
}

TEST(XmlStream, RefusesASecondHeaderAndStanzasBeforeTheFirst) {
    XmlStream stream(StanzaLimits{});
    EXPECT_FALSE(stream.feed("<iq/>"));
    XmlStream other(StanzaLimits{});
    ASSERT_TRUE(other.feed(kHeader));
    EXPECT_FALSE(other.feed("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"));
}

TEST(XmlNamespaces, AreInheritedAndNotFooledByPrefixes) {
    const auto iq = parse_stanza("<iq><q xmlns='urn:a'><r/><x:s xmlns:x='urn:b'><x:t/><u/></x:s></q><v/></iq>");
    ASSERT_TRUE(iq);
    EXPECT_EQ(namespace_of(**iq), kClientNamespace);
    const Element* q = child(**iq, "q", "urn:a");
    ASSERT_TRUE(q);
    EXPECT_TRUE(child(*q, "r", "urn:a"));
    const Element* s = child(*q, "s", "urn:b");
    ASSERT_TRUE(s);
    EXPECT_TRUE(child(*s, "t", "urn:b"));
    EXPECT_TRUE(child(*s, "u", "urn:a"));
    EXPECT_TRUE(child(**iq, "v", kClientNamespace));
    const auto fake = parse_stanza("<x:iq xmlns:x='urn:other'/>");
    ASSERT_TRUE(fake);
    EXPECT_FALSE(is(**fake, "iq", kClientNamespace));
}

}  // namespace
}  // namespace tubes::presence::xmpp
