// SPDX-License-Identifier: GPL-3.0-or-later
// Drives OpenSSL over a byte stream: ciphertext is read straight into OpenSSL's buffer and leaves in large pieces.
#include "transports/tls/tls_stream.hpp"

#include <openssl/err.h>

#include "tubes/base/log.hpp"

namespace tubes::transports {

namespace {

/// RFC 8446 §7.5; the port fixes the label.
constexpr std::string_view kExporterLabel = "EXPORTER-tubes-link-v1";

/// Plaintext that one write_some() encrypts: four records, one call to the kernel.
constexpr std::size_t kMaxWrite = 64 * 1024;

/// Ciphertext beyond this is refused: only answers to key updates can get there.
constexpr std::size_t kMaxUnsent = 2 * kMaxWrite;

}  // namespace

/// The functions OpenSSL reads and writes ciphertext with (BIO_meth_new(3)).
struct TlsStreamBio {
    static TlsStream& stream_of(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

    static int read(BIO* bio, char* data, std::size_t size, std::size_t* count) {
        auto& stream = stream_of(bio);
        BIO_clear_retry_flags(bio);
        if (!stream.established_) size = std::min(size, kMaxHandshakeBytes - stream.handshake_bytes_);
        if (size == 0) {
            stream.read_error_ = Errc::protocol_violation;
            return 0;
        }
        const auto taken = stream.lower_->read_some({reinterpret_cast<std::uint8_t*>(data), size});
        if (taken.has_error()) {
            if (taken.error() == Errc::would_block)
                BIO_set_retry_read(bio);
            else
                stream.read_error_ = taken.error();
            return 0;
        }
        if (!stream.established_) stream.handshake_bytes_ += *taken;
        *count = *taken;
        return 1;
    }

    static int write(BIO* bio, const char* data, std::size_t size, std::size_t* count) {
        auto& stream = stream_of(bio);
        BIO_clear_retry_flags(bio);
        if (stream.unsent() > kMaxUnsent) {
            BIO_set_retry_write(bio);
            return 0;
        }
        const bool muted = stream.silent_ && !stream.hello_accepted_;
        if (!muted && !stream.write_error_) {
            // As bytes of one type: an insert that converts would copy one by one.
            const auto* bytes = reinterpret_cast<const std::uint8_t*>(data);
            stream.encrypted_.insert(stream.encrypted_.end(), bytes, bytes + size);
        }
        *count = size;
        return 1;
    }

    static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

    static int create(BIO* bio) {
        BIO_set_init(bio, 1);
        return 1;
    }

    static BIO_METHOD* make_method() {
        BIO_METHOD* method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "tubes stream");
        if (!method || BIO_meth_set_read_ex(method, &read) != 1 || BIO_meth_set_write_ex(method, &write) != 1 ||
            BIO_meth_set_ctrl(method, &control) != 1 || BIO_meth_set_create(method, &create) != 1) {
            throw_openssl_error("making a TLS session");
        }
        return method;
    }
};

TlsStream::TlsStream(std::shared_ptr<const TlsContext> context, std::unique_ptr<ByteStream> lower, TlsRole role)
    : context_(std::move(context)),
      lower_(std::move(lower)),
      silent_(role == TlsRole::server),
      method_(TlsStreamBio::make_method()),
      session_(context_->make_session(role, &hello_accepted_)) {
    BIO* bio = BIO_new(method_.get());
    if (!bio) throw_openssl_error("making a TLS session");
    BIO_set_data(bio, this);
    SSL_set_bio(session_.get(), bio, bio);
    lower_->set_handler(this);
}

TlsStream::~TlsStream() {
    lower_->set_handler(nullptr);
}

error_code TlsStream::continue_handshake() {
    if (established_) return {};
    ERR_clear_error();
    const int code = SSL_do_handshake(session_.get());
    const error_code error = code == 1 ? error_code() : session_error(code);
    push();
    if (!error) established_ = true;
    if (error != Errc::would_block) return error;
    if (write_error_) return *write_error_;
    if (has_unsent()) lower_->want_writable();
    lower_->want_readable();
    return error;
}

core::Digest TlsStream::channel_binding() const {
    core::Digest value;
    if (SSL_export_keying_material(session_.get(), value.bytes.data(), value.bytes.size(), kExporterLabel.data(),
                                   kExporterLabel.size(), nullptr, 0, 0) != 1) {
        throw_openssl_error("exporting a channel binding");
    }
    return value;
}

std::string TlsStream::description() const {
    return fmt::format("TLS 1.3, {}", SSL_get_cipher_name(session_.get()));
}

void TlsStream::set_handler(ByteStream::Handler* handler) {
    handler_ = handler;
}

result<std::size_t> TlsStream::read_some(base::MutableByteView buffer) {
    if (failed_) return make_error_code(Errc::broken);
    ERR_clear_error();
    std::size_t count = 0;
    const int code = SSL_read_ex(session_.get(), buffer.data(), buffer.size(), &count);
    if (unsent() > 0) push();
    if (code == 1) return count;
    return session_error(code);
}

result<std::size_t> TlsStream::write_some(base::ByteView bytes) {
    if (write_error_) return *write_error_;
    if (failed_ || finishing_) return make_error_code(Errc::broken);
    if (unsent() > 0) push();
    if (unsent() > 0) return make_error_code(Errc::would_block);
    ERR_clear_error();
    std::size_t total = 0;
    while (total < bytes.size() && total < kMaxWrite) {
        const auto piece = bytes.subspan(total, std::min(bytes.size(), kMaxWrite) - total);
        std::size_t count = 0;
        const int code = SSL_write_ex(session_.get(), piece.data(), piece.size(), &count);
        if (code != 1) return session_error(code);
        total += count;
    }
    push();
    return total;
}

void TlsStream::want_readable() {
    if (reading_waits_for_room_)
        lower_->want_writable();
    else
        lower_->want_readable();
}

void TlsStream::want_writable() {
    wants_writable_ = true;
    lower_->want_writable();
}

void TlsStream::finish() {
    if (finishing_ || failed_) return;
    finishing_ = true;
    ERR_clear_error();
    SSL_shutdown(session_.get());
    push();
    if (unsent() > 0)
        lower_->want_writable();
    else
        lower_->finish();
}

void TlsStream::close() {
    handler_ = nullptr;
    lower_->close();
}

void TlsStream::add_metrics(core::ports::PathMetrics& metrics) const {
    lower_->add_metrics(metrics);
}

void TlsStream::on_readable() {
    if (handler_) handler_->on_readable();
}

void TlsStream::on_writable() {
    push();
    if (unsent() > 0) return lower_->want_writable();
    if (finishing_) return lower_->finish();
    // The last call may destroy this stream, hence one notice an event; a reader that waits for room is rare.
    if (std::exchange(reading_waits_for_room_, false)) {
        if (wants_writable_) lower_->want_writable();
        if (handler_) handler_->on_readable();
    } else if (std::exchange(wants_writable_, false)) {
        if (handler_) handler_->on_writable();
    }
}

void TlsStream::push() {
    while (unsent() > 0 && !write_error_) {
        const auto taken = lower_->write_some(base::ByteView(encrypted_).subspan(written_));
        if (taken.has_error()) {
            if (taken.error() == Errc::would_block) return;
            write_error_ = taken.error();
            break;
        }
        written_ += *taken;
    }
    encrypted_.clear();
    written_ = 0;
}

/// Turns OpenSSL's answer into the library's errors. Errc::would_block asks for another try.
error_code TlsStream::session_error(int code) {
    const int reason = SSL_get_error(session_.get(), code);
    if (reason == SSL_ERROR_WANT_READ) return Errc::would_block;
    if (reason == SSL_ERROR_WANT_WRITE) {
        reading_waits_for_room_ = true;
        return Errc::would_block;
    }
    if (reason == SSL_ERROR_ZERO_RETURN) return Errc::end_of_stream;
    failed_ = true;
    const bool rejected = SSL_get_verify_result(session_.get()) == X509_V_ERR_CERT_REJECTED;
    base::logger("tls")->debug("session failed: {}", take_openssl_errors());
    if (rejected && !established_) return Errc::certificate_rejected;
    // The end without close_notify (RFC 8446 §6.1) is a truncation, not an end.
    if (read_error_) return *read_error_ == Errc::end_of_stream ? make_error_code(Errc::broken) : *read_error_;
    return Errc::protocol_violation;
}

}  // namespace tubes::transports
