#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks change, servers restart and a process sleeps while bytes move both ways: every byte arrives, once.

CHANGES is how often the address changes in one transfer (4; 50 in the long run), SLEEP how many seconds the connector
sleeps (16; 300 in the long run).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import time
import unittest
from pathlib import Path
from typing import Any, Iterator

from faults_test import BROKEN, wait_for
from laboratory import Laboratory
from namespaces import NamespaceSet
from nat import KINDS
from topology import Site
from tube_check import LISTEN_PORT, Pair, compare, read_result
from tube_driver import find_program

CHANGES = int(os.environ.get("CHANGES", "4"))
SLEEP = float(os.environ.get("SLEEP", "16"))
RATE = 4_000_000  # bytes a second of the connector's line, so that a transfer lasts
RECOVERY = 30.0  # seconds within which bytes move again, on a machine that is busy with builds
_numbers = itertools.count()


class Transfer:
    """A transfer both ways that is under way between two users."""

    def __init__(self, laboratory: Laboratory, pair: Pair, sharer: Site, connector: Site, seconds: float) -> None:
        self.laboratory, self.pair, self.sharer, self.connector = laboratory, pair, sharer, connector
        connector.client.run(["tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", f"{RATE * 8}bit",
                              "burst", "128k", "latency", "50ms"]).check_returncode()
        self.size = int(RATE * seconds)
        self._server = pair.serve(self.size)
        self.share = pair.share()
        wait_for("the sharer is online", pair.sharer.is_online)
        self.connect = pair.connect()
        pair.connector.wait_until_listening(LISTEN_PORT, pair.accept_once())
        self._client = pair.use(self.size)
        self.wait_for_bytes()

    def received(self) -> int:
        """Bytes that the connector has got so far."""
        return sum(int(tube["bytes_received"]) for tube in self.pair.connector.tubes())

    def wait_for_bytes(self, count: int = 500_000) -> float:
        """Returns when `count` more bytes have come, and how many seconds that took."""
        begun, before = time.monotonic(), self.received()
        wait_for("bytes move", lambda: self.received() >= before + count or self._client.poll() is not None, RECOVERY)
        return time.monotonic() - begun

    def wait_for_batches(self) -> None:
        """Returns when both ends have taken the socket over from libnice: that is what the changes meet."""
        for user in (self.pair.connector, self.pair.sharer):
            wait_for("datagrams go in batches", lambda user=user: "batched" in user.active_path().get("detail", ""),
                     RECOVERY)

    def path_changes(self) -> int:
        """How often the connector's link has moved."""
        return sum(int(link["path_changes"]) for link in self.pair.connector.links())

    def expect_complete(self) -> None:
        """Both ends got what the other sent, by SHA-256."""
        here = read_result(self._client, "transfer", 240)
        compare(here, read_result(self._server, "the shared application", 60), self.size)


@contextlib.contextmanager
def transfer(networks: tuple[str, str], seconds: float, log: str = "", **settings: str) -> Iterator[Transfer]:
    """A fresh laboratory with a transfer that lasts about `seconds` without faults; `settings` of both users, whose
    programs log what `log` says."""
    number = next(_numbers)
    environment = {f"TUBES_{name.upper()}": value for name, value in settings.items()}
    os.environ.update(environment)
    try:
        with Laboratory(f"roam{number}") as laboratory, NamespaceSet() as namespaces:
            laboratory.start_servers(["sharer:pw-sharer", "connector:pw-connector"], ["all=sharer,connector"])
            sites = [laboratory.attach(namespaces, KINDS[kind], f"{number}-{role}")
                     for kind, role in zip(networks, ("s", "c"))]
            program = find_program(None, Path(__file__).resolve().parents[2])
            assert laboratory.prosody is not None
            with Pair(program, laboratory.prosody.description["ca"], (sites[0], "sharer"),
                      (sites[1], "connector"), log) as pair:
                pair.log_in()
                yield Transfer(laboratory, pair, sites[0], sites[1], seconds)
    finally:
        for name in environment:
            del os.environ[name]


def change_address(site: Site, turn: int, overlap: bool) -> None:
    """Gives the client another private address; with `overlap` the old one goes after the new one has come."""
    assert site.client_ipv4 is not None
    subnet = site.client_ipv4.rsplit(".", 1)[0]
    old, new = f"{subnet}.{10 + turn}", f"{subnet}.{11 + turn}"
    remove, add = f"addr del {old}/24 dev eth0", f"addr add {new}/24 dev eth0"
    route = f"route replace default via {subnet}.1 src {new}"
    site.client.ip(*([add, route, remove] if overlap else [remove, add, route]))


class Roaming(unittest.TestCase):
    """One method per way in which a network changes."""

    def test_addresses_change_again_and_again(self) -> None:
        with transfer(("port-restricted", "port-restricted"), 8.0 + 4.0 * CHANGES) as running:
            running.connector.client.set(net__ipv4__conf__all__promote_secondaries=1)
            for turn in range(CHANGES):
                running.wait_for_batches()
                change_address(running.connector, turn, overlap=turn % 2 == 0)
                wait_for("the link has moved", lambda: running.path_changes() > turn, RECOVERY)
                running.wait_for_bytes()
            running.expect_complete()

    def test_a_process_sleeps(self) -> None:
        with transfer(("port-restricted", "none"), 8.0, limits_keepalive="2") as running:
            os.kill(running.connect.pid, signal.SIGSTOP)
            time.sleep(SLEEP)  # what is tested: nothing can be waited for meanwhile
            os.kill(running.connect.pid, signal.SIGCONT)
            running.wait_for_bytes()
            running.expect_complete()

    def test_coturn_restarts(self) -> None:
        with transfer(("symmetric", "port-restricted"), 8.0) as running:
            self.assertEqual(running.pair.connector.active_path().get("kind"), "ice-relayed")
            assert running.laboratory.coturn is not None
            running.laboratory.coturn.command("kill")
            running.laboratory.coturn.command("start")
            running.wait_for_bytes()
            running.expect_complete()

    def test_the_address_changes_while_the_server_cannot_be_reached(self) -> None:
        with transfer(("port-restricted", "port-restricted"), 8.0, log="negotiation=debug") as running:
            assert running.connector.router is not None
            running.connector.router.nft("table inet cut { chain out { type filter hook forward priority -1; "
                                         "tcp dport { 5222, 5223 } drop; tcp sport { 5222, 5223 } drop; }\n}\n")
            change_address(running.connector, 0, overlap=False)
            wait_for("a restart has been tried in vain",
                     lambda: "restart, generation 2" in running.pair.connector.log("connect"), RECOVERY)
            running.connector.router.nft("delete table inet cut\n")
            wait_for("the link has moved", lambda: running.path_changes() > 0, RECOVERY)
            running.expect_complete()

    def test_the_address_changes_right_after_the_server_has_restarted(self) -> None:
        with transfer(("port-restricted", "port-restricted"), 10.0) as running:
            assert running.laboratory.prosody is not None
            running.laboratory.prosody.command("kill")
            running.laboratory.prosody.command("start")
            change_address(running.connector, 0, overlap=False)
            wait_for("the link has moved", lambda: running.path_changes() > 0, RECOVERY)
            running.expect_complete()

    def test_gone_for_too_long(self) -> None:
        with transfer(("port-restricted", "port-restricted"), 60.0, limits_patience="5") as running:
            running.connector.client.ip("link set eth0 down")
            self.assertEqual(self._exit_code(running.connect), BROKEN)
            wait_for("the sharer's link has ended", lambda: not running.pair.sharer.links(), RECOVERY)

    def _exit_code(self, process: subprocess.Popen[Any]) -> int:
        return process.wait(timeout=60)


if __name__ == "__main__":
    unittest.main()
