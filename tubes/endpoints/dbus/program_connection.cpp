// SPDX-License-Identifier: GPL-3.0-or-later
// Reading and writing of a program's connection.
#include "tubes/endpoints/dbus/program_connection.hpp"

#include <array>

#include "tubes/base/log.hpp"

namespace tubes::endpoints::dbus {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;  // bytes a read
constexpr std::size_t kReadsPerTurn = 4;      // then other connections get their turn

}  // namespace

ProgramConnection::ProgramConnection(const boost::asio::any_io_executor& executor, std::unique_ptr<LocalStream> socket,
                                     SaslPolicy policy, Handler& handler)
    : socket_(std::move(socket)), sasl_(std::move(policy)), handler_(&handler), timer_(executor) {}

void ProgramConnection::start() {
    timer_.expires_after(kHandshakeLimit);
    timer_.async_wait([weak = weak_from_this()](error_code error) {
        const auto self = weak.lock();
        if (error || !self || !self->handler_ || self->sasl_.is_done()) return;
        auto* handler = self->handler_;
        self->gone();
        handler->on_turn_over();
    });
    wait_readable();
}

void ProgramConnection::wait_readable() {
    socket_->async_wait_readable([weak = weak_from_this()](error_code error) {
        const auto self = weak.lock();
        if (!self || !self->handler_) return;
        auto* handler = self->handler_;
        if (error) {
            self->gone();
        } else {
            self->read();
        }
        handler->on_turn_over();
    });
}

void ProgramConnection::read() {
    std::array<std::uint8_t, kReadSize> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
    for (std::size_t turn = 0; turn < kReadsPerTurn && handler_->may_read(); ++turn) {
        const auto count = socket_->read(buffer);
        if (!count && count.error() == Errc::would_block) break;
        if (!count || !take(base::ByteView(buffer).first(*count))) return gone();
        if (*count < buffer.size()) break;
    }
    is_paused_ = !handler_->may_read();
    if (!is_paused_) wait_readable();
}

void ProgramConnection::resume() {
    if (handler_ && std::exchange(is_paused_, false)) wait_readable();
}

bool ProgramConnection::take(base::ByteView data) {
    if (!sasl_.is_done() && !shake_hands(data)) return false;
    reader_.feed(data);
    return take_messages();
}

// Takes the handshake's bytes off `data`.
bool ProgramConnection::shake_hands(base::ByteView& data) {
    const auto used = sasl_.receive(data);
    greeting_ += sasl_.take_output();
    if (!flush() || !used) return false;
    data = data.subspan(*used);
    if (!sasl_.is_done()) return true;
    wait_for_word();
    return handler_->on_entered(*this);
}

bool ProgramConnection::take_messages() {
    for (;;) {
        auto message = reader_.next();
        if (!message) {
            const auto oversized = reader_.skip_oversized();
            if (!oversized) return false;
            handler_->on_oversized(*this, *oversized);
            continue;
        }
        if (!*message) return true;
        const bool first = std::exchange(waits_for_word_, false);
        handler_->on_message(*this, std::move(**message));
        if (first) release_held();
    }
}

void ProgramConnection::wait_for_word() {
    timer_.expires_after(kFirstWord);
    timer_.async_wait([weak = weak_from_this()](error_code error) {
        const auto self = weak.lock();
        if (error || !self || !self->handler_ || !std::exchange(self->waits_for_word_, false)) return;
        auto* handler = self->handler_;
        self->release_held();
        handler->on_turn_over();
    });
}

void ProgramConnection::release_held() {
    timer_.cancel();
    outbox_.append(held_);
}

bool ProgramConnection::flush() {
    while (!waits_writable_ && (!greeting_.empty() || !outbox_.is_empty())) {
        const auto count = socket_->write(greeting_.empty() ? outbox_.front() : base::as_bytes(greeting_));
        if (!count && count.error() != Errc::would_block) return false;
        if (!count) {
            wait_writable();
        } else if (greeting_.empty()) {
            outbox_.pop(*count);
        } else {
            greeting_.erase(0, *count);
        }
    }
    return true;
}

void ProgramConnection::wait_writable() {
    waits_writable_ = true;
    socket_->async_wait_writable([weak = weak_from_this()](error_code) {
        const auto self = weak.lock();
        if (!self || !self->handler_) return;
        self->waits_writable_ = false;
        self->handler_->on_turn_over();
    });
}

void ProgramConnection::gone() {
    if (auto* handler = std::exchange(handler_, nullptr)) handler->on_gone(*this);
}

void ProgramConnection::close() {
    handler_ = nullptr;
    flush();
    timer_.cancel();
    socket_->close();
}

}  // namespace tubes::endpoints::dbus
