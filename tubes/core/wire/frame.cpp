// SPDX-License-Identifier: GPL-3.0-or-later
// Frame headers to bytes and back.
#include "tubes/core/wire/frame.hpp"

namespace tubes::wire {
namespace {

template <class Integer>
void put(std::uint8_t* at, Integer value) noexcept {
    for (std::size_t i = sizeof(Integer); i-- > 0; value = static_cast<Integer>(value >> 8)) {
        at[i] = static_cast<std::uint8_t>(value);
    }
}

template <class Integer>
Integer get(const std::uint8_t* at) noexcept {
    Integer value = 0;
    for (std::size_t i = 0; i < sizeof(Integer); ++i) value = static_cast<Integer>(value << 8 | at[i]);
    return value;
}

bool is_known(std::uint8_t type) noexcept {
    return (type >= 1 && type <= 7) || (type >= 16 && type <= 21);
}

bool payload_fits(const Frame& frame) noexcept {
    switch (frame.type) {
        case FrameType::hello: return !frame.payload.empty() && frame.payload.size() <= kMaxHello;
        case FrameType::open: return frame.payload.size() == core::TubeId::kSize;
        case FrameType::data: return !frame.payload.empty() || frame.has_end();
        case FrameType::datagram: return true;
        default: return frame.payload.empty();
    }
}

bool is_consistent(core::ports::Lane lane, const Frame& frame) noexcept {
    const bool may_end = frame.type == FrameType::data || frame.type == FrameType::ack;
    if (frame.flags > (may_end && frame.stream != 0 ? kFlagEnd : 0)) return false;
    if (lane != lane_of(frame) || !payload_fits(frame)) return false;
    if (frame.type == FrameType::datagram) return frame.stream != 0 && frame.value <= kMaxOffset;
    if (may_end) return frame.value <= kMaxOffset;
    // The control stream is neither opened nor ended; link frames name no stream.
    return is_link_frame(frame.type) == (frame.stream == 0);
}

}  // namespace

FrameHeader encode_header(const Frame& frame) noexcept {
    FrameHeader header{{}, frame.type == FrameType::ack ? kAckHeader : kDataHeader};
    auto* at = header.bytes.data();
    at[0] = static_cast<std::uint8_t>(frame.type);
    at[1] = frame.flags;
    put(at + 2, frame.epoch);
    put(at + 4, frame.stream);
    put(at + 8, frame.value);
    put(at + 16, frame.credit);
    return header;
}

result<Frame> decode_frame(core::ports::Lane lane, core::ByteView message) noexcept {
    const bool sized = message.size() >= kDataHeader && message.size() <= kMaxMessage;
    if (!sized || !core::ports::is_lane(lane) || !is_known(message[0])) {
        return make_error_code(Errc::protocol_violation);
    }
    Frame frame;
    frame.type = static_cast<FrameType>(message[0]);
    frame.flags = message[1];
    frame.epoch = get<std::uint16_t>(&message[2]);
    frame.stream = get<std::uint32_t>(&message[4]);
    frame.value = get<std::uint64_t>(&message[8]);
    std::size_t header = kDataHeader;
    if (frame.type == FrameType::ack) {
        if (message.size() != kAckHeader) return make_error_code(Errc::protocol_violation);
        frame.credit = get<std::uint32_t>(&message[16]);
        header = kAckHeader;
    }
    frame.payload = message.subspan(header);
    if (!is_consistent(lane, frame)) return make_error_code(Errc::protocol_violation);
    return frame;
}

}  // namespace tubes::wire
