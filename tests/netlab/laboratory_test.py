#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the laboratory itself: the table against a rule, and that nothing is left behind, however a run ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

from cells import CellResult, all_cells
from expected import DIRECT, EXPECTED, NAT_KINDS, RELAYED
from laboratory import HERE, Laboratory, run_probe, wanted_probe
from namespaces import LabError, Namespace, NamespaceSet, remove_abandoned_namespaces
from nat import KINDS, Behaviour, NetworkKind
from report import markdown, terminal_table


def gets_in(sender: NetworkKind, receiver: NetworkKind) -> bool:
    """Whether the sender's packets pass the receiver's filter, when the receiver has sent to all it knows."""
    if receiver.filtering is Behaviour.ENDPOINT_INDEPENDENT or receiver.filtering is Behaviour.ADDRESS_DEPENDENT:
        return True
    return sender.mapping is Behaviour.ENDPOINT_INDEPENDENT


def by_rule(first: NetworkKind, second: NetworkKind) -> str:
    """RFC 4787 behaviours -> path; a second derivation of the table of NAT kinds."""
    if not first.translates or not second.translates:
        return DIRECT
    if not first.udp or not second.udp:
        return RELAYED
    one_known = Behaviour.ENDPOINT_INDEPENDENT in (first.mapping, second.mapping)
    return DIRECT if one_known and gets_in(first, second) and gets_in(second, first) else RELAYED


class Table(unittest.TestCase):
    """expected.py"""

    def test_every_pair_of_nat_kinds_follows_from_their_behaviours(self) -> None:
        for first in NAT_KINDS:
            for second in NAT_KINDS:
                with self.subTest(first=first, second=second):
                    self.assertEqual(EXPECTED[first, second], by_rule(KINDS[first], KINDS[second]))

    def test_the_path_does_not_depend_on_who_starts(self) -> None:
        for (first, second), path in EXPECTED.items():
            self.assertEqual(EXPECTED[second, first], path)

    def test_the_report_marks_a_cell_that_took_another_path(self) -> None:
        results = [CellResult(cell.sharer, cell.connector, cell.expected, cell.expected, "ice") for cell in all_cells()]
        self.assertIn(f"{len(results)} of {len(results)} cells as expected", terminal_table(results))
        results[0].path, results[0].kind = RELAYED, "ice-relayed"
        self.assertIn("FAILED none,none: expected direct, got relayed (ice-relayed)", terminal_table(results))
        self.assertIn("| **no NAT** | ice-relayed (!) | ice |", markdown(results))


class Networks(unittest.TestCase):
    """Real namespaces."""

    def test_a_network_that_is_not_what_it_is_called_is_found_out(self) -> None:
        with Laboratory() as laboratory, NamespaceSet() as namespaces:
            site = laboratory.attach(namespaces, KINDS["full-cone"], "impostor")
            self.assertNotEqual(run_probe(site, False), wanted_probe(KINDS["symmetric"], False))
            assert site.router is not None
            site.router.nft("flush chain ip nat inbound\n")
            self.assertNotEqual(run_probe(site, False), wanted_probe(KINDS["full-cone"], False))

    def test_servers_answer_from_behind_every_kind_by_every_family_they_have(self) -> None:
        with Laboratory() as laboratory, NamespaceSet() as namespaces:
            laboratory.start_servers(["alice:pw"], [])
            for name in ("udp-blocked", "symmetric", "ipv6-only"):
                site = laboratory.attach(namespaces, KINDS[name], name)
                for host, port in (("tube.test", "5222"), ("turn.tube.test", "3478")):
                    done = site.client.run([sys.executable, "-c", "import socket, sys; socket.create_connection("
                                            "(sys.argv[1], int(sys.argv[2])), 5)", host, port])
                    self.assertEqual(done.returncode, 0, f"{name}: {done.stderr}")

    def test_nothing_is_left_of_a_run_that_was_killed(self) -> None:
        script = "from laboratory import Laboratory\nimport sys\nwith Laboratory():\n print('up', flush=True)\n input()"
        with subprocess.Popen([sys.executable, "-c", script], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as run:
            assert run.stdout is not None
            run.stdout.readline()
            os.kill(run.pid, signal.SIGKILL)
            run.wait()
        left = f"tubeslab-{run.pid}-internet"
        self.assertTrue(Path("/run/netns", left).exists())
        remove_abandoned_namespaces()
        self.assertFalse(Path("/run/netns", left).exists())

    def test_an_interrupted_matrix_removes_its_namespaces(self) -> None:
        with subprocess.Popen([str(HERE / "matrix.py"), "--probe"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as run:
            give_up = time.monotonic() + 20
            while not list(Path("/run/netns").glob(f"tubeslab-{run.pid}-*-client")):
                self.assertLess(time.monotonic(), give_up)
                time.sleep(0.02)
            run.send_signal(signal.SIGTERM)
            self.assertEqual(run.wait(timeout=30), 130)
        self.assertEqual(list(Path("/run/netns").glob(f"tubeslab-{run.pid}-*")), [])

    def test_deletes_only_namespaces_of_its_own(self) -> None:
        with self.assertRaises(LabError):
            Namespace("../escape")


if __name__ == "__main__":
    unittest.main()
