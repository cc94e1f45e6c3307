// SPDX-License-Identifier: GPL-3.0-or-later
// Sending, receiving and the ways a channel ends.
#include "transports/webrtc/data_channel.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace tubes::transports {
namespace {

/// Bytes of the program that wait for SCTP; then it is not read any more.
constexpr std::size_t kSendBuffer = 256 * 1024;
/// Less room is not worth a call.
constexpr std::size_t kWorthTelling = kSendBuffer / 4;
/// Small enough that channels take turns, and below what any peer takes (RFC 8841 §6.1: 64 KiB unless it says so).
constexpr std::size_t kMessage = 16 * 1024;

}  // namespace

DataChannel::DataChannel(DataChannels& channels, std::uint16_t id)
    : channels_(&channels),
      ledger_(channels.weak_from_this()),
      executor_(channels.executor_),
      tube_(channels.tube_),
      id_(id) {
    ++channels.alive_;
}

DataChannel::~DataChannel() {
    const auto ledger = ledger_.lock();
    if (!ledger) return;
    --ledger->alive_;
    ledger->remove_waiting(owed_);
}

void DataChannel::set_handler(Handler* handler) {
    handler_ = handler;
    if (handler != nullptr) deliver_soon();
}

void DataChannel::deliver_soon() {
    if (std::exchange(delivering_, true)) return;
    boost::asio::post(executor_, [self = shared_from_this()] {
        self->delivering_ = false;
        self->deliver();
    });
}

/// Whatever is due, in its order: bytes, their end, room to write, the end.
void DataChannel::deliver() {
    while (handler_ != nullptr && !in_.empty()) {
        const auto piece = std::move(in_.front());
        in_.pop_front();
        handler_->on_data(piece);
    }
    if (handler_ == nullptr) return;
    if (peer_ended_ && !std::exchange(end_told_, true)) handler_->on_end();
    if (handler_ != nullptr && was_full_ && state_ == State::open && room() >= kWorthTelling) {
        was_full_ = false;
        handler_->on_writable();
    }
    if (handler_ == nullptr || !ended_) return;
    std::exchange(handler_, nullptr)->on_closed(*ended_);
}

void DataChannel::receive(ByteView data) {
    if (state_ == State::discarding || state_ == State::closed || data.empty()) return;
    received_ += data.size();
    owed_ += data.size();
    channels_->add_waiting(data.size());
    if (handler_ != nullptr && in_.empty() && !delivering_) return handler_->on_data(data);
    in_.emplace_back(data.begin(), data.end());
    if (handler_ != nullptr) deliver_soon();
}

void DataChannel::consumed(std::size_t count) {
    count = std::min(count, owed_);
    owed_ -= count;
    if (const auto ledger = ledger_.lock()) ledger->remove_waiting(count);
}

std::size_t DataChannel::write(ByteView data) {
    if (state_ != State::open) return 0;
    const auto taken = std::min(room(), data.size());
    if (out_begin_ != 0 && (out_begin_ == out_.size() || out_.size() + taken > out_.capacity())) {
        out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(out_begin_));
        out_begin_ = 0;
    }
    out_.insert(out_.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(taken));
    sent_ += taken;
    was_full_ = was_full_ || taken < data.size();
    if (taken != 0) channels_->pump_soon();
    return taken;
}

std::size_t DataChannel::room() const noexcept {
    return kSendBuffer - std::min(kSendBuffer, out_.size() - out_begin_);
}

std::size_t DataChannel::writable_size() {
    if (state_ != State::open) return 0;
    was_full_ = was_full_ || room() == 0;
    return room();
}

bool DataChannel::can_pump() const noexcept {
    return acknowledge_ || out_begin_ < out_.size();
}

bool DataChannel::pump() {
    if (channels_ == nullptr) return false;
    if (can_pump() && !send_some()) return false;
    if (was_full_ && room() >= kWorthTelling) deliver_soon();
    if (can_pump()) return true;
    if (state_ == State::finishing) close_ours(State::closing);
    return false;
}

bool DataChannel::send_some() {
    auto& association = *channels_->association_;
    if (acknowledge_) {
        const auto answer = encode_channel_ack();
        if (!association.send_to_foreign(id_, static_cast<std::uint32_t>(WebProtocol::control), answer)) return false;
        acknowledge_ = false;
        return true;
    }
    const auto message = ByteView(out_).subspan(out_begin_, std::min(kMessage, out_.size() - out_begin_));
    if (!association.send_to_foreign(id_, static_cast<std::uint32_t>(WebProtocol::binary), message)) return false;
    out_begin_ += message.size();
    if (out_begin_ == out_.size()) {
        out_.clear();
        out_begin_ = 0;
    }
    return true;
}

void DataChannel::finish() {
    if (state_ != State::open) return;
    state_ = State::finishing;
    channels_->pump_soon();
}

void DataChannel::reset(Errc reason) {
    if (state_ == State::closed || state_ == State::discarding) return;
    if (state_ != State::closing) close_ours(State::discarding);
    state_ = State::discarding;
    in_.clear();
    consumed(owed_);
    end_with(make_error_code(reason));
}

void DataChannel::close_ours(State next) {
    out_.clear();
    out_begin_ = 0;
    acknowledge_ = false;
    state_ = next;
    channels_->association_->reset_stream(id_);
}

/// The peer's application has closed the channel: it reads nothing any more, so what waits for it is dropped.
void DataChannel::peer_closed() {
    const bool told = state_ == State::discarding;
    if (state_ == State::open || state_ == State::finishing) close_ours(State::closing);
    state_ = State::closed;
    peer_ended_ = true;
    if (!told) end_with({});
    release();
}

void DataChannel::lost(error_code reason) {
    const bool told = state_ == State::discarding;
    state_ = State::closed;
    out_.clear();
    out_begin_ = 0;
    if (!told) end_with(reason);
    channels_ = nullptr;
}

/// The id may be used again.
void DataChannel::release() {
    auto* channels = std::exchange(channels_, nullptr);
    channels->forget(id_);
}

void DataChannel::end_with(error_code reason) {
    if (ended_) return;
    ended_ = reason;
    deliver_soon();
}

}  // namespace tubes::transports
