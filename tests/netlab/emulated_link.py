#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two namespaces joined by an emulated link, until stdin closes; prints one JSON line that describes them.

Options of its own: --emulator PATH (default: the newest build/*/bin/link_emulator), --rtt-ms N (sets half of it as
the delay of each direction). All others go to link_emulator, as do the commands on stdin: "set loss 0.01", "down",
"up", "stats". Run programs with the words in a.prefix and b.prefix before their own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from namespaces import LabError, Namespace, NamespaceSet, remove_abandoned_namespaces

ROOT = Path(__file__).resolve().parents[2]
ADDRESSES = (("10.99.0.1", "fd99::1"), ("10.99.0.2", "fd99::2"))


def find_emulator() -> Path:
    """$LINK_EMULATOR, else the newest build of link_emulator."""
    if named := os.environ.get("LINK_EMULATOR"):
        return Path(named)
    builds = sorted(ROOT.glob("build/*/bin/link_emulator"), key=lambda path: path.stat().st_mtime)
    if not builds:
        raise LabError("link_emulator is not built")
    return builds[-1]


class Emulator:
    """The running program between two namespaces, whose devices exist when the constructor returns."""

    def __init__(self, a: Namespace, b: Namespace, *options: str, program: Path | None = None) -> None:
        """`options` are those of link_emulator."""
        self._process: subprocess.Popen[str] | None = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", str(program or find_emulator()), "--netns-a", a.name, "--netns-b", b.name,
             *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process is not None and self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise LabError("link_emulator ended early")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def command(self, line: str) -> dict[str, Any]:
        """Sends a command to the emulator; returns its answer with the counters of both directions."""
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        if not answer["ok"]:
            raise LabError(str(answer["error"]))
        return answer

    def close(self) -> None:
        """Ends the emulator; its devices go."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


class EmulatedLink:
    """Two namespaces `a` and `b` and the emulator between them; a context manager."""

    def __init__(self, *options: str, emulator: Path | None = None) -> None:
        """`options` are those of link_emulator."""
        remove_abandoned_namespaces()
        self._namespaces = NamespaceSet()
        self._emulator: Emulator | None = None
        try:
            self.a = self._namespaces.make("link-a")
            self.b = self._namespaces.make("link-b")
            self._emulator = Emulator(self.a, self.b, *options, program=emulator)
            for end, (ipv4, ipv6) in zip((self.a, self.b), ADDRESSES):
                end.ip(f"addr add {ipv4}/24 dev link0", "link set link0 txqueuelen 10000 up",
                       f"addr add {ipv6}/64 dev link0 nodad", "route add default dev link0")
        except BaseException:
            self.close()
            raise

    def command(self, line: str) -> dict[str, Any]:
        """As Emulator.command()."""
        assert self._emulator is not None
        return self._emulator.command(line)

    def close(self) -> None:
        """Ends the emulator and removes the namespaces."""
        if self._emulator is not None:
            self._emulator.close()
        self._namespaces.close()

    def __enter__(self) -> EmulatedLink:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def describe(end: Namespace, addresses: tuple[str, str]) -> dict[str, Any]:
    """What the starter needs of one end."""
    return {"namespace": end.name, "prefix": end.prefix(), "ipv4": addresses[0], "ipv6": addresses[1]}


def main() -> int:
    """Serves as a fixture script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--emulator", type=Path)
    parser.add_argument("--rtt-ms", type=float)
    own, options = parser.parse_known_args()
    if own.rtt_ms is not None:
        options += ["--delay-ms", str(own.rtt_ms / 2)]
    try:
        with EmulatedLink(*options, emulator=own.emulator) as link:
            print(json.dumps({"ok": True, "a": describe(link.a, ADDRESSES[0]), "b": describe(link.b, ADDRESSES[1])}),
                  flush=True)
            for line in sys.stdin:
                try:
                    print(json.dumps(link.command(line.strip())), flush=True)
                except LabError as error:
                    print(json.dumps({"ok": False, "error": str(error)}), flush=True)
    except LabError as error:
        print(json.dumps({"ok": False, "error": str(error)}), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
