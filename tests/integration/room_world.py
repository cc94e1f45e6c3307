# SPDX-License-Identifier: GPL-3.0-or-later
"""Several people who meet in a room, at a private Prosody or on one machine without accounts."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from tube_harness import Fixture, Person, Running, free_port, is_listening, wait_until

# On one machine the only addresses are those of the machine itself.
ANYWHERE = ("--addresses", "all", "--set", "network.loopback=true")
ROOMS = {"xmpp": "cable@conference.tube.test", "local": "cable"}


class RoomWorld:
    """`count` people, user1 and so on, and where they need one a Prosody with these options. A context manager."""

    def __init__(self, protocol: str, count: int, *server_options: str) -> None:
        self.room = ROOMS[protocol]
        self.directory = Path(tempfile.mkdtemp(prefix="tubes-room-"))
        names = [f"user{number}" for number in range(1, count + 1)]
        self.server: Fixture | None = None
        # One user: everybody is the same, in as many terminals.
        self.people = [Person(name, self.directory / (name if protocol == "xmpp" else "home")) for name in names]
        for person in self.people:
            person.environment["TUBES_LIMITS_PATIENCE"] = "5"  # ten minutes is too long for a test
        try:
            if protocol == "xmpp":
                accounts = [part for name in names for part in ("--account", f"{name}:pw-{name}")]
                self.server = Fixture("prosody.py", "--no-groups", *accounts, *server_options)
                for person in self.people:
                    person.login(self.server.description)
        except BaseException:
            self.close()
            raise

    def share(self, person: Person, *what: str, command: tuple[str, ...] = (), nick: str = "") -> Running:
        """Somebody shares with the room; returns once they do."""
        running = person.start("share", *what, "--to-room", self.room, "--nick", nick or person.name, *ANYWHERE,
                               *(("--", *command) if command else ()))
        running.wait_for(r"Sharing .* with everybody")
        return running

    def connect(self, person: Person, service: str, *options: str, nick: str = "") -> Running:
        """Somebody begins to connect to a service of the room."""
        return person.start("connect", service, "--room", self.room, "--nick", nick or person.name, *options, *ANYWHERE)

    def serve_file(self, text: str) -> int:
        """A web server of the first person with one file; its port."""
        site = self.directory / "site"
        site.mkdir()
        (site / "file").write_text(text)
        port = free_port()
        self.people[0].start_program([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "-d", str(site),
                                      str(port)])
        wait_until(lambda: is_listening(port), "the web server")
        return port

    def close(self) -> None:
        """Ends everybody and the server."""
        for person in self.people:
            person.close()
        if self.server is not None:
            self.server.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> RoomWorld:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
