// SPDX-License-Identifier: GPL-3.0-or-later
// From SCTP's streams to channels and back; the limits of an association.
#include "transports/webrtc/data_channels.hpp"

#include <boost/asio/post.hpp>

#include <utility>

#include "transports/webrtc/data_channel.hpp"
#include "tubes/base/log.hpp"

namespace tubes::transports {
namespace {

SctpSettings foreign_settings() {
    SctpSettings settings;
    settings.streams = kWebStreams;
    settings.foreign = true;
    return settings;
}

}  // namespace

std::shared_ptr<DataChannels> DataChannels::create(boost::asio::any_io_executor executor, DatagramPath& lower,
                                                   const core::TubeId& tube, Events& events) {
    return std::shared_ptr<DataChannels>(new DataChannels(std::move(executor), lower, tube, events));
}

DataChannels::DataChannels(boost::asio::any_io_executor executor, DatagramPath& lower, const core::TubeId& tube,
                           Events& events)
    : executor_(std::move(executor)),
      tube_(tube),
      events_(&events),
      association_(SctpAssociation::create(executor_, SctpStack::acquire(), lower, foreign_settings())) {}

DataChannels::~DataChannels() {
    close(Errc::broken);
}

void DataChannels::open() {
    association_->open(*this);
}

void DataChannels::close(Errc reason) {
    if (std::exchange(closed_, true)) return;
    events_ = nullptr;
    for (auto& [id, channel] : std::exchange(channels_, {})) channel->lost(make_error_code(reason));
    association_->close();
}

void DataChannels::on_sctp_open() {
    events_->on_channels_open();
}

void DataChannels::on_sctp_closed(error_code reason) {
    const auto self = shared_from_this();
    closed_ = true;
    auto* events = std::exchange(events_, nullptr);
    for (auto& [id, channel] : std::exchange(channels_, {})) channel->lost(make_error_code(Errc::broken));
    events->on_channels_closed(reason);
}

void DataChannels::fail(Errc reason) {
    const auto self = shared_from_this();
    auto* events = events_;
    close(Errc::broken);
    if (events != nullptr) events->on_channels_closed(make_error_code(reason));
}

/// Counts the pieces of a message; false if it grows too large.
bool DataChannels::check_message(const SctpInput& input) {
    auto& size = partial_[input.stream];
    size += input.size;
    const bool fits = size <= kLargestWebMessage;
    if (input.last) partial_.erase(input.stream);
    return fits;
}

void DataChannels::on_sctp_input(const SctpInput& input) {
    const auto self = shared_from_this();
    if (closed_) return;
    if (!check_message(input) || input.stream >= kWebStreams) {
        base::logger("webrtc")->warn("a foreign peer sent a message of more than {} bytes, or on stream {}",
                                     kLargestWebMessage, input.stream);
        return fail(Errc::protocol_violation);
    }
    const auto found = channels_.find(input.stream);
    switch (static_cast<WebProtocol>(input.protocol)) {
        case WebProtocol::control:
            control_.insert(control_.end(), input.view().begin(), input.view().end());
            if (input.last) on_control(input.stream, std::exchange(control_, {}));
            return;
        case WebProtocol::text:
        case WebProtocol::binary:
            if (found == channels_.end()) return fail(Errc::protocol_violation);
            return found->second->receive(input.view());
        case WebProtocol::empty_text:
        case WebProtocol::empty_binary:
            if (found == channels_.end()) return fail(Errc::protocol_violation);
            return;
    }
    fail(Errc::protocol_violation);
}

void DataChannels::on_control(std::uint16_t stream, ByteView message) {
    // We open no channel, so nothing of ours is acknowledged; RFC 8832 has no other messages.
    const auto open = parse_channel_open(message);
    if (!open || channels_.contains(stream)) return fail(Errc::protocol_violation);
    // Who goes on opening what is refused, or never takes back a closed channel's id, is not worth an association.
    if (alive_ >= 2 * kMaxDataChannels) return fail(Errc::limit_exceeded);
    const bool usable = open->ordered && open->reliable;
    if (!usable || alive_ >= kMaxDataChannels) return refuse(stream);
    accept(stream, *open);
}

void DataChannels::accept(std::uint16_t stream, const DataChannelOpen& open) {
    auto channel = std::make_shared<DataChannel>(*this, stream);
    channels_.emplace(stream, channel);
    channel->acknowledge();
    pump_soon();
    base::logger("webrtc")->debug("channel {} opened, label of {} bytes", stream, open.label.size());
    events_->on_channel(std::move(channel));
}

/// A channel that is closed as soon as it opens (RFC 8832 §6): it counts until the peer closes it too.
void DataChannels::refuse(std::uint16_t stream) {
    auto channel = std::make_shared<DataChannel>(*this, stream);
    channels_.emplace(stream, channel);
    channel->reset(Errc::refused);
}

void DataChannels::on_sctp_reset(std::uint16_t stream) {
    const auto self = shared_from_this();
    partial_.erase(stream);
    const auto found = channels_.find(stream);
    if (found == channels_.end()) return;
    const auto channel = found->second;
    channel->peer_closed();
}

void DataChannels::pump_soon() {
    if (closed_ || std::exchange(pump_posted_, true)) return;
    boost::asio::post(executor_, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->pump_posted_ = false;
        self->pump();
    });
}

/// One message of each channel in turn, as long as SCTP takes them.
void DataChannels::pump() {
    if (closed_) return;
    auto idle = std::size_t{0};
    while (idle < channels_.size()) {
        auto turn = channels_.lower_bound(next_);
        if (turn == channels_.end()) turn = channels_.begin();
        next_ = static_cast<std::uint16_t>(turn->first + 1);
        const auto channel = turn->second;
        idle = channel->pump() ? 0 : idle + 1;
    }
    association_->flush();
}

void DataChannels::add_waiting(std::size_t count) {
    waiting_ += count;
    if (waiting_ > kMaxWaiting) association_->pause_reading(true);
}

void DataChannels::remove_waiting(std::size_t count) {
    waiting_ -= std::min(count, waiting_);
    if (!closed_ && waiting_ <= kMaxWaiting / 2) association_->pause_reading(false);
}

void DataChannels::forget(std::uint16_t stream) {
    channels_.erase(stream);
    partial_.erase(stream);
}

}  // namespace tubes::transports
