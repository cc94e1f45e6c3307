#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`tube doctor` against a real coturn and Prosody: what it finds, what it advises, exit codes, --json."""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path
from typing import Any

from tube_harness import DOMAIN, Person, free_port, tube_program  # finds tests/support for the next line
from fixture_client import Fixture  # isort: skip

FINE, BAD = 0, 1


class Doctor(unittest.TestCase):
    """One machine, one person; coturn on two loopback addresses, so that it answers RFC 5780."""

    coturn: Fixture

    @classmethod
    def setUpClass(cls) -> None:
        cls.coturn = Fixture("coturn.py", "--address", "127.0.0.1", "--address", "127.0.0.2")

    @classmethod
    def tearDownClass(cls) -> None:
        cls.coturn.close()

    def setUp(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="tubes-doctor-")
        self.person = Person("alice", Path(self._directory.name) / "home")

    def tearDown(self) -> None:
        self.person.close()
        self._directory.cleanup()

    def stun(self) -> str:
        """coturn's address."""
        return f"127.0.0.1:{self.coturn.description['ports']['turn']}"

    def examine(self, *arguments: str) -> tuple[int, dict[str, list[dict[str, Any]]]]:
        """Exit code and findings by topic; interfaces and this machine's own account are always among them."""
        done = self.person.run("doctor", "--json", *arguments)
        findings: dict[str, list[dict[str, Any]]] = {}
        for finding in json.loads(done.stdout):
            self.assertEqual(set(finding), {"topic", "severity", "text", "advice"})
            self.assertIn(finding["severity"], ("fine", "note", "problem"))
            self.assertTrue(finding["text"])
            findings.setdefault(finding["topic"], []).append(finding)
        self.assertIn("interfaces", findings)
        self.assertEqual(findings["account local"][0]["severity"], "fine")
        worst = [each for group in findings.values() for each in group if each["severity"] == "problem"]
        self.assertEqual(done.returncode, BAD if worst else FINE, done.stdout)
        for each in worst:
            self.assertTrue(each["advice"], each)
        return done.returncode, findings

    def test_without_a_server_it_says_that_nothing_was_tested(self) -> None:
        _, findings = self.examine()
        self.assertEqual(findings["nat"][0]["severity"], "note")
        self.assertIn("no STUN or TURN server is known", findings["nat"][0]["text"])
        self.assertIn("network.stun", findings["nat"][0]["advice"])

    def test_an_untranslated_address(self) -> None:
        _, findings = self.examine("--set", f"network.stun={self.stun()}")
        self.assertEqual(findings["nat"][0]["severity"], "fine")
        self.assertRegex(findings["nat"][0]["text"], r"no address translation: 127\.0\.0\.1:\d+ is public")

    def test_a_stun_server_that_is_not_there(self) -> None:
        code, findings = self.examine("--set", f"network.stun=127.0.0.1:{free_port()}")
        self.assertEqual(code, BAD)
        self.assertEqual(findings["nat"][0]["severity"], "problem")
        self.assertIn("does not answer STUN over UDP", findings["nat"][0]["text"])

    def test_a_relay_that_refuses_the_password(self) -> None:
        code, findings = self.examine("--set", "network.loopback=true", "--set", f"network.turn=turn:alice:wrong@{self.stun()}")
        self.assertEqual(code, BAD)
        self.assertIn(f"{self.stun()} gave no relay address", findings["relay"][0]["text"])

    def test_what_an_accounts_server_announces(self) -> None:
        secret = self.coturn.description["secret"]
        with Fixture("prosody.py", "--account", "alice:pw-alice", "--turn", self.stun(), "--turn-secret",
                     secret) as prosody:
            self.person.login(prosody.description)
            _, findings = self.examine("--set", "network.loopback=true")
            account = findings[f"account alice@{DOMAIN}"][0]
            self.assertEqual(account["severity"], "fine")
            self.assertIn("TLS 1.3", account["text"])
            self.assertEqual([each["severity"] for each in findings["nat"]], ["fine"])
            self.assertTrue(findings["relay"])
            for relay in findings["relay"]:
                self.assertEqual(relay["severity"], "fine", relay)
                self.assertIn(f"{self.stun()} relays for this account", relay["text"])
            text = self.person.run("doctor", "--set", "network.loopback=true")
            self.assertRegex(text.stdout, r"(?m)^ok    relay: ")
            self.assertNotIn(secret, text.stdout)
        code, findings = self.examine()
        self.assertEqual(code, BAD)
        self.assertEqual(findings[f"account alice@{DOMAIN}"][0]["severity"], "problem")


if __name__ == "__main__":
    tube_program()
    unittest.main(verbosity=2)
