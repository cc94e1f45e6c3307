#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs `tube` as people do: one home per person, output watched, every process ended by its id."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Callable, Sequence

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from fixture_client import Fixture  # noqa: E402  (the path is set above)

DOMAIN = "tube.test"
DEADLINE = 30.0  # seconds for anything that should happen


def tube_program() -> str:
    """The `tube` under test: $TUBE, as ctest sets it, else the newest build."""
    named = os.environ.get("TUBE")
    if named:
        return named
    builds = sorted(ROOT.glob("build/*/bin/tube"), key=lambda path: path.stat().st_mtime)
    if not builds:
        raise RuntimeError("no tube program: build it first")
    return str(builds[-1])


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], Any], what: str, deadline: float = DEADLINE) -> Any:
    """The first true value of `condition`; AssertionError with `what` when it takes too long."""
    give_up = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > give_up:
            raise AssertionError(f"{what}: not within {deadline:.0f} s")
        time.sleep(0.02)


def is_listening(port: int) -> bool:
    """True if something accepts connections at this port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Running:
    """A process that stays, with everything it has said."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], **options: Any) -> None:
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, errors="replace", **options)
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)

    @property
    def output(self) -> str:
        """All output so far."""
        return "".join(self._lines)

    def wait_for(self, pattern: str, deadline: float = DEADLINE) -> re.Match[str]:
        """The first match of `pattern` in the output; fails at once if the process ends without it."""
        give_up = time.monotonic() + deadline
        while True:
            match = re.search(pattern, self.output)
            if match:
                return match
            if self.process.poll() is not None:
                self._reader.join(timeout=2)
                match = re.search(pattern, self.output)
                if match:
                    return match
                raise AssertionError(f"ended with {self.process.returncode} before {pattern!r}:\n{self.output}")
            if time.monotonic() > give_up:
                raise AssertionError(f"no {pattern!r} within {deadline:.0f} s:\n{self.output}")
            time.sleep(0.02)

    def wait_end(self, deadline: float = DEADLINE) -> int:
        """The exit code."""
        code = self.process.wait(timeout=deadline)
        self._reader.join(timeout=2)
        return code

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.wait_end(10)

    def close(self) -> None:
        """Ends it whatever it does."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(timeout=2)
        if self.process.stdout is not None:
            self.process.stdout.close()


class Person:
    """Somebody who uses `tube` on this machine."""

    def __init__(self, name: str, home: Path) -> None:
        self.name = name
        self.home = home
        home.mkdir(mode=0o700, exist_ok=True)
        self.environment = {**os.environ, "TUBES_HOME": str(home), "HOME": str(home), "LC_ALL": "C.UTF-8"}
        self.environment.pop("TUBES_LOG", None)
        self._running: list[Running] = []

    @property
    def address(self) -> str:
        """Their XMPP address."""
        return f"{self.name}@{DOMAIN}"

    def run(self, *arguments: str, text: str = "", deadline: float = DEADLINE) -> subprocess.CompletedProcess[str]:
        """Runs `tube` to its end."""
        return subprocess.run([tube_program(), *arguments], env=self.environment, input=text, capture_output=True,
                              text=True, errors="replace", timeout=deadline, check=False)

    def start(self, *arguments: str) -> Running:
        """Starts `tube`; close() ends it."""
        return self.start_program([tube_program(), *arguments])

    def start_program(self, command: Sequence[str], **options: Any) -> Running:
        """Starts any program in this person's environment; close() ends it."""
        running = Running(command, self.environment, **options)
        self._running.append(running)
        return running

    def login(self, server: dict[str, Any]) -> None:
        """Logs in to the Prosody that a fixture described."""
        done = self.run("login", self.address, "--server", f"127.0.0.1:{server['ports']['c2s']}", "--ca", server["ca"],
                        text=f"pw-{self.name}\n")
        if done.returncode != 0:
            raise AssertionError(f"login ended with {done.returncode}: {done.stderr}")

    def close(self) -> None:
        """Ends everything this person started, newest first."""
        for running in reversed(self._running):
            running.close()
        self._running.clear()


class World:
    """Two people, either on one machine without accounts or at a private Prosody. A context manager."""

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self.directory = Path(tempfile.mkdtemp(prefix="tubes-world-"))
        self.server: Fixture | None = None
        if protocol == "local":
            # One user: both people are the same, in two terminals.
            self.alice = Person("alice", self.directory / "home")
            self.bob = Person("bob", self.directory / "home")
            return
        self.alice = Person("alice", self.directory / "alice")
        self.bob = Person("bob", self.directory / "bob")
        try:
            self.server = Fixture("prosody.py", "--account", "alice:pw-alice", "--account", "bob:pw-bob")
            self.alice.login(self.server.description)
            self.bob.login(self.server.description)
        except BaseException:
            self.close()
            raise

    def use_only(self, transport: str) -> None:
        """Has both people use one kind of path, over this machine's loopback."""
        for person in (self.alice, self.bob):
            person.environment.update(TUBES_NETWORK_TRANSPORTS=transport, TUBES_NETWORK_LOOPBACK="true")

    def share_options(self) -> list[str]:
        """What Alice adds to `tube share` so that Bob may use it."""
        return [] if self.protocol == "local" else ["--to", self.bob.address, "--always", "--trust-first"]

    def connect_options(self) -> list[str]:
        """What Bob adds to `tube connect`."""
        return [] if self.protocol == "local" else ["--from", self.alice.address]

    def share(self, *arguments: str) -> Running:
        """Alice shares; returns once she does."""
        sharing = self.alice.start("share", *arguments, *self.share_options())
        sharing.wait_for(r"Sharing .* as ")
        return sharing

    def connect(self, service: str, *arguments: str) -> Running:
        """Bob connects; returns once programs can use it."""
        connecting = self.bob.start("connect", service, *self.connect_options(), *arguments)
        connecting.wait_for(r" is at ")
        return connecting

    def close(self) -> None:
        """Ends everybody and the server."""
        self.bob.close()
        self.alice.close()
        if self.server is not None:
            self.server.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
