// SPDX-License-Identifier: GPL-3.0-or-later
// Short-lived self-signed certificates, one per path attempt, and the check of a peer's by its fingerprint alone.
// Spec: RFC 8122 §5 (fingerprints); XEP-0320. For files inside transports/ only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "transports/crypto/openssl.hpp"
#include "tubes/core/ids.hpp"

namespace tubes::transports {

/// A P-256 key with its self-signed certificate. Names nobody; lives as long as one path attempt.
class Certificate {
public:
    /// A fresh key and certificate (about 0.1 ms). Throws std::runtime_error if OpenSSL has no memory or randomness.
    static Certificate generate();

    X509* x509() const noexcept { return x509_.get(); }
    EVP_PKEY* key() const noexcept { return key_.get(); }
    /// SHA-256 over the DER encoding.
    const core::Digest& fingerprint() const noexcept { return fingerprint_; }
    /// The same as signaling carries it: 32 upper-case pairs joined by colons, "AA:BB:…" (95 characters).
    std::string fingerprint_text() const;

    /// Makes `context` present this certificate. Throws std::runtime_error if OpenSSL refuses it.
    void use_in(SSL_CTX* context) const;

private:
    Certificate(EvpKeyPtr key, X509Ptr x509);

    EvpKeyPtr key_;
    X509Ptr x509_;
    core::Digest fingerprint_;
};

/// SHA-256 over the DER encoding of `certificate`.
core::Digest certificate_fingerprint(const X509* certificate);

/// "AA:BB:…", as RFC 8122 §5 writes a SHA-256 fingerprint.
std::string format_fingerprint(const core::Digest& fingerprint);

/// Parses 32 pairs of hexadecimal digits in either case joined by colons; Errc::invalid_argument otherwise.
result<core::Digest> parse_fingerprint(std::string_view text);

/// The certificate a peer has to present. Empty refuses every certificate.
struct ExpectedPeer {
    std::optional<core::Digest> fingerprint;
};

/// Makes `context` demand a certificate from its peer, as client and as server (TLS and DTLS), and accept exactly
/// the one that `expected` holds when the handshake comes to it. Dates, names, issuers and key usage say nothing
/// here and are not looked at. `expected` has to outlive the context and every SSL made from it.
void require_peer_certificate(SSL_CTX* context, const ExpectedPeer& expected);

}  // namespace tubes::transports
