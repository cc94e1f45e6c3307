// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of foreign peers' Jingle: what a browser's page sends, what it gets, and what counts as none.
#include <gtest/gtest.h>

#include "presence/xmpp/jingle/web_codec.hpp"
#include "presence/xmpp/web_signals.hpp"
#include "presence/xmpp/xml_stream.hpp"

namespace tubes::presence::xmpp {
namespace {

using core::ports::WebSignal;

constexpr auto kInitiate =
    "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s1' initiator='bob@tube.test/page'>"
    "<content creator='initiator' name='data'>"
    "<description xmlns='urn:tubes:protocol:0'><request service='web' kind='stream'/></description>"
    "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='abcd' pwd='0123456789012345678901'>"
    "<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-512' setup='actpass'>00</fingerprint>"
    "<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' setup='actpass'>AA:BB</fingerprint>"
    "<sctpmap xmlns='urn:xmpp:jingle:transports:dtls-sctp:1' number='5000' protocol='webrtc-datachannel'"
    " streams='1024'/>"
    "<candidate component='1' foundation='1' generation='0' id='c' ip='10.0.0.1' network='0' port='4000'"
    " priority='2130706431' protocol='udp' type='host' rel-addr='10.9.9.9'/>"
    "</transport></content></jingle>";

result<WebSignal> decode(std::string xml) {
    auto parsed = parse_stanza("<iq>" + xml + "</iq>");
    if (!parsed) return parsed.error();
    return decode_web_jingle(*children(**parsed).at(0));
}

std::string with(const std::string& part, const std::string& other) {
    std::string xml = kInitiate;
    xml.replace(xml.find(part), part.size(), other);
    return xml;
}

TEST(WebCodec, ReadsWhatAPageSends) {
    const auto signal = decode(kInitiate);
    ASSERT_TRUE(signal);
    EXPECT_EQ(signal->session, "s1");
    EXPECT_EQ(signal->content, "data");
    const auto& initiate = std::get<core::ports::WebInitiate>(signal->action);
    EXPECT_EQ(initiate.service, "web");
    const core::ports::Attributes expected = {{"ufrag", "abcd"},
                                              {"pwd", "0123456789012345678901"},
                                              {"fingerprint", "AA:BB"},
                                              {"setup", "actpass"},
                                              {"sctp-port", "5000"}};
    EXPECT_EQ(initiate.description.attributes, expected);
    ASSERT_EQ(initiate.candidates.size(), 1U);
    EXPECT_EQ(initiate.candidates[0].attributes.at("ip"), "10.0.0.1");
    EXPECT_FALSE(initiate.candidates[0].attributes.contains("rel-addr"));
}

TEST(WebCodec, OtherJingleIsNotOurs) {
    for (const auto& xml :
         {with("urn:xmpp:jingle:transports:ice-udp:1", "urn:example"),
          with("urn:tubes:protocol:0", "urn:xmpp:jingle:apps:rtp:1"), with("webrtc-datachannel", "other"),
          with("hash='sha-256'", "hash='sha-1'"), with("session-initiate", "content-add")}) {
        const auto signal = decode(xml);
        ASSERT_FALSE(signal) << xml;
        EXPECT_EQ(signal.error(), Errc::unsupported) << xml;
    }
}

TEST(WebCodec, MalformedOrOversizedPartsSpoilTheSignal) {
    std::string many;
    for (int each = 0; each < 65; ++each) many += "<candidate ip='10.0.0.1'/>";
    for (const auto& xml : {with("service='web'", "service='no spaces'"), with("sid='s1'", ""),
                            with("sid='s1'", "sid='" + std::string(kMaxWebName + 1, 's') + "'"),
                            with("name='data'", "name='" + std::string(kMaxWebName + 1, 'n') + "'"),
                            with("</transport>", many + "</transport>")}) {
        const auto signal = decode(xml);
        ASSERT_FALSE(signal) << xml;
        EXPECT_EQ(signal.error(), Errc::protocol_violation) << xml;
    }
}

TEST(WebCodec, AnswersAsDocumented) {
    core::ports::WebAccept accept{
        {PathKind::ice,
         {{"ufrag", "efgh"}, {"pwd", "p"}, {"fingerprint", "CC:DD"}, {"setup", "active"}, {"sctp-port", "5000"}}}};
    EXPECT_EQ(encode_web_jingle({"s1", "data", accept})->xml(),
              "<jingle xmlns='urn:xmpp:jingle:1' sid='s1' action='session-accept'><content creator='initiator' "
              "name='data'><description xmlns='urn:tubes:protocol:0'/><transport "
              "xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='efgh' pwd='p'><fingerprint "
              "xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' setup='active'>CC:DD</fingerprint><sctpmap "
              "xmlns='urn:xmpp:jingle:transports:dtls-sctp:1' number='5000' protocol='webrtc-datachannel' "
              "streams='1024'/></transport></content></jingle>");
}

TEST(WebCodec, CandidatesAndTheEndGoBothWays) {
    const core::ports::Candidate candidate{PathKind::ice, {{"component", "1"}, {"ip", "10.0.0.2"}}};
    const auto there = decode(encode_web_jingle({"s1", "data", core::ports::WebCandidates{{candidate}}})->xml());
    ASSERT_TRUE(there);
    EXPECT_EQ(std::get<core::ports::WebCandidates>(there->action).candidates.at(0), candidate);
    const auto end = decode(encode_web_jingle({"s1", "data", core::ports::WebTerminate{Errc::refused}})->xml());
    ASSERT_TRUE(end);
    EXPECT_EQ(std::get<core::ports::WebTerminate>(end->action).reason, Errc::refused);
}

TEST(WebSignals, KnowSessionsByTheirSenderUntilTheyEnd) {
    WebSignals signals;
    const auto bob = *Jid::parse("bob@tube.test/page");
    const auto carol = *Jid::parse("carol@tube.test/page");
    const auto parse = [](const std::string& xml) { return *parse_stanza("<iq>" + xml + "</iq>"); };
    const auto end = parse("<jingle xmlns='urn:xmpp:jingle:1' action='session-terminate' sid='s1'/>");
    const auto& ending = *children(*end).at(0);
    EXPECT_FALSE(signals.owns(bob, ending));
    const auto begin = parse(kInitiate);
    EXPECT_TRUE(signals.owns(bob, *children(*begin).at(0)));
    EXPECT_TRUE(signals.decode(bob, *children(*begin).at(0)));
    EXPECT_TRUE(signals.owns(bob, ending));
    EXPECT_FALSE(signals.owns(carol, ending));
    EXPECT_TRUE(signals.decode(bob, ending));
    EXPECT_FALSE(signals.owns(bob, ending));
}

}  // namespace
}  // namespace tubes::presence::xmpp
