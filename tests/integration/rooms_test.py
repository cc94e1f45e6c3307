#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server shared with a room, on one machine and at a real Prosody: for those who are there and who join later."""

from __future__ import annotations

import subprocess
import unittest

from room_world import RoomWorld
from tube_harness import Person, Running, free_port


class Rooms:
    """The tests; run once a protocol by the classes below. Eight people; the first one shares."""

    protocol = ""
    world: RoomWorld

    @classmethod
    def setUpClass(cls) -> None:
        cls.world = RoomWorld(cls.protocol, 8)
        cls.port = cls.world.serve_file("through the room")

    @classmethod
    def tearDownClass(cls) -> None:
        cls.world.close()

    def fetches(self, person: Person) -> Running:
        """Connects through the room and fetches the file; the running command."""
        listen = free_port()
        running = self.world.connect(person, "web", "--listen", str(listen))
        running.wait_for(r" is at ")
        done = subprocess.run(["curl", "-sS", f"http://127.0.0.1:{listen}/file"], capture_output=True, text=True,
                              timeout=30, check=False)
        self.assertEqual(done.stdout, "through the room", done.stderr)  # type: ignore[attr-defined]
        return running

    def test_a_service_of_a_room_is_there_for_everybody_also_later(self) -> None:
        test: unittest.TestCase = self  # type: ignore[assignment]
        host, watcher, *others = self.world.people
        sharing = self.world.share(host, str(self.port), "--as", "web")
        watching = watcher.start("room", "join", self.world.room, "--nick", "watcher", "--json")
        watching.wait_for(r'"service": ?"web"|"web"')
        connected = [self.fetches(person) for person in others]
        watching.wait_for(r'"nick": ?"user8"')
        taken = watcher.run("room", "join", self.world.room, "--nick", host.name)
        test.assertNotEqual(taken.returncode, 0)
        test.assertIn("--nick", taken.stderr)
        speaking = others[0].start("room", "join", self.world.room, "--nick", "speaker", "--say", "hello all")
        watching.wait_for(r"hello all")
        test.assertEqual(speaking.interrupt(), 130)
        watching.wait_for(r'(?s)"left".*"speaker"|"speaker".*"left"')
        # The host leaves: every tube is over.
        test.assertEqual(sharing.interrupt(), 130)
        for running in connected:
            test.assertNotEqual(running.wait_end(), 0)
        test.assertEqual(watching.interrupt(), 130)


class OnOneMachine(Rooms, unittest.TestCase):
    """No account: eight terminals of one user."""

    protocol = "local"

    def test_a_room_here_has_no_password(self) -> None:
        done = self.world.people[0].run("room", "join", self.world.room, "--password", text="secret\n")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("no password", done.stderr)


class OverXmpp(Rooms, unittest.TestCase):
    """Eight accounts at a private Prosody."""

    protocol = "xmpp"


if __name__ == "__main__":
    unittest.main(verbosity=2)
