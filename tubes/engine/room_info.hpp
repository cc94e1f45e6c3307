// SPDX-License-Identifier: GPL-3.0-or-later
// Rooms of the core as the public API shows them.
#pragma once

#include "tubes/core/ports/crypto.hpp"
#include "tubes/core/ports/rooms.hpp"
#include "tubes/room.hpp"

namespace tubes::engine {

OccupantInfo to_info(const core::ports::Occupant& occupant, const core::ports::Crypto& crypto);
RoomInfo to_info(const core::ports::RoomView& view, const std::string& account, const core::ports::Crypto& crypto);
RoomEvent to_event(const core::ports::RoomEventKind& event, const core::ports::Crypto& crypto);
/// How Room::async_join ends when the room says no.
Errc join_error(core::ports::RoomEnd end) noexcept;

}  // namespace tubes::engine
