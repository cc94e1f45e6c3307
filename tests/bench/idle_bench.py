#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what links cost while they carry nothing: memory of the sharer a link, before and after each has carried
bulk, and how often the sharer wakes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from tube_harness import World, free_port  # noqa: E402

LINKS = 10
SETTLE = 3.0  # seconds: sockets are taken over from libnice after one, buffers are given back when links are quiet
WATCH = 10.0  # seconds over which wake-ups are counted


def status_field(pid: int, name: str) -> int:
    """A number of /proc/PID/status."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise KeyError(name)


def measure_idle(load: str, server_port: int, transport: str) -> dict[str, Any]:
    """One sharer, and LINKS programs that connect to it, each by a link of its own."""
    options = ("--set", f"network.transports={transport}", "--set", "network.loopback=true")
    with World("local") as world:
        share = world.alice.start(*options, "share", str(server_port), "--as", "idle", "--always")
        share.wait_for("Sharing")
        pid = share.process.pid
        sizes, ports = [], []
        for _ in range(LINKS + 1):
            ports.append(free_port())
            connect = world.bob.start(*options, "connect", "idle", "--listen", str(ports[-1]))
            connect.wait_for(" is at ")
            if len(ports) == 1:
                time.sleep(SETTLE)
                sizes.append(status_field(pid, "VmRSS"))
        time.sleep(SETTLE)
        sizes.append(status_field(pid, "VmRSS"))
        woken = status_field(pid, "voluntary_ctxt_switches")
        time.sleep(WATCH)
        woken = status_field(pid, "voluntary_ctxt_switches") - woken
        for port in ports:
            subprocess.run([load, "send", str(port), "50000000"], capture_output=True, timeout=120, check=True,
                           stdin=subprocess.DEVNULL)
        time.sleep(SETTLE)
        sizes.append(status_field(pid, "VmRSS"))
    first, all_idle, after_bulk = sizes
    return {"idle_link_kib": round((all_idle - first) / LINKS), "idle_link_after_bulk_kib": round(
        (after_bulk - first) / LINKS), "wakeups_per_s_a_link": round(woken / WATCH / (LINKS + 1), 2)}


def main() -> None:
    """By itself, on the release build."""
    programs = ROOT / "build" / "release" / "bin"
    os.environ.setdefault("TUBE", str(programs / "tube"))
    with subprocess.Popen([programs / "tcp_load", "serve"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        try:
            for transport in sys.argv[1:] or ("local", "direct-tls", "ice"):
                print(transport, json.dumps(measure_idle(str(programs / "tcp_load"), port, transport)), flush=True)
        finally:
            server.kill()


if __name__ == "__main__":
    main()
