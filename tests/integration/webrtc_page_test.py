#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page in headless Chromium, logged in over WebSocket by @xmpp/client, uses what `tube share --webrtc` shares.
TUBES_WEBRTC_MEGABYTES: how much is echoed (default 50)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

from tube_harness import DOMAIN, Fixture, Person, free_port, is_listening, wait_until

MEGABYTES = int(os.environ.get("TUBES_WEBRTC_MEGABYTES", "50"))
BROWSE = Path(__file__).resolve().parent / "webrtc_page" / "browse.mjs"
PAGE = Path(os.environ.get("WEBRTC_PAGE", ""))
PACKAGES = Path(os.environ.get("WEBRTC_PACKAGES", ""))


def missing() -> str:
    """What the test cannot do without."""
    if not Path("/usr/bin/chromium").exists():
        return "chromium (scripts/setup editor)"
    if not (PAGE / "page.js").exists():
        return "the test's page (the build said why)"
    return ""


class PageInChromium(unittest.TestCase):
    """Alice shares; Bob has a browser and no Tubes."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.directory = Path(tempfile.mkdtemp(prefix="tubes-page-"))
        cls.server = Fixture("prosody.py", "--account", "alice:pw-alice", "--account", "bob:pw-bob")
        cls.alice = Person("alice", cls.directory / "alice")
        cls.alice.environment["TUBES_NETWORK_LOOPBACK"] = "true"
        cls.alice.login(cls.server.description)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.alice.close()
        cls.server.close()
        shutil.rmtree(cls.directory, ignore_errors=True)

    def share(self, command: list[str], port: int, name: str, *options: str) -> None:
        """Starts a program at `port` and shares it with Bob."""
        self.alice.start_program(command)
        wait_until(lambda: is_listening(port), "the program")
        sharing = self.alice.start("share", str(port), "--as", name, "--to", f"bob@{DOMAIN}", "--always",
                                   "--trust-first", *options)
        self.addCleanup(sharing.close)
        sharing.wait_for(r"Sharing .* as ")

    def browse(self, name: str, size: int = 0) -> dict[str, Any]:
        """What the page says after it used the service `name`."""
        service = f"ws://127.0.0.1:{self.server.description['ports']['http']}/xmpp-websocket"
        done = subprocess.run(["node", str(BROWSE), str(PAGE), str(PACKAGES), service, DOMAIN, "bob", "pw-bob",
                               f"alice@{DOMAIN}", name, str(size)], capture_output=True, text=True, timeout=200,
                              check=False)
        lines = done.stdout.splitlines()
        self.assertTrue(lines, done.stderr)
        told: dict[str, Any] = json.loads(lines[-1])
        return told

    def test_megabytes_come_back_as_they_went(self) -> None:
        port = free_port()
        self.share(["socat", "-b", "65536", f"TCP-LISTEN:{port},fork,reuseaddr,bind=127.0.0.1", "EXEC:cat"], port,
                   "echo", "--webrtc")
        told = self.browse("echo", MEGABYTES * 1024 * 1024)
        self.assertNotIn("error", told)
        self.assertEqual(told["sent"], told["received"])
        print(f"{MEGABYTES} MiB both ways in {told['seconds']:.1f} s", file=sys.stderr)

    def test_a_web_server_answers_and_its_end_closes_the_channel(self) -> None:
        port = free_port()
        site = self.directory / "site"
        site.mkdir()
        (site / "file").write_text("through a data channel")
        self.share([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "-d", str(site), str(port)], port,
                   "web", "--webrtc")
        told = self.browse("web")
        self.assertTrue(told.get("answer", "").endswith("through a data channel"), told)

    def test_without_the_flag_nothing_is_there(self) -> None:
        port = free_port()
        self.share(["socat", f"TCP-LISTEN:{port},fork,reuseaddr,bind=127.0.0.1", "EXEC:cat"], port, "closed")
        told = self.browse("closed", 1024)
        self.assertIn("service-unavailable", told.get("error", ""), told)


if __name__ == "__main__":
    GAP = missing()
    if GAP:
        print(f"missing: {GAP}")
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    unittest.main(verbosity=2)
