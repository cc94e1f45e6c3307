// SPDX-License-Identifier: GPL-3.0-or-later
// Signals to XML and back: golden texts, every field, and strictness against malformed input.
#include "presence/xmpp/signal_codec.hpp"

#include <gtest/gtest.h>

#include "presence/xmpp/jingle/payload.hpp"
#include "presence/xmpp/namespaces.hpp"
#include "presence/xmpp/wire_errors.hpp"
#include "presence/xmpp/xml_stream.hpp"

namespace tubes::presence::xmpp {
namespace {

using namespace core;

template <class Id>
Id id_of(std::uint8_t byte) {
    Id id;
    id.bytes.fill(byte);
    return id;
}

const std::string kId16 = "11111111111111111111111111111111";
const std::string kKey = std::string(64, '2');

Signal round_trip(const Signal& signal) {
    auto encoded = encode_signal(signal);
    EXPECT_TRUE(encoded);
    const std::string xml = encoded->payload->xml();
    auto parsed = parse_stanza("<iq>" + xml + "</iq>");
    EXPECT_TRUE(parsed) << xml;
    auto decoded = decode_signal(encoded->iq_type, *children(**parsed).at(0));
    EXPECT_TRUE(decoded) << xml;
    return decoded ? *decoded : Signal(PingSignal{});
}

result<Signal> decode(const std::string& xml, const std::string& type = "set") {
    auto parsed = parse_stanza("<iq>" + xml + "</iq>");
    if (!parsed) return parsed.error();
    return decode_signal(type, *children(**parsed).at(0));
}

LinkInitiate initiate() {
    LinkInitiate signal;
    signal.link = id_of<LinkId>(0x11);
    signal.identity = id_of<PublicKey>(0x22);
    signal.request = {
        id_of<TubeId>(0x33), "web", TubeKind::stream, id_of<OfferId>(0x44), {{"user", std::string("bob")}}};
    signal.transports = {{PathKind::direct_tls, {{"fingerprint", "ab:cd"}}}, {PathKind::ice, {}}};
    return signal;
}

TEST(SignalCodec, WritesASessionInitiateAsDocumented) {
    auto encoded = encode_signal(initiate());
    ASSERT_TRUE(encoded);
    EXPECT_EQ(encoded->iq_type, "set");
    EXPECT_EQ(encoded->payload->xml(),
              "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='" + kId16 +
                  "'><content creator='initiator' name='link'><description xmlns='urn:tubes:protocol:0' identity='" +
                  kKey +
                  "'><request tube='33333333333333333333333333333333' service='web' kind='stream' "
                  "offer='44444444444444444444444444444444'><parameter name='user' type='string'>bob</parameter>"
                  "</request></description><transport xmlns='urn:tubes:protocol:0:transport' generation='0'>"
                  "<path kind='direct-tls'><attribute name='fingerprint'>ab:cd</attribute></path><path kind='ice'/>"
                  "</transport></content></jingle>");
}

TEST(SignalCodec, KeepsEveryFieldOfLinkSignals) {
    const auto first = std::get<LinkInitiate>(round_trip(initiate()));
    EXPECT_EQ(first.link, id_of<LinkId>(0x11));
    EXPECT_EQ(first.identity, id_of<PublicKey>(0x22));
    EXPECT_EQ(first.request.service, "web");
    EXPECT_EQ(first.request.offer, id_of<OfferId>(0x44));
    EXPECT_EQ(first.request.parameters, initiate().request.parameters);
    EXPECT_EQ(first.transports, initiate().transports);

    const LinkAccept accept{first.link, first.identity, {{"x", true}}, {{PathKind::ice, {{"ufrag", "a b"}}}}};
    const auto second = std::get<LinkAccept>(round_trip(accept));
    EXPECT_EQ(second.parameters, accept.parameters);
    EXPECT_EQ(second.transports, accept.transports);

    const LinkCandidates candidates{first.link, 7, {{PathKind::ice, {{"line", "candidate:1 1 UDP"}}}}, true};
    const auto third = std::get<LinkCandidates>(round_trip(candidates));
    EXPECT_EQ(third.generation, 7U);
    EXPECT_EQ(third.candidates, candidates.candidates);
    EXPECT_TRUE(third.end);

    for (const bool answer : {false, true}) {
        const auto restart = std::get<LinkRestart>(round_trip(LinkRestart{first.link, 3, answer, first.transports}));
        EXPECT_EQ(restart.answer, answer);
        EXPECT_EQ(restart.generation, 3U);
        EXPECT_EQ(restart.transports, first.transports);
    }
    EXPECT_EQ(std::get<LinkPending>(round_trip(LinkPending{first.link})).link, first.link);
}

TEST(SignalCodec, KeepsEveryReasonOfATermination) {
    for (const Errc reason : {Errc::not_available, Errc::refused, Errc::cancelled, Errc::timed_out, Errc::no_path,
                              Errc::taken, Errc::withdrawn, Errc::expired, Errc::identity_mismatch,
                              Errc::limit_exceeded, Errc::already_exists, Errc::broken, Errc::end_of_stream}) {
        LinkTerminate signal{id_of<LinkId>(1), reason, std::nullopt};
        if (reason == Errc::already_exists) signal.survivor = id_of<LinkId>(9);
        const auto back = std::get<LinkTerminate>(round_trip(signal));
        EXPECT_EQ(back.reason, reason);
        EXPECT_EQ(back.survivor, signal.survivor);
    }
    const auto foreign = decode("<jingle xmlns='urn:xmpp:jingle:1' action='session-terminate' sid='" + kId16 +
                                "'><reason><decline/><text>no</text></reason></jingle>");
    EXPECT_EQ(std::get<LinkTerminate>(*foreign).reason, Errc::refused);
}

TEST(SignalCodec, KeepsParametersOfEveryTypeAndEveryByte) {
    std::string all;
    for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
    const Parameters parameters = {{"a", all},
                                   {"b", std::vector<std::uint8_t>{0, 255, 7}},
                                   {"c", std::int64_t{-9223372036854775807LL - 1}},
                                   {"d", std::uint64_t{18446744073709551615ULL}},
                                   {"e", false},
                                   {"f", std::string(" outer spaces ")},
                                   {"g", std::string("<&'\">\xc3\xbc")},
                                   {"h", std::string()},
                                   {"i", std::string("a\r\nb")},
                                   {"j", std::vector<std::uint8_t>{}}};
    OfferSignal offer{id_of<OfferId>(1),        "x-1.y_z",          TubeKind::dbus, parameters,
                      std::chrono::seconds(90), id_of<PublicKey>(3)};
    const auto back = std::get<OfferSignal>(round_trip(offer));
    EXPECT_EQ(back.parameters, parameters);
    EXPECT_EQ(back.lifetime, offer.lifetime);
    EXPECT_EQ(back.kind, TubeKind::dbus);
    EXPECT_EQ(back.service, "x-1.y_z");
    for (const auto end : {OfferEnd::taken, OfferEnd::withdrawn, OfferEnd::expired, OfferEnd::declined}) {
        EXPECT_EQ(std::get<OfferEndSignal>(round_trip(OfferEndSignal{offer.offer, end})).end, end);
    }
    EXPECT_TRUE(std::holds_alternative<ServiceQuery>(round_trip(ServiceQuery{})));
    EXPECT_TRUE(std::holds_alternative<PingSignal>(round_trip(PingSignal{})));
}

TEST(SignalCodec, KeepsServiceLists) {
    const ServiceList list{id_of<PublicKey>(5),
                           {{"web", TubeKind::stream, {{"path", std::string("/x")}}}, {"udp", TubeKind::datagram, {}}}};
    auto payload = encode_reply(list);
    ASSERT_TRUE(payload);
    auto iq = parse_stanza("<iq type='result'>" + payload->xml() + "</iq>");
    ASSERT_TRUE(iq);
    const auto reply = decode_reply(**iq, true);
    ASSERT_TRUE(reply);
    const auto& back = std::get<ServiceList>(*reply);
    EXPECT_EQ(back.identity, list.identity);
    ASSERT_EQ(back.services.size(), 2U);
    EXPECT_EQ(back.services[0].parameters, list.services[0].parameters);
    EXPECT_FALSE(decode_reply(**parse_stanza("<iq type='result'/>"), true));
    EXPECT_TRUE(decode_reply(**parse_stanza("<iq type='result'/>"), false));
}

TEST(SignalCodec, RefusesToSendWhatThePeerWouldRefuse) {
    LinkCandidates candidates{id_of<LinkId>(1), 0, {}, false};
    candidates.candidates.resize(kMaxCandidates + 1);
    EXPECT_EQ(encode_signal(candidates).error(), Errc::limit_exceeded);
    LinkInitiate signal = initiate();
    signal.transports[0].attributes["x"] = std::string(1025, 'a');
    EXPECT_EQ(encode_signal(signal).error(), Errc::limit_exceeded);
    signal = initiate();
    signal.request.service = "no spaces";
    EXPECT_EQ(encode_signal(signal).error(), Errc::invalid_argument);
}

TEST(SignalCodec, RefusesMalformedOffers) {
    const std::string good = "id='" + kId16 + "' service='web' kind='stream' lifetime='60' identity='" + kKey + "'";
    const std::string open = "<offer xmlns='urn:tubes:protocol:0' ";
    ASSERT_TRUE(decode(open + good + "/>"));
    ASSERT_TRUE(decode(open + good + " later='x'><unknown/></offer>"));
    EXPECT_EQ(decode(open + good + "/>", "get").error(), Errc::unsupported);
    const std::string value = "<parameter name='a' type='string'>x</parameter>";
    for (const std::string& inner :
         {value + value, std::string("<parameter name='' type='string'/>"), std::string("<parameter name='a'/>"),
          std::string("<parameter name='a' type='int'>1x</parameter>"),
          std::string("<parameter name='a' type='uint'>-1</parameter>"),
          std::string("<parameter name='a' type='int'>99999999999999999999</parameter>"),
          std::string("<parameter name='a' type='bool'>yes</parameter>"),
          std::string("<parameter name='a' type='bytes'>!</parameter>"),
          std::string("<parameter name='a' type='string' encoding='rot13'>x</parameter>"),
          "<parameter name='a' type='string'>" + std::string(4097, 'x') + "</parameter>"}) {
        EXPECT_EQ(decode(open + good + ">" + inner + "</offer>").error(), Errc::protocol_violation)
            << inner.substr(0, 80);
    }
    for (const auto& [from, to] :
         std::vector<std::pair<std::string, std::string>>{{kId16, "1111"},
                                                          {kId16, "zz111111111111111111111111111111"},
                                                          {"'web'", "'a b'"},
                                                          {"'stream'", "'x'"},
                                                          {"'60'", "'-1'"},
                                                          {"'60'", "'060'"},
                                                          {"'60'", "'999999999'"},
                                                          {"'60'", "''"},
                                                          {kKey, kId16}}) {
        std::string changed = good;
        changed.replace(changed.find(from), from.size(), to);
        EXPECT_EQ(decode(open + changed + "/>").error(), Errc::protocol_violation) << changed;
    }
}

TEST(SignalCodec, RefusesMalformedJingleAndLeavesForeignJingleAlone) {
    std::string good = encode_signal(initiate())->payload->xml();
    const auto with = [&](const std::string& from, const std::string& to) {
        std::string changed = good;
        changed.replace(changed.find(from), from.size(), to);
        return decode(changed).error();
    };
    ASSERT_TRUE(decode(good));
    EXPECT_EQ(decode(good, "get").error(), Errc::protocol_violation);
    EXPECT_EQ(with("session-initiate", "description-info"), Errc::unsupported);
    EXPECT_EQ(with("sid='" + kId16, "sid='a73sjjvkla37jfea"), Errc::unsupported);
    EXPECT_EQ(with("sid='" + kId16 + "'", ""), Errc::protocol_violation);
    EXPECT_EQ(with("urn:tubes:protocol:0'", "urn:xmpp:jingle:apps:rtp:1'"), Errc::unsupported);
    EXPECT_EQ(with("urn:tubes:protocol:0:transport", "urn:xmpp:jingle:transports:ice-udp:1"), Errc::unsupported);
    EXPECT_EQ(with("name='link'", "name='other'"), Errc::protocol_violation);
    EXPECT_EQ(with("generation='0'", "generation='x'"), Errc::protocol_violation);
    EXPECT_EQ(with("<path kind='ice'/>", "<candidate kind='ice'/>"), Errc::protocol_violation);
    EXPECT_EQ(with("<request ", "<demand "), Errc::protocol_violation);
    EXPECT_EQ(std::get<LinkInitiate>(*decode([&] {
                  std::string changed = good;
                  changed.replace(changed.find("kind='ice'"), 10, "kind='new'");
                  return changed;
              }()))
                  .transports.size(),
              1U);
    std::string many;
    for (int i = 0; i < 65; ++i) many += "<candidate kind='ice'/>";
    EXPECT_EQ(decode("<jingle xmlns='urn:xmpp:jingle:1' action='transport-info' sid='" + kId16 +
                     "'><content name='link'><transport xmlns='urn:tubes:protocol:0:transport' generation='0'>" + many +
                     "</transport></content></jingle>")
                  .error(),
              Errc::protocol_violation);
}

TEST(WireErrors, NotAvailableLooksLikeTheAnswerForSomebodyWhoIsNotThere) {
    EXPECT_EQ(make_error(Errc::not_available, true)->xml(),
              "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
    EXPECT_EQ(make_error(Errc::internal, true)->xml(), make_error(Errc::not_available, false)->xml());
}

TEST(WireErrors, KeepTheirMeaningAcrossTheWire) {
    for (const Errc code : {Errc::refused, Errc::not_found, Errc::limit_exceeded, Errc::already_exists, Errc::taken,
                            Errc::withdrawn, Errc::expired, Errc::unsupported, Errc::protocol_violation}) {
        const auto iq = parse_stanza("<iq type='error'>" + make_error(code, true)->xml() + "</iq>");
        EXPECT_EQ(parse_error(**iq), code);
    }
    const auto standard = [](const std::string& inner) {
        return parse_error(**parse_stanza("<iq type='error'><error type='cancel'>" + inner + "</error></iq>"));
    };
    EXPECT_EQ(standard("<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                       "<unknown-session xmlns='urn:xmpp:jingle:errors:1'/>"),
              Errc::not_found);
    EXPECT_EQ(standard("<remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"), Errc::offline);
    EXPECT_EQ(standard("<nonsense/>"), Errc::not_available);
    EXPECT_EQ(parse_error(**parse_stanza("<iq type='error'/>")), Errc::not_available);
}

}  // namespace
}  // namespace tubes::presence::xmpp
