# SPDX-License-Identifier: GPL-3.0-or-later
"""What a room tells, as tubes/room.hpp has it; part of tubes.types. Text in it came from other people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from tubes.types import OfferedService


@dataclass(frozen=True, slots=True)
class OccupantInfo:
    """Somebody in a room. All text is the room's or the occupant's."""

    nick: str
    address: str
    """The room with the nickname."""
    contact: str
    """Who it is for policies and pins: the room with the occupant id where there is one."""
    real_address: str
    """As the room tells it; empty where it hides it. Proves nothing."""
    role: str
    """"none", "visitor", "participant", "moderator"."""
    affiliation: str
    """"none", "outcast", "member", "admin", "owner"."""
    is_self: bool
    speaks_tubes: bool
    device: str
    """Hexadecimal SHA-256 of the key it announces."""
    services: tuple[OfferedService, ...]


@dataclass(frozen=True, slots=True)
class RoomInfo:
    """A room at one moment."""

    account: str
    room: str
    subject: str
    state: str
    """"joining", "joined", "rejoining", "left"."""
    non_anonymous: bool
    members_only: bool
    stable_ids: bool
    """Occupants are known by more than a nickname."""
    occupants: tuple[OccupantInfo, ...]


@dataclass(frozen=True, slots=True)
class OccupantChanged:
    """Somebody came, or their nickname, role or offers changed."""

    occupant: OccupantInfo
    is_new: bool


@dataclass(frozen=True, slots=True)
class OccupantLeft:
    """Somebody is gone; their tubes are closed."""

    occupant: OccupantInfo
    reason: str
    """"left", "gone", "kicked", "banned", "members-only", "removed"."""
    text: str


@dataclass(frozen=True, slots=True)
class RoomText:
    """Something was said."""

    nick: str
    text: str
    sent: float | None
    """Seconds since 1970, for the room's history."""
    is_private: bool
    is_own: bool


@dataclass(frozen=True, slots=True)
class RoomSubjectChanged:
    """The room has another subject."""

    nick: str
    text: str


@dataclass(frozen=True, slots=True)
class RoomStateChanged:
    """The room was lost ("rejoining"), is back ("joined"), or is over ("left", with the reason)."""

    state: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class RoomEventsLost:
    """The application did not take its events; this many were dropped."""

    count: int


RoomEvent = Union[OccupantChanged, OccupantLeft, RoomText, RoomSubjectChanged, RoomStateChanged, RoomEventsLost]
