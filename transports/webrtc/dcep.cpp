// SPDX-License-Identifier: GPL-3.0-or-later
// Fields of fixed places; two texts at the end.
#include "transports/webrtc/dcep.hpp"

namespace tubes::transports {
namespace {

constexpr std::uint8_t kOpen = 0x03;
constexpr std::uint8_t kAck = 0x02;
constexpr std::size_t kHeader = 12;
// Channel types (RFC 8832 §5.1).
constexpr std::uint8_t kUnordered = 0x80;
constexpr std::uint8_t kReliable = 0x00;
constexpr std::uint8_t kByRetransmissions = 0x01;
constexpr std::uint8_t kByTime = 0x02;

std::uint16_t read16(core::ByteView bytes, std::size_t at) {
    return static_cast<std::uint16_t>((bytes[at] << 8) | bytes[at + 1]);
}

void put16(core::Bytes& bytes, std::size_t value) {
    bytes.push_back(static_cast<std::uint8_t>(value >> 8));
    bytes.push_back(static_cast<std::uint8_t>(value));
}

std::string text(core::ByteView bytes) {
    return {bytes.begin(), bytes.end()};
}

}  // namespace

result<DataChannelOpen> parse_channel_open(core::ByteView message) {
    const auto bad = make_error_code(Errc::protocol_violation);
    if (message.size() < kHeader || message[0] != kOpen) return bad;
    const std::uint8_t type = message[1] & static_cast<std::uint8_t>(~kUnordered);
    const std::size_t label = read16(message, 8);
    const std::size_t protocol = read16(message, 10);
    const bool fits = label <= kMaxChannelText && protocol <= kMaxChannelText;
    if (type > kByTime || !fits || message.size() != kHeader + label + protocol) return bad;
    DataChannelOpen open;
    open.ordered = (message[1] & kUnordered) == 0;
    open.reliable = type == kReliable;
    open.by_time = type == kByTime;
    open.priority = read16(message, 2);
    open.reliability = (std::uint32_t{read16(message, 4)} << 16) | read16(message, 6);
    open.label = text(message.subspan(kHeader, label));
    open.protocol = text(message.subspan(kHeader + label));
    return open;
}

core::Bytes encode_channel_open(const DataChannelOpen& open) {
    std::uint8_t type = open.reliable ? kReliable : open.by_time ? kByTime : kByRetransmissions;
    if (!open.ordered) type |= kUnordered;
    core::Bytes message{kOpen, type};
    put16(message, open.priority);
    put16(message, open.reliability >> 16);
    put16(message, open.reliability);
    put16(message, open.label.size());
    put16(message, open.protocol.size());
    message.insert(message.end(), open.label.begin(), open.label.end());
    message.insert(message.end(), open.protocol.begin(), open.protocol.end());
    return message;
}

bool is_channel_ack(core::ByteView message) noexcept {
    return message.size() == 1 && message[0] == kAck;
}

core::Bytes encode_channel_ack() {
    return {kAck};
}

}  // namespace tubes::transports
