// SPDX-License-Identifier: GPL-3.0-or-later
// Blocks out with a small window and in with back-pressure: a block is acknowledged when it has been read.
#include "presence/xmpp/in_band_stream.hpp"

#include <algorithm>

#include "presence/xmpp/namespaces.hpp"
#include "presence/xmpp/signal_service.hpp"
#include "presence/xmpp/wire_errors.hpp"

namespace tubes::presence::xmpp {

InBandService::Stream::Stream(boost::asio::any_io_executor executor, std::weak_ptr<InBandService> service, Jid peer,
                              std::string session)
    : executor_(std::move(executor)),
      service_(std::move(service)),
      peer_(std::move(peer)),
      session_(std::move(session)) {}

void InBandService::Stream::open() {
    auto iq = make_stanza("iq", "set", peer_.full(), "");
    Element& payload = add_element(*iq, "open", kInBandNamespace);
    payload.addAttribute("sid", session_);
    payload.addAttribute("block-size", std::to_string(kInBandBlock));
    payload.addAttribute("stanza", "iq");
    ask(std::move(iq), [](Stream& self, error_code error) {
        if (error) return self.fail(error);
        self.open_ = true;
        self.pump();
    });
}

bool InBandService::Stream::on_open() {
    if (open_ || closed_ || error_) return false;
    open_ = true;
    pump();
    return true;
}

bool InBandService::Stream::on_block(InBandBlock block, const std::string& id) {
    if (!open_ || closed_ || error_ || block.sequence != expected_ || incoming_.size() >= kInBandQueue) {
        fail(Errc::protocol_violation);
        return false;
    }
    ++expected_;  // 65535 is followed by 0 (§2.2)
    bytes_received_ += block.bytes.size();
    incoming_.push_back({std::move(block.bytes), id});
    tell();
    return true;
}

void InBandService::Stream::on_close() {
    closed_ = true;
    tell();
}

void InBandService::Stream::fail(error_code reason) {
    if (!error_) error_ = reason;
    tell();
}

result<std::size_t> InBandService::Stream::read_some(base::MutableByteView buffer) {
    std::size_t count = 0;
    while (!incoming_.empty() && count < buffer.size()) {
        auto& block = incoming_.front();
        const std::size_t part = std::min(buffer.size() - count, block.bytes.size() - read_);
        std::copy_n(block.bytes.begin() + static_cast<std::ptrdiff_t>(read_), part,
                    buffer.begin() + static_cast<std::ptrdiff_t>(count));
        count += part;
        read_ += part;
        if (read_ < block.bytes.size()) break;
        if (const auto service = service_.lock()) service->answer_(make_result(peer_, block.id)->xml());
        incoming_.pop_front();
        read_ = 0;
    }
    if (count > 0) return count;
    if (error_) return *error_;
    return make_error_code(closed_ ? Errc::end_of_stream : Errc::would_block);
}

result<std::size_t> InBandService::Stream::write_some(base::ByteView bytes) {
    if (error_) return *error_;
    if (closed_ || finishing_ || dropped_) return make_error_code(Errc::broken);
    if (!has_room()) return make_error_code(Errc::would_block);
    const std::size_t count = std::min(bytes.size(), kInBandBlock - outgoing_.size());
    outgoing_.insert(outgoing_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    pump();
    return count;
}

void InBandService::Stream::want_readable() {
    wants_readable_ = true;
    if (!incoming_.empty() || closed_ || error_) tell();
}

void InBandService::Stream::want_writable() {
    wants_writable_ = true;
    if (has_room() || closed_ || error_) tell();
}

/// Tells what was wanted, in a turn of the loop of its own.
void InBandService::Stream::tell() {
    if (std::exchange(telling_, true)) return;
    boost::asio::post(executor_, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->telling_ = false;
        const bool over = self->closed_ || self->error_;
        const bool readable = self->wants_readable_ && (!self->incoming_.empty() || over);
        const bool writable = self->wants_writable_ && (self->has_room() || over);
        if (readable) self->wants_readable_ = false;
        if (writable) self->wants_writable_ = false;
        if (readable && self->handler_) self->handler_->on_readable();
        if (writable && self->handler_) self->handler_->on_writable();
    });
}

void InBandService::Stream::pump() {
    const auto service = service_.lock();
    while (service && open_ && !closed_ && !error_ && !outgoing_.empty() && in_flight_ < kInBandWindow &&
           service->take_turn()) {
        send_block();
    }
    if (finishing_ && open_ && outgoing_.empty() && !closed_ && !error_) send_close();
    if (wants_writable_ && has_room()) tell();
}

void InBandService::Stream::send_block() {
    const std::size_t size = std::min(outgoing_.size(), kInBandBlock);
    auto iq = make_stanza("iq", "set", peer_.full(), "");
    Element& payload = add_element(*iq, "data", kInBandNamespace);
    payload.addAttribute("sid", session_);
    payload.addAttribute("seq", std::to_string(next_++));
    payload.setCData(base::to_base64(base::ByteView(outgoing_).first(size)));
    outgoing_.erase(outgoing_.begin(), outgoing_.begin() + static_cast<std::ptrdiff_t>(size));
    bytes_sent_ += size;
    ++in_flight_;
    const auto sent_at = std::chrono::steady_clock::now();
    ask(std::move(iq), [sent_at](Stream& self, error_code error) {
        --self.in_flight_;
        if (error) return self.fail(error);
        const auto now = std::chrono::steady_clock::now();
        self.round_trip_ = std::chrono::duration_cast<std::chrono::microseconds>(now - sent_at);
        self.pump();
    });
}

void InBandService::Stream::send_close() {
    closed_ = true;
    auto iq = make_stanza("iq", "set", peer_.full(), "");
    add_element(*iq, "close", kInBandNamespace).addAttribute("sid", session_);
    ask(std::move(iq), [](Stream& self, error_code) { self.tell(); });
}

void InBandService::Stream::ask(ElementPtr iq, std::function<void(Stream&, error_code)> then) {
    const auto service = service_.lock();
    if (!service) return;
    service->requests_.ask(std::move(iq), {kInBandDeadline, Requests::OnLoss::repeat},
                           [weak = weak_from_this(), then = std::move(then)](const result<const Element*>& answer) {
                               const auto self = weak.lock();
                               if (!self || self->dropped_) return;
                               if (!answer) return then(*self, answer.error());
                               const bool refused = attribute(**answer, "type") == "error";
                               then(*self, refused ? parse_error(**answer) : error_code());
                           });
}

void InBandService::Stream::finish() {
    finishing_ = true;
    pump();
}

void InBandService::Stream::drop() {
    handler_ = nullptr;
    if (std::exchange(dropped_, true)) return;
    const auto service = service_.lock();
    if (!service) return;
    if (!closed_ && !error_ && open_) send_close();
    // The peer gets no answer to what nobody will read, but for an end of its waiting.
    for (const auto& block : std::exchange(incoming_, {})) service->refuse(peer_, block.id, "item-not-found");
    service->streams_.erase({peer_.full(), session_});
}

void InBandService::Stream::add_metrics(core::ports::PathMetrics& metrics) const {
    metrics.bytes_sent += bytes_sent_;
    metrics.bytes_received += bytes_received_;
    if (round_trip_) metrics.rtt = round_trip_;
}

}  // namespace tubes::presence::xmpp
