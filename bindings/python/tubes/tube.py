# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node opens: shares, tubes and listeners. Each closes at the end of `async with`."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Awaitable, Callable, TypeVar, cast

from tubes import _native
from tubes._bridge import Bridge, Resumable
from tubes._native import Endpoint
from tubes.datagram import DatagramFlow
from tubes.errors import Cancelled, Error
from tubes.streams import Stream, TubeTransport, open_streams
from tubes.types import TubeInfo

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
ProtocolT = TypeVar("ProtocolT", bound=asyncio.BaseProtocol)


def as_endpoint(value: Endpoint | str | int | None) -> Endpoint:
    """An endpoint, a port of 127.0.0.1, a text for Endpoint.parse(), or None for this program itself."""
    if value is None:
        return Endpoint.in_process()
    return value if isinstance(value, Endpoint) else Endpoint.parse(str(value))


class _Closing:
    """Closes at the end of `async with`."""

    async def close(self) -> None:
        """Closes it. Idempotent."""
        raise NotImplementedError

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        await self.close()


class Share(_Closing):
    """Something this user offers to others, until it is closed. Iterating gives each connection that a peer opens as
    (reader, writer), where the target is this program."""

    def __init__(self, bridge: Bridge, native: _native.Share) -> None:
        self._bridge = bridge
        self._native = native
        self._accepted = Resumable(bridge, native.accept)
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def service(self) -> str:
        """The name it is shared under."""
        return self._native.service

    @property
    def offer_id(self) -> str:
        """For an offer: its id; empty for a share."""
        return self._native.offer_id

    @property
    def target(self) -> Endpoint:
        """What it leads to; of a D-Bus, with the path: `target.bus_address` is where programs of this side find it."""
        return self._native.target

    async def accept_stream(self) -> Stream:
        """The next connection that a peer opens, without a buffer. Cancelled once the share is closed. A cancelled
        call loses no connection."""
        return Stream(self._bridge, await self._accepted.wait())

    async def accept(self) -> Streams:
        """The next connection that a peer opens, as asyncio's reader and writer."""
        stream = await self.accept_stream()
        return open_streams(self._bridge, stream._native, {"share": self})

    async def accept_flow(self) -> DatagramFlow:
        """The next flow that a peer opens, where the share's kind is DATAGRAM and its target this program."""
        self._bridge.check()
        return DatagramFlow(self._bridge, await self._bridge.wait(self._native.accept_flow(self._bridge.native)))

    async def serve(self, handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> None:
        """Runs `handler(reader, writer)` for every connection, side by side, until the share is closed. The writer is
        closed after it; its exceptions go to the loop's exception handler."""
        try:
            async for reader, writer in self:
                task = self._bridge.loop.create_task(self._handle(handler, reader, writer))
                self._serving.add(task)
                task.add_done_callback(self._serving.discard)
        finally:
            for task in self._serving:
                task.cancel()

    async def _handle(self, handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
                      reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except Error:
            pass  # the connection ended
        except Exception as error:
            self._bridge.loop.call_exception_handler(
                {"message": f"in a connection of the share {self.service!r}", "exception": error})
        finally:
            writer.close()

    async def close(self) -> None:
        """Ends the share and closes its tubes. Idempotent."""
        if self._bridge.is_usable:
            self._native.close()

    def __aiter__(self) -> Share:
        return self

    async def __anext__(self) -> Streams:
        try:
            return await self.accept()
        except Cancelled:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Share:
        return self


class Listener(_Closing):
    """A local socket, or a private D-Bus, that leads through a tube."""

    def __init__(self, bridge: Bridge, native: _native.Listener) -> None:
        self._bridge = bridge
        self._native = native

    @property
    def endpoint(self) -> Endpoint:
        """Where it really listens (the port, where 0 was asked for)."""
        return self._native.endpoint

    async def wait(self) -> None:
        """Returns when it has ended without an error; raises why the tube closed otherwise."""
        self._bridge.check()
        await self._bridge.wait(self._native.wait(self._bridge.native))

    async def close(self) -> None:
        """Stops listening; connections that were accepted go on. Idempotent."""
        if self._bridge.is_usable:
            self._native.close()

    async def __aenter__(self) -> Listener:
        return self


class Tube(_Closing):
    """An open tube to a contact's service."""

    def __init__(self, bridge: Bridge, native: _native.Tube) -> None:
        self._bridge = bridge
        self._native = native

    @property
    def info(self) -> TubeInfo:
        """As it was when it opened; Node.status() has the current figures."""
        return self._native.info

    async def _open(self) -> _native.Stream:
        self._bridge.check()
        return cast(_native.Stream, await self._bridge.wait(self._native.open_stream(self._bridge.native)))

    async def open_stream(self) -> Streams:
        """One connection through the tube as asyncio's (reader, writer)."""
        return open_streams(self._bridge, await self._open(), {"tube": self})

    async def open_raw_stream(self) -> Stream:
        """One connection through the tube, reading into and writing from the program's own memory."""
        return Stream(self._bridge, await self._open())

    async def open_flow(self) -> DatagramFlow:
        """One flow of datagrams through a tube of kind DATAGRAM; Unsupported for others."""
        self._bridge.check()
        return DatagramFlow(self._bridge, await self._bridge.wait(self._native.open_flow(self._bridge.native)))

    async def create_connection(self, protocol_factory: Callable[[], ProtocolT]) -> tuple[TubeTransport, ProtocolT]:
        """One connection through the tube for an asyncio protocol, as loop.create_connection() does for a host."""
        native = await self._open()
        protocol = protocol_factory()
        return TubeTransport(self._bridge, native, protocol, {"tube": self}), protocol

    async def listen(self, endpoint: Endpoint | str | int = 0, *, allow_remote: bool = False) -> Listener:
        """Makes the service reachable at a local socket; port 0 picks a free one. Of a tube of kind DBUS:
        Endpoint.dbus(), and `endpoint.bus_address` of the listener is the bus. AddressInUse, AddressNotAllowed."""
        self._bridge.check()
        ticket = self._native.listen(self._bridge.native, as_endpoint(endpoint), allow_remote)
        return Listener(self._bridge, await self._bridge.wait(ticket))

    async def wait_closed(self) -> None:
        """Waits until the tube has closed; raises the reason where it is one."""
        self._bridge.check()
        await self._bridge.wait(self._native.wait_closed(self._bridge.native))

    async def close(self) -> None:
        """Closes the tube and all its streams. Idempotent."""
        if self._bridge.is_usable:
            self._native.close()

    async def __aenter__(self) -> Tube:
        return self


class Events(_Closing):
    """A subscription to a node's events. At most 1024 wait; then EventsLost says how many were dropped."""

    def __init__(self, bridge: Bridge, native: _native.Events) -> None:
        self._bridge = bridge
        self._native = native
        self._events = Resumable(bridge, native.next)

    async def next(self) -> Any:
        """The next event (tubes.types.Event). Cancelled once the node is closed. A cancelled call loses no event."""
        return await self._events.wait()

    async def close(self) -> None:
        """Ends the subscription. Idempotent."""
        if self._bridge.is_usable:
            self._native.close()

    def __aiter__(self) -> Events:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self.next()
        except Cancelled:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Events:
        return self
