// SPDX-License-Identifier: GPL-3.0-or-later
// Signals survive encoding; malformed, oversize and foreign ones are told apart.
#include <gtest/gtest.h>

#include "tubes/core/wire/limits.hpp"
#include "tubes/core/wire/signal_codec.hpp"

namespace tubes::wire {
namespace {

using namespace tubes::core;

Parameters every_kind_of_parameter() {
    return {{"text", std::string("Grüße")},
            {"octets", std::vector<std::uint8_t>{0, 1, 255}},
            {"integer", std::int64_t{-5}},
            {"unsigned", ~std::uint64_t{0}},
            {"flag", true}};
}

TubeRequest request() {
    return {TubeId::random(), "ssh", TubeKind::stream, OfferId::random(), every_kind_of_parameter()};
}

std::vector<ports::TransportDescription> transports() {
    return {{PathKind::direct_tls, {{"fingerprint", "ab:cd"}, {"token", std::string("\0\xff", 2)}}},
            {PathKind::ice, {{"ufrag", "x"}}}};
}

std::vector<Signal> every_signal() {
    return {OfferSignal{OfferId::random(), "web", TubeKind::dbus, every_kind_of_parameter(), std::chrono::seconds(90),
                        PublicKey::random()},
            OfferEndSignal{OfferId::random(), OfferEnd::withdrawn},
            LinkInitiate{LinkId::random(), PublicKey::random(), request(), transports()},
            LinkPending{LinkId::random()},
            LinkAccept{LinkId::random(), PublicKey::random(), every_kind_of_parameter(), transports()},
            LinkCandidates{LinkId::random(), 3, {{PathKind::ice, {{"ip", "192.0.2.1"}}}}, true},
            LinkRestart{LinkId::random(), 2, true, transports()},
            LinkTerminate{LinkId::random(), Errc::already_exists, LinkId::random()},
            LinkTerminate{LinkId::random(), Errc::no_path, std::nullopt},
            ServiceQuery{},
            PingSignal{}};
}

TEST(SignalCodec, EverySignalSurvivesItsEncoding) {
    for (const auto& signal : every_signal()) {
        const auto bytes = encode(signal);
        const auto decoded = decode_signal(bytes);
        ASSERT_TRUE(decoded.has_value()) << name_of(signal) << ": " << decoded.error().message();
        EXPECT_EQ(decoded->index(), signal.index());
        EXPECT_EQ(encode(*decoded), bytes) << name_of(signal);
    }
}

TEST(SignalCodec, CarriesEveryFieldOfAnInitiate) {
    const LinkInitiate sent{LinkId::random(), PublicKey::random(), request(), transports()};
    const auto got = std::get<LinkInitiate>(decode_signal(encode(Signal(sent))).value());
    EXPECT_EQ(got.link, sent.link);
    EXPECT_EQ(got.identity, sent.identity);
    EXPECT_EQ(got.request.tube, sent.request.tube);
    EXPECT_EQ(got.request.service, "ssh");
    EXPECT_EQ(got.request.offer, sent.request.offer);
    EXPECT_EQ(got.request.parameters, sent.request.parameters);
    EXPECT_EQ(got.transports, sent.transports);
}

TEST(SignalCodec, NoPrefixAndNoFlippedByteDoesHarm) {
    for (const auto& signal : every_signal()) {
        auto bytes = encode(signal);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            (void)decode_signal(ByteView(bytes).first(size));
            bytes[size] ^= 0x55;
            (void)decode_signal(bytes);
            bytes[size] ^= 0x55;
        }
    }
}

TEST(SignalCodec, RefusesWhatExceedsALimit) {
    LinkCandidates many{LinkId::random(), 0, std::vector<ports::Candidate>(kMaxCandidates + 1), false};
    EXPECT_EQ(decode_signal(encode(Signal(many))).error(), Errc::protocol_violation);
    LinkCandidates large{
        LinkId::random(), 0, {{PathKind::ice, {{"a", std::string(kMaxAttributeValue + 1, 'x')}}}}, false};
    EXPECT_EQ(decode_signal(encode(Signal(large))).error(), Errc::protocol_violation);
    LinkInitiate misnamed{LinkId::random(), PublicKey::random(), request(), {}};
    misnamed.request.service = "no such name\x1b[31m";
    EXPECT_EQ(decode_signal(encode(Signal(misnamed))).error(), Errc::protocol_violation);
    EXPECT_EQ(decode_signal(Bytes(kMaxSignal + 1)).error(), Errc::protocol_violation);
}

TEST(SignalCodec, SkipsTransportsOfAnUnknownKindAndUnknownSignals) {
    LinkRestart restart{LinkId::random(), 1, false, transports()};
    restart.transports[0].kind = static_cast<PathKind>(99);
    const auto got = std::get<LinkRestart>(decode_signal(encode(Signal(restart))).value());
    ASSERT_EQ(got.transports.size(), 1U);
    EXPECT_EQ(got.transports[0].kind, PathKind::ice);
    const Bytes field_100 = {0xa2, 0x06, 0x00};
    EXPECT_EQ(decode_signal(field_100).error(), Errc::unsupported);
}

TEST(SignalCodec, RepliesCarryReceiptListOrError) {
    EXPECT_TRUE(std::holds_alternative<std::monostate>(decode_reply(encode_reply(SignalReply{})).value()));
    const ServiceList list{PublicKey::random(),
                           {{"ssh", TubeKind::stream, every_kind_of_parameter()}, {"web", {}, {}}}};
    auto two = list;
    two.services[1].kind = TubeKind::datagram;
    const auto got = std::get<ServiceList>(decode_reply(encode_reply(SignalReply(two))).value());
    EXPECT_EQ(got.identity, two.identity);
    ASSERT_EQ(got.services.size(), 2U);
    EXPECT_EQ(got.services[0].parameters, two.services[0].parameters);
    EXPECT_EQ(got.services[1].kind, TubeKind::datagram);
    EXPECT_EQ(decode_reply(encode_reply(make_error_code(Errc::not_available))).error(), Errc::not_available);
    EXPECT_EQ(decode_reply(Bytes{0xff}).error(), Errc::protocol_violation);
}

}  // namespace
}  // namespace tubes::wire
