#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures D-Bus calls: one after another and 64 at once, through tubes and through a plain dbus-daemon."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from tube_harness import Running, World  # noqa: E402

NAME = "org.example.Load"
ADDRESS = r"DBUS_SESSION_BUS_ADDRESS=(\S+)"


def load_program() -> str:
    """Beside the `tube` that is measured."""
    return str(Path(os.environ["TUBE"]).with_name("dbus_load"))


@contextlib.contextmanager
def daemon() -> Iterator[tuple[str, str]]:
    """A bus of dbus-daemon; the addresses for the service and for its caller, the same."""
    running = Running(["dbus-daemon", "--session", "--nofork", "--print-address"], dict(os.environ))
    try:
        address = running.wait_for(r"(unix:\S+)")[1]
        yield address, address
    finally:
        running.close()


@contextlib.contextmanager
def tube(transport: str) -> Iterator[tuple[str, str]]:
    """The two buses of a tube over one kind of path."""
    with World("local") as world:
        world.use_only(transport)
        sharing = world.share("--dbus", NAME).wait_for(ADDRESS)[1]
        yield sharing, world.connect(NAME).wait_for(ADDRESS)[1]


def measure(service: str, caller: str, seconds: int) -> dict[str, Any]:
    """Calls between two programs of libdbus."""
    serving = Running([load_program(), "serve", service, NAME], dict(os.environ))
    try:
        serving.wait_for("serving")
        done = subprocess.run([load_program(), "call", caller, NAME, str(seconds)], capture_output=True, text=True,
                              timeout=60 + 4 * seconds, check=True)
        return dict(json.loads(done.stdout))
    finally:
        serving.close()


def measure_dbus(transports: tuple[str, ...], seconds: int) -> dict[str, Any]:
    """Everything side by side."""
    ways: dict[str, Callable[[], Any]] = {"dbus-daemon": daemon}
    for transport in transports:
        ways[f"tube {transport}"] = lambda kind=transport: tube(kind)
    results: dict[str, Any] = {}
    for name, way in ways.items():
        with way() as (service, caller):
            results[name] = measure(service, caller, seconds)
    return results


def print_dbus(results: dict[str, Any]) -> None:
    """For people."""
    columns = ("calls_per_s", "median_us", "p99_us", "calls_per_s_64_at_once")
    print(f"{'D-Bus calls':<18}" + "".join(f"{column:>24}" for column in columns))
    for name, row in results.items():
        print(f"{name:<18}" + "".join(f"{row[column]:>24.0f}" for column in columns))


if __name__ == "__main__":
    os.environ.setdefault("TUBE", str(ROOT / "build" / "release" / "bin" / "tube"))
    print_dbus(measure_dbus(("local", "direct-tls", "ice"), 3))
