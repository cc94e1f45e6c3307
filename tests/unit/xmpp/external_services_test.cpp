// SPDX-License-Identifier: GPL-3.0-or-later
// STUN and TURN servers as the user's server names them, and when they are asked for anew.
#include "presence/xmpp/external_services.hpp"

#include <gtest/gtest.h>

#include "presence/xmpp/xml_stream.hpp"

namespace tubes::presence::xmpp {
namespace {

using core::ports::IceServer;
using namespace std::chrono_literals;

ElementPtr services(const std::string& inner) {
    return std::move(*parse_stanza("<services xmlns='urn:xmpp:extdisco:2'>" + inner + "</services>"));
}

TEST(ExternalServices, AreReadAndBadOnesSkipped) {
    const auto now = *parse_date_time("2026-01-01T00:00:00Z");
    const auto found = parse_external_services(
        *services("<service type='stun' host='s.example' port='9999'/>"
                  "<service type='turn' host='t.example' transport='tcp' username='u' password='p' "
                  "expires='2026-01-01T00:05:00Z'/>"
                  "<service type='turns' host='t.example' username='u' password='p'/>"
                  "<service type='turn' host='no-credentials.example'/><service type='ftp' host='f.example'/>"
                  "<service type='stun' host=''/><service type='stun' host='x' port='0'/>"
                  "<service type='stun' host='x' port='70000'/>"
                  "<service type='turn' host='old.example' username='u' password='p' expires='2025-12-31T23:59:59Z'/>"),
        now);
    ASSERT_EQ(found.servers.size(), 3U);
    EXPECT_EQ(found.servers[0].port, 9999);
    EXPECT_EQ(found.servers[1].scheme, IceServer::Scheme::turn_tcp);
    EXPECT_EQ(found.servers[1].port, 3478);
    EXPECT_EQ(found.servers[2].port, 5349);
    EXPECT_EQ(found.lifetime, 300s);
}

TEST(ExternalServices, ARelayWithoutCredentialsTakesThoseOfItsHost) {
    // As Prosody 0.12 names them.
    const auto now = *parse_date_time("2026-01-01T00:00:00Z");
    const auto found = parse_external_services(
        *services("<service type='turns' transport='tcp' host='t.example' port='443'/>"
                  "<service type='turns' transport='tcp' host='other.example' port='443'/>"
                  "<service type='turn' host='t.example' username='u' password='p' expires='2026-01-01T00:05:00Z'/>"),
        now);
    ASSERT_EQ(found.servers.size(), 2U);
    EXPECT_EQ(found.servers[0].scheme, IceServer::Scheme::turn_tls);
    EXPECT_EQ(found.servers[0].port, 443);
    EXPECT_EQ(found.servers[0].username, "u");
    EXPECT_EQ(found.servers[0].password, "p");
    EXPECT_EQ(found.servers[0].valid_for, 300s);
    EXPECT_EQ(found.servers[1].scheme, IceServer::Scheme::turn_udp);
}

TEST(ExternalServices, DatesAreReadStrictly) {
    const auto base = *parse_date_time("2026-03-01T12:00:00Z");
    EXPECT_EQ(*parse_date_time("2026-03-01T14:00:00+02:00"), base);
    EXPECT_EQ(*parse_date_time("2026-03-01T11:30:00.123-00:30"), base);
    for (const char* bad : {"", "2026-03-01", "2026-03-01T12:00:00", "2026-13-01T12:00:00Z", "2026-03-01 12:00:00Z",
                            "2026-03-01T12:00:00+2", "2026-03-01T12:00:00Zx", "99999-03-01T12:00:00Z"}) {
        EXPECT_FALSE(parse_date_time(bad)) << bad;
    }
}

TEST(ExternalServices, AreCachedSharedAndRenewedBeforeTheirEnd) {
    std::vector<std::function<void(const Element*)>> questions;
    std::chrono::steady_clock::time_point now{};
    ExternalServiceCache cache([&](auto answer) { questions.push_back(answer); }, [&] { return now; });
    std::vector<std::size_t> given;
    const auto ask = [&] { cache.find([&](const auto& servers) { given.push_back(servers.size()); }); };
    ask();
    ask();
    ASSERT_EQ(questions.size(), 1U);
    questions[0](services("<service type='stun' host='s.example'/>").get());
    EXPECT_EQ(given, (std::vector<std::size_t>{1, 1}));
    now += 500s;
    ask();
    EXPECT_EQ(questions.size(), 1U);
    now += 50s;  // less than a minute left
    ask();
    ASSERT_EQ(questions.size(), 2U);
    questions[1](nullptr);  // the server does not answer: what is valid still is used
    EXPECT_EQ(given.back(), 1U);
    now += 100s;
    ask();
    questions[2](nullptr);
    EXPECT_EQ(given.back(), 0U);
}

}  // namespace
}  // namespace tubes::presence::xmpp
