#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs our transports in a cell without link, engine and server: path_probe at both ends, signaling by this script."""

from __future__ import annotations

import json
import os
import queue
import secrets
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from cells import Cell, CellResult
from expected import DIRECT, RELAYED
from laboratory import DOMAIN, TURN_PORT, Laboratory
from namespaces import LabError
from topology import Site

KINDS = ("direct-tls", "ice")
OPEN_SECONDS, TRANSFER_SECONDS, UPGRADE_SECONDS = 30.0, 120.0, 8.0
_STUN, _TURN_UDP, _TURN_TCP = 0, 1, 2  # IceServer::Scheme


def find_probe(root: Path) -> Path:
    """$PATH_PROBE, else the newest build of path_probe."""
    named = os.environ.get("PATH_PROBE")
    builds = [Path(named)] if named else sorted(root.glob("build/*/bin/path_probe"), key=lambda p: p.stat().st_mtime)
    if not builds:
        raise LabError("path_probe is not built")
    return builds[-1]


class End:
    """One path_probe; its events arrive in the shared queue as (end, event)."""

    def __init__(self, program: Path, site: Site, setup: dict[str, Any],
                 events: queue.Queue[tuple[End, dict[str, Any]]]) -> None:
        self.process = site.client.popen([str(program), json.dumps(setup)], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._events = events
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._events.put((self, json.loads(line)))
        self._events.put((self, {"event": "gone"}))

    def tell(self, event: dict[str, Any]) -> None:
        """Passes the other end's event on."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(event) + "\n")
            self.process.stdin.flush()
        except OSError:
            pass  # it is gone, which its own events tell

    def close(self) -> str:
        """Ends it; returns what it wrote on stderr."""
        self.process.kill()
        self.process.wait()
        assert self.process.stderr is not None
        return self.process.stderr.read()


class TransportCheck:
    """Each transport by itself; the cell's path is the best that opened at both ends and carried all bytes."""

    def __init__(self, root: Path, size: int, log: str = "") -> None:
        self._program = find_probe(root)
        self._size = size
        self._log = log

    def prepare(self, laboratory: Laboratory, cells: list[Cell]) -> None:
        """Needs the relay."""
        laboratory.start_servers([], [])

    def run(self, laboratory: Laboratory, cell: Cell, sharer: Site, connector: Site, result: CellResult) -> None:
        """Direct TLS first, then ICE."""
        opened: list[str] = []
        for kind in KINDS:
            if kind == "direct-tls" and sharer.kind.translates and connector.kind.translates:
                continue  # neither can be reached by TCP: it would only wait for its deadline
            found = self._negotiate(laboratory, kind, sharer, connector, cell)
            result.details[kind] = found
            if "error" in found:
                result.details.setdefault("errors", []).append(f"{kind}: {found['error']}")
            opened += found["kinds"]
        result.kind = "+".join(opened)
        result.path = DIRECT if {"direct-tls", "ice"} & set(opened) else RELAYED if "ice-relayed" in opened else "none"
        if not opened:
            result.error = "; ".join(result.details.get("errors", ["no path"]))

    def _servers(self, laboratory: Laboratory, name: str) -> list[dict[str, Any]]:
        assert laboratory.coturn is not None
        login = laboratory.coturn.command(f"credentials {name} 3600")
        common = {"host": f"turn.{DOMAIN}", "port": TURN_PORT, "username": login["username"],
                  "password": login["password"]}
        return [{**common, "scheme": scheme} for scheme in (_STUN, _TURN_UDP, _TURN_TCP)]

    def _negotiate(self, laboratory: Laboratory, kind: str, sharer: Site, connector: Site,
                   cell: Cell) -> dict[str, Any]:
        events: queue.Queue[tuple[End, dict[str, Any]]] = queue.Queue()
        setup = {"link": secrets.token_hex(16), "kind": kind, "bytes": self._size,
                 "servers": self._servers(laboratory, f"cell{cell.number}")}
        if self._log:
            setup["log"] = self._log
        ends = [End(self._program, site, {**setup, "initiator": site is connector}, events)
                for site in (connector, sharer)]
        found: dict[str, Any] = {"kinds": [], "paths": [], "candidates": []}
        try:
            self._exchange(events, ends, found, RELAYED if kind == "ice" and cell.expected == RELAYED else DIRECT)
        finally:
            words = [end.close() for end in ends]
        found["stderr"] = [text[-4000:] for text in words if text]
        return found

    def _exchange(self, events: queue.Queue[tuple[End, dict[str, Any]]], ends: list[End], found: dict[str, Any],
                  wanted: str) -> None:
        """Carries signaling between the ends until the wanted path has carried all bytes, or time is over."""
        give_up = time.monotonic() + OPEN_SECONDS
        seen: dict[str, set[int]] = {}
        while time.monotonic() < give_up:
            try:
                end, event = events.get(timeout=0.2)
            except queue.Empty:
                continue
            name = event["event"]
            if name in ("description", "candidate", "end"):
                ends[1 - ends.index(end)].tell(event)
                if name == "candidate":
                    found["candidates"].append({"initiator": end is ends[0], **event["attributes"]})
            elif name in ("failed", "gone"):
                found["error"] = event.get("reason", "path_probe ended")
                return
            elif name == "path":
                found["paths"].append({**event, "initiator": end is ends[0]})
                seen.setdefault(event["kind"], set()).add(ends.index(end))
                give_up = max(give_up, time.monotonic() + TRANSFER_SECONDS)
            elif name == "received":
                found["seconds"] = event["seconds"]
                give_up = min(give_up, time.monotonic() + UPGRADE_SECONDS)
            both = [kind for kind, places in seen.items() if len(places) == 2]
            if "seconds" in found:
                found["kinds"] = both[-1:]  # ICE may have begun with a relay and found better
                if wanted == RELAYED or any(kind in ("ice", "direct-tls") for kind in both):
                    return
        if not found["kinds"]:
            found["error"] = f"nothing carried {self._size} bytes in time; paths {found['paths']}"
