// SPDX-License-Identifier: GPL-3.0-or-later
// Socket reads and writes around the TLS session.
#include "presence/xmpp/secure_stream.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

namespace tubes::presence::xmpp {

void SecureStream::start(Handler& handler) {
    handler_ = &handler;
    read();
}

void SecureStream::read() {
    socket_.async_read_some(boost::asio::buffer(input_),
                            [self = shared_from_this()](error_code error, std::size_t count) {
                                if (self->handler_) self->on_read(error, count);
                            });
}

void SecureStream::on_read(error_code error, std::size_t count) {
    if (error) {
        const bool orderly = error == boost::asio::error::eof;
        return fail(orderly ? Errc::end_of_stream : Errc::network_unreachable,
                    orderly ? "the server closed the connection" : "the connection broke: " + error.message());
    }
    const std::string_view bytes(input_.data(), count);
    if (tls_) {
        receive_tls(bytes);
    } else {
        handler_->on_bytes(bytes);
    }
    if (handler_) read();
}

void SecureStream::receive_tls(std::string_view bytes) {
    const bool was_established = tls_->is_established();
    std::string plain;
    const auto received = tls_->receive(bytes, plain);
    queue(tls_->take_output());
    if (!handler_) return;
    if (received && !was_established && tls_->is_established()) handler_->on_secured();
    if (handler_ && !plain.empty()) handler_->on_bytes(plain);
    if (!received && handler_) {
        const bool orderly = received.error() == Errc::end_of_stream;
        fail(received.error(), orderly ? "the server closed the connection" : tls_->failure());
    }
}

void SecureStream::start_tls(const TlsOptions& options) {
    std::string detail;
    auto session = TlsSession::make(options, detail);
    if (!session) return fail_later(session.error(), detail);
    tls_ = std::move(*session);
    (void)tls_->start();
    queue(tls_->take_output());
}

void SecureStream::send(std::string_view bytes) {
    if (!handler_ || finishing_) return;
    if (!tls_) return queue(std::string(bytes));
    if (tls_->send(bytes)) queue(tls_->take_output());
}

void SecureStream::queue(std::string bytes) {
    if (bytes.empty() || !handler_) return;
    if (unsent_.size() + bytes.size() > kMaxUnsent) {
        return fail_later(Errc::limit_exceeded, "the server does not read what it is sent");
    }
    unsent_ += bytes;
    if (writing_.empty()) write();
}

void SecureStream::write() {
    writing_ = std::exchange(unsent_, {});
    boost::asio::async_write(socket_, boost::asio::buffer(writing_),
                             [self = shared_from_this()](error_code error, std::size_t) {
                                 self->writing_.clear();
                                 if (!error && !self->unsent_.empty()) return self->write();
                                 // A failed write shows up at the reader too, with the better reason.
                                 if (self->finishing_) self->close();
                             });
}

void SecureStream::fail_later(error_code reason, std::string detail) {
    boost::asio::post(socket_.get_executor(),
                      [self = shared_from_this(), reason, detail = std::move(detail)] { self->fail(reason, detail); });
}

void SecureStream::fail(error_code reason, const std::string& detail) {
    Handler* handler = std::exchange(handler_, nullptr);
    if (!handler) return;
    // An alert or a stream error still goes out, unless the server has stopped reading.
    if (writing_.empty() && reason != Errc::network_unreachable) {
        finish();
    } else {
        close();
    }
    handler->on_closed(reason, detail);
}

bool SecureStream::is_cut_off() const {
    error_code error;
    const auto local = socket_.local_endpoint(error);
    if (error) return false;
    // Only an address of this machine can be bound to.
    boost::asio::io_context unused;
    boost::asio::ip::udp::socket probe(unused, boost::asio::ip::udp::v6());
    if (local.address().is_v4()) probe = boost::asio::ip::udp::socket(unused, boost::asio::ip::udp::v4());
    probe.bind({local.address(), 0}, error);
    return error == boost::system::errc::address_not_available;
}

void SecureStream::finish() {
    if (finishing_) return;
    finishing_ = true;
    handler_ = nullptr;
    if (tls_) {
        tls_->finish();
        unsent_ += tls_->take_output();
    }
    if (!writing_.empty()) return;
    if (unsent_.empty()) return close();
    write();
}

void SecureStream::close() {
    handler_ = nullptr;
    finishing_ = true;
    unsent_.clear();
    error_code ignored;
    socket_.close(ignored);
}

}  // namespace tubes::presence::xmpp
