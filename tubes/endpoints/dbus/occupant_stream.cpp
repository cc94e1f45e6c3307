// SPDX-License-Identifier: GPL-3.0-or-later
// Messages of another occupant, both ways.
#include "tubes/endpoints/dbus/occupant_stream.hpp"

namespace tubes::endpoints::dbus {

OccupantStream::OccupantStream(std::string occupant, std::shared_ptr<core::Stream> stream, Handler& handler)
    : occupant_(std::move(occupant)), stream_(std::move(stream)), tube_(stream_->tube()), handler_(&handler) {
    stream_->set_handler(this);
}

void OccupantStream::on_data(base::ByteView data) {
    const auto self = shared_from_this();
    owed_ += data.size();
    reader_.feed(data);
    if (const auto error = take_messages()) gone(static_cast<Errc>(error.value()));
    handler_->on_turn_over();
    resume();
}

error_code OccupantStream::take_messages() {
    for (;;) {
        auto message = reader_.next();
        if (!message) return message.error();
        if (!*message) return {};
        if (const auto error = handler_->on_message(*this, std::move(**message))) return error;
    }
}

void OccupantStream::resume() {
    if (stream_ && owed_ != 0 && handler_->may_consume()) stream_->consumed(std::exchange(owed_, 0));
}

void OccupantStream::flush() {
    while (stream_ && !outbox_.is_empty()) {
        const auto data = outbox_.front();
        const auto taken = stream_->write(data);
        if (taken != 0) outbox_.pop(taken);
        if (taken < data.size()) return;
    }
}

void OccupantStream::on_end() {
    const auto self = shared_from_this();
    gone(Errc::cancelled);
    handler_->on_turn_over();
}

void OccupantStream::on_closed(error_code reason) {
    const auto self = shared_from_this();
    const bool is_ours = reason && reason.category() == tubes_category();
    if (std::exchange(stream_, nullptr)) {
        handler_->on_gone(*this, is_ours ? static_cast<Errc>(reason.value()) : Errc::cancelled);
    }
    handler_->on_turn_over();
}

void OccupantStream::gone(Errc reason) {
    if (!stream_) return;
    close(reason);
    handler_->on_gone(*this, reason);
}

void OccupantStream::close(Errc reason) {
    const auto stream = std::exchange(stream_, nullptr);
    if (!stream) return;
    stream->set_handler(nullptr);
    stream->reset(reason);
}

}  // namespace tubes::endpoints::dbus
