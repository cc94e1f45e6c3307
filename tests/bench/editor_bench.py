#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how long a key press in one page of collab-editor takes to the other person's screen (editor_bench.mjs)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TRANSPORTS = {"same machine": "local", "direct TLS": "direct-tls", "ICE": "ice"}


def measure_editor(build: Path, presses: int) -> dict[str, Any]:
    """Delays in ms over each kind of path; says what is missing where there is no browser, page or Node."""
    results: dict[str, Any] = {}
    for name, transport in TRANSPORTS.items():
        environment = {
            **os.environ, "EDITOR": str(build / "bin" / "collab-editor"), "TUBE": str(build / "bin" / "tube"),
            "PAGE_PACKAGES": str(build / "samples" / "collab-editor" / "page"),
            "FIXTURES": str(ROOT / "tests" / "support"), "SCREENS": str(build / "tests" / "samples" / "screens"),
            "TUBES_NETWORK_TRANSPORTS": transport, "TUBES_NETWORK_LOOPBACK": "true", "PRESSES": str(presses)}
        try:
            done = subprocess.run(["node", str(ROOT / "tests" / "bench" / "editor_bench.mjs")], env=environment,
                                  capture_output=True, text=True, timeout=300, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            results[name] = {"left_out": str(error)}
            continue
        said = done.stdout.strip() or done.stderr[-300:]
        results[name] = json.loads(done.stdout) if done.returncode == 0 else {"left_out": said}
    return results


def print_editor(results: dict[str, Any]) -> None:
    """For people."""
    for name, row in results.items():
        print(f"collab-editor, key press to the other screen, {name}: {json.dumps(row)}")


if __name__ == "__main__":
    print_editor(measure_editor(ROOT / "build" / "release", 200))
