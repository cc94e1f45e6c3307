// SPDX-License-Identifier: GPL-3.0-or-later
// TLS to an XMPP server, without a socket: bytes in, bytes out. Spec: RFC 8446, RFC 7590, RFC 6120 §5 and §13.7.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "presence/xmpp/mechanisms.hpp"
#include "tubes/core/ids.hpp"

struct ssl_st;
struct ssl_ctx_st;
struct x509_store_ctx_st;

namespace tubes::presence::xmpp {

/// What makes a server acceptable.
struct TlsOptions {
    std::string domain;                  ///< ASCII; the certificate has to prove this name, whatever host was dialled.
    std::string ca_file;                 ///< PEM authorities instead of the system's, or empty.
    std::optional<core::Digest> pinned;  ///< SHA-256 of the one certificate to accept, instead of any authority.
    bool direct = false;                 ///< XEP-0368: announces "xmpp-client" by ALPN.
};

/// The client's side of one TLS connection: 1.3, or 1.2 with ECDHE and an AEAD cipher. No tickets, no renegotiation.
class TlsSession {
public:
    /// Errc::invalid_argument if `ca_file` cannot be read; `detail` then says why.
    static result<std::unique_ptr<TlsSession>> make(const TlsOptions& options, std::string& detail);
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    /// Begins the handshake; its first bytes wait in take_output().
    result<void> start() { return receive({}, unused_); }
    /// Bytes from the network; appends what they decrypt to. Errc::certificate_rejected, Errc::end_of_stream (orderly
    /// end), Errc::protocol_violation; failure() explains the first and last.
    result<void> receive(std::string_view cipher_text, std::string& plain_text);
    /// Encrypts; only once established.
    result<void> send(std::string_view plain_text);
    /// Tells the peer that nothing follows.
    void finish();
    /// What has to be sent to the network.
    std::string take_output();

    bool is_established() const noexcept { return established_; }
    const std::string& failure() const noexcept { return failure_; }
    /// "TLS 1.3, TLS_AES_256_GCM_SHA384".
    std::string description() const;
    /// What SASL can bind to (RFC 9266, RFC 5929 §3); empty type if nothing safe.
    ChannelBinding channel_binding() const;

private:
    explicit TlsSession(TlsOptions options);
    bool configure(std::string& detail);
    bool configure_verification(std::string& detail);
    static int on_verify(x509_store_ctx_st* store, void* self);
    bool verify(x509_store_ctx_st* store);
    result<void> fail(int status);

    struct ContextDeleter {
        void operator()(ssl_ctx_st* context) const noexcept;
    };
    struct SessionDeleter {
        void operator()(ssl_st* session) const noexcept;
    };

    TlsOptions options_;
    std::unique_ptr<ssl_ctx_st, ContextDeleter> context_;
    std::unique_ptr<ssl_st, SessionDeleter> session_;
    std::string failure_;
    std::string unused_;
    bool established_ = false;
    bool rejected_ = false;
};

}  // namespace tubes::presence::xmpp
