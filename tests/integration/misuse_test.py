#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad use: each mistake gets one line that says what is wrong and what to do, and its exit code."""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

from tube_harness import Person, World, free_port, tube_program

USAGE, NOT_FOUND, OFFLINE, REFUSED, TIMED_OUT, AUTHENTICATION, LOCAL = 2, 3, 4, 5, 6, 8, 10


class Misuse(unittest.TestCase):
    """Mistakes that need no server."""

    def setUp(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="tubes-misuse-")
        self.person = Person("alice", Path(self._directory.name) / "home")

    def tearDown(self) -> None:
        self.person.close()
        self._directory.cleanup()

    def expect(self, done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
        """Right code, one line, the words in it, no escape sequence."""
        self.assertEqual(done.returncode, code, done.stderr)
        lines = [line for line in done.stderr.splitlines() if line]
        self.assertEqual(len(lines), 1, done.stderr)
        for word in words:
            self.assertIn(word, lines[0])
        self.assertNotIn("\x1b", done.stderr)

    def test_a_service_that_nobody_shares(self) -> None:
        self.expect(self.person.run("connect", "nothing", "--timeout", "1"), OFFLINE, "nothing of this machine")

    def test_a_service_that_is_not_among_those_shared(self) -> None:
        sharing = self.person.start("share", "8080", "--as", "web")
        sharing.wait_for("Sharing")
        self.expect(self.person.run("connect", "other", "--timeout", "5"), NOT_FOUND, "other", "tube share")

    def test_a_malformed_service_name(self) -> None:
        self.expect(self.person.run("share", "8080", "--as", "no spaces"), USAGE, "no spaces")

    def test_a_target_that_is_no_address(self) -> None:
        self.expect(self.person.run("share", "not:a:port", "--as", "x"), USAGE, "HOST:PORT")

    def test_a_listening_port_that_is_taken(self) -> None:
        sharing = self.person.start("share", "8080", "--as", "web")
        sharing.wait_for("Sharing")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.expect(self.person.run("-q", "connect", "web", "--listen", str(port)), LOCAL, "in use", "another port")

    def test_listening_for_others_needs_a_flag(self) -> None:
        sharing = self.person.start("share", "8080", "--as", "web")
        sharing.wait_for("Sharing")
        self.expect(self.person.run("-q", "connect", "web", "--listen", "0.0.0.0:0"), LOCAL, "--allow-remote")

    def test_two_shares_of_one_name_are_two_nodes_and_both_are_found(self) -> None:
        for _ in range(2):
            self.person.start("share", "8080", "--as", "web").wait_for("Sharing")
        done = self.person.run("--json", "contacts")
        self.assertEqual(done.returncode, 0, done.stderr)
        services = [each for contact in json.loads(done.stdout) for each in contact["services"]]
        self.assertEqual([each["service"] for each in services], ["web", "web"])

    def test_commands_without_an_account_say_how_to_get_one(self) -> None:
        done = self.person.run("share", "22", "--as", "ssh", "--to", "bob@example.org")
        self.expect(done, OFFLINE, "tube login")

    def test_an_unknown_server(self) -> None:
        done = self.person.run("login", "alice@no-such-host.invalid", text="secret\n")
        self.expect(done, OFFLINE, "alice@no-such-host.invalid")
        self.assertNotIn("secret", done.stderr)

    def test_an_address_that_is_none(self) -> None:
        self.expect(self.person.run("login", "@@", text="secret\n"), USAGE, "@@")

    def test_nothing_to_accept(self) -> None:
        self.expect(self.person.run("accept", "0" * 32), OFFLINE, "tube serve")
        self.person.start("serve").wait_for("Online as")
        self.expect(self.person.run("accept", "0" * 32), NOT_FOUND)

    def test_state_of_a_newer_version_is_left_alone(self) -> None:
        self.person.run("config")
        listed = json.loads(self.person.run("--json", "config").stdout)
        directory = next(Path(each["value"]) for each in listed if each["name"] == "directory.config")
        directory.mkdir(parents=True, exist_ok=True)
        newer = directory / "config.toml"
        newer.write_text("version = 999\n")
        done = self.person.run("contacts")
        self.assertEqual(done.returncode, LOCAL, done.stderr)
        self.assertIn("newer version", done.stderr)
        self.assertIn(str(newer), done.stderr)
        self.assertEqual(newer.read_text(), "version = 999\n")

    def test_damaged_configuration_says_where(self) -> None:
        listed = json.loads(self.person.run("--json", "config").stdout)
        directory = next(Path(each["value"]) for each in listed if each["name"] == "directory.config")
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "config.toml").write_text("version = 1\n[network\n")
        done = self.person.run("contacts")
        self.assertEqual(done.returncode, LOCAL, done.stderr)
        self.assertIn("config.toml", done.stderr)

    def test_wrong_options_explain_themselves(self) -> None:
        done = self.person.run("connect")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("SERVICE", done.stderr)
        self.assertEqual(self.person.run("no-such-command").returncode, USAGE)
        self.assertEqual(self.person.run("--log", "loud", "status").returncode, USAGE)
        self.assertEqual(self.person.run("--help").returncode, 0)

    def test_what_the_log_option_asks_for_is_said(self) -> None:
        sharing = self.person.start("--log", "link=info", "share", "8080", "--as", "web")
        sharing.wait_for("Sharing")
        connecting = self.person.start("connect", "web", "--listen", "127.0.0.1:0")
        sharing.wait_for(r" info +link: ")
        for process in (connecting, sharing):
            self.assertEqual(process.interrupt(), 130)


class ServerMisuse(unittest.TestCase):
    """Mistakes towards a real server."""

    world: World

    @classmethod
    def setUpClass(cls) -> None:
        cls.world = World("xmpp")

    @classmethod
    def tearDownClass(cls) -> None:
        cls.world.close()

    expect = Misuse.expect

    def server(self) -> dict[str, Any]:
        assert self.world.server is not None
        return self.world.server.description

    def login(self, person: Person, *arguments: str, password: str) -> subprocess.CompletedProcess[str]:
        return person.run("login", person.address, "--server", f"127.0.0.1:{self.server()['ports']['c2s']}", *arguments,
                          text=password + "\n")

    def stranger(self) -> Person:
        return Person("alice", Path(tempfile.mkdtemp(dir=self.world.directory)))

    def test_a_wrong_password(self) -> None:
        done = self.login(self.stranger(), "--ca", self.server()["ca"], password="wrong")
        self.expect(done, AUTHENTICATION, "password")
        self.assertNotIn("wrong-", done.stderr)

    def test_a_certificate_nobody_vouches_for(self) -> None:
        done = self.login(self.stranger(), password="pw-alice")
        self.expect(done, AUTHENTICATION, "certificate", "--ca")

    def test_a_contact_who_is_not_there(self) -> None:
        done = self.world.bob.run("connect", "ssh", "--from", self.world.alice.address, "--timeout", "3")
        self.assertEqual(done.returncode, OFFLINE, done.stderr)
        self.assertIn(self.world.alice.address, done.stderr)

    def test_a_service_that_is_not_for_me_looks_like_none(self) -> None:
        port = str(free_port())
        sharing = self.world.alice.start("share", port, "--as", "private", "--to", f"carol@{self.server()['domain']}")
        sharing.wait_for("Sharing")
        hidden = self.world.bob.run("connect", "private", "--from", self.world.alice.address, "--timeout", "10")
        absent = self.world.bob.run("connect", "absent", "--from", self.world.alice.address, "--timeout", "10")
        self.assertEqual(hidden.returncode, NOT_FOUND, hidden.stderr)
        self.assertEqual(hidden.returncode, absent.returncode)
        self.assertEqual(hidden.stderr.replace("private", "absent"), absent.stderr)


if __name__ == "__main__":
    tube_program()
    unittest.main(verbosity=2)
