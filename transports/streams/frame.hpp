// SPDX-License-Identifier: GPL-3.0-or-later
// How messages lie in a byte stream.
// Spec: docs/protocol.md, "Framing on byte streams".
//
//   0                 1                 2                 3
//   +-----------------+-----------------+-----------------+----------------------------
//   |      length, 16 bits, big-endian  |      lane       |  message, `length` bytes …
//   +-----------------+-----------------+-----------------+----------------------------
//
// length: 0 to 16384, of the message alone. lane: 0 to 31 for messages, 32 for datagrams. Lane 255 with length 0 is the
// nomination: the first frame that the link's initiator sends on a connection it chose, and never sent again. Lane 254
// with length 0 is padding, which is skipped.
#pragma once

#include <array>
#include <optional>

#include "tubes/core/ports/message_path.hpp"

namespace tubes::transports {

/// Bytes of a frame's header.
inline constexpr std::size_t kFrameHeaderSize = 3;

/// The largest frame: header and message.
inline constexpr std::size_t kMaxFrameSize = kFrameHeaderSize + core::ports::kMaxMessageSize;

/// The nomination frame, whole.
inline constexpr std::array<std::uint8_t, kFrameHeaderSize> kNominationFrame = {0, 0, 0xff};

/// Carries nothing; only with length 0.
inline constexpr core::ports::Lane kPaddingLane = 254;

/// One message as it lies in the received bytes; borrows them.
struct Frame {
    core::ports::Lane lane = 0;
    base::ByteView message;
    /// Where the next frame begins.
    std::size_t size() const noexcept { return kFrameHeaderSize + message.size(); }
};

/// The first frame in `received`: nothing if it is not whole yet; Errc::protocol_violation, as soon as the header is
/// there, if its length or lane is not allowed. Never reads past `received`.
inline result<std::optional<Frame>> parse_frame(base::ByteView received) {
    if (received.size() < kFrameHeaderSize) return std::optional<Frame>();
    const std::size_t length = static_cast<std::size_t>(received[0]) << 8U | received[1];
    const core::ports::Lane lane = received[2];
    const bool padding = lane == kPaddingLane && length == 0;
    if (length > core::ports::kMaxMessageSize || !(core::ports::is_lane(lane) || padding)) {
        return make_error_code(Errc::protocol_violation);
    }
    if (received.size() < kFrameHeaderSize + length) return std::optional<Frame>();
    return std::optional<Frame>(Frame{lane, received.subspan(kFrameHeaderSize, length)});
}

/// The header of a frame with a message of `length` bytes, at most kMaxMessageSize.
constexpr std::array<std::uint8_t, kFrameHeaderSize> frame_header(core::ports::Lane lane, std::size_t length) {
    return {static_cast<std::uint8_t>(length >> 8U), static_cast<std::uint8_t>(length & 0xffU), lane};
}

}  // namespace tubes::transports
