#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures datagrams with iperf3: packets a second and jitter through tubes, beside plain UDP and socat."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from tube_harness import World, free_port, is_listening, wait_until  # noqa: E402

SIZE = 200  # bytes of a datagram, as voice and games send them
TRIES = 3
PACED = "8M"  # 5000 datagrams a second: what jitter is measured at


@contextlib.contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs meanwhile, with what it forks."""
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield running
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait()


def iperf(port: int, rate: str, seconds: int) -> dict[str, Any]:
    """One run; what the server received. iperf3 begins with one datagram each way, which it does not repeat: where the
    queues of the run before still stand and it is lost, the run is begun again."""
    for _ in range(TRIES):
        done = subprocess.run(["iperf3", "-c", "127.0.0.1", "-p", str(port), "-u", "-b", rate, "-l", str(SIZE), "-t",
                               str(seconds), "--json"], capture_output=True, text=True, timeout=60 + 2 * seconds,
                              check=False)
        report = json.loads(done.stdout)
        if "error" not in report:
            return dict(report["end"]["sum"], seconds=seconds)
    raise RuntimeError(report["error"])


def measure(port: int, seconds: int) -> dict[str, Any]:
    """Datagrams that arrive when as many are sent as possible, and the jitter and loss of a steady flow."""
    flood = iperf(port, "0", seconds)
    paced = iperf(port, PACED, seconds)
    return {"datagrams_per_s": round((flood["packets"] - flood["lost_packets"]) / seconds),
            "offered_per_s": round(flood["packets"] / seconds), "jitter_us": round(paced["jitter_ms"] * 1000, 1),
            "lost_percent_paced": round(paced["lost_percent"], 3)}


@contextlib.contextmanager
def socat(server: int) -> Iterator[int]:
    """Relays by socat; iperf3 controls over TCP at the same port."""
    port = free_port()
    with process("socat", f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr", f"TCP:127.0.0.1:{server}"), \
            process("socat", f"UDP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr", f"UDP:127.0.0.1:{server}"):
        wait_until(lambda: is_listening(port), "socat")
        yield port


@contextlib.contextmanager
def tube(server: int, transport: str) -> Iterator[int]:
    """A datagram tube, and a stream tube for the control, over one kind of path."""
    with World("local") as world:
        world.use_only(transport)
        port = free_port()
        world.share(str(server), "--as", "control")
        world.share("--udp", str(server), "--as", "datagrams")
        world.connect("control", "--listen", str(port))
        world.connect("datagrams", "--listen", f"udp:127.0.0.1:{port}")
        yield port


@contextlib.contextmanager
def plain(server: int) -> Iterator[int]:
    """Nothing between."""
    yield server


def measure_datagrams(transports: tuple[str, ...], seconds: int) -> dict[str, Any]:
    """Everything side by side."""
    server = free_port()
    ways: dict[str, Callable[[int], Any]] = {"plain udp": plain, "socat": socat}
    for transport in transports:
        ways[f"tube {transport}"] = lambda port, kind=transport: tube(port, kind)
    results: dict[str, Any] = {}
    with process("iperf3", "-s", "-B", "127.0.0.1", "-p", str(server)):
        wait_until(lambda: is_listening(server), "iperf3")
        for name, way in ways.items():
            with way(server) as port:
                results[name] = measure(port, seconds)
    return results


def print_datagrams(results: dict[str, Any]) -> None:
    """For people."""
    columns = ("datagrams_per_s", "offered_per_s", "jitter_us", "lost_percent_paced")
    print(f"{'datagrams':<18}" + "".join(f"{column:>22}" for column in columns))
    for name, row in results.items():
        print(f"{name:<18}" + "".join(f"{row[column]:>22}" for column in columns))


if __name__ == "__main__":
    os.environ.setdefault("TUBE", str(ROOT / "build" / "release" / "bin" / "tube"))
    print_datagrams(measure_datagrams(("local", "direct-tls", "ice"), 5))
