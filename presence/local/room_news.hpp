// SPDX-License-Identifier: GPL-3.0-or-later
// What nodes on one machine tell one another about rooms.
// Spec: docs/protocol.md, "The local protocol".
#pragma once

#include <optional>
#include <string>

#include "tubes/core/ports/rooms.hpp"

namespace tubes::presence::local {

/// One piece of news, the payload of a frame of type room.
struct RoomNews {
    enum class Kind : std::uint8_t {
        here = 1,     ///< The sender is in the room, as `guest` says; replaces what it said before.
        gone = 2,     ///< The sender is not in the room any more.
        text = 3,     ///< Says something.
        subject = 4,  ///< Sets the subject.
        settled = 5,  ///< The sender has told all rooms it is in. Without a room.
    };
    /// How somebody is in a room.
    struct Guest {
        std::string nick;
        std::uint64_t since = 0;  ///< Nanoseconds since the machine started, when it joined: who came first.
        std::optional<core::ServiceList> tubes;
    };

    Kind kind = Kind::settled;
    std::string room;  ///< Its name, [A-Za-z0-9._-]{1,64}.
    Guest guest;       ///< With `here`.
    std::string text;  ///< With `text` and `subject`: at most kMaxRoomText bytes.
    bool is_private = false;
};

base::Bytes encode(const RoomNews& news);

/// protocol_violation for anything malformed or beyond the limits of ports/rooms.hpp.
result<RoomNews> parse_room_news(base::ByteView payload);

/// A request inside a room: the room's name, then the signal.
base::Bytes encode_room_request(const std::string& room, base::ByteView signal);
struct RoomRequest {
    std::string room;
    base::ByteView signal;
};
result<RoomRequest> parse_room_request(base::ByteView payload);

}  // namespace tubes::presence::local
