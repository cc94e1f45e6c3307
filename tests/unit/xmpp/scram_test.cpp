// SPDX-License-Identifier: GPL-3.0-or-later
// SCRAM against the vectors of the RFCs, impostors and downgrades; the choice of a mechanism.
#include "presence/xmpp/scram.hpp"

#include <gtest/gtest.h>

#include "presence/xmpp/mechanisms.hpp"

namespace tubes::presence::xmpp {
namespace {

Scram make(ScramHash hash, const std::string& nonce) {
    ScramParameters parameters;
    parameters.hash = hash;
    parameters.user = "user";
    parameters.password = "pencil";
    parameters.nonce = nonce;
    return Scram(std::move(parameters));
}

TEST(Scram, MatchesTheExampleOfRfc5802) {
    Scram scram = make(ScramHash::sha1, "fyko+d2lbbFgONRv9qkxdawL");
    EXPECT_EQ(*scram.first(), "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
    const auto final = scram.final("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096");
    ASSERT_TRUE(final);
    EXPECT_EQ(*final, "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
    EXPECT_TRUE(scram.verify("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="));
}

TEST(Scram, MatchesTheExampleOfRfc7677) {
    Scram scram = make(ScramHash::sha256, "rOprNGfwEbeRWgbNEkqO");
    EXPECT_TRUE(scram.first());
    const auto final =
        scram.final("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    ASSERT_TRUE(final);
    EXPECT_EQ(*final,
              "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
              "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    EXPECT_TRUE(scram.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
}

TEST(Scram, RefusesAServerThatDoesNotKnowThePassword) {
    Scram scram = make(ScramHash::sha1, "fyko+d2lbbFgONRv9qkxdawL");
    EXPECT_FALSE(scram.verify("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="));  // before any challenge
    ASSERT_TRUE(scram.first());
    ASSERT_TRUE(scram.final("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"));
    for (const char* bad : {"", "v=", "v=AAAApqV8S7suAoZWja4dJRkFsKQ=", "v=rmF9", "e=other-error",
                            "x=1,v=rmF9pqV8S7suAoZWja4dJRkFsKQ="}) {
        EXPECT_EQ(scram.verify(bad).error(), Errc::authentication_failed) << bad;
    }
}

TEST(Scram, RefusesMalformedAndCheapAndExcessiveChallenges) {
    for (const char* bad : {"", "r=abc,s=QSXCR+Q6sek8bf92,i=4096", "r=nonce,s=QSXCR+Q6sek8bf92,i=4096",
                            "r=nonceX,s=,i=4096", "r=nonceX,s=!!,i=4096", "r=nonceX,s=QSXCR+Q6sek8bf92,i=4095",
                            "r=nonceX,s=QSXCR+Q6sek8bf92,i=1000001", "r=nonceX,s=QSXCR+Q6sek8bf92,i=-1",
                            "r=nonceX,s=QSXCR+Q6sek8bf92,i=99999999999999", "r=nonceX,s=QSXCR+Q6sek8bf92",
                            "m=ext,r=nonceX,s=QSXCR+Q6sek8bf92,i=4096", "s=QSXCR+Q6sek8bf92,r=nonceX,i=1"}) {
        Scram scram = make(ScramHash::sha256, "nonce");
        ASSERT_TRUE(scram.first());
        EXPECT_EQ(scram.final(bad).error(), Errc::protocol_violation) << bad;
    }
}

TEST(Scram, EscapesNamesAndRefusesForbiddenPasswords) {
    ScramParameters parameters;
    parameters.user = "a=b,c";
    parameters.password = "x";
    parameters.nonce = "n";
    EXPECT_EQ(*Scram(parameters).first(), "n,,n=a=3Db=2Cc,r=n");
    parameters.password = "a\x01";
    EXPECT_FALSE(Scram(parameters).first());
    parameters.password.clear();
    EXPECT_FALSE(Scram(parameters).first());
    EXPECT_NE(random_nonce(), random_nonce());
}

TEST(Mechanisms, TakesTheStrongestAndRemembersIt) {
    const OfferedMechanisms offered{{"PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"}, {}};
    const auto chosen = choose_mechanism(offered, {}, true, "");
    ASSERT_TRUE(chosen);
    EXPECT_EQ(chosen->name, "SCRAM-SHA-256");
    EXPECT_EQ(chosen->remember, "SCRAM-SHA-256");
    EXPECT_EQ(chosen->gs2, "n,,");
}

TEST(Mechanisms, NeverGoesBelowWhatWasSeenBefore) {
    EXPECT_EQ(choose_mechanism({{"PLAIN", "SCRAM-SHA-1"}, {}}, {}, true, "SCRAM-SHA-256").error(),
              Errc::authentication_failed);
    EXPECT_EQ(choose_mechanism({{"PLAIN"}, {}}, {}, true, "SCRAM-SHA-1").error(), Errc::authentication_failed);
    EXPECT_TRUE(choose_mechanism({{"SCRAM-SHA-256"}, {}}, {}, false, "SCRAM-SHA-1"));
}

TEST(Mechanisms, UsesPlainOnlyByExplicitSetting) {
    EXPECT_FALSE(choose_mechanism({{"PLAIN"}, {}}, {}, false, ""));
    EXPECT_FALSE(choose_mechanism({{"PLAIN", "X-OAUTH2", "DIGEST-MD5"}, {}}, {}, false, ""));
    EXPECT_TRUE(choose_mechanism({{"PLAIN"}, {}}, {}, true, "")->plain);
}

TEST(Mechanisms, BindsTheChannelWhereBothCanAndTellsWhenTheServerCannot) {
    const ChannelBinding unique{"tls-unique", {1, 2}};
    const ChannelBinding exporter{"tls-exporter", {3}};
    const OfferedMechanisms plus{{"SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"}, {}};
    EXPECT_EQ(choose_mechanism(plus, unique, false, "")->name, "SCRAM-SHA-1-PLUS");
    EXPECT_EQ(choose_mechanism(plus, unique, false, "")->gs2, "p=tls-unique,,");
    EXPECT_EQ(choose_mechanism(plus, exporter, false, "")->name, "SCRAM-SHA-1");
    EXPECT_EQ(choose_mechanism(plus, exporter, false, "")->gs2, "n,,");
    const OfferedMechanisms listed{{"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"}, {"tls-exporter"}};
    EXPECT_EQ(choose_mechanism(listed, exporter, false, "")->gs2, "p=tls-exporter,,");
    EXPECT_EQ(choose_mechanism({{"SCRAM-SHA-1"}, {}}, unique, false, "")->gs2, "y,,");
}

}  // namespace
}  // namespace tubes::presence::xmpp
