# SPDX-License-Identifier: GPL-3.0-or-later
"""Joins the node's thread to one event loop: operations become awaitables that end on the loop's thread."""

from __future__ import annotations

import asyncio
import os
from typing import Any, Callable

from tubes import _native
from tubes.errors import Cancelled, Error, Forked, make_error

Callback = Callable[[Error | None, Any], None]


class Bridge:
    """Belongs to one Node and one loop. The loop watches a descriptor; the node's thread never runs Python."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.native = _native.Completions()
        self._callbacks: dict[int, Callback] = {}
        self._process = os.getpid()
        self._is_open = True
        self.lingering: set[object] = set()
        """Transports that were closed and whose peer has not ended yet."""
        loop.add_reader(self.native.fileno(), self._drain)

    @property
    def is_usable(self) -> bool:
        """False once closed, and in a child process."""
        return self._is_open and os.getpid() == self._process

    def check(self) -> None:
        """Raises Forked in a child process and Cancelled once closed; an operation starts after this."""
        if os.getpid() != self._process:
            raise Forked("the process forked; a node belongs to the process that opened it")
        if not self._is_open:
            raise Cancelled("the node is closed")

    def when_done(self, ticket: int, callback: Callback) -> None:
        """Calls `callback(error, value)` on the loop once the operation has ended."""
        self._callbacks[ticket] = callback

    def future(self, ticket: int) -> asyncio.Future[Any]:
        """A future for an operation. Cancelling the future does not cancel the operation; wait() does."""
        future: asyncio.Future[Any] = self.loop.create_future()

        def done(error: Error | None, value: Any) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
                future.exception()  # nobody may be waiting: that is no mistake of the program's
            else:
                future.set_result(value)

        self.when_done(ticket, done)
        return future

    async def wait(self, ticket: int) -> Any:
        """The operation's value. Where the task is cancelled the operation is, too."""
        try:
            return await self.future(ticket)
        except asyncio.CancelledError:
            self.cancel(ticket)
            raise

    def cancel(self, ticket: int) -> None:
        """Cancels an operation that is in flight; it still ends once."""
        if self.is_usable:
            self.native.cancel(ticket)

    def close(self) -> None:
        """Ends everything that is still waited for with Cancelled. Idempotent."""
        if not self._is_open or os.getpid() != self._process:
            return
        self._is_open = False
        if not self.loop.is_closed():
            self._drain()
            self.loop.remove_reader(self.native.fileno())
        callbacks, self._callbacks = self._callbacks, {}
        if self.loop.is_closed():
            self.native.drain()  # frees what finished; there is nobody left to tell
            return
        for callback in callbacks.values():
            callback(Cancelled("the node is closed"), None)

    def _drain(self) -> None:
        for ticket, code, text, value in self.native.drain():
            callback = self._callbacks.pop(ticket, None)
            if callback is not None:
                callback(make_error(code, text) if code else None, value)


class Resumable:
    """One kind of operation whose outcome a cancelled call leaves for the next one, so that nothing is lost."""

    def __init__(self, bridge: Bridge, begin: Callable[[_native.Completions], int]) -> None:
        self._bridge = bridge
        self._begin = begin
        self._future: asyncio.Future[Any] | None = None

    async def wait(self) -> Any:
        """The outcome of what is under way, else of a new operation. One that failed stays failed until forget()."""
        if self._future is None:
            self._bridge.check()
            self._future = self._bridge.future(self._begin(self._bridge.native))
        value = await asyncio.shield(self._future)
        self._future = None
        return value

    def forget(self) -> None:
        """The next call begins a new operation."""
        self._future = None
