#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place of the laboratory that knows the `tube` program: logs in, shares, connects, reads the path."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, Callable

from expected import DIRECT, IN_BAND, RELAYED
from laboratory import DOMAIN
from namespaces import LabError, Namespace
from nat import PROXY_SERVER, XMPP_SERVER, XMPP_TLS_SERVER, NetworkKind

SERVICE = "netlab"
COMMAND_SECONDS, OPEN_SECONDS = 30.0, 40.0
# `tube status` says how bytes travel in these words.
PATHS = {"direct-tls": DIRECT, "ice": DIRECT, "ice-relayed": RELAYED, "socks5": RELAYED, "in-band": IN_BAND}


def find_program(wanted: str | None, root: Path) -> Path:
    """The `tube` to run: --tube, $TUBE, the newest build, $PATH."""
    named = wanted or os.environ.get("TUBE")
    builds = sorted(root.glob("build/*/bin/tube"), key=lambda path: path.stat().st_mtime, reverse=True)
    found = [Path(named)] if named else builds or [Path(path) for path in [shutil.which("tube")] if path]
    if not found or not found[0].is_file():
        raise LabError("no tube program: build it, or name it with --tube PATH (--probe needs none)")
    return found[0].resolve()


class TubeUser:
    """One person's `tube` on a client machine, with a home of its own."""

    def __init__(self, program: Path, namespace: Namespace, user: str, home: Path, authority: str,
                 log: str = "", network: NetworkKind | None = None, settings: dict[str, str] | None = None) -> None:
        """`authority` is the file with the certificate authority of the user's server; `log` as for `tube --log`;
        `network`: where the machine stands, if that asks for a proxy or another port; `settings`: variables."""
        self.jid = f"{user}@{DOMAIN}"
        self.password = f"pw-{user}"
        self._authority = authority
        self._program = str(program)
        self._namespace = namespace
        self.home = home
        home.mkdir(mode=0o700)
        (home / "run").mkdir(mode=0o700)
        self._environment = {**os.environ, **(settings or {}), "TUBES_HOME": str(home),
                             "XDG_RUNTIME_DIR": str(home / "run"), "HOME": str(home)}
        for name in [name for name in self._environment if name.lower() in ("https_proxy", "all_proxy", "no_proxy")]:
            del self._environment[name]
        if network and network.uses_proxy:
            self._environment["https_proxy"] = "http://{}:{}".format(*PROXY_SERVER)
        self._at_443 = network is not None and network.blocks and XMPP_SERVER not in network.lets_out
        self._log = ["--log", log] if log else []
        self._started: list[subprocess.Popen[str]] = []

    def _command(self, *arguments: str) -> list[str]:
        return [*self._namespace.prefix(), self._program, *self._log, *arguments]

    def run(self, *arguments: str, text: str = "", timeout: float = COMMAND_SECONDS) -> str:
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
        port = ["--server", f"{DOMAIN}:{XMPP_TLS_SERVER[1]}", "--direct-tls"] if self._at_443 else []
        self.run("login", self.jid, "--ca", self._authority, *port, text=self.password + "\n")

    def share(self, port: int, contact: str, ask: bool = False) -> subprocess.Popen[str]:
        """Shares a local port with a contact; with `ask` every use waits for an answer."""
        always = [] if ask else ["--always", "--trust-first"]
        return self.start("share", "share", str(port), "--as", SERVICE, "--to", contact, *always)

    def connect(self, contact: str, port: int, seconds: int = 30) -> subprocess.Popen[str]:
        """Makes a contact's service available on a local port; `seconds` to wait for it."""
        return self.start("connect", "connect", SERVICE, "--from", contact, "--listen", f"127.0.0.1:{port}",
                          "--timeout", str(seconds))

    def wait_until_listening(self, port: int, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Returns when `connect` listens, calling `meanwhile` until then; RuntimeError with its words when it gave up
        or takes too long."""
        connect = self._started[-1]
        give_up = time.monotonic() + OPEN_SECONDS
        while f":{port} " not in self._namespace.run(["ss", "-Hltn"]).stdout:
            if connect.poll() is not None:
                raise RuntimeError(f"tube connect ended with {connect.returncode}: {self.log('connect')[-500:].strip()}")
            if time.monotonic() > give_up:
                raise RuntimeError(f"tube connect did not listen in time: {self.log('connect')[-500:].strip()}")
            meanwhile()
            time.sleep(0.05)

    def status(self) -> list[dict[str, Any]]:
        """`tube status --json`: what each running `tube` of this person does."""
        processes: list[dict[str, Any]] = json.loads(self.run("status", "--json"))
        return processes

    def links(self) -> list[dict[str, Any]]:
        """The links of all their processes."""
        return [link for process in self.status() for link in process.get("links", [])]

    def active_path(self) -> dict[str, Any]:
        """The path that carries data now; empty when there is none."""
        paths = [path for link in self.links() for path in link["paths"] if path["active"]]
        return paths[0] if paths else {}

    def is_online(self) -> bool:
        """Whether one of their running processes is logged in."""
        return any(account["state"] == "online" and account["protocol"] == "xmpp"
                   for process in self.status() for account in process.get("accounts", []))

    def tubes(self) -> list[dict[str, Any]]:
        """The tubes of all their processes."""
        return [tube for process in self.status() for tube in process.get("tubes", [])]

    def pending(self) -> list[dict[str, Any]]:
        """What waits for this person's answer."""
        return [item for process in self.status() for item in process.get("pending", [])]

    def accept_pending(self) -> int:
        """Answers yes to all that waits for this person: "always" asks once for a key it has never seen."""
        waiting = self.pending()
        for item in waiting:
            self.run("accept", item["id"])
        return len(waiting)

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
