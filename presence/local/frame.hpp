// SPDX-License-Identifier: GPL-3.0-or-later
// Frames between two nodes on one machine: hello, request, reply, and news of rooms.
// Spec: docs/protocol.md, "The local protocol".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tubes/base/bytes.hpp"
#include "tubes/core/wire/limits.hpp"

namespace tubes::presence::local {

enum class FrameType : std::uint8_t {
    hello = 1,         ///< First in each direction: version (1 byte), then the node's name.
    request = 2,       ///< A signal (wire/signals.proto); answered by a reply with the same id.
    reply = 3,         ///< A signal reply or an error code.
    room = 4,          ///< News of a room (room_news.hpp); after the hello first those of all rooms. Not answered.
    room_request = 5,  ///< A request to an occupant of a room.
};

/// Layout: length of all that follows (4 bytes big-endian), type (1), id (8 big-endian), payload.
struct Frame {
    FrameType type = FrameType::hello;
    std::uint64_t id = 0;
    base::Bytes payload;
};

inline constexpr std::size_t kLengthSize = 4;                 ///< Bytes of the length field.
inline constexpr std::size_t kFrameHeader = 9;                ///< Bytes of type and id.
inline constexpr std::size_t kMaxPayload = wire::kMaxSignal;  ///< Bytes; larger frames end the session.
inline constexpr std::uint8_t kVersion = 1;                   ///< Of this protocol.
inline constexpr std::size_t kMaxNodeName = 64;               ///< Bytes of a node's name, [A-Za-z0-9._-].

base::Bytes encode(const Frame& frame);

/// Takes the first whole frame off the front of `buffer`; empty if more bytes are needed;
/// Errc::protocol_violation if no continuation can make it a frame.
result<std::optional<Frame>> take_frame(base::Bytes& buffer);

/// The name in a hello's payload; protocol_violation for another version or a malformed name.
result<std::string> parse_hello(base::ByteView payload);
base::Bytes make_hello(const std::string& name);

}  // namespace tubes::presence::local
