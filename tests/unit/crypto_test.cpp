// SPDX-License-Identifier: GPL-3.0-or-later
// Identity keys, digests and certificates by fingerprint.
#include "transports/crypto/crypto.hpp"

#include <gtest/gtest.h>

#include "transports/crypto/certificate.hpp"

namespace tubes::transports {
namespace {

using base::as_bytes;

TEST(Crypto, HashesTheFipsExample) {
    EXPECT_EQ(OpenSslCrypto().sha256(as_bytes("abc")).hex(),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Crypto, VerifiesTheFirstVectorOfRfc8032) {
    const auto key = *core::PublicKey::from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    auto signature = *core::Signature::from_hex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b");
    EXPECT_TRUE(OpenSslCrypto().verify(key, {}, signature));
    signature.bytes[0] ^= 1;
    EXPECT_FALSE(OpenSslCrypto().verify(key, {}, signature));
}

TEST(Crypto, RefusesAKeyThatIsNoCurvePoint) {
    core::PublicKey key;
    key.bytes.fill(0xff);
    EXPECT_FALSE(OpenSslCrypto().verify(key, as_bytes("message"), core::Signature()));
}

TEST(Crypto, SignsSoThatOnlyTheSameKeyVerifies) {
    const auto identity = OpenSslIdentity::generate();
    const auto other = OpenSslIdentity::generate();
    const auto signature = identity->sign(as_bytes("message"));
    EXPECT_TRUE(OpenSslCrypto().verify(identity->public_key(), as_bytes("message"), signature));
    EXPECT_FALSE(OpenSslCrypto().verify(identity->public_key(), as_bytes("Message"), signature));
    EXPECT_FALSE(OpenSslCrypto().verify(other->public_key(), as_bytes("message"), signature));
}

TEST(Crypto, KeepsAnIdentityThroughItsFile) {
    const auto identity = OpenSslIdentity::generate();
    const auto pem = identity->to_pem();
    EXPECT_TRUE(base::as_text(pem.view()).starts_with("-----BEGIN PRIVATE KEY-----\n"));
    const auto loaded = OpenSslIdentity::from_pem(pem.view());
    ASSERT_TRUE(loaded);
    EXPECT_EQ((*loaded)->public_key(), identity->public_key());
}

TEST(Crypto, SaysThatADamagedOrForeignKeyFileIsCorrupt) {
    const auto pem = OpenSslIdentity::generate()->to_pem();
    const std::string whole(base::as_text(pem.view()));
    for (const auto& text :
         {std::string(), std::string("rubbish"), whole.substr(0, 60), std::string(5000, 'A'),
          std::string("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")}) {
        const auto loaded = OpenSslIdentity::from_pem(as_bytes(text));
        ASSERT_FALSE(loaded) << text;
        EXPECT_EQ(loaded.error(), Errc::state_corrupt);
    }
}

TEST(Certificate, HasAFingerprintThatSurvivesItsText) {
    const auto certificate = Certificate::generate();
    const auto text = certificate.fingerprint_text();
    EXPECT_EQ(text.size(), 95U);
    EXPECT_EQ(*parse_fingerprint(text), certificate.fingerprint());
    EXPECT_EQ(certificate_fingerprint(certificate.x509()), certificate.fingerprint());
}

TEST(Certificate, IsFreshEachTime) {
    EXPECT_NE(Certificate::generate().fingerprint(), Certificate::generate().fingerprint());
}

TEST(Certificate, RefusesMalformedFingerprints) {
    const auto good = Certificate::generate().fingerprint_text();
    auto spaced = good;
    spaced[2] = ' ';
    auto letter = good;
    letter[0] = 'G';
    for (const auto& text : {std::string(), good.substr(1), good + ":", good + ":00", spaced, letter}) {
        EXPECT_FALSE(parse_fingerprint(text)) << text;
    }
}

/// Runs one handshake in memory between `client` and `server`; true if both ends completed it.
bool shake_hands(SSL_CTX* client_context, SSL_CTX* server_context) {
    const SslPtr client(SSL_new(client_context));
    const SslPtr server(SSL_new(server_context));
    BIO* client_end = nullptr;
    BIO* server_end = nullptr;
    BIO_new_bio_pair(&client_end, 0, &server_end, 0);
    SSL_set_bio(client.get(), client_end, client_end);
    SSL_set_bio(server.get(), server_end, server_end);
    SSL_set_connect_state(client.get());
    SSL_set_accept_state(server.get());
    bool client_done = false;
    bool server_done = false;
    for (int round = 0; round < 10; ++round) {
        client_done = SSL_do_handshake(client.get()) == 1;
        server_done = SSL_do_handshake(server.get()) == 1;
    }
    take_openssl_errors();
    return client_done && server_done;
}

/// Two contexts with a certificate each, which expect what the test says.
struct FingerprintCheck : testing::Test {
    Certificate client = Certificate::generate();
    Certificate server = Certificate::generate();
    ExpectedPeer client_expects{server.fingerprint()};
    ExpectedPeer server_expects{client.fingerprint()};
    SslContextPtr client_context{SSL_CTX_new(TLS_method())};
    SslContextPtr server_context{SSL_CTX_new(TLS_method())};

    bool passes() {
        client.use_in(client_context.get());
        server.use_in(server_context.get());
        require_peer_certificate(client_context.get(), client_expects);
        require_peer_certificate(server_context.get(), server_expects);
        return shake_hands(client_context.get(), server_context.get());
    }
};

TEST_F(FingerprintCheck, AcceptsExactlyTheExpectedCertificates) {
    EXPECT_TRUE(passes());
}

TEST_F(FingerprintCheck, RefusesAnotherServer) {
    client_expects.fingerprint = Certificate::generate().fingerprint();
    EXPECT_FALSE(passes());
}

TEST_F(FingerprintCheck, RefusesAnotherClient) {
    server_expects.fingerprint = Certificate::generate().fingerprint();
    EXPECT_FALSE(passes());
}

TEST_F(FingerprintCheck, RefusesEverybodyWhileNothingIsExpected) {
    server_expects.fingerprint.reset();
    EXPECT_FALSE(passes());
}

TEST_F(FingerprintCheck, RefusesAPeerWithoutACertificate) {
    server.use_in(server_context.get());
    require_peer_certificate(client_context.get(), client_expects);
    require_peer_certificate(server_context.get(), server_expects);
    EXPECT_FALSE(shake_hands(client_context.get(), server_context.get()));
}

}  // namespace
}  // namespace tubes::transports
