// SPDX-License-Identifier: GPL-3.0-or-later
// What all TLS connections of one path attempt share: our certificate and token, and what the peer has to show.
// Spec: RFC 8446; docs/protocol.md, "TLS paths". For files inside transports/ only.
#pragma once

#include <memory>

#include "transports/crypto/certificate.hpp"

namespace tubes::transports {

/// A listener's one-time secret. The caller shows it in its ClientHello, where an observer can read it: it keeps
/// strangers away from the listener and proves nothing else.
using PathToken = base::FixedBytes<struct PathTokenTag, 16>;

/// The ClientHello extension that carries the listener's token, 16 bytes (RFC 8446 §11: private use).
inline constexpr unsigned kTokenExtension = 0xff7b;

/// Who sends the ClientHello.
enum class TlsRole : std::uint8_t { client, server };

/// TLS 1.3 only, without tickets, resumption and 0-RTT. Both ends present certificates and check fingerprints.
class TlsContext {
public:
    /// Fresh certificate and token. Throws std::runtime_error if OpenSSL has no memory.
    TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    const Certificate& certificate() const noexcept { return certificate_; }
    /// What callers of our listener have to show.
    const PathToken& own_token() const noexcept { return own_token_; }

    /// Names the one certificate that is accepted, and the token that we show as a client. No handshake succeeds
    /// before.
    void expect_peer(const core::Digest& fingerprint, const PathToken& token);
    bool knows_peer() const noexcept { return expected_.fingerprint.has_value(); }

    /// A session in its initial state. The context outlives it. As a server it sets `*hello_accepted` once a
    /// ClientHello with our token came, and fails before it has produced a certificate if another came.
    SslPtr make_session(TlsRole role, bool* hello_accepted) const;

private:
    static int check_hello(SSL* session, int* alert, void* context);
    static int add_token(SSL* session, unsigned extension, unsigned where, const unsigned char** out, std::size_t* size,
                         X509* certificate, std::size_t chain_index, int* alert, void* context);

    Certificate certificate_;
    PathToken own_token_;
    PathToken peer_token_;
    ExpectedPeer expected_;
    SslContextPtr context_;
};

}  // namespace tubes::transports
