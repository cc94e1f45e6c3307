# SPDX-License-Identifier: GPL-3.0-or-later
"""The same for scripts that have no event loop: calls block, and other Python threads run meanwhile.

    with tubes.blocking.Node() as node:
        with node.connect("web", "bob@example.org") as tube, tube.listen() as listener:
            print("at", listener.endpoint)
            listener.wait()
"""

from __future__ import annotations

import asyncio
import io
import threading
from concurrent.futures import CancelledError as FutureCancelled
from types import TracebackType
from typing import Any, Coroutine, Iterator, TypeVar

import tubes
from tubes import types
from tubes._native import Endpoint

Result = TypeVar("Result")


class _Loop:
    """An event loop on a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tubes", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, Result], timeout: float | None = None) -> Result:
        """Waits for a coroutine. An exception in the waiting thread (Ctrl-C) or the timeout cancels it."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result(timeout)
        except FutureCancelled:
            raise tubes.errors.Cancelled() from None
        except BaseException as error:
            future.cancel()
            if isinstance(error, TimeoutError) and not isinstance(error, tubes.Error):
                raise tubes.errors.TimedOut() from None
            raise

    def close(self) -> None:
        """Ends the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


class _Handle:
    """Closes at the end of `with`."""

    _loop: _Loop
    _inner: tubes.Share | tubes.Tube | tubes.Listener

    def close(self) -> None:
        """Closes it. Idempotent."""
        self._loop.run(self._inner.close())

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


class Stream(io.RawIOBase):
    """One connection through a tube, as a raw binary file; makefile() gives a buffered one."""

    def __init__(self, loop: _Loop, inner: tubes.Stream) -> None:
        super().__init__()
        self._loop = loop
        self._inner = inner

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Reads at least one byte; 0 once the peer has finished."""
        return self._loop.run(self._inner.read_into(buffer))

    def write(self, data: Any) -> int:
        """Writes everything."""
        self._loop.run(self._inner.write(data))
        return memoryview(data).nbytes

    def shutdown_send(self) -> None:
        """Half-close: the peer reads the end after all that was written."""
        self._inner.shutdown_send()

    def makefile(self) -> io.BufferedRWPair:
        """The same with buffers: readline(), read(size), write(), flush()."""
        return io.BufferedRWPair(self, self)

    def close(self) -> None:
        """Resets the connection unless both directions had ended."""
        if not self.closed:
            self._inner.close()
        super().close()


class Share(_Handle):
    """Something this user offers to others, until it is closed."""

    def __init__(self, loop: _Loop, inner: tubes.Share) -> None:
        self._loop, self._inner = loop, inner
        self._share = inner

    @property
    def service(self) -> str:
        """The name it is shared under."""
        return self._share.service

    @property
    def offer_id(self) -> str:
        """For an offer: its id; empty for a share."""
        return self._share.offer_id

    @property
    def target(self) -> Endpoint:
        """What it leads to; of a D-Bus, with its address."""
        return self._share.target

    def accept(self, timeout: float | None = None) -> Stream:
        """The next connection that a peer opens, where the target is this program."""
        return Stream(self._loop, self._loop.run(self._share.accept_stream(), timeout))

    def __enter__(self) -> Share:
        return self


class Listener(_Handle):
    """A local socket whose connections go through a tube."""

    def __init__(self, loop: _Loop, inner: tubes.Listener) -> None:
        self._loop, self._inner = loop, inner
        self._listener = inner

    @property
    def endpoint(self) -> Endpoint:
        """Where it really listens."""
        return self._listener.endpoint

    def wait(self, timeout: float | None = None) -> None:
        """Waits until it has ended."""
        self._loop.run(self._listener.wait(), timeout)

    def __enter__(self) -> Listener:
        return self


class Tube(_Handle):
    """An open tube to a contact's service."""

    def __init__(self, loop: _Loop, inner: tubes.Tube) -> None:
        self._loop, self._inner = loop, inner
        self._tube = inner

    @property
    def info(self) -> types.TubeInfo:
        """As it was when it opened."""
        return self._tube.info

    def open_stream(self) -> Stream:
        """One connection through the tube."""
        return Stream(self._loop, self._loop.run(self._tube.open_raw_stream()))

    def listen(self, endpoint: Endpoint | str | int = 0, *, allow_remote: bool = False) -> Listener:
        """Makes the service reachable at a local socket."""
        return Listener(self._loop, self._loop.run(self._tube.listen(endpoint, allow_remote=allow_remote)))

    def __enter__(self) -> Tube:
        return self


class Node:
    """A node for scripts. Arguments as tubes.Node; what is not here is a call away: `node.run(node.inner.pins(...))`."""

    def __init__(self, **options: Any) -> None:
        self._loop = _Loop()
        self.inner = tubes.Node(**options)
        self._is_closed = False
        try:
            self._loop.run(self.inner.open())
        except BaseException:
            self._loop.close()
            raise

    def run(self, coroutine: Coroutine[Any, Any, Result], timeout: float | None = None) -> Result:
        """Runs any operation of the node and waits for it; TimedOut after `timeout` seconds."""
        return self._loop.run(coroutine, timeout)

    def login(self, address: str, password: str = "", **options: Any) -> types.AccountInfo:
        """Logs an account in; options as tubes.Node.login."""
        return self.run(self.inner.login(address, password, **options))

    def status(self) -> types.Status:
        """Everything at this moment."""
        return self.run(self.inner.status())

    def contacts(self) -> tuple[types.ContactInfo, ...]:
        """All contacts of all accounts."""
        return self.run(self.inner.contacts())

    def services(self, contact: str = "") -> tuple[types.OfferedService, ...]:
        """What a contact's devices offer to this user."""
        return self.run(self.inner.services(contact))

    def share(self, service: str, target: Endpoint | str | int | None = None, **options: Any) -> Share:
        """Shares a service; options as tubes.Node.share."""
        return Share(self._loop, self.run(self.inner.share(service, target, **options)))

    def connect(self, service: str, contact: str = "", **options: Any) -> Tube:
        """Opens a tube to a contact's share; options as tubes.Node.connect."""
        return Tube(self._loop, self.run(self.inner.connect(service, contact, **options)))

    def accept_offer(self, id: str) -> Tube:
        """Accepts an offer by its id."""
        return Tube(self._loop, self.run(self.inner.accept_offer(id)))

    def events(self) -> Iterator[types.Event]:
        """What happens, until the node is closed."""
        async def subscribe() -> tubes.Events:
            return self.inner.events()

        events = self.run(subscribe())
        while True:
            try:
                yield self.run(events.next())
            except tubes.errors.Cancelled:
                return

    def close(self) -> None:
        """Closes everything. Idempotent."""
        if self._is_closed:
            return
        self._is_closed = True
        self._loop.run(self.inner.close())
        self._loop.close()

    def __enter__(self) -> Node:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()
