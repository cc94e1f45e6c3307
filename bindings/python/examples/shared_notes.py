#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes that somebody else reads and adds to: a D-Bus object called across a tube, with dbus-next (python3-dbus-next).

    shared_notes.py host [--to bob@example.org]             # the notes; every D-Bus library finds them on the printed bus
    shared_notes.py add "buy bread" [--from alice@example.org]
    shared_notes.py watch [--from alice@example.org]        # prints what is there, and what comes

The D-Bus side is what it is on a session bus; the tube is `share`, `connect`, `listen` and the address."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING, Any

import tubes
from dbus_next.aio.message_bus import MessageBus
from dbus_next.errors import DBusError
from dbus_next.service import ServiceInterface, method, signal
from tubes import Endpoint, TubeKind

if TYPE_CHECKING:  # dbus-next reads annotations as D-Bus signatures; what of it has no types is marked
    s = str
    u = int

NAME, PATH = "org.example.Notes", "/notes"


class Notes(ServiceInterface):
    """What can be called."""

    def __init__(self) -> None:
        super().__init__(NAME)
        self._notes: list[str] = []

    @method()  # type: ignore[misc]
    def Add(self, text: "s") -> "u":
        """Adds a note and tells everybody; the number of notes."""
        if not text:
            raise DBusError(f"{NAME}.Error.Empty", "a note needs a text")  # type: ignore[no-untyped-call]
        self._notes.append(text)
        self.Added(text)
        return len(self._notes)

    @method()  # type: ignore[misc]
    def Text(self) -> "s":
        """All notes, one per line."""
        return "\n".join(self._notes)

    @signal()  # type: ignore[misc]
    def Added(self, text: str) -> "s":
        """A note was added."""
        return text


async def host(contact: str) -> None:
    """Exports the notes on this side's bus until interrupted."""
    async with tubes.Node() as node, await node.share(NAME, Endpoint.dbus(), kind=TubeKind.DBUS,
                                                      audience=[contact] if contact else []) as share:
        bus = await MessageBus(bus_address=share.target.bus_address).connect()
        bus.export(PATH, Notes())
        await bus.request_name(NAME)
        print(f"Sharing the notes; this side's bus is {share.target.bus_address}", flush=True)
        await asyncio.Event().wait()


async def use(contact: str, text: str | None) -> None:
    """Adds one note, or follows all of them."""
    async with tubes.Node() as node, await node.connect(NAME, contact, kind=TubeKind.DBUS) as tube:
        async with await tube.listen(Endpoint.dbus()) as listener:
            bus = await MessageBus(bus_address=listener.endpoint.bus_address).connect()
            introspection = await bus.introspect(NAME, PATH)
            notes: Any = bus.get_proxy_object(NAME, PATH, introspection).get_interface(NAME)
            if text is not None:
                print(f"note {await notes.call_add(text)}", flush=True)
                bus.disconnect()  # type: ignore[no-untyped-call]
                return
            notes.on_added(lambda added: print(f"added: {added!a}", flush=True))
            print(f"so far: {await notes.call_text()!a}", flush=True)
            await tube.wait_closed()


def main() -> int:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    hosting, adding, watching = (commands.add_parser(name) for name in ("host", "add", "watch"))
    hosting.add_argument("--to", default="", dest="contact", metavar="CONTACT")
    adding.add_argument("text")
    for each in (adding, watching):
        each.add_argument("--from", default="", dest="contact", metavar="CONTACT")
    options = parser.parse_args()
    try:
        asyncio.run(host(options.contact) if options.command == "host"
                    else use(options.contact, options.text if options.command == "add" else None))
    except DBusError as error:
        print(f"{error.type}: {error.text!a}", file=sys.stderr)
        return 1
    except tubes.Error as error:
        print(f"{error}; {error.advice}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
