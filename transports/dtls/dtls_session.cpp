// SPDX-License-Identifier: GPL-3.0-or-later
// Handshake, retransmission and records of a DTLS session.
#include "transports/dtls/dtls_session.hpp"

#include <boost/asio/post.hpp>
#include <openssl/err.h>

#include <sys/time.h>

#include <utility>

#include "tubes/base/log.hpp"

namespace tubes::transports {
namespace {

using namespace std::chrono_literals;

constexpr auto kCiphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384";
constexpr std::string_view kExporterLabel = "EXPORTER-tubes-link-v1";  // ports::MessagePath::channel_binding.
/// Record header (13), explicit nonce (8) and tag (16) of AES-GCM (RFC 5288 §3).
constexpr std::size_t kOverhead = 37;
/// First retransmission; RFC 6347 §4.2.4.1 allows less than its 1 s where the path is known to be short, and a lost
/// first flight is common: the peer may get its description later than we get its first packet.
constexpr unsigned kFirstTimeoutUs = 50 * 1000;
constexpr unsigned kLargestTimeoutUs = 2 * 1000 * 1000;
/// Whole handshake; the attempt then fails.
constexpr auto kHandshakeLimit = 20s;
/// Application datagrams kept while nobody listens yet.
constexpr std::size_t kMaxEarly = 32;
constexpr std::size_t kLargestRecord = 16 * 1024;

unsigned next_timeout(SSL* /*ssl*/, unsigned current_us) {
    return current_us == 0 ? kFirstTimeoutUs : std::min(current_us * 2, kLargestTimeoutUs);
}

SslContextPtr make_context(const Certificate& certificate, const ExpectedPeer& expected) {
    SslContextPtr context(SSL_CTX_new(DTLS_method()));
    if (!context) throw_openssl_error("SSL_CTX_new");
    auto* raw = context.get();
    SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
    const bool configured = SSL_CTX_set_min_proto_version(raw, DTLS1_2_VERSION) == 1 &&
                            SSL_CTX_set_max_proto_version(raw, DTLS1_2_VERSION) == 1 &&
                            SSL_CTX_set_cipher_list(raw, kCiphers) == 1 &&
                            SSL_CTX_set1_groups_list(raw, "X25519:P-256") == 1;
    if (!configured) throw_openssl_error("DTLS settings");
    SSL_CTX_set_read_ahead(raw, 1);
    certificate.use_in(raw);
    require_peer_certificate(raw, expected);
    return context;
}

}  // namespace

std::shared_ptr<DtlsSession> DtlsSession::create(boost::asio::any_io_executor executor, DatagramPath& lower) {
    return std::shared_ptr<DtlsSession>(new DtlsSession(std::move(executor), lower));
}

DtlsSession::DtlsSession(boost::asio::any_io_executor executor, DatagramPath& lower)
    : executor_(std::move(executor)), lower_(lower), timer_(executor_) {}

DtlsSession::~DtlsSession() {
    close();
}

void DtlsSession::open(core::LinkRole role, const Certificate& certificate, const core::Digest& expected,
                       Events& events) {
    events_ = &events;
    expected_.fingerprint = expected;
    state_ = State::handshaking;
    deadline_ = std::chrono::steady_clock::now() + kHandshakeLimit;
    make_ssl(role, certificate);
    boost::asio::post(executor_, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || self->state_ != State::handshaking) return;
        self->lower_.set_handler(self.get());
        self->handshake();
        self->lower_.flush();
    });
}

void DtlsSession::make_ssl(core::LinkRole role, const Certificate& certificate) {
    bio_.lower = &lower_;
    bio_.mtu = lower_.mtu();
    context_ = make_context(certificate, expected_);
    ssl_.reset(SSL_new(context_.get()));
    if (!ssl_) throw_openssl_error("SSL_new");
    auto* bio = make_datagram_bio(bio_).release();
    SSL_set_bio(ssl_.get(), bio, bio);
    DTLS_set_link_mtu(ssl_.get(), static_cast<long>(bio_.mtu));
    DTLS_set_timer_cb(ssl_.get(), &next_timeout);
    if (role == core::LinkRole::initiator) {
        SSL_set_connect_state(ssl_.get());
    } else {
        SSL_set_accept_state(ssl_.get());
    }
    buffer_.resize(kLargestRecord);
}

void DtlsSession::on_datagram(ByteView datagram) {
    const auto self = shared_from_this();
    if (state_ != State::handshaking && state_ != State::open) return;
    bio_.incoming = datagram;
    if (state_ == State::handshaking) {
        handshake();
    }
    if (state_ == State::open) read();
    bio_.incoming = {};
}

void DtlsSession::handshake() {
    ERR_clear_error();
    const auto answer = SSL_do_handshake(ssl_.get());
    if (answer == 1) return finish_handshake();
    handle_error(answer);
    if (state_ == State::handshaking) arm_timer();
}

void DtlsSession::finish_handshake() {
    auto* ssl = ssl_.get();
    const auto exported = SSL_export_keying_material(ssl, channel_binding_.bytes.data(), channel_binding_.bytes.size(),
                                                     kExporterLabel.data(), kExporterLabel.size(), nullptr, 0, 0);
    if (SSL_get_extms_support(ssl) != 1 || exported != 1) return finish(make_error_code(Errc::protocol_violation));
    state_ = State::open;
    timer_.cancel();
    events_->on_dtls_open();
}

void DtlsSession::read() {
    // One datagram may hold several records.
    while (state_ == State::open) {
        ERR_clear_error();
        const auto size = SSL_read(ssl_.get(), buffer_.data(), static_cast<int>(buffer_.size()));
        if (size <= 0) return handle_error(size);
        deliver({buffer_.data(), static_cast<std::size_t>(size)});
    }
}

void DtlsSession::deliver(ByteView datagram) {
    if (handler_ != nullptr) return handler_->on_datagram(datagram);
    if (early_.size() < kMaxEarly) early_.emplace_back(datagram.begin(), datagram.end());
}

void DtlsSession::set_handler(DatagramPath::Handler* handler) {
    handler_ = handler;
    if (handler == nullptr || early_.empty()) return;
    boost::asio::post(executor_, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        for (auto early = std::exchange(self->early_, {}); !early.empty(); early.pop_front())
            self->deliver(early.front());
    });
}

void DtlsSession::handle_error(int answer) {
    const auto kind = SSL_get_error(ssl_.get(), answer);
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return;
    if (kind == SSL_ERROR_ZERO_RETURN) return finish(make_error_code(Errc::end_of_stream));
    const auto reason = ERR_GET_REASON(ERR_peek_error());
    const bool mismatch = reason == SSL_R_CERTIFICATE_VERIFY_FAILED;
    base::logger("ice")->info("DTLS ended: {}", take_openssl_errors());
    finish(make_error_code(mismatch ? Errc::identity_mismatch : Errc::protocol_violation));
}

void DtlsSession::send(ByteView datagram) {
    if (state_ != State::open || datagram.empty()) return;
    ERR_clear_error();
    SSL_write(ssl_.get(), datagram.data(), static_cast<int>(datagram.size()));
}

std::size_t DtlsSession::mtu() const {
    return lower_.mtu() - kOverhead;
}

std::string DtlsSession::description() const {
    if (state_ != State::open) return {};
    return std::string("DTLS 1.2, ") + SSL_get_cipher_name(ssl_.get());
}

void DtlsSession::arm_timer() {
    timeval left{};
    if (DTLSv1_get_timeout(ssl_.get(), &left) != 1) {
        // A server that waits for its first flight has nothing to repeat, only its deadline.
        timer_.expires_at(deadline_);
    } else {
        timer_.expires_after(std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec));
    }
    timer_.async_wait([weak = weak_from_this()](const error_code& error) {
        const auto self = weak.lock();
        if (!error && self) self->on_timer();
    });
}

void DtlsSession::on_timer() {
    if (state_ != State::handshaking) return;
    if (std::chrono::steady_clock::now() >= deadline_) return finish(make_error_code(Errc::timed_out));
    ERR_clear_error();
    // OpenSSL gives up after twelve repetitions; then only the deadline above is left.
    if (DTLSv1_handle_timeout(ssl_.get()) < 0) take_openssl_errors();
    lower_.flush();
    arm_timer();
}

void DtlsSession::finish(error_code reason) {
    if (state_ == State::closed) return;
    auto* events = events_;
    close();
    if (events != nullptr) events->on_dtls_closed(reason);
}

void DtlsSession::close() {
    const auto before = std::exchange(state_, State::closed);
    if (before == State::closed) return;
    events_ = nullptr;
    timer_.cancel();
    if (before == State::idle) return;
    if (before == State::open) {
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
        lower_.flush();
    }
    lower_.set_handler(nullptr);
}

}  // namespace tubes::transports
