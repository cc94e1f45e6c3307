#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process holds (descriptors, sockets, threads, memory, children), and waiting until it let go again."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

_SETTLE_INTERVAL = 0.05


@dataclass(frozen=True)
class Usage:
    """One moment of a process."""

    descriptors: int
    sockets: int
    threads: int
    resident_kb: int
    children: int
    zombies: int

    def exceeds(self, start: Usage, memory_kb: int) -> str:
        """What is more than at `start`, in words; empty when nothing is. Memory may grow by `memory_kb`."""
        more = [f"{name} {getattr(start, name)} -> {getattr(self, name)}"
                for name in ("descriptors", "sockets", "threads", "children", "zombies")
                if getattr(self, name) > getattr(start, name)]
        if self.resident_kb > start.resident_kb + memory_kb:
            more.append(f"resident memory {start.resident_kb} -> {self.resident_kb} KB")
        return ", ".join(more)


def _status_field(text: str, name: str) -> int:
    for line in text.splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            found += [int(word) for word in (task / "children").read_text().split()]
        except OSError:
            continue  # that thread has just ended
    return found


def is_zombie(pid: int) -> bool:
    """Whether the process has ended but nobody has collected it."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] == "Z"


def usage(pid: int) -> Usage:
    """Counts; ProcessLookupError when there is no such process."""
    folder = Path(f"/proc/{pid}")
    try:
        status = (folder / "status").read_text()
        links = []
        for entry in (folder / "fd").iterdir():
            try:
                links.append(os.readlink(entry))
            except OSError:
                continue  # closed since it was listed
        children = _children(pid)
    except FileNotFoundError as error:
        raise ProcessLookupError(pid) from error
    return Usage(len(links), sum(link.startswith("socket:") for link in links), _status_field(status, "Threads"),
                 _status_field(status, "VmRSS"), len(children), sum(is_zombie(child) for child in children))


def wait_until_settled(pid: int, start: Usage, seconds: float, memory_kb: int = 4096) -> str:
    """Waits until the process holds no more than at `start`; returns what is still more, empty when all is well."""
    give_up = time.monotonic() + seconds
    while True:
        more = usage(pid).exceeds(start, memory_kb)
        if not more or time.monotonic() > give_up:
            return more
        time.sleep(_SETTLE_INTERVAL)


def kill_at(step: Callable[[], bool], action: Callable[[], None], seconds: float, what: str) -> float:
    """Runs `action` (usually a kill) as soon as `step` says true; returns the moment. RuntimeError when it never does."""
    give_up = time.monotonic() + seconds
    while not step():
        if time.monotonic() > give_up:
            raise RuntimeError(f"the step {what!r} was not reached within {seconds:.0f} s")
        time.sleep(0.005)
    action()
    return time.monotonic()
