// SPDX-License-Identifier: GPL-3.0-or-later
// Verification: the digits and the short string, with real digests and a server in the middle.
#include "tubes/core/trust/verification.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "transports/crypto/crypto.hpp"
#include "tubes/core/tube/broker.hpp"

namespace tubes::core {
namespace {

const ContactAddress kAlice{"alice@example.org"};
const ContactAddress kBob{"bob@example.net"};

PublicKey key(std::uint8_t seed) {
    PublicKey made;
    for (std::size_t index = 0; index < made.bytes.size(); ++index) {
        made.bytes[index] = static_cast<std::uint8_t>(seed * 31 + index);
    }
    return made;
}

std::string digits(const ContactAddress& a, std::uint8_t a_key, const ContactAddress& b, std::uint8_t b_key) {
    const transports::OpenSslCrypto crypto;
    return verification_digits(crypto, a, key(a_key), b, key(b_key));
}

TEST(VerificationDigits, AreSixtyAndTheSameOnBothSides) {
    const auto text = digits(kAlice, 1, kBob, 2);
    EXPECT_EQ(text.size(), 60u);
    EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }));
    EXPECT_EQ(text, digits(kBob, 2, kAlice, 1));
    EXPECT_EQ(text, digits(kAlice, 1, kBob, 2));
}

TEST(VerificationDigits, ChangeWithEveryKeyAndAddress) {
    const auto text = digits(kAlice, 1, kBob, 2);
    EXPECT_NE(text, digits(kAlice, 3, kBob, 2));
    EXPECT_NE(text, digits(kAlice, 1, kBob, 3));
    EXPECT_NE(text, digits(kAlice, 2, kBob, 1));
    EXPECT_NE(text, digits({"alice@example.com"}, 1, kBob, 2));
    EXPECT_NE(digits({"ab"}, 1, {"c"}, 2), digits({"a"}, 1, {"bc"}, 2));
}

TEST(VerificationDigits, DifferWhenTheServerStandsInTheMiddleWithKeysOfItsOwn) {
    // Alice sees the server's key 8 as Bob's, Bob sees the server's key 9 as Alice's.
    const auto alice_sees = digits(kAlice, 1, kBob, 8);
    const auto bob_sees = digits(kAlice, 9, kBob, 2);
    EXPECT_NE(alice_sees, bob_sees);
    // Also with one key towards both.
    EXPECT_NE(digits(kAlice, 1, kBob, 8), digits(kAlice, 8, kBob, 2));
    EXPECT_NE(alice_sees.substr(0, 20), bob_sees.substr(0, 20));
    EXPECT_NE(alice_sees.substr(40), bob_sees.substr(40));
}

/// One side of an exchange; what it sends waits in `out`.
struct Side {
    Side(const ContactAddress& self, std::uint8_t self_key, const ContactAddress& peer, std::uint8_t peer_key)
        : exchange(crypto, {self, key(self_key)}, {peer, key(peer_key)},
                   [this](const ControlMessage& message) { out.push_back(message); }) {}

    void start() {
        exchange.start([this](result<std::string> text) { outcome = std::move(text); });
    }
    void receive(const ControlMessage& message) {
        if (const auto* commit = std::get_if<VerifyCommit>(&message)) exchange.on_commit(*commit);
        if (const auto* reveal = std::get_if<VerifyReveal>(&message)) exchange.on_reveal(*reveal);
    }

    transports::OpenSslCrypto crypto;
    std::deque<ControlMessage> out;
    std::optional<result<std::string>> outcome;
    ShortStringExchange exchange;
};

void carry(Side& a, Side& b) {
    while (!a.out.empty() || !b.out.empty()) {
        for (auto [from, to] : {std::pair(&a, &b), std::pair(&b, &a)}) {
            if (from->out.empty()) continue;
            const auto message = from->out.front();
            from->out.pop_front();
            to->receive(message);
        }
    }
}

TEST(ShortString, IsTheSameOnBothSidesWhoeverStarts) {
    for (const bool bob_first : {false, true}) {
        Side alice(kAlice, 1, kBob, 2);
        Side bob(kBob, 2, kAlice, 1);
        (bob_first ? bob : alice).start();
        carry(alice, bob);
        EXPECT_FALSE(alice.outcome || bob.outcome);
        (bob_first ? alice : bob).start();
        carry(alice, bob);
        ASSERT_TRUE(alice.outcome && bob.outcome);
        EXPECT_EQ(**alice.outcome, **bob.outcome);
    }
}

TEST(ShortString, NothingIsRevealedBeforeThisUserStarted) {
    Side alice(kAlice, 1, kBob, 2);
    Side bob(kBob, 2, kAlice, 1);
    for (int count = 0; count < 100; ++count) {
        bob.start();
        carry(alice, bob);
        EXPECT_TRUE(alice.out.empty());
    }
}

TEST(ShortString, DiffersWhenTheServerStandsInTheMiddleWithKeysOfItsOwn) {
    int equal = 0;
    for (int run = 0; run < 500; ++run) {
        Side alice(kAlice, 1, kBob, 8);
        Side to_alice(kBob, 8, kAlice, 1);
        Side bob(kBob, 2, kAlice, 9);
        Side to_bob(kAlice, 9, kBob, 2);
        for (auto* side : {&alice, &to_alice, &bob, &to_bob}) side->start();
        carry(alice, to_alice);
        carry(bob, to_bob);
        ASSERT_TRUE(alice.outcome && bob.outcome);
        equal += **alice.outcome == **bob.outcome ? 1 : 0;
    }
    EXPECT_EQ(equal, 0);
}

TEST(ShortString, PassingOnTheOthersMessagesIsNoticed) {
    Side alice(kAlice, 1, kBob, 8);
    Side bob(kBob, 2, kAlice, 9);
    alice.start();
    bob.start();
    carry(alice, bob);
    ASSERT_TRUE(alice.outcome && bob.outcome);
    EXPECT_EQ(alice.outcome->error(), Errc::identity_mismatch);
    EXPECT_EQ(bob.outcome->error(), Errc::identity_mismatch);
}

TEST(ShortString, OurOwnMessagesSentBackAreNoticed) {
    Side alice(kAlice, 1, kBob, 2);
    alice.start();
    while (!alice.out.empty()) {
        const auto message = alice.out.front();
        alice.out.pop_front();
        alice.receive(message);
    }
    ASSERT_TRUE(alice.outcome);
    EXPECT_EQ(alice.outcome->error(), Errc::identity_mismatch);
}

TEST(ShortString, ANonceChosenAfterSeeingOursIsNoticed) {
    Side alice(kAlice, 1, kBob, 2);
    Side mallory(kBob, 2, kAlice, 1);
    alice.start();
    mallory.start();
    alice.receive(mallory.out.front());  // Alice has revealed now.
    mallory.start();                     // A fresh nonce, to grind for a string that fits.
    alice.receive(mallory.out.back());
    ASSERT_TRUE(alice.outcome);
    EXPECT_EQ(alice.outcome->error(), Errc::protocol_violation);
    Side again(kAlice, 1, kBob, 2);
    again.start();
    again.receive(mallory.out.back());
    again.receive(VerifyReveal{Digest{}});
    ASSERT_TRUE(again.outcome);
    EXPECT_EQ(again.outcome->error(), Errc::identity_mismatch);
}

TEST(ShortString, ARevealWithoutACommitmentIsAViolation) {
    Side alice(kAlice, 1, kBob, 2);
    alice.receive(VerifyReveal{});
    alice.start();
    alice.receive(VerifyReveal{});
    ASSERT_TRUE(alice.outcome);
    EXPECT_EQ(alice.outcome->error(), Errc::protocol_violation);
}

}  // namespace
}  // namespace tubes::core
