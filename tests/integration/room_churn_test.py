#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Eight people in a room who join, leave, crash and are kicked in any order, while they use a stream and a D-Bus tube.

`--steps N` for longer, `--seed S` to repeat a run; the seed is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import subprocess
import sys
import threading
import unittest
from dataclasses import dataclass, field
from typing import Any, Callable

import dbus
import dbus.bus
import dbus.lowlevel
import slixmpp
from dbus.mainloop.glib import DBusGMainLoop

from bus_turns import turn
from room_world import RoomWorld
from tube_harness import Person, Running, free_port

NAME = "org.example.Churn"
BUS = r"DBUS_SESSION_BUS_ADDRESS=(\S+)"
OPTIONS = argparse.Namespace(steps=10, seed=None)


class Moderator:
    """Who makes the room, and may kick. Runs in a thread of its own."""

    def __init__(self, world: RoomWorld) -> None:
        assert world.server is not None
        self._room = world.room
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._client: Any = None
        self._run(self._enter(world.server.description))

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _enter(self, server: dict[str, Any]) -> None:
        asyncio.set_event_loop(self._loop)
        self._client = slixmpp.ClientXMPP("moderator@tube.test", "pw-moderator")
        self._client.ca_certs = server["ca"]
        self._client.register_plugin("xep_0045")
        started = asyncio.Event()
        self._client.add_event_handler("session_start", lambda _: started.set())
        self._client.connect(("127.0.0.1", server["ports"]["c2s"]))
        await asyncio.wait_for(started.wait(), 20)
        self._client.send_presence()
        room = slixmpp.JID(self._room)
        await self._client["xep_0045"].join_muc_wait(room, "moderator", timeout=20)
        settings = await self._client["xep_0045"].get_room_config(room)
        settings.reply()
        await self._client["xep_0045"].set_room_config(room, settings)

    async def _leave(self) -> None:
        await self._client.disconnect()

    def kick(self, nick: str) -> None:
        """Removes an occupant; returns once the room has done it."""
        self._run(self._client["xep_0045"].set_role(slixmpp.JID(self._room), nick, "none", timeout=20))

    def close(self) -> None:
        """Logs out."""
        self._run(self._leave())
        self._loop.call_soon_threadsafe(self._loop.stop)


@dataclass
class Program:
    """Somebody's program on a bus, with what it has heard."""

    bus: dbus.bus.BusConnection
    heard: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def at(cls, address: str) -> Program:
        """Connects."""
        program = cls(dbus.bus.BusConnection(address))
        program.bus.set_exit_on_disconnect(False)
        program.bus.add_signal_receiver(lambda text, sender: program.heard.append((str(sender), str(text))), "Said",
                                        NAME, sender_keyword="sender")
        return program

    @property
    def name(self) -> str:
        """Its unique name."""
        return str(self.bus.get_unique_name())

    def others(self) -> set[str]:
        """The unique names on the bus."""
        return {str(name) for name in self.bus.list_names() if str(name).startswith(":")}

    def say(self, text: str) -> None:
        """Emits a signal to all."""
        message = dbus.lowlevel.SignalMessage("/", NAME, "Said")
        message.append(text, signature="s")
        self.bus.send_message(message)
        self.bus.flush()


@dataclass
class Guest:
    """Somebody who uses a tube just now."""

    nick: str
    running: Running
    port: int = 0
    program: Program | None = None


class Churn:
    """One run; each step does something to somebody, then everybody's view has to be right."""

    def __init__(self, test: unittest.TestCase, world: RoomWorld, moderator: Moderator | None, seed: int) -> None:
        self.test = test
        self.world = world
        self.moderator = moderator
        self.random = random.Random(seed)
        self.guests: dict[str, Guest] = {}
        self.step = 0
        self.port = world.serve_file("still here")
        self.web = self.host("web", str(self.port), "--as", "web")
        self.share_bus()

    def host(self, role: str, *what: str) -> Guest:
        """The first person shares under a nickname that is new each time."""
        nick = f"{role}-{self.step}"
        return Guest(nick, self.world.share(self.world.people[0], *what, nick=nick))

    def share_bus(self) -> None:
        """The bus and the sharer's program on it."""
        self.bus = self.host("bus", "--dbus", NAME)
        self.bus.program = Program.at(self.bus.running.wait_for(BUS)[1])

    def join(self, person: Person) -> None:
        """Somebody comes and connects to one of the two."""
        nick = f"{person.name}-{self.step}"
        if self.random.random() < 0.4:
            port = free_port()
            running = self.world.connect(person, "web", "--occupant", self.web.nick, "--listen", str(port), nick=nick)
            running.wait_for(r" is at ")
            self.guests[person.name] = Guest(nick, running, port)
        else:
            running = self.world.connect(person, NAME, "--occupant", self.bus.nick, nick=nick)
            self.guests[person.name] = Guest(nick, running, 0, Program.at(running.wait_for(BUS)[1]))

    def leave(self, person: Person) -> None:
        """Ctrl-C."""
        self.test.assertEqual(self.guests.pop(person.name).running.interrupt(), 130)

    def crash(self, person: Person) -> None:
        """kill -9, without good-bye."""
        running = self.guests.pop(person.name).running
        running.process.send_signal(signal.SIGKILL)
        running.wait_end()

    def kick(self, person: Person) -> None:
        """By the moderator; the command says so and ends."""
        guest = self.guests.pop(person.name)
        assert self.moderator is not None
        self.moderator.kick(guest.nick)
        self.test.assertNotEqual(guest.running.wait_end(), 0, guest.running.output)

    def crash_of_the_bus(self, _: Person) -> None:
        """Who shares the bus crashes: it is over for everybody, and can be shared anew."""
        self.bus.running.process.send_signal(signal.SIGKILL)
        self.bus.running.wait_end()
        for name in [name for name, guest in self.guests.items() if guest.program]:
            guest = self.guests.pop(name)
            self.test.assertNotEqual(guest.running.wait_end(), 0)
            self.test.assertIn("the bus is over for everybody", guest.running.output)
        self.share_bus()

    def do_something(self) -> str:
        """One random step; what it was."""
        self.step += 1
        person = self.random.choice(self.world.people[1:])
        actions: list[Callable[[Person], None]] = [self.join]
        if person.name in self.guests:
            actions = [self.leave, self.crash, self.crash_of_the_bus] + ([self.kick] if self.moderator else []) * 2
        action = self.random.choice(actions)
        action(person)
        return f"{self.step}: {person.name} {action.__name__}"

    def check(self) -> None:
        """Everybody on the bus sees the same names and hears everybody; every stream leads to the service."""
        everybody = [guest.program for guest in self.guests.values() if guest.program]
        assert self.bus.program is not None
        everybody.append(self.bus.program)
        names = {program.name for program in everybody}
        self.test.assertEqual(len(names), len(everybody))
        for program in everybody:
            turn(lambda p=program: p.others() == names, "who is on the bus")
        for program in everybody:
            program.say(f"{self.step}")
        for program in everybody:
            expected = [(name, str(self.step)) for name in names - {program.name}]
            turn(lambda p=program, e=expected: set(e) <= set(p.heard), "what everybody says")
            self.test.assertEqual(len(program.heard), len(set(program.heard)))
        caller, callee = self.random.choice(everybody), self.random.choice(everybody)
        outcome: list[object] = []
        caller.bus.call_async(callee.name, "/", "org.freedesktop.DBus.Peer", "Ping", "", (),
                              lambda *_: outcome.append("answered"), outcome.append, timeout=30)
        turn(lambda: outcome, "an answer")
        self.test.assertEqual(outcome, ["answered"])
        for guest in self.guests.values():
            if guest.port:
                done = subprocess.run(["curl", "-sS", f"http://127.0.0.1:{guest.port}/file"], capture_output=True,
                                      text=True, timeout=30, check=False)
                self.test.assertEqual(done.stdout, "still here", done.stderr)


class RoomChurn:
    """Run once a protocol by the classes below."""

    protocol = ""

    def test_joins_leaves_crashes_and_kicks_in_any_order(self) -> None:
        test: unittest.TestCase = self  # type: ignore[assignment]
        DBusGMainLoop(set_as_default=True)
        seed = OPTIONS.seed if OPTIONS.seed is not None else random.SystemRandom().randrange(1 << 32)
        print(f"seed {seed}, {OPTIONS.steps} steps", flush=True)
        with RoomWorld(self.protocol, 8, "--account", "moderator:pw-moderator", "--hibernation", "2") as world:
            for person in world.people:
                person.environment["TUBES_LIMITS_PATIENCE"] = "2"
            moderator = Moderator(world) if self.protocol == "xmpp" else None
            churn = Churn(test, world, moderator, seed)
            for person in world.people[1:6]:
                churn.join(person)
            churn.check()
            for _ in range(OPTIONS.steps):
                print(churn.do_something(), flush=True)
                churn.check()
            if moderator:
                moderator.close()


class OnOneMachine(RoomChurn, unittest.TestCase):
    """No account: eight terminals of one user, and nobody who could kick."""

    protocol = "local"


class OverXmpp(RoomChurn, unittest.TestCase):
    """Eight accounts at a private Prosody."""

    protocol = "xmpp"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=OPTIONS.steps)
    parser.add_argument("--seed", type=int)
    OPTIONS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
