// SPDX-License-Identifier: GPL-3.0-or-later
// Frames: what one message of a path is. A fixed header, big endian, then the payload.
// Spec: docs/protocol.md, "Links".
#pragma once

#include <array>

#include "tubes/core/ports/message_path.hpp"
#include "tubes/core/wire/limits.hpp"

namespace tubes::wire {

/// The kind of a frame; its values are those on the wire.
enum class FrameType : std::uint8_t {
    // Lane 0: the link's own. `value` as said.
    hello = 1,  ///< Payload: Hello. First frame of each side on a path.
    move = 2,   ///< Initiator: this path carries the link from epoch `value` on.
    moved = 3,  ///< Responder: agreed; epoch in `value`.
    lost = 4,   ///< Responder: the path of epoch `value` is gone, please move.
    ping = 5,   ///< Answer with PONG and the same `value`.
    pong = 6,
    close = 7,  ///< The link is over; Errc in `value`.
    // The lane of the stream. Stream 0, on lane 0, is the control stream: DATA and ACK only.
    open = 16,   ///< Payload: tube id. Before anything else of the stream.
    data = 17,   ///< Payload at offset `value`; flag end: nothing follows it.
    ack = 18,    ///< All before offset `value` was taken; `credit` more may follow; flag end: the end was taken, too.
    reset = 19,  ///< Both directions are over; Errc in `value`. Repeated until GONE.
    gone = 20,   ///< No such stream any more.
    // The datagram lane, for peers with kFeatureDatagrams. `stream` is the flow.
    datagram = 21,  ///< Payload: one datagram, maybe empty; `value` counts the flow's datagrams from 0.
};

/// Flag of DATA and ACK.
inline constexpr std::uint8_t kFlagEnd = 1;

/// One frame, parsed or about to be sent. `payload` borrows the message.
struct Frame {
    FrameType type = FrameType::ping;
    std::uint8_t flags = 0;
    std::uint16_t epoch = 0;  ///< Low half of the link's epoch.
    std::uint32_t stream = 0;
    std::uint64_t value = 0;  ///< Offset, epoch, token or Errc, as the type says.
    std::uint32_t credit = 0;
    core::ByteView payload{};

    bool has_end() const noexcept { return (flags & kFlagEnd) != 0; }
};

/// An encoded header.
struct FrameHeader {
    std::array<std::uint8_t, kAckHeader> bytes;
    std::size_t size;
    core::ByteView view() const noexcept { return core::ByteView(bytes).first(size); }
};

/// The header of `frame`; its payload is sent as it is.
FrameHeader encode_header(const Frame& frame) noexcept;

/// Checks everything that needs no state: length, type, flags, lane, size of the payload, largest offset.
/// Errc::protocol_violation otherwise.
result<Frame> decode_frame(core::ports::Lane lane, core::ByteView message) noexcept;

/// The lane that carries a stream: 0 for the control stream, else 1..31.
constexpr core::ports::Lane lane_of(std::uint32_t stream) noexcept {
    return static_cast<core::ports::Lane>(stream == 0 ? 0 : stream % (core::ports::kLaneCount - 1) + 1);
}

/// The lane of a frame.
constexpr core::ports::Lane lane_of(const Frame& frame) noexcept {
    return frame.type == FrameType::datagram ? core::ports::kDatagramLane : lane_of(frame.stream);
}

/// Frames of the link itself, as opposed to those of a stream.
constexpr bool is_link_frame(FrameType type) noexcept {
    return type < FrameType::open;
}

/// Whether epoch `a` came after `b`; both low halves, less than 2^15 apart.
constexpr bool is_newer(std::uint16_t a, std::uint16_t b) noexcept {
    const auto distance = static_cast<std::uint16_t>(a - b);
    return distance != 0 && distance < 0x8000;
}

}  // namespace tubes::wire
