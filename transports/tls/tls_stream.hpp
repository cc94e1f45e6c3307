// SPDX-License-Identifier: GPL-3.0-or-later
// TLS 1.3 over any byte stream, itself a byte stream. For files inside transports/ only.
// Spec: RFC 8446; docs/protocol.md, "TLS paths".
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "transports/streams/byte_stream.hpp"
#include "transports/tls/tls_context.hpp"

namespace tubes::transports {

/// Bytes a peer may send before its handshake is complete; an honest one needs about 1 200.
inline constexpr std::size_t kMaxHandshakeBytes = 16 * 1024;

/// Encrypts a lower stream. First continue_handshake() until it gives no error, then the ByteStream operations.
class TlsStream final : public ByteStream, private ByteStream::Handler {
public:
    TlsStream(std::shared_ptr<const TlsContext> context, std::unique_ptr<ByteStream> lower, TlsRole role);
    ~TlsStream() override;

    /// No error once both certificates are checked; Errc::would_block: the handler's on_readable() will say when to
    /// call again. A server that has not seen our token yet fails without having written a byte.
    /// Errc::certificate_rejected: the peer showed another certificate than the expected one; Errc::protocol_violation:
    /// no TLS, no token, too long; else what the lower stream said.
    error_code continue_handshake();

    /// The exporter value (RFC 8446 §7.5) that MessagePath::channel_binding() promises. After the handshake only.
    core::Digest channel_binding() const;
    /// "TLS 1.3, TLS_AES_128_GCM_SHA256".
    std::string description() const;

    void set_handler(ByteStream::Handler* handler) override;
    result<std::size_t> read_some(base::MutableByteView buffer) override;
    result<std::size_t> write_some(base::ByteView bytes) override;
    bool has_unsent() const override { return unsent() > 0; }
    void want_readable() override;
    void want_writable() override;
    void finish() override;
    void close() override;
    void add_metrics(core::ports::PathMetrics& metrics) const override;

private:
    friend struct TlsStreamBio;

    void on_readable() override;
    void on_writable() override;

    std::size_t unsent() const { return encrypted_.size() - written_; }
    /// Writes encrypted bytes to the lower stream as far as it takes them.
    void push();
    error_code session_error(int code);

    std::shared_ptr<const TlsContext> context_;
    std::unique_ptr<ByteStream> lower_;
    ByteStream::Handler* handler_ = nullptr;

    base::Bytes encrypted_;
    std::size_t written_ = 0;
    std::size_t handshake_bytes_ = 0;
    std::optional<error_code> read_error_;  ///< What the lower stream said last, other than "not now".
    std::optional<error_code> write_error_;
    bool established_ = false;
    bool hello_accepted_ = false;  ///< A server writes nothing before: no alert tells a stranger what listens here.
    bool silent_ = false;
    bool failed_ = false;
    bool reading_waits_for_room_ = false;
    bool wants_writable_ = false;
    bool finishing_ = false;

    std::unique_ptr<BIO_METHOD, OpenSslDelete<BIO_meth_free>> method_;
    SslPtr session_;  ///< Last: its destruction may still touch the rest.
};

}  // namespace tubes::transports
