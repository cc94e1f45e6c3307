#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server shared with a room of a real Prosody: for those who are there, those who join later, until the kick."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from tube_harness import Fixture, Person, free_port, is_listening, wait_until

ROOM = "cable@conference.tube.test"
NAMES = [f"user{number}" for number in range(1, 9)]
ANYWHERE = ("--addresses", "all", "--set", "network.loopback=true")


class Rooms(unittest.TestCase):
    """Eight people; the first one shares."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.directory = Path(tempfile.mkdtemp(prefix="tubes-rooms-"))
        accounts = [part for name in NAMES for part in ("--account", f"{name}:pw-{name}")]
        cls.server = Fixture("prosody.py", "--no-groups", *accounts)
        cls.people = [Person(name, cls.directory / name) for name in NAMES]
        for person in cls.people:
            person.login(cls.server.description)
        site = cls.directory / "site"
        site.mkdir()
        (site / "file").write_text("through the room")
        cls.port = free_port()
        cls.people[0].start_program([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "-d", str(site),
                                     str(cls.port)])
        wait_until(lambda: is_listening(cls.port), "the web server")

    @classmethod
    def tearDownClass(cls) -> None:
        for person in cls.people:
            person.close()
        cls.server.close()
        shutil.rmtree(cls.directory, ignore_errors=True)

    def fetches(self, person: Person) -> tuple[object, int]:
        """Connects through the room and fetches the file; the running command and the port."""
        listen = free_port()
        running = person.start("connect", "web", "--room", ROOM, "--listen", str(listen), *ANYWHERE)
        running.wait_for(r" is at ")
        done = subprocess.run(["curl", "-sS", f"http://127.0.0.1:{listen}/file"], capture_output=True, text=True,
                              timeout=30, check=False)
        self.assertEqual(done.stdout, "through the room", done.stderr)
        return running, listen

    def test_a_service_of_a_room_is_there_for_everybody_also_later(self) -> None:
        host = self.people[0]
        sharing = host.start("share", str(self.port), "--as", "web", "--to-room", ROOM, "--nick", "host", *ANYWHERE)
        sharing.wait_for(r"Sharing .* as web with everybody")
        watching = self.people[1].start("room", "join", ROOM, "--nick", "watcher", "--json")
        watching.wait_for(r'"service": ?"web"|"web"')
        connected = [self.fetches(person) for person in self.people[2:]]
        taken = self.people[1].run("room", "join", ROOM, "--nick", "host")
        self.assertNotEqual(taken.returncode, 0)
        self.assertIn("--nick", taken.stderr)
        # The host leaves: every tube is over.
        self.assertEqual(sharing.interrupt(), 130)
        for running, _ in connected:
            self.assertNotEqual(running.wait_end(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
