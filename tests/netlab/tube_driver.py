#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place of the laboratory that knows the `tube` program: logs in, shares, connects, reads the path."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, TypeVar

from cells import Cell, CellResult
from expected import DIRECT, RELAYED
from laboratory import DOMAIN, HERE, Laboratory
from namespaces import LabError, Namespace
from topology import Site

SERVICE = "netlab"
LISTEN_PORT, APPLICATION_PORT = 9090, 8080
LOGIN_SECONDS, OPEN_SECONDS, TRANSFER_SECONDS = 30.0, 40.0, 240.0
_PATHS = {"direct-tls": DIRECT, "ice": DIRECT, "ice-relayed": RELAYED, "socks5": RELAYED, "in-band": RELAYED}
T = TypeVar("T")


def find_program(wanted: str | None, root: Path) -> Path:
    """The `tube` to run: --tube, $TUBE, the newest build, $PATH."""
    named = wanted or os.environ.get("TUBE")
    builds = sorted(root.glob("build/*/bin/tube"), key=lambda path: path.stat().st_mtime, reverse=True)
    found = [Path(named)] if named else builds or [Path(path) for path in [shutil.which("tube")] if path]
    if not found or not found[0].is_file():
        raise LabError("no tube program: build it, or name it with --tube PATH (--probe needs none)")
    return found[0].resolve()


def wait_for(what: str, seconds: float, condition: Callable[[], T | None]) -> T:
    """The first true value of `condition`; RuntimeError when there is none in time."""
    give_up = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > give_up:
            raise RuntimeError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)


class TubeUser:
    """One person's `tube` on a client machine, with a home of its own."""

    def __init__(self, program: Path, namespace: Namespace, user: str, home: Path, authority: str) -> None:
        self.jid = f"{user}@{DOMAIN}"
        self.password = f"pw-{user}"
        self._program = str(program)
        self._namespace = namespace
        self.home = home
        home.mkdir(mode=0o700)
        (home / "run").mkdir(mode=0o700)
        self._environment = {**os.environ, "TUBES_HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run"),
                             "HOME": str(home), "SSL_CERT_FILE": authority}
        self._started: list[subprocess.Popen[str]] = []

    def _command(self, *arguments: str) -> list[str]:
        return [*self._namespace.prefix(), self._program, *arguments]

    def run(self, *arguments: str, text: str = "", timeout: float = LOGIN_SECONDS) -> str:
        """Runs a sub-command to its end; RuntimeError with its words when it fails."""
        try:
            done = subprocess.run(self._command(*arguments), input=text, capture_output=True, text=True,
                                  env=self._environment, timeout=timeout, check=False)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"tube {arguments[0]}: no end within {timeout:.0f} s") from error
        if done.returncode != 0:
            raise RuntimeError(f"tube {arguments[0]} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
        return done.stdout

    def start(self, label: str, *arguments: str) -> subprocess.Popen[str]:
        """Starts a sub-command that stays; its output goes to <home>/<label>.log."""
        with (self.home / f"{label}.log").open("w") as log:
            process = subprocess.Popen(self._command(*arguments), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       text=True, env=self._environment)
        self._started.append(process)
        return process

    def log(self, label: str) -> str:
        """What a started sub-command has said so far."""
        return (self.home / f"{label}.log").read_text(errors="replace")

    def login(self) -> None:
        """Configures the account."""
        self.run("login", self.jid, "--password-stdin", text=self.password + "\n")

    def share(self, port: int, contact: str) -> subprocess.Popen[str]:
        """Shares a local port with a contact without asking."""
        return self.start("share", "share", str(port), "--as", SERVICE, "--to", contact, "--always")

    def connect(self, contact: str, port: int) -> subprocess.Popen[str]:
        """Makes a contact's service available on a local port."""
        return self.start("connect", "connect", SERVICE, "--from", contact, "--listen", f"127.0.0.1:{port}")

    def path_kinds(self) -> list[str]:
        """The kinds of the paths that this person's links use now."""
        return path_kinds(json.loads(self.run("status", "--json")))

    def close(self) -> None:
        """Ends what was started."""
        for process in self._started:
            process.terminate()
        for process in self._started:
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._started.clear()


def path_kinds(status: Any) -> list[str]:
    """The active paths' kinds in the output of `tube status --json`."""
    if isinstance(status, list):
        return [kind for item in status for kind in path_kinds(item)]
    if not isinstance(status, dict):
        return []
    kind = status.get("path")
    found = [kind] if isinstance(kind, str) and kind in _PATHS else []
    return found + [kind for item in status.values() for kind in path_kinds(item)]


def port_open(namespace: Namespace, port: int) -> bool:
    """Whether something listens on 127.0.0.1:port inside a namespace."""
    return f":{port} " in namespace.run(["ss", "-Hltn"]).stdout


class TubeCheck:
    """Runs the shipped program in a cell as two users would; bytes both ways are compared by SHA-256."""

    def __init__(self, program: Path, size: int, logs: Path | None) -> None:
        self._program = program
        self._size = size
        self._logs = logs

    def prepare(self, laboratory: Laboratory, cells: list[Cell]) -> None:
        """Servers with two accounts per cell that see each other."""
        users = [(f"share{cell.number}", f"connect{cell.number}") for cell in cells]
        laboratory.start_servers([f"{user}:pw-{user}" for pair in users for user in pair],
                                 [f"cell{cell.number}={a},{b}" for cell, (a, b) in zip(cells, users)])

    def run(self, laboratory: Laboratory, cell: Cell, sharer: Site, connector: Site, result: CellResult) -> None:
        """Login, share, connect, transfer, then the path."""
        assert laboratory.prosody is not None
        authority = laboratory.prosody.description["ca"]
        with contextlib.ExitStack() as stack:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tubeslab-")))
            first = TubeUser(self._program, sharer.client, f"share{cell.number}", home / "sharer", authority)
            second = TubeUser(self._program, connector.client, f"connect{cell.number}", home / "connector", authority)
            stack.callback(first.close)
            stack.callback(second.close)
            try:
                self._converse(first, second, sharer.client, connector.client, result)
            except RuntimeError:
                self._save_logs(cell, home)
                raise
            if not result.passed:
                self._save_logs(cell, home)

    def _converse(self, first: TubeUser, second: TubeUser, sharer: Namespace, connector: Namespace,
                  result: CellResult) -> None:
        first.login()
        second.login()
        transfer = str(HERE / "transfer.py")
        with contextlib.ExitStack() as stack:
            server = sharer.popen([transfer, "serve", str(APPLICATION_PORT), str(self._size)],
                                  stdout=subprocess.PIPE)
            stack.callback(server.wait)
            stack.callback(server.kill)
            assert server.stdout is not None
            server.stdout.readline()
            first.share(APPLICATION_PORT, second.jid)
            second.connect(first.jid, LISTEN_PORT)
            wait_for("tube connect listens", OPEN_SECONDS, lambda: port_open(connector, LISTEN_PORT))
            begun = time.monotonic()
            client = connector.run([transfer, "connect", str(LISTEN_PORT), str(self._size)], TRANSFER_SECONDS)
            if client.returncode != 0:
                raise RuntimeError(f"transfer failed: {client.stderr.strip()[-300:]}; "
                                   f"connect said: {second.log('connect')[-300:]}")
            kinds = second.path_kinds()
            there, here = json.loads(server.stdout.readline() or "{}"), json.loads(client.stdout)
            stack.close()
        result.details = {"megabytes": self._size / 1e6, "transfer_seconds": round(time.monotonic() - begun, 2)}
        if here["sent"] != there.get("received") or here["received"] != there.get("sent"):
            raise RuntimeError(f"bytes differ: {here} against {there}")
        if here["bytes"] != self._size:
            raise RuntimeError(f"{here['bytes']} of {self._size} bytes arrived")
        result.kind = kinds[0] if kinds else ""
        result.path = _PATHS.get(result.kind, "none")

    def _save_logs(self, cell: Cell, home: Path) -> None:
        if self._logs:
            target = self._logs / f"{cell.sharer},{cell.connector}"
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(home, target, ignore_dangling_symlinks=True,
                            ignore=lambda _folder, names: [name for name in names if name.endswith(".sock")])
