// SPDX-License-Identifier: GPL-3.0-or-later
// OpenSSL over memory BIOs.
#include "presence/xmpp/tls_session.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <boost/asio/ip/address.hpp>

#include "tubes/base/log.hpp"

namespace tubes::presence::xmpp {
namespace {

constexpr const char* kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!PSK";
constexpr std::array<unsigned char, 12> kAlpn = {11, 'x', 'm', 'p', 'p', '-', 'c', 'l', 'i', 'e', 'n', 't'};

bool is_address(const std::string& domain) {
    error_code error;
    boost::asio::ip::make_address(domain, error);
    return !error;
}

std::string last_openssl_error() {
    const unsigned long code = ERR_peek_last_error();
    const char* reason = code ? ERR_reason_error_string(code) : nullptr;
    return reason ? reason : "unknown error";
}

std::optional<core::Digest> fingerprint_of(X509* certificate) {
    core::Digest digest;
    unsigned int size = 0;
    if (!certificate || X509_digest(certificate, EVP_sha256(), digest.bytes.data(), &size) != 1) return std::nullopt;
    return digest;
}

/// The names a certificate is for, for the message that says it is the wrong one.
std::string names_of(X509* certificate) {
    std::string names;
    auto* list = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(list) && names.size() < 200; ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(list, i);
        if (name->type != GEN_DNS) continue;
        const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
        names += (names.empty() ? "" : ", ") +
                 std::string(text, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    }
    GENERAL_NAMES_free(list);
    return names.empty() ? "no domain" : base::printable(names);
}

std::string explain(int error, X509* certificate, const std::string& domain) {
    switch (error) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return "the server's certificate is for " + names_of(certificate) + ", not for " + domain;
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return "the certificate of " + domain + " is self-signed";
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return "the certificate of " + domain + " is signed by an unknown authority";
        case X509_V_ERR_CERT_HAS_EXPIRED: return "the certificate of " + domain + " has expired";
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return "the certificate of " + domain + " is not valid yet; is the clock right?";
        default: return "the certificate of " + domain + " is not valid: " + X509_verify_cert_error_string(error);
    }
}

}  // namespace

void TlsSession::ContextDeleter::operator()(ssl_ctx_st* context) const noexcept {
    SSL_CTX_free(context);
}

void TlsSession::SessionDeleter::operator()(ssl_st* session) const noexcept {
    SSL_free(session);
}

TlsSession::TlsSession(TlsOptions options) : options_(std::move(options)) {}

TlsSession::~TlsSession() = default;

result<std::unique_ptr<TlsSession>> TlsSession::make(const TlsOptions& options, std::string& detail) {
    ERR_clear_error();
    std::unique_ptr<TlsSession> session(new TlsSession(options));
    if (!session->configure(detail)) return make_error_code(Errc::invalid_argument);
    return session;
}

bool TlsSession::configure(std::string& detail) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX* context = context_.get();
    if (!context || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, kTls12Ciphers) != 1) {
        detail = "TLS cannot be set up: " + last_openssl_error();
        return false;
    }
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (!configure_verification(detail)) return false;

    session_.reset(SSL_new(context));
    SSL* session = session_.get();
    if (!session) return false;
    SSL_set_bio(session, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(session);
    if (is_address(options_.domain)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), options_.domain.c_str());
    } else {
        SSL_set_tlsext_host_name(session, options_.domain.c_str());
        SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
        SSL_set1_host(session, options_.domain.c_str());
    }
    if (options_.direct) SSL_set_alpn_protos(session, kAlpn.data(), kAlpn.size());
    return true;
}

bool TlsSession::configure_verification(std::string& detail) {
    SSL_CTX* context = context_.get();
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(context, &TlsSession::on_verify, this);
    if (options_.pinned) return true;
    if (options_.ca_file.empty()) return SSL_CTX_set_default_verify_paths(context) == 1;
    if (SSL_CTX_load_verify_locations(context, options_.ca_file.c_str(), nullptr) == 1) return true;
    detail = "cannot read certificates from " + base::printable(options_.ca_file);
    return false;
}

int TlsSession::on_verify(X509_STORE_CTX* store, void* self) {
    return static_cast<TlsSession*>(self)->verify(store) ? 1 : 0;
}

bool TlsSession::verify(X509_STORE_CTX* store) {
    X509* leaf = X509_STORE_CTX_get0_cert(store);
    const auto fingerprint = fingerprint_of(leaf);
    const std::string shown = fingerprint ? " (SHA-256 fingerprint " + fingerprint->hex() + ")" : "";
    if (options_.pinned) {
        if (fingerprint == options_.pinned) return true;
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
        failure_ = "the certificate of " + options_.domain + " is not the pinned one" + shown;
    } else {
        if (X509_verify_cert(store) == 1) return true;
        failure_ = explain(X509_STORE_CTX_get_error(store), leaf, options_.domain) + shown;
    }
    rejected_ = true;
    return false;
}

result<void> TlsSession::receive(std::string_view cipher_text, std::string& plain_text) {
    ERR_clear_error();
    SSL* session = session_.get();
    if (!cipher_text.empty())
        BIO_write(SSL_get_rbio(session), cipher_text.data(), static_cast<int>(cipher_text.size()));
    if (!established_) {
        const int status = SSL_do_handshake(session);
        if (status != 1) return SSL_get_error(session, status) == SSL_ERROR_WANT_READ ? result<void>() : fail(status);
        established_ = true;
    }
    std::array<char, 16384> buffer;
    for (;;) {
        const int count = SSL_read(session, buffer.data(), static_cast<int>(buffer.size()));
        if (count <= 0) return SSL_get_error(session, count) == SSL_ERROR_WANT_READ ? result<void>() : fail(count);
        plain_text.append(buffer.data(), static_cast<std::size_t>(count));
    }
}

result<void> TlsSession::fail(int status) {
    if (rejected_) return make_error_code(Errc::certificate_rejected);
    if (SSL_get_error(session_.get(), status) == SSL_ERROR_ZERO_RETURN) return make_error_code(Errc::end_of_stream);
    failure_ = "TLS failed: " + last_openssl_error();
    return make_error_code(Errc::protocol_violation);
}

result<void> TlsSession::send(std::string_view plain_text) {
    ERR_clear_error();
    if (!established_) return make_error_code(Errc::not_connected);
    if (plain_text.empty()) return {};
    // A memory BIO takes everything, so one call writes all.
    const int count = SSL_write(session_.get(), plain_text.data(), static_cast<int>(plain_text.size()));
    if (count <= 0) return fail(count);
    return {};
}

void TlsSession::finish() {
    ERR_clear_error();
    if (established_) SSL_shutdown(session_.get());
}

std::string TlsSession::take_output() {
    BIO* out = SSL_get_wbio(session_.get());
    std::string bytes(BIO_ctrl_pending(out), '\0');
    if (!bytes.empty()) BIO_read(out, bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
}

std::string TlsSession::description() const {
    const bool newest = SSL_version(session_.get()) == TLS1_3_VERSION;
    return std::string(newest ? "TLS 1.3, " : "TLS 1.2, ") + SSL_get_cipher_name(session_.get());
}

ChannelBinding TlsSession::channel_binding() const {
    SSL* session = session_.get();
    if (!established_) return {};
    if (SSL_version(session) == TLS1_3_VERSION) {
        static constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";  // RFC 9266 §4.2
        base::Bytes data(32);
        const int done =
            SSL_export_keying_material(session, data.data(), data.size(), kLabel.data(), kLabel.size(), nullptr, 0, 1);
        return done == 1 ? ChannelBinding{"tls-exporter", data} : ChannelBinding{};
    }
    // Without the extended master secret tls-unique can be forged (RFC 7627 §1).
    if (SSL_get_extms_support(session) != 1) return {};
    base::Bytes data(64);
    data.resize(SSL_get_finished(session, data.data(), data.size()));
    return {"tls-unique", data};
}

}  // namespace tubes::presence::xmpp
