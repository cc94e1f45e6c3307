// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of asking a router for ports: the messages of RFC 6886, and a router on loopback that answers as the test says.
#include "transports/port_mapping/port_mapper.hpp"

#include <gtest/gtest.h>

#include "tests/unit/port_mapping/fake_router.hpp"

namespace tubes::transports {
namespace {

using boost::asio::ip::make_address;
using boost::asio::ip::udp;
using namespace std::chrono_literals;
using Outcome = std::optional<result<udp::endpoint>>;

class PortMapping : public testing::Test {
protected:
    std::unique_ptr<PortMapper::Lease> map(MappedProtocol protocol, std::uint16_t port, Outcome& outcome) {
        return mapper->map(protocol, make_address("127.0.0.1"), port, [&outcome](auto told) { outcome = told; });
    }

    boost::asio::io_context context;
    FakeRouter router{context};
    std::shared_ptr<PortMapper> mapper =
        std::make_shared<PortMapper>(context.get_executor(), [this] { return std::optional(router.endpoint()); });
};

TEST_F(PortMapping, TellsTheAddressOutside) {
    router.external = "203.0.113.9";
    Outcome outcome;
    const auto lease = map(MappedProtocol::udp, 40000, outcome);
    ASSERT_TRUE(lease);
    EXPECT_FALSE(outcome) << "told inside the call";
    ASSERT_TRUE(router.until([&] { return outcome.has_value(); }));
    ASSERT_TRUE(*outcome) << outcome->error().message();
    EXPECT_EQ(**outcome, udp::endpoint(make_address("203.0.113.9"), FakeRouter::outside_of(40000)));
    EXPECT_EQ(router.lifetimes.at({1, 40000}), 600u);
}

TEST_F(PortMapping, TakesBackWhatNobodyHolds) {
    Outcome udp_outcome, tcp_outcome;
    auto first = map(MappedProtocol::udp, 40000, udp_outcome);
    const auto second = map(MappedProtocol::tcp, 40000, tcp_outcome);
    ASSERT_TRUE(router.until([&] { return udp_outcome && tcp_outcome; }));
    first.reset();
    EXPECT_TRUE(router.until([&] { return router.lifetimes.size() == 1; }));
    EXPECT_EQ(router.lifetimes.count({2, 40000}), 1u) << "the wrong one was taken back";
}

TEST_F(PortMapping, AsksAgainWhereAnAnswerIsLost) {
    router.drop = 3;
    Outcome outcome;
    const auto lease = map(MappedProtocol::udp, 40001, outcome);
    ASSERT_TRUE(router.until([&] { return outcome.has_value(); }));
    EXPECT_TRUE(*outcome);
}

TEST_F(PortMapping, GivesUpWhereNobodyAnswers) {
    router.drop = 1000;
    Outcome outcome;
    const auto lease = map(MappedProtocol::udp, 40001, outcome);
    ASSERT_TRUE(router.until([&] { return outcome.has_value(); }));
    EXPECT_EQ(outcome->error(), Errc::timed_out);
}

TEST_F(PortMapping, SaysThatTheRouterRefuses) {
    router.refusal = 2;
    Outcome outcome;
    const auto lease = map(MappedProtocol::udp, 40001, outcome);
    ASSERT_TRUE(router.until([&] { return outcome.has_value(); }));
    EXPECT_EQ(outcome->error(), Errc::refused);
}

TEST_F(PortMapping, OffersNothingFromBehindASecondNat) {
    router.external = "100.64.3.4";
    Outcome outcome;
    const auto lease = map(MappedProtocol::udp, 40001, outcome);
    ASSERT_TRUE(router.until([&] { return outcome.has_value(); }));
    EXPECT_EQ(outcome->error(), Errc::address_not_allowed);
}

TEST_F(PortMapping, RenewsAtHalfOfWhatWasGranted) {
    router.granted = 2;
    Outcome outcome;
    const auto lease = map(MappedProtocol::udp, 40001, outcome);
    ASSERT_TRUE(router.until([&] { return outcome.has_value(); }));
    EXPECT_TRUE(router.until([&] { return router.mappings_asked >= 3; }));
    EXPECT_EQ(router.last_suggestion, FakeRouter::outside_of(40001)) << "a renewal asks for the port it has";
}

TEST_F(PortMapping, TellsNobodyWhoIsGone) {
    Outcome outcome;
    map(MappedProtocol::udp, 40001, outcome).reset();
    EXPECT_TRUE(router.until([&] { return router.mappings_asked >= 2; }));
    EXPECT_FALSE(outcome);
}

TEST_F(PortMapping, AsksForNothingThatTheRouterDoesNotSee) {
    Outcome outcome;
    EXPECT_FALSE(mapper->map(MappedProtocol::udp, make_address("192.168.1.10"), 40000, nullptr));
    EXPECT_FALSE(mapper->map(MappedProtocol::udp, make_address("::1"), 40000, nullptr));
    const auto nowhere =
        std::make_shared<PortMapper>(context.get_executor(), [] { return std::optional<udp::endpoint>(); });
    EXPECT_FALSE(nowhere->map(MappedProtocol::udp, make_address("127.0.0.1"), 40000, nullptr));
}

TEST_F(PortMapping, HoldsNoMoreThanItsLimit) {
    std::vector<std::unique_ptr<PortMapper::Lease>> leases;
    std::vector<Outcome> outcomes(kMaxMappings + 1);
    for (std::uint16_t i = 0; i < kMaxMappings; ++i) {
        leases.push_back(map(MappedProtocol::udp, static_cast<std::uint16_t>(41000 + i), outcomes[i]));
        ASSERT_TRUE(leases.back());
    }
    EXPECT_FALSE(map(MappedProtocol::udp, 42000, outcomes.back()));
    leases.pop_back();
    EXPECT_TRUE(map(MappedProtocol::udp, 42000, outcomes.back()));
}

TEST(NatPmpMessage, IsAskedForAsTheStandardSays) {
    EXPECT_EQ(encode_external_address_request(), (core::Bytes{0, 0}));
    EXPECT_EQ(encode_mapping_request(MappedProtocol::tcp, 0x1234, 0x5678, 0x01020304s),
              (core::Bytes{0, 2, 0, 0, 0x12, 0x34, 0x56, 0x78, 1, 2, 3, 4}));
}

TEST(NatPmpMessage, IsCheckedBeforeItIsBelieved) {
    const core::Bytes mapping{0, 129, 0, 0, 0, 0, 0, 1, 0x9c, 0x40, 0x4e, 0x20, 0, 0, 2, 88};
    const auto read = parse_nat_pmp_answer(mapping);
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, (NatPmpAnswer{1, 0, {}, 40000, 20000, 600s}));
    for (std::size_t size = 0; size < mapping.size(); ++size)
        EXPECT_FALSE(parse_nat_pmp_answer(core::ByteView(mapping).first(size))) << size;
    for (const auto& [at, value] : std::vector<std::pair<std::size_t, std::uint8_t>>{{0, 2}, {1, 1}, {1, 131}}) {
        auto bent = mapping;
        bent[at] = value;
        EXPECT_FALSE(parse_nat_pmp_answer(bent)) << at;
    }
    auto without_port = mapping;
    without_port[10] = without_port[11] = 0;
    EXPECT_FALSE(parse_nat_pmp_answer(without_port));
    EXPECT_EQ(parse_nat_pmp_answer(core::Bytes{0, 129, 0, 2, 0, 0, 0, 1})->refusal, 2);
}

TEST(DefaultRouter, IsTheOneOfTheLowestMetric) {
    const std::string head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
    EXPECT_FALSE(parse_default_router(head));
    EXPECT_FALSE(parse_default_router(head + "eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"));
    EXPECT_FALSE(parse_default_router("nonsense\neth0\t00000000\tzzz\t0003\t0\t0\t1\n"));
    EXPECT_EQ(parse_default_router(head + "wlan0\t00000000\t0201A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
                                          "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"),
              boost::asio::ip::make_address_v4("192.168.1.1"));
}

}  // namespace
}  // namespace tubes::transports
