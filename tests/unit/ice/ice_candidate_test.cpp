// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of candidates and credentials from signaling: what is good comes through, nothing else does.
#include <gtest/gtest.h>

#include "transports/ice/ice_candidate.hpp"

namespace tubes::transports {
namespace {

using core::ports::Candidate;

Candidate good() {
    return {PathKind::ice,
            {{"component", "1"},
             {"foundation", "1"},
             {"ip", "192.0.2.7"},
             {"port", "4000"},
             {"priority", "2015363327"},
             {"protocol", "udp"},
             {"type", "host"}}};
}

Candidate with(const std::string& name, const std::string& value) {
    auto candidate = good();
    candidate.attributes[name] = value;
    return candidate;
}

Candidate without(const std::string& name) {
    auto candidate = good();
    candidate.attributes.erase(name);
    return candidate;
}

TEST(IceCandidateTest, ComesBackAsItWasSent) {
    for (const auto type : {IceCandidateType::host, IceCandidateType::server_reflexive, IceCandidateType::relayed}) {
        const IceCandidate candidate{type, "a1/+", 77, boost::asio::ip::make_address("2001:db8::5"), 65535};
        const auto parsed = parse_ice_candidate(encode_ice_candidate(candidate), {});
        ASSERT_TRUE(parsed) << to_string(type);
        EXPECT_EQ(*parsed, candidate);
    }
}

TEST(IceCandidateTest, RefusesEveryMissingAttribute) {
    for (const auto& [name, value] : good().attributes) {
        EXPECT_FALSE(parse_ice_candidate(without(name), {})) << name;
    }
    auto other_kind = good();
    other_kind.kind = PathKind::direct_tls;
    EXPECT_EQ(parse_ice_candidate(other_kind, {}).error(), Errc::invalid_argument);
}

TEST(IceCandidateTest, RefusesMalformedValues) {
    const std::vector<std::pair<std::string, std::string>> bad{{"port", "0"},
                                                               {"port", "65536"},
                                                               {"port", "-1"},
                                                               {"port", "4000 "},
                                                               {"port", "0x10"},
                                                               {"port", ""},
                                                               {"priority", "0"},
                                                               {"priority", "2147483648"},
                                                               {"priority", "99999999999999999999"},
                                                               {"priority", "1.5"},
                                                               {"component", "0x1"},
                                                               {"component", "257"},
                                                               {"type", "Host"},
                                                               {"type", "anything"},
                                                               {"type", ""},
                                                               {"foundation", ""},
                                                               {"foundation", std::string(33, 'a')},
                                                               {"foundation", "a b"},
                                                               {"foundation", "a\r\nb"},
                                                               {"ip", ""},
                                                               {"ip", "1.2.3"},
                                                               {"ip", "fe80::1%eth0"},
                                                               {"ip", "[::1]"},
                                                               {"ip", std::string(300, '1')},
                                                               {"ip", "1.2.3.4\n"},
                                                               {"ip", "::g"}};
    for (const auto& [name, value] : bad)
        EXPECT_FALSE(parse_ice_candidate(with(name, value), {})) << name << "=" << value;
}

TEST(IceCandidateTest, DropsWhatWeDoNotUse) {
    EXPECT_EQ(parse_ice_candidate(with("protocol", "tcp"), {}).error(), Errc::unsupported);
    EXPECT_EQ(parse_ice_candidate(with("component", "2"), {}).error(), Errc::unsupported);
    EXPECT_EQ(parse_ice_candidate(with("ip", "b0a0c4de-1d2f.local"), {}).error(), Errc::unsupported);
}

TEST(IceCandidateTest, AddressesFollowTheRules) {
    for (const auto* text : {"127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "::", "::1", "ff02::1",
                             "::ffff:192.0.2.1", "169.254.1.1", "fe80::1"}) {
        EXPECT_EQ(parse_ice_candidate(with("ip", text), {}).error(), Errc::address_not_allowed) << text;
    }
    AddressRules careful;
    careful.policy = AddressPolicy::public_only;
    EXPECT_EQ(parse_ice_candidate(with("ip", "10.0.0.1"), careful).error(), Errc::address_not_allowed);
    EXPECT_TRUE(parse_ice_candidate(with("ip", "8.8.8.8"), careful));
    auto relay = with("ip", "10.0.0.1");
    relay.attributes["type"] = "relay";
    EXPECT_TRUE(parse_ice_candidate(relay, careful));
}

TEST(IceCredentialsTest, HaveTheLengthsAndCharactersOfTheSpecification) {
    const std::string password(22, 'p');
    EXPECT_TRUE(parse_ice_credentials({{"ufrag", "abcd"}, {"pwd", password}}));
    EXPECT_FALSE(parse_ice_credentials({{"ufrag", "abc"}, {"pwd", password}}));
    EXPECT_FALSE(parse_ice_credentials({{"ufrag", "abcd"}, {"pwd", password.substr(1)}}));
    EXPECT_FALSE(parse_ice_credentials({{"ufrag", "ab:d"}, {"pwd", password}}));
    EXPECT_FALSE(parse_ice_credentials({{"ufrag", std::string(257, 'a')}, {"pwd", password}}));
    EXPECT_FALSE(parse_ice_credentials({{"pwd", password}}));
}

}  // namespace
}  // namespace tubes::transports
