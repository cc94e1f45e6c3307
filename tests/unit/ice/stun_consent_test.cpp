// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of consent by STUN, message by message.
#include <gtest/gtest.h>

#include <arpa/inet.h>

#include "transports/ice/stun_consent.hpp"
#include "tubes/base/bytes.hpp"

namespace tubes::transports {
namespace {

using core::Bytes;
using core::ByteView;

const IceCredentials kOurs{"ours", "password-of-our-own-side"};
const IceCredentials kTheirs{"theirs", "password-of-the-other-side"};

Bytes copy(ByteView view) {
    return {view.begin(), view.end()};
}

class StunConsentTest : public ::testing::Test {
protected:
    StunConsentTest() {
        auto& address = reinterpret_cast<sockaddr_in&>(peer);
        address.sin_family = AF_INET;
        address.sin_port = htons(4000);
        address.sin_addr.s_addr = htonl(0xc0000201);
    }
    StunConsent::Outcome give(StunConsent& to, ByteView datagram) {
        return to.receive(datagram, peer, sizeof(sockaddr_in));
    }

    sockaddr_storage peer{};
    StunConsent us{kOurs, kTheirs, true};
    StunConsent them{kTheirs, kOurs, false};
};

TEST_F(StunConsentTest, AnAnswerOfThePeerGivesConsentOnce) {
    const auto request = copy(us.make_request());
    ASSERT_TRUE(StunConsent::is_stun(request));
    const auto asked = give(them, request);
    EXPECT_FALSE(asked.consent);
    const auto reply = copy(asked.reply);
    ASSERT_TRUE(StunConsent::is_stun(reply));
    EXPECT_TRUE(give(us, reply).consent);
    EXPECT_FALSE(give(us, reply).consent) << "a replayed answer";
}

TEST_F(StunConsentTest, ARequestNeverGivesConsent) {
    EXPECT_FALSE(give(us, copy(them.make_request())).consent);
}

TEST_F(StunConsentTest, AnAnswerThatNobodyAskedForGivesNone) {
    StunConsent other{kOurs, kTheirs, true};
    EXPECT_FALSE(give(us, copy(give(them, copy(other.make_request())).reply)).consent);
}

TEST_F(StunConsentTest, AWrongKeyOrNameIsNeitherAnsweredNorBelieved) {
    StunConsent wrong_key{kOurs, {"theirs", "password-of-somebody-else"}, true};
    EXPECT_TRUE(give(them, copy(wrong_key.make_request())).reply.empty());
    StunConsent wrong_name{{"else", kOurs.password}, kTheirs, true};
    EXPECT_TRUE(give(them, copy(wrong_name.make_request())).reply.empty());
    // Somebody who saw our request, but does not know the peer's password.
    StunConsent forger{{"theirs", "password-of-somebody-else"}, kOurs, false};
    const auto request = copy(us.make_request());
    EXPECT_FALSE(give(us, copy(give(forger, request).reply)).consent);
    EXPECT_TRUE(give(us, copy(give(them, request).reply)).consent);
}

TEST_F(StunConsentTest, EveryBentByteOfAnAnswerTakesItsConsentAway) {
    const auto reply = copy(give(them, copy(us.make_request())).reply);
    for (std::size_t i = 0; i < reply.size(); ++i) {
        auto bent = reply;
        bent[i] ^= 1;
        EXPECT_FALSE(StunConsent::is_stun(bent) && give(us, bent).consent) << i;
        const auto cut = ByteView(reply).first(i);
        EXPECT_FALSE(StunConsent::is_stun(cut) && give(us, cut).consent) << i;
    }
    EXPECT_TRUE(give(us, reply).consent) << "the answer as it was sent";
}

TEST_F(StunConsentTest, ForgetsTheOldestRequestsWithoutAnswer) {
    const auto first = copy(us.make_request());
    Bytes last;
    for (int i = 0; i < 1000; ++i) {
        last = copy(us.make_request());
        ASSERT_FALSE(last.empty()) << i;
    }
    EXPECT_FALSE(give(us, copy(give(them, first).reply)).consent);
    EXPECT_TRUE(give(us, copy(give(them, last).reply)).consent);
}

TEST_F(StunConsentTest, DtlsIsNoStun) {
    for (const std::uint8_t type : {20, 21, 22, 23, 25}) {
        Bytes record(64, 0x42);
        record[0] = type;
        EXPECT_FALSE(StunConsent::is_stun(record));
    }
    EXPECT_FALSE(StunConsent::is_stun({}));
}

}  // namespace
}  // namespace tubes::transports
