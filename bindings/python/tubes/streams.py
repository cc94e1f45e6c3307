# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams through tubes: asyncio's own StreamReader and StreamWriter (or any asyncio protocol) over a transport, and
Stream for reading into and writing from the program's own memory."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING, Any, Union, cast

from tubes import _native
from tubes._bridge import Bridge
from tubes.errors import EndOfStream, Error

if TYPE_CHECKING:
    from array import array
    from mmap import mmap

    Buffer = Union[bytes, bytearray, memoryview, array[Any], mmap]

_READ_SIZE = 256 * 1024
"""Bytes, what one read of a transport takes at most: as much as asyncio takes from a socket."""
_SMALLEST_READ = 4 * 1024
"""Bytes that a reader's read takes at first, and again when little comes."""
_HIGH_WATER = 1024 * 1024
"""Bytes that a transport holds unsent before drain() waits: a link's window is of this size."""
_WRITE_SIZE = 256 * 1024
"""Bytes that one write operation begins at least, where they are there: several of them fit into what may be unsent, so that
one can be followed by the next before the program has woken."""
_LINGER = 60.0
"""Seconds that a closed transport waits for the peer's end, as TCP does (FIN-WAIT-2 of Linux)."""
_MAX_PARTS = 64
"""Buffers of one write, as many as an operation of the library looks at."""


class Stream:
    """One byte connection through a tube, without a buffer of its own: the node reads into and writes from the
    program's memory. One read and one write at a time."""

    def __init__(self, bridge: Bridge, native: _native.Stream) -> None:
        self._bridge = bridge
        self._native = native

    @property
    def is_open(self) -> bool:
        """False after close()."""
        return self._native.is_open()

    async def read(self, size: int = _READ_SIZE) -> bytes:
        """At least one and at most `size` bytes; b"" once the peer has finished. A cancelled read loses no byte."""
        self._bridge.check()
        try:
            return cast(bytes, await self._finish(self._native.read(self._bridge.native, size)))
        except EndOfStream:
            return b""

    async def read_into(self, target: Buffer) -> int:
        """Reads at least one byte into writable memory; 0 once the peer has finished. Do not resize the object
        meanwhile. Cancelled, it returns when the memory is no longer used."""
        self._bridge.check()
        try:
            return cast(int, await self._finish(self._native.read_into(self._bridge.native, target)))
        except EndOfStream:
            return 0

    async def write(self, *parts: Buffer) -> None:
        """Writes everything, in order; complete when the node has taken it. The memory must stay as it is until then;
        cancelled, it is unknown how much went."""
        self._bridge.check()
        for first in range(0, len(parts), _MAX_PARTS):
            await self._finish(self._native.write(self._bridge.native, parts[first : first + _MAX_PARTS]))

    async def _finish(self, ticket: int) -> Any:
        # Cancelled, it waits for the end of the operation, which uses the caller's memory; what did arrive counts.
        future = self._bridge.future(ticket)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            self._bridge.cancel(ticket)
            try:
                result = await future
            except Error:
                raise asyncio.CancelledError() from None
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            return result

    def shutdown_send(self) -> None:
        """Half-close: the peer reads the end after all that was written. Idempotent."""
        if self._bridge.is_usable:
            self._native.shutdown_send()

    def cancel(self) -> None:
        """Ends outstanding operations with Cancelled; no byte is lost."""
        if self._bridge.is_usable:
            self._native.cancel()

    def close(self) -> None:
        """Resets the connection unless both directions had ended. Idempotent."""
        if self._bridge.is_usable:
            self._native.close()

    async def __aenter__(self) -> Stream:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        self.close()


class TubeTransport(asyncio.Transport):
    """A stream as asyncio's transport. A protocol that is an asyncio.BufferedProtocol gets the bytes without a copy."""

    def __init__(self, bridge: Bridge, native: _native.Stream, protocol: asyncio.BaseProtocol,
                 extra: dict[str, Any]) -> None:
        super().__init__(extra)
        self._bridge = bridge
        self._native = native
        self._protocol = protocol
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self._writing_bytes = 0
        self._high = _HIGH_WATER
        self._low = _HIGH_WATER // 2
        self._is_reading = False
        self._is_paused = False
        self._peer_ended = False
        self._is_closing = False
        self._is_over = False
        self._wants_eof = False
        self._producer_paused = False
        self._linger_timer: asyncio.TimerHandle | None = None
        protocol.connection_made(self)
        self._read()

    # Reading

    def _read(self) -> None:
        if self._is_reading or self._peer_ended or (self._is_paused and not self._is_over):
            return
        self._is_reading = True
        try:
            self._bridge.check()
            if isinstance(self._protocol, asyncio.BufferedProtocol) and not self._is_over:
                target = self._protocol.get_buffer(-1)
                ticket = self._native.read_into(self._bridge.native, target)
            else:
                ticket = self._native.read(self._bridge.native, _READ_SIZE)
        except Error as error:
            self._is_reading = False
            self._end(error)
            return
        self._bridge.when_done(ticket, self._on_read)

    def _on_read(self, error: Error | None, value: Any) -> None:
        self._is_reading = False
        if self._is_over:
            if error is None and self in self._bridge.lingering:
                self._read()
            else:
                self._end_lingering()
            return
        if isinstance(error, EndOfStream):
            self._on_end()
        elif error is not None:
            self._end(error)
        elif isinstance(self._protocol, asyncio.BufferedProtocol):
            self._protocol.buffer_updated(value)
        else:
            cast(asyncio.Protocol, self._protocol).data_received(value)
        if not self._is_over:
            self._read()

    def _on_end(self) -> None:
        self._peer_ended = True
        keep_open = cast(asyncio.Protocol, self._protocol).eof_received()
        if not keep_open:
            self.close()

    def is_reading(self) -> bool:
        return not self._is_paused and not self._is_closing

    def pause_reading(self) -> None:
        self._is_paused = True

    def resume_reading(self) -> None:
        self._is_paused = False
        self._read()

    # Writing

    def write(self, data: Any) -> None:
        """Sends bytes without copying them; a copy is made of memory that may change (bytearray, memoryview)."""
        if self._is_over or self._is_closing:
            return
        if self._wants_eof:
            raise RuntimeError("write() after write_eof()")
        if len(data) == 0:
            return
        self._unsent.append(data if isinstance(data, bytes) else bytes(data))
        self._unsent_bytes += len(self._unsent[-1])
        if self._writing_bytes == 0:
            self._send()
        if not self._producer_paused and self.get_write_buffer_size() > self._high:
            self._producer_paused = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Any) -> None:
        for data in list_of_data:
            self.write(data)

    def _send(self) -> None:
        count = 0
        while count < min(len(self._unsent), _MAX_PARTS) and self._writing_bytes < _WRITE_SIZE:
            self._writing_bytes += len(self._unsent[count])
            count += 1
        parts, self._unsent = self._unsent[:count], self._unsent[count:]
        self._unsent_bytes -= self._writing_bytes
        try:
            self._bridge.check()
            ticket = self._native.write(self._bridge.native, parts)
        except Error as error:
            self._end(error)
            return
        self._bridge.when_done(ticket, self._on_written)

    def _on_written(self, error: Error | None, value: Any) -> None:
        self._writing_bytes = 0
        if self._is_over:
            return
        if error is not None:
            self._end(error)
            return
        if self._unsent:
            self._send()
        if self._producer_paused and self.get_write_buffer_size() <= self._low:
            self._producer_paused = False
            self._protocol.resume_writing()
        if not self._writing_bytes:
            self._on_all_sent()

    def _on_all_sent(self) -> None:
        if self._wants_eof:
            self._native.shutdown_send()
        if self._is_closing:
            self._finish_closing()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if self._wants_eof or self._is_closing:
            return
        self._wants_eof = True
        if not self._writing_bytes:
            self._on_all_sent()

    def get_write_buffer_size(self) -> int:
        return self._unsent_bytes + self._writing_bytes

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        high = (_HIGH_WATER if low is None else 4 * low) if high is None else high
        low = high // 4 if low is None else low
        if not high >= low >= 0:
            raise ValueError(f"high ({high}) must be at least low ({low}), which must be at least 0")
        self._high, self._low = high, low

    # The end of it

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        """Sends what is unsent and the end, then lets go."""
        if self._is_closing:
            return
        self._is_closing = True
        self._wants_eof = True
        if not self._writing_bytes:
            self._on_all_sent()

    def _finish_closing(self) -> None:
        if self._peer_ended:
            self._end(None)
            return
        # As TCP does: what was sent still arrives; what comes now is thrown away until the peer ends, too.
        self._lost(None)
        self._bridge.lingering.add(self)
        self._linger_timer = self._bridge.loop.call_later(_LINGER, self._end_lingering)
        self._read()

    def _end_lingering(self) -> None:
        self._bridge.lingering.discard(self)
        if self._linger_timer is not None:
            self._linger_timer.cancel()
        if self._bridge.is_usable:
            self._native.close()

    def abort(self) -> None:
        """Resets the connection at once."""
        self._end(None)

    def _end(self, error: Error | None) -> None:
        if self._is_over:
            return
        self._is_closing = True
        if self._bridge.is_usable:
            self._native.close()
        self._lost(error)

    def _lost(self, error: Error | None) -> None:
        self._is_over = True
        self._unsent.clear()
        self._unsent_bytes = 0
        self._bridge.loop.call_soon(self._protocol.connection_lost, error)


class _ReaderProtocol(asyncio.StreamReaderProtocol, asyncio.BufferedProtocol):
    """Feeds asyncio's reader from memory that is used again: fresh memory for each read costs more than the copy. It
    grows and shrinks with what arrives, so that an idle connection holds little."""

    def __init__(self, reader: asyncio.StreamReader, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(reader, loop=loop)
        self._reader = reader
        self._memory = bytearray(_SMALLEST_READ)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._memory

    def buffer_updated(self, nbytes: int) -> None:
        size = len(self._memory)
        with memoryview(self._memory) as view:
            self._reader.feed_data(view[:nbytes])
        if nbytes == size < _READ_SIZE:
            self._memory = bytearray(4 * size)
        elif nbytes < size // 8 and size > _SMALLEST_READ:
            self._memory = bytearray(size // 4)


def open_streams(bridge: Bridge, native: _native.Stream,
                 extra: dict[str, Any]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """asyncio's reader and writer over a stream."""
    reader = asyncio.StreamReader(loop=bridge.loop, limit=_READ_SIZE)
    protocol = _ReaderProtocol(reader, bridge.loop)
    transport = TubeTransport(bridge, native, protocol, extra)
    return reader, asyncio.StreamWriter(transport, protocol, reader, bridge.loop)
