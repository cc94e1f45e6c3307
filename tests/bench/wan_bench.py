#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures one ICE path over an emulated line of 50 ms and 200 Mbit/s, and its round trips beside the bulk transfer;
TCP over the same line beside it. Needs root (network namespaces)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "netlab"))

from emulated_link import ADDRESSES, EmulatedLink  # noqa: E402

PROBE = str(ROOT / "tests" / "netlab" / "link_probe.py")
LINE = ("--delay-ms", "25", "--rate-mbit", "200", "--queue-kb", "1250")  # each direction; a queue of 50 ms


def tcp_megabytes_per_second(link: EmulatedLink, seconds: int) -> float:
    """What TCP carries with the machine's own congestion control."""
    with subprocess.Popen([*link.b.prefix(), PROBE, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        server.stdout.readline()
        try:
            done = subprocess.run([*link.a.prefix(), PROBE, "pour", ADDRESSES[1][0], str(seconds)], capture_output=True,
                                  text=True, timeout=60 + seconds, check=True)
        finally:
            server.kill()
    return round(float(json.loads(done.stdout)["mbit"]) / 8, 1)


def measure_wan(programs: Path, seconds: int) -> dict[str, Any]:
    """TCP and ICE one after the other over the same line."""
    with EmulatedLink(*LINE, emulator=programs / "link_emulator") as link:
        tcp = tcp_megabytes_per_second(link, seconds)
        done = subprocess.run([str(programs / "sctp_bench"), "--seconds", str(seconds), "--settle-seconds", "3",
                               "--first-namespace", f"/run/netns/{link.a.name}", "--second-namespace",
                               f"/run/netns/{link.b.name}"], capture_output=True, text=True, timeout=120 + seconds,
                              check=False)
    if done.returncode != 0:
        return {"tcp_mb_per_s": tcp, "failed": True, "error": (done.stderr or done.stdout)[-500:]}
    ice = json.loads(done.stdout)
    return {"tcp_mb_per_s": tcp, "ice_mb_per_s": round(ice["megabytes_per_second"], 1),
            "ice_setup_ms": round(ice["setup_ms"], 1), "idle_round_trip_us": ice["idle_round_trip_us"],
            "beside_bulk_us": ice["round_trip_beside_bulk_us"], "path": ice["path"]}


if __name__ == "__main__":
    print(json.dumps(measure_wan(ROOT / "build" / "release" / "bin", 10), indent=2))
