#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the emulated link with real traffic between two namespaces."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any, Iterator

from emulated_link import ADDRESSES, EmulatedLink

HERE = Path(__file__).resolve().parent
FAR = ADDRESSES[1][0]


@contextlib.contextmanager
def served_link(*options: str) -> Iterator[EmulatedLink]:
    """A link with link_probe.py serving at its far end."""
    with EmulatedLink(*options) as link:
        server = link.b.popen([str(HERE / "link_probe.py"), "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with server:
            assert server.stdout is not None
            server.stdout.readline()
            try:
                yield link
            finally:
                server.kill()


def measure(link: EmulatedLink, *arguments: str) -> dict[str, Any]:
    """Runs link_probe.py at the near end."""
    done = link.a.run([str(HERE / "link_probe.py"), *arguments])
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


class Link(unittest.TestCase):
    """Bounds are wide where a busy machine moves a number, tight where only the emulator does."""

    def test_a_round_trip_takes_twice_the_delay(self) -> None:
        with served_link("--delay-ms", "25") as link:
            median = measure(link, "echo", FAR, "200")["median_ms"]
            self.assertGreaterEqual(median, 50)
            self.assertLess(median, 56)

    def test_loses_and_duplicates_as_told_and_stops_when_told(self) -> None:
        with served_link("--loss", "0.1", "--seed", "5") as link:
            found = measure(link, "echo", FAR, "1000")
            self.assertTrue(720 < found["received"] < 890, found)  # 0.9 * 0.9 of 1000
            link.command("set loss 0 duplicate 0.1")
            found = measure(link, "echo", FAR, "500")
            self.assertEqual(found["received"], 500)
            self.assertTrue(50 < found["duplicates"] < 160, found)
            link.command("down")
            self.assertEqual(measure(link, "echo", FAR, "20")["received"], 0)
            link.command("up")
            self.assertEqual(link.command("set duplicate 0")["ok"], True)
            self.assertEqual(measure(link, "echo", FAR, "20")["received"], 20)

    def test_large_packets_vanish_and_tcp_learns_why_if_it_is_told(self) -> None:
        with served_link() as link:
            link.command("set mtu 1280")
            self.assertGreater(measure(link, "pour", FAR, "0.5")["mbit"], 1)
            self.assertGreater(link.command("stats")["a_to_b"]["too_large"], 0)
            self.assertEqual(measure(link, "echo", FAR, "20")["received"], 20)

    def test_one_direction_can_be_cut_alone(self) -> None:
        with served_link() as link:
            link.command("b_to_a down")
            before = link.command("stats")["a_to_b"]["delivered"]
            self.assertEqual(measure(link, "echo", FAR, "20")["received"], 0)
            self.assertGreaterEqual(link.command("stats")["a_to_b"]["delivered"], before + 20)

    def test_reordered_packets_arrive_late(self) -> None:
        with served_link("--delay-ms", "10", "--reorder", "0.1") as link:
            self.assertGreater(measure(link, "echo", FAR, "500")["late"], 20)

    def test_keeps_the_rate_of_a_200_mbit_line_over_50_ms(self) -> None:
        with served_link("--delay-ms", "25", "--rate-mbit", "200", "--queue-kb", "1250") as link:
            rate = measure(link, "pour", FAR, "4")["mbit"]
            print(f"200 Mbit/s line: {rate} Mbit/s of TCP payload", file=sys.stderr)
            self.assertLess(rate, 200)
            self.assertGreater(rate, 0)

    def test_keeps_the_rate_of_a_gigabit_line(self) -> None:
        with served_link("--rate-mbit", "1000", "--queue-kb", "2000") as link:
            rate = measure(link, "pour", FAR, "3")["mbit"]
            print(f"1000 Mbit/s line: {rate} Mbit/s of TCP payload", file=sys.stderr)
            self.assertLess(rate, 1000)
            self.assertGreater(rate, 0)


if __name__ == "__main__":
    unittest.main()
