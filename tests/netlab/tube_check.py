#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the matrix does in each cell: two users share and connect; bytes both ways are compared; the path is read."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Callable

from cells import Cell, CellResult
from expected import IN_BAND
from laboratory import HERE, Laboratory
from topology import Site
from tube_driver import PATHS, TubeUser

LISTEN_PORT, APPLICATION_PORT = 9090, 8080
IN_BAND_BYTES = 200_000  # three seconds each way at the rate that leaves room for chat
TRANSFER_SECONDS, UPGRADE_SECONDS = 240.0, 8.0


class Pair:
    """Two users at two sites with an application each; a context manager that ends all of it."""

    def __init__(self, program: Path, authority: str, sharer: tuple[Site, str], connector: tuple[Site, str],
                 log: str = "") -> None:
        """`sharer` and `connector`: where, and the account's user name; `log`: levels for `tube --log`."""
        self._stack = contextlib.ExitStack()
        self.home = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="tubeslab-")))
        self._sites = sharer[0], connector[0]
        self.sharer = TubeUser(program, sharer[0].client, sharer[1], self.home / "sharer", authority, log,
                               sharer[0].kind)
        self.connector = TubeUser(program, connector[0].client, connector[1], self.home / "connector", authority, log,
                                  connector[0].kind)
        self._stack.callback(self.sharer.close)
        self._stack.callback(self.connector.close)

    def log_in(self) -> None:
        """Both accounts."""
        self.sharer.login()
        self.connector.login()

    def serve(self, size: int) -> subprocess.Popen[str]:
        """Starts the application behind the share; it listens when this returns."""
        server = self._sites[0].client.popen(
            [str(HERE / "transfer.py"), "serve", str(APPLICATION_PORT), str(size)], stdout=subprocess.PIPE)
        self._stack.callback(_end, server)
        assert server.stdout is not None
        server.stdout.readline()
        return server

    def use(self, size: int) -> subprocess.Popen[str]:
        """Starts the application that uses the service."""
        client = self._sites[1].client.popen(
            [str(HERE / "transfer.py"), "connect", str(LISTEN_PORT), str(size)], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self._stack.callback(_end, client)
        return client

    def share(self, ask: bool = False) -> subprocess.Popen[str]:
        """The sharer's `tube share`."""
        return self.sharer.share(APPLICATION_PORT, self.connector.jid, ask)

    def connect(self, seconds: int = 30) -> subprocess.Popen[str]:
        """The connector's `tube connect`."""
        return self.connector.connect(self.sharer.jid, LISTEN_PORT, seconds)

    def open(self) -> None:
        """Shares and connects; returns when the tube's local port listens."""
        self.share()
        self.connect()
        self.connector.wait_until_listening(LISTEN_PORT, self.accept_once())

    def accept_once(self) -> Callable[[], None]:
        """A function that answers the sharer's one question: whether a key seen for the first time may use it."""
        accepted = [0]

        def accept() -> None:
            if not accepted[0]:
                accepted[0] = self.sharer.accept_pending()
        return accept

    def close(self) -> None:
        """Ends applications, then the users' programs; deletes their homes."""
        self._stack.close()

    def __enter__(self) -> Pair:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def read_result(process: subprocess.Popen[str], what: str, seconds: float) -> dict[str, Any]:
    """The JSON line that transfer.py ends with; RuntimeError with its words when it failed."""
    try:
        output, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{what}: no end within {seconds:.0f} s") from error
    if process.returncode != 0:
        raise RuntimeError(f"{what} failed: {(errors or '').strip()[-300:]}")
    result: dict[str, Any] = json.loads(output)
    return result


def compare(here: dict[str, Any], there: dict[str, Any], size: int) -> None:
    """RuntimeError when not every byte of both directions arrived as it was sent."""
    if here["sent"] != there["received"] or here["received"] != there["sent"]:
        raise RuntimeError(f"bytes differ: {here} against {there}")
    if here["bytes"] != size or there["bytes"] != size:
        raise RuntimeError(f"{here['bytes']} and {there['bytes']} of {size} bytes arrived")


class TubeCheck:
    """Runs the shipped program in a cell as two users would."""

    def __init__(self, program: Path, size: int, logs: Path | None, log: str = "") -> None:
        """`size` bytes go each way; `logs` is where the homes of failed cells are kept; `log`: for `tube --log`."""
        self._program = program
        self._size = size
        self._logs = logs
        self._log = log

    def prepare(self, laboratory: Laboratory, cells: list[Cell]) -> None:
        """Servers with two accounts per cell that see each other."""
        users = [(f"share{cell.number}", f"connect{cell.number}") for cell in cells]
        laboratory.start_servers([f"{user}:pw-{user}" for pair in users for user in pair],
                                 [f"cell{cell.number}={a},{b}" for cell, (a, b) in zip(cells, users)])

    def run(self, laboratory: Laboratory, cell: Cell, sharer: Site, connector: Site, result: CellResult) -> None:
        """Login, share, connect, transfer, then the path."""
        assert laboratory.prosody is not None
        with Pair(self._program, laboratory.prosody.description["ca"], (sharer, f"share{cell.number}"),
                  (connector, f"connect{cell.number}"), self._log) as pair:
            try:
                pair.log_in()
                self._transfer(pair, result, IN_BAND_BYTES if cell.expected == IN_BAND else self._size)
            except RuntimeError:
                self._save_logs(cell, pair.home)
                raise
            if not result.passed:
                self._save_logs(cell, pair.home)

    def _transfer(self, pair: Pair, result: CellResult, size: int) -> None:
        server = pair.serve(size)
        begun = time.monotonic()
        pair.open()
        opened = time.monotonic()
        here = read_result(pair.use(size), "transfer", TRANSFER_SECONDS)
        result.details = {"megabytes": size / 1e6, "open_seconds": round(opened - begun, 2),
                          "transfer_seconds": round(time.monotonic() - opened, 2)}
        path = self._settled_path(pair.connector, result)
        result.details["links"] = pair.connector.links()
        compare(here, read_result(server, "the shared application", TRANSFER_SECONDS), size)
        result.kind = path.get("kind", "")
        result.path = PATHS.get(result.kind, "none")

    def _settled_path(self, user: TubeUser, result: CellResult) -> dict[str, Any]:
        """The active path; a relayed one may still give way to a direct one that is expected."""
        give_up = time.monotonic() + UPGRADE_SECONDS
        path = user.active_path()
        while PATHS.get(path.get("kind", "")) != result.expected and time.monotonic() < give_up:
            time.sleep(0.2)
            path = user.active_path()
        return path

    def _save_logs(self, cell: Cell, home: Path) -> None:
        if self._logs:
            target = self._logs / f"{cell.sharer},{cell.connector}"
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(home, target, ignore=_unreadable)


def _unreadable(folder: str, names: list[str]) -> list[str]:
    """Sockets and whatever else cannot be copied."""
    return [name for name in names if not (Path(folder, name).is_file() or Path(folder, name).is_dir())]
