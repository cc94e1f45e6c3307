// SPDX-License-Identifier: GPL-3.0-or-later
// Makes certificates and checks fingerprints with OpenSSL 3.
#include "transports/crypto/certificate.hpp"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <array>

namespace tubes::transports {

namespace {

/// Clocks of two machines may differ by a day; foreign peers that look at dates accept it then.
constexpr long kValidBeforeSeconds = 24L * 3600;
constexpr long kValidAfterSeconds = 7L * 24 * 3600;
constexpr long kX509Version3 = 2;

EvpKeyPtr generate_key() {
    EvpKeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    if (!key) throw_openssl_error("generating a P-256 key");
    return key;
}

/// RFC 5280 §4.1.2.2: positive and unique; random tells nothing.
bool set_random_serial(X509* certificate) {
    std::array<std::uint8_t, 16> random{};
    base::fill_random(random);
    random[0] &= 0x7f;
    std::unique_ptr<BIGNUM, OpenSslDelete<BN_free>> number(BN_bin2bn(random.data(), random.size(), nullptr));
    return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

X509Ptr self_sign(EVP_PKEY* key) {
    X509Ptr certificate(X509_new());
    if (!certificate) throw_openssl_error("making a certificate");
    X509_NAME* name = X509_get_subject_name(certificate.get());
    const auto* common_name = reinterpret_cast<const unsigned char*>("tubes");
    const bool made = X509_set_version(certificate.get(), kX509Version3) == 1 && set_random_serial(certificate.get()) &&
                      X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kValidBeforeSeconds) != nullptr &&
                      X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kValidAfterSeconds) != nullptr &&
                      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0) == 1 &&
                      X509_set_issuer_name(certificate.get(), name) == 1 &&
                      X509_set_pubkey(certificate.get(), key) == 1 &&
                      X509_sign(certificate.get(), key, EVP_sha256()) > 0;
    if (!made) throw_openssl_error("making a certificate");
    return certificate;
}

/// Replaces OpenSSL's chain building (SSL_CTX_set_cert_verify_callback(3)): 1 accepts, 0 refuses.
int verify_by_fingerprint(X509_STORE_CTX* store, void* argument) {
    const auto& expected = *static_cast<const ExpectedPeer*>(argument);
    const X509* presented = X509_STORE_CTX_get0_cert(store);
    if (presented && expected.fingerprint) {
        const auto fingerprint = certificate_fingerprint(presented);
        const auto& wanted = expected.fingerprint->bytes;
        if (CRYPTO_memcmp(fingerprint.bytes.data(), wanted.data(), wanted.size()) == 0) {
            X509_STORE_CTX_set_error(store, X509_V_OK);
            return 1;
        }
    }
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
}

int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

}  // namespace

Certificate::Certificate(EvpKeyPtr key, X509Ptr x509)
    : key_(std::move(key)), x509_(std::move(x509)), fingerprint_(certificate_fingerprint(x509_.get())) {}

Certificate Certificate::generate() {
    auto key = generate_key();
    auto x509 = self_sign(key.get());
    return {std::move(key), std::move(x509)};
}

std::string Certificate::fingerprint_text() const {
    return format_fingerprint(fingerprint_);
}

void Certificate::use_in(SSL_CTX* context) const {
    if (SSL_CTX_use_certificate(context, x509_.get()) != 1 || SSL_CTX_use_PrivateKey(context, key_.get()) != 1) {
        throw_openssl_error("using a certificate");
    }
}

core::Digest certificate_fingerprint(const X509* certificate) {
    core::Digest digest;
    if (X509_digest(certificate, EVP_sha256(), digest.bytes.data(), nullptr) != 1) {
        throw_openssl_error("taking a fingerprint");
    }
    return digest;
}

std::string format_fingerprint(const core::Digest& fingerprint) {
    static constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string text;
    text.reserve(fingerprint.bytes.size() * 3);
    for (const auto byte : fingerprint.bytes) {
        if (!text.empty()) text += ':';
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

result<core::Digest> parse_fingerprint(std::string_view text) {
    core::Digest digest;
    if (text.size() != digest.bytes.size() * 3 - 1) return make_error_code(Errc::invalid_argument);
    for (std::size_t index = 0; index < digest.bytes.size(); ++index) {
        const int high = hex_value(text[index * 3]);
        const int low = hex_value(text[index * 3 + 1]);
        const bool joined = index + 1 == digest.bytes.size() || text[index * 3 + 2] == ':';
        if (high < 0 || low < 0 || !joined) return make_error_code(Errc::invalid_argument);
        digest.bytes[index] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return digest;
}

void require_peer_certificate(SSL_CTX* context, const ExpectedPeer& expected) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_cert_verify_callback(context, verify_by_fingerprint, const_cast<ExpectedPeer*>(&expected));
}

}  // namespace tubes::transports
