# SPDX-License-Identifier: GPL-3.0-or-later
"""Datagrams through tubes."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, cast

from tubes import _native
from tubes._bridge import Bridge, Resumable
from tubes.errors import EndOfStream

if TYPE_CHECKING:
    from tubes.streams import Buffer


class DatagramFlow:
    """One conversation inside a datagram tube. Datagrams may be lost or overtake each other; none comes twice, and all
    that arrive are whole. When the network changes, the flow goes on. Iterating gives the datagrams until the peer ends
    the flow."""

    def __init__(self, bridge: Bridge, native: _native.DatagramFlow) -> None:
        self._bridge = bridge
        self._native = native
        self._received = Resumable(bridge, native.receive)

    @property
    def is_open(self) -> bool:
        """False after close()."""
        return self._native.is_open

    @property
    def max_size(self) -> int:
        """The largest datagram that the tube carries, in bytes."""
        return self._native.max_size

    @property
    def packet_size(self) -> int:
        """Up to this size one packet of the network carries a datagram on the path in use just now; larger ones take
        several, and are lost if one of those is."""
        return self._native.packet_size

    async def send(self, datagram: Buffer) -> None:
        """Sends one datagram, maybe empty. Complete when the node has taken it, not when it has arrived.
        MessageTooLarge: compare max_size."""
        self._bridge.check()
        await self._bridge.wait(self._native.send(self._bridge.native, datagram))

    async def receive(self) -> bytes:
        """The next datagram. At most 256 KiB wait; then the oldest are dropped. EndOfStream when the peer has ended the
        flow. A cancelled call loses nothing."""
        return cast(bytes, await self._received.wait())

    def cancel(self) -> None:
        """Ends an outstanding receive with Cancelled; the flow stays usable and loses nothing."""
        if self._bridge.is_usable:
            self._native.cancel()
            self._received.forget()

    def close(self) -> None:
        """Ends the flow for both sides. Idempotent."""
        if self._bridge.is_usable:
            self._native.close()

    def __aiter__(self) -> DatagramFlow:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await self.receive()
        except EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> DatagramFlow:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        self.close()
