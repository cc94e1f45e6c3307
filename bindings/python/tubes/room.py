# SPDX-License-Identifier: GPL-3.0-or-later
"""Rooms: a chat of several people, in which services are shared with everybody and tubes go between occupants."""

from __future__ import annotations

from typing import cast

from tubes import _native
from tubes._bridge import Bridge, Resumable
from tubes._native import Endpoint
from tubes.errors import Cancelled
from tubes.tube import Share, Tube, _Closing, as_endpoint
from tubes.types import Parameters, Policy, RoomEvent, RoomInfo, TubeKind


class Room(_Closing):
    """A room that this node is in (Node.join_room). Iterating gives its events until the room is left: OccupantChanged,
    OccupantLeft, RoomText, RoomSubjectChanged, RoomStateChanged, RoomEventsLost."""

    def __init__(self, bridge: Bridge, native: _native.Room) -> None:
        self._bridge = bridge
        self._native = native
        self._events = Resumable(bridge, native.next)

    @property
    def address(self) -> str:
        """The room's address as its protocol writes it."""
        return self._native.address

    async def info(self) -> RoomInfo:
        """Who is there and what they offer."""
        self._bridge.check()
        return cast(RoomInfo, await self._bridge.wait(self._native.info(self._bridge.native)))

    async def next(self) -> RoomEvent:
        """The next event since the room was joined; at most 1024 wait. Cancelled after the room was left. A cancelled
        call loses no event."""
        return cast(RoomEvent, await self._events.wait())

    async def send(self, text: str, nick: str = "") -> None:
        """Says something to all, or to one occupant alone. At most 16 KiB. NotFound, InvalidArgument, NotConnected."""
        self._bridge.check()
        await self._bridge.wait(self._native.send(self._bridge.native, text, nick))

    async def share(self, service: str, target: Endpoint | str | int | None = None, *,
                    kind: TubeKind = TubeKind.STREAM, parameters: Parameters | None = None,
                    policy: Policy = Policy.ASK, trust_first_key: bool = False) -> Share:
        """Shares a service with every occupant, now or on joining; each has a tube of their own. The arguments of
        Node.share. LimitExceeded beyond 16 services or 8 KiB of parameters."""
        self._bridge.check()
        ticket = self._native.share(self._bridge.native, service, as_endpoint(target), kind.value,
                                    dict(parameters or {}), policy.value, trust_first_key)
        return Share(self._bridge, await self._bridge.wait(ticket))

    async def connect(self, service: str, nick: str = "", *, kind: TubeKind = TubeKind.STREAM,
                      parameters: Parameters | None = None, deadline: float = 60.0) -> Tube:
        """Opens a tube to a service of the occupant `nick`; without: of the only one who offers it. NotFound,
        InvalidArgument (several offer it), and the errors of Node.connect."""
        self._bridge.check()
        ticket = self._native.connect(self._bridge.native, service, nick, kind.value, dict(parameters or {}), deadline)
        return Tube(self._bridge, await self._bridge.wait(ticket))

    async def close(self) -> None:
        """Leaves the room; the tubes with its occupants close. Idempotent."""
        if self._bridge.is_usable:
            self._native.close()

    def __aiter__(self) -> Room:
        return self

    async def __anext__(self) -> RoomEvent:
        try:
            return await self.next()
        except Cancelled:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Room:
        return self
