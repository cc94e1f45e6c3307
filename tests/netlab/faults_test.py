#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills either end, Prosody or coturn while a tube is offered, negotiated or used: the right error within its deadline.

Every scenario has a laboratory of its own. An offer is held by a share that asks before each use; a negotiation by a
pair of networks that needs a relay, with the relay stopped. Deadlines: 8 s that `tube connect --timeout` is given
here, 60 s that a link waits for a new path (limits.patience is set to it), and what a busy machine adds.
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
from typing import Callable, Iterator

from laboratory import Laboratory
from namespaces import NamespaceSet
from nat import KINDS
from process_watch import Usage, is_zombie, usage, wait_until_settled
from tube_check import LISTEN_PORT, Pair, compare, read_result
from tube_driver import find_program

NOT_FOUND, OFFLINE, TIMED_OUT, NO_PATH, BROKEN = 3, 4, 6, 7, 11  # exit codes of tube, see tube(1)
CONNECT_SECONDS = 8
SLACK = 12.0  # seconds that a busy machine, name look-ups and polite endings may add
PATIENCE = 60.0
os.environ["TUBES_LIMITS_PATIENCE"] = f"{PATIENCE:.0f}"
# Otherwise a link whose relay is gone would run through the messaging server instead, and nothing here would fail.
os.environ["TUBES_NETWORK_TRANSPORTS"] = "local,direct-tls,ice"
DIRECT_PAIR, RELAYED_PAIR = ("none", "port-restricted"), ("symmetric", "port-restricted")
LARGE = 2_000_000_000  # a transfer that is still running when something is killed
_numbers = itertools.count()


def wait_for(what: str, condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Returns when the condition holds; AssertionError when it does not within `seconds`."""
    give_up = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up:
            raise AssertionError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)


class Scene:
    """A laboratory with two logged-in users."""

    def __init__(self, laboratory: Laboratory, pair: Pair) -> None:
        self.laboratory = laboratory
        self.pair = pair
        self.share: subprocess.Popen[str] | None = None
        self.connect: subprocess.Popen[str] | None = None
        self.resting: Usage | None = None

    def start_share(self, ask: bool = False) -> None:
        """`tube share`, online, and what it holds at rest."""
        self.share = self.pair.share(ask)
        wait_for("the sharer is online", self.pair.sharer.is_online)
        self.resting = usage(self.share.pid)

    def warm_up(self) -> None:
        """Uses the share once and leaves: libraries start threads at first use, and the key becomes a known one."""
        user = self.pair.connect(30)
        self.pair.connector.wait_until_listening(LISTEN_PORT, self.pair.accept_once())
        user.terminate()
        user.wait()
        wait_for("the first link is gone", lambda: not self.pair.sharer.links(), PATIENCE)
        assert self.share is not None
        self.resting = usage(self.share.pid)

    def hold_offer(self) -> None:
        """A request that waits for the sharer's answer."""
        self.start_share(ask=True)
        self.connect = self.pair.connect(CONNECT_SECONDS)
        wait_for("a request is pending", lambda: bool(self.pair.sharer.pending()))

    def hold_negotiation(self) -> None:
        """A negotiation that cannot end, because the only way is a relay that does not answer."""
        assert self.laboratory.coturn is not None
        self.start_share()
        self.warm_up()
        self.laboratory.coturn.command("pause")
        self.connect = self.pair.connect(CONNECT_SECONDS)
        wait_for("a link negotiates", lambda: bool(self.pair.connector.links() or self.pair.sharer.links()))

    def run_transfer(self, size: int = LARGE) -> tuple[subprocess.Popen[str], subprocess.Popen[str]]:
        """A transfer that is under way: server and client application."""
        self.start_share()
        self.warm_up()
        return self.continue_transfer(size)

    def continue_transfer(self, size: int = LARGE) -> tuple[subprocess.Popen[str], subprocess.Popen[str]]:
        """The same with the share that runs already."""
        server = self.pair.serve(size)
        self.connect = self.pair.connect(30)
        self.pair.connector.wait_until_listening(LISTEN_PORT)
        client = self.pair.use(size)
        wait_for("bytes move", lambda: any(tube["bytes_received"] > 1_000_000 for tube in self.pair.connector.tubes()))
        return server, client

    def exit_code(self, process: subprocess.Popen[str] | None, seconds: float) -> int | None:
        """How a tube process ends; AssertionError when it does not in time."""
        assert process is not None
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"still running after {seconds:.0f} s") from error


@contextlib.contextmanager
def scene(networks: tuple[str, str]) -> Iterator[Scene]:
    """A fresh laboratory; everything in it is gone afterwards."""
    number = next(_numbers)
    with Laboratory(f"internet{number}") as laboratory, NamespaceSet() as namespaces:
        # Two seconds of hibernation: a killed client's presence ends while the test looks on.
        laboratory.start_servers(["sharer:pw-sharer", "connector:pw-connector"], [], "--hibernation", "2")
        sites = [laboratory.attach(namespaces, KINDS[kind], f"{number}-{role}")
                 for kind, role in zip(networks, ("s", "c"))]
        program = find_program(None, Path(__file__).resolve().parents[2])
        assert laboratory.prosody is not None
        with Pair(program, laboratory.prosody.description["ca"], (sites[0], "sharer"), (sites[1], "connector")) as pair:
            pair.log_in()
            yield Scene(laboratory, pair)


class Faults(unittest.TestCase):
    """One method per step and victim."""

    def assert_share_recovered(self, stage: Scene, seconds: float) -> None:
        """The sharer lives, holds no more than at rest, and left no zombie."""
        assert stage.share is not None and stage.resting is not None
        self.assertIsNone(stage.share.poll(), "tube share ended: " + stage.pair.sharer.log("share")[-300:])
        more = wait_until_settled(stage.share.pid, stage.resting, seconds)
        self.assertEqual(more, "", "tube share still holds more than at rest")

    def kill(self, process: subprocess.Popen[str] | None) -> None:
        """SIGKILL, and nobody below it remains."""
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        self.assertFalse(is_zombie(process.pid))

    def test_offer_sharer_killed(self) -> None:
        with scene(DIRECT_PAIR) as stage:
            stage.hold_offer()
            self.kill(stage.share)
            self.assertIn(stage.exit_code(stage.connect, CONNECT_SECONDS + SLACK), (OFFLINE, TIMED_OUT))

    def test_offer_connector_killed(self) -> None:
        with scene(DIRECT_PAIR) as stage:
            stage.hold_offer()
            self.kill(stage.connect)
            wait_for("the request of the killed one is gone", lambda: not stage.pair.sharer.pending(), PATIENCE)
            self.assert_share_recovered(stage, SLACK)

    def test_offer_prosody_killed(self) -> None:
        with scene(DIRECT_PAIR) as stage:
            stage.hold_offer()
            assert stage.laboratory.prosody is not None
            stage.laboratory.prosody.command("kill")
            self.assertIn(stage.exit_code(stage.connect, CONNECT_SECONDS + SLACK), (OFFLINE, TIMED_OUT))
            stage.laboratory.prosody.command("start")
            wait_for("the sharer is online again", stage.pair.sharer.is_online, PATIENCE)

    def test_offer_coturn_killed(self) -> None:
        with scene(DIRECT_PAIR) as stage:
            stage.hold_offer()
            assert stage.laboratory.coturn is not None
            stage.laboratory.coturn.command("kill")
            self.assertEqual(len(stage.pair.sharer.pending()), 1, "an offer needs no relay")
            self.assertIn(stage.exit_code(stage.connect, CONNECT_SECONDS + SLACK), (TIMED_OUT,))

    def test_negotiation_sharer_killed(self) -> None:
        with scene(RELAYED_PAIR) as stage:
            stage.hold_negotiation()
            self.kill(stage.share)
            self.assertIn(stage.exit_code(stage.connect, CONNECT_SECONDS + SLACK), (OFFLINE, TIMED_OUT, NO_PATH, BROKEN))

    def test_negotiation_connector_killed(self) -> None:
        with scene(RELAYED_PAIR) as stage:
            stage.hold_negotiation()
            self.kill(stage.connect)
            self.assert_share_recovered(stage, PATIENCE + SLACK)

    def test_negotiation_prosody_killed(self) -> None:
        with scene(RELAYED_PAIR) as stage:
            stage.hold_negotiation()
            assert stage.laboratory.prosody is not None
            stage.laboratory.prosody.command("kill")
            self.assertIn(stage.exit_code(stage.connect, CONNECT_SECONDS + SLACK), (OFFLINE, TIMED_OUT, NO_PATH, BROKEN))

    def test_negotiation_coturn_killed(self) -> None:
        with scene(RELAYED_PAIR) as stage:
            stage.hold_negotiation()
            assert stage.laboratory.coturn is not None
            stage.laboratory.coturn.command("kill")
            self.assertIn(stage.exit_code(stage.connect, CONNECT_SECONDS + SLACK), (TIMED_OUT, NO_PATH))
            self.assert_share_recovered(stage, PATIENCE + SLACK)

    def test_transfer_sharer_killed(self) -> None:
        with scene(DIRECT_PAIR) as stage:
            _server, client = stage.run_transfer()
            self.kill(stage.share)
            self.assertEqual(stage.exit_code(stage.connect, PATIENCE + SLACK), BROKEN)
            with self.assertRaisesRegex(RuntimeError, "failed after|ended after|bytes left"):
                read_result(client, "the connector's application", SLACK)

    def test_transfer_connector_killed(self) -> None:
        with scene(DIRECT_PAIR) as stage:
            server, _client = stage.run_transfer()
            for again in (True, False):  # libraries may start threads in the first round only
                self.kill(stage.connect)
                self.assertNotEqual(stage.exit_code(server, PATIENCE + SLACK), 0, "the shared program saw a clean end")
                wait_for("the link is gone", lambda: not stage.pair.sharer.links(), PATIENCE + SLACK)
                if again:
                    assert stage.share is not None
                    stage.resting = usage(stage.share.pid)
                    server, _client = stage.continue_transfer()
            self.assert_share_recovered(stage, SLACK)

    def test_transfer_prosody_killed_does_not_stop_a_direct_transfer(self) -> None:
        size = 200_000_000
        with scene(DIRECT_PAIR) as stage:
            server, client = stage.run_transfer(size)
            assert stage.laboratory.prosody is not None
            stage.laboratory.prosody.command("kill")
            compare(read_result(client, "transfer", 120), read_result(server, "transfer", 120), size)

    def test_transfer_coturn_killed_breaks_a_relayed_transfer(self) -> None:
        with scene(RELAYED_PAIR) as stage:
            _server, client = stage.run_transfer()
            assert stage.laboratory.coturn is not None
            stage.laboratory.coturn.command("kill")
            self.assertEqual(stage.exit_code(stage.connect, PATIENCE + 30 + SLACK), BROKEN)
            with self.assertRaisesRegex(RuntimeError, "failed after|ended after|bytes left"):
                read_result(client, "the connector's application", SLACK)


if __name__ == "__main__":
    unittest.main()
