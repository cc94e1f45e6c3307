#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A D-Bus bus in a room, on one machine and at a real Prosody: gdbus, busctl and python3-dbus of five occupants meet."""

from __future__ import annotations

import re
import signal
import subprocess
import unittest
from pathlib import Path
from typing import Callable

import dbus
import dbus.bus
import dbus.lowlevel
from dbus.mainloop.glib import DBusGMainLoop

from bus_turns import turn
from room_world import RoomWorld
from tube_harness import Person, Running

NAME = "org.example.Editor"
EDITOR = ["/usr/bin/python3", str(Path(__file__).parent / "dbus" / "editor.py")]
UNIQUE = re.compile(r":[0-9a-f]{32}-[0-9a-f]{8}\.\d+")


class Guest:
    """An occupant who uses the bus, and a program of theirs on it."""

    def __init__(self, world: RoomWorld, person: Person) -> None:
        self.running = world.connect(person, NAME)
        self.address = self.running.wait_for(r"DBUS_SESSION_BUS_ADDRESS=(\S+)")[1]
        self.bus = dbus.bus.BusConnection(self.address)
        self.name = str(self.bus.get_unique_name())
        self.typed: list[tuple[str, str]] = []
        self.changes: list[tuple[str, str, str]] = []
        self.bus.add_signal_receiver(lambda text, sender: self.typed.append((str(sender), str(text))), "Typed", NAME,
                                     sender_keyword="sender")
        self.bus.add_signal_receiver(lambda *names: self.changes.append(tuple(map(str, names))), "NameOwnerChanged",
                                     "org.freedesktop.DBus", "org.freedesktop.DBus")
        self.bus.list_names()  # Once it is answered, the rules are in force.

    def type(self, text: str, sender: str = "") -> None:
        """Emits a signal to all, with a sender of its own choice."""
        message = dbus.lowlevel.SignalMessage("/", NAME, "Typed")
        message.append(text, signature="s")
        if sender:
            message.set_sender(sender)
        self.bus.send_message(message)
        self.bus.flush()

    def command(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a program on this occupant's bus."""
        return subprocess.run(["env", f"DBUS_SESSION_BUS_ADDRESS={self.address}", *command], capture_output=True,
                              text=True, timeout=60, check=False)

    def error_of_call(self, destination: str) -> str:
        """The name of the error that a call ends with."""
        try:
            self.bus.call_blocking(destination, "/", NAME, "Echo", "s", ("x",), timeout=30)
        except dbus.DBusException as error:
            return str(error.get_dbus_name())
        raise AssertionError("no error")


class RoomBus:
    """The tests; run once a protocol by the classes below. The first person shares the editor with the room; the others
    use it and one another's programs."""

    protocol = ""

    def setUp(self) -> None:
        DBusGMainLoop(set_as_default=True)
        self.world = RoomWorld(self.protocol, 5)
        self.people = self.world.people

    def tearDown(self) -> None:
        self.world.close()

    def test_everybody_meets_everybody(self) -> None:
        test: unittest.TestCase = self  # type: ignore[assignment]
        sharing = self.world.share(self.people[0], "--dbus", NAME, command=tuple(EDITOR))
        sharing.wait_for("the editor is there")
        guests = [Guest(self.world, person) for person in self.people[1:4]]
        first, second, third = guests
        test.assertEqual(len({guest.name for guest in guests}), 3)
        for guest in guests:
            test.assertRegex(guest.name, UNIQUE)
            names = [other.name for other in guests]
            turn(lambda g=guest, n=names: set(n) <= set(map(str, g.bus.list_names())), "everybody's names")
            test.assertEqual(guest.bus.get_name_owner(NAME), ":sharer.1")
            test.assertTrue(guest.bus.name_has_owner(first.name))
        # Programs of three occupants call the one that shares.
        done = second.command("gdbus", "call", "--session", "-d", NAME, "-o", "/editor", "-m", f"{NAME}.Echo", "hi")
        test.assertEqual(done.stdout.strip(), "('hi',)", done.stderr)
        done = third.command("busctl", "--user", "call", NAME, "/editor", NAME, "Echo", "s", "hi")
        test.assertEqual(done.stdout.strip(), 's "hi"', done.stderr)
        test.assertRegex(third.command("busctl", "--user", "list").stdout, rf"(?s){first.name}.*:sharer\.1 .*{NAME} ")
        test.assertEqual(self.refused_name(third), "AccessDenied")
        self.call_one_another(first, second)
        # In order from each, heard by the others and the sharer's program, under the sender's own name.
        for number in range(200):
            for guest in guests:
                guest.type(str(number), sender=":sharer.1")
        for guest in guests:
            turn(lambda g=guest: len(g.typed) >= 400, "everybody's signals")
            for other in guests:
                heard = [text for sender, text in guest.typed if sender == other.name]
                test.assertEqual(heard, [] if other is guest else [str(number) for number in range(200)])
        heard = first.bus.call_blocking(NAME, "/editor", NAME, "Heard", "", ())
        test.assertEqual(len(heard), 600)
        self.end_one_after_another(sharing, guests)

    def call_one_another(self, callee: Guest, caller: Guest) -> None:
        """A program of one guest answers a program of another."""
        test: unittest.TestCase = self  # type: ignore[assignment]
        program = callee.command("busctl", "--user", "list").stdout  # Somebody who comes and goes meanwhile.
        test.assertIn(callee.name, program)
        server = self.people[1].start_program(["env", f"DBUS_SESSION_BUS_ADDRESS={callee.address}",
                                               *EDITOR, "unnamed"])
        name = server.wait_for(r"the editor is there as (\S+)")[1]
        done = caller.command("gdbus", "call", "--session", "-d", name, "-o", "/editor", "-m", f"{NAME}.Echo", "you")
        test.assertEqual(done.stdout.strip(), "('you',)", done.stderr)
        server.close()

    def refused_name(self, guest: Guest) -> str:
        """The last part of the error of a request for a name."""
        test: unittest.TestCase = self  # type: ignore[assignment]
        with test.assertRaises(dbus.DBusException) as refused:
            guest.bus.request_name("org.example.Own")
        return str(refused.exception.get_dbus_name()).rsplit(".", 1)[1]

    def end_one_after_another(self, sharing: Running, guests: list[Guest]) -> None:
        """One leaves, one crashes, then the sharer goes: each is told, and no call waits for ever."""
        test: unittest.TestCase = self  # type: ignore[assignment]
        first, second, third = guests
        errors: list[str] = []
        for gone in (second, third):
            first.bus.call_async(gone.name, "/", NAME, "Never", "", (), lambda *_: None,
                                 lambda error: errors.append(error.get_dbus_name()), timeout=60)
        test.assertEqual(second.running.interrupt(), 130)
        turn(lambda: (second.name, second.name, "") in first.changes, "the one who left")
        third.running.process.send_signal(signal.SIGKILL)
        turn(lambda: (third.name, third.name, "") in first.changes, "the one who crashed")
        test.assertEqual(errors, ["org.freedesktop.DBus.Error.NoReply"] * 2)
        test.assertEqual(first.error_of_call(second.name), "org.freedesktop.DBus.Error.ServiceUnknown")
        late = Guest(self.world, self.people[4])
        turn(lambda: (late.name, "", late.name) in first.changes, "the one who came late")
        test.assertTrue(late.bus.name_has_owner(first.name))
        test.assertFalse(late.bus.name_has_owner(third.name))
        sharing.interrupt()
        for guest in (first, late):
            test.assertNotEqual(guest.running.wait_end(), 0)
            test.assertIn("the bus is over for everybody", guest.running.output)
            turn(lambda g=guest: not g.bus.get_is_connected(), "the end of the bus")


class OnOneMachine(RoomBus, unittest.TestCase):
    """No account: five terminals of one user."""

    protocol = "local"


class OverXmpp(RoomBus, unittest.TestCase):
    """Five accounts at a private Prosody."""

    protocol = "xmpp"


if __name__ == "__main__":
    unittest.main(verbosity=2)
