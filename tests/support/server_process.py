#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server fixtures share: a throw-away directory, free ports, a supervised process, commands on stdin."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence

PR_SET_PDEATHSIG = 1
_DIRECTORY_PREFIX = "tubes-fixture-"
_OWNER_FILE = "owner.pid"
_libc = ctypes.CDLL(None, use_errno=True)

# A command's answer: the fields that are added to {"ok": true, "command": ...}.
Command = Callable[[str], "dict[str, Any]"]


class FixtureError(RuntimeError):
    """The server could not be started or a command failed; the text is for a person."""


def die_with_parent() -> None:
    """Makes the kernel kill this process when its parent thread ends, however that happened."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def process_exists(pid: int) -> bool:
    """Whether a process of that id runs (a zombie counts)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def remove_abandoned_directories() -> None:
    """Deletes directories of fixtures whose process was killed before it could tidy up."""
    for path in Path(tempfile.gettempdir()).glob(_DIRECTORY_PREFIX + "*"):
        try:
            owner = int((path / _OWNER_FILE).read_text())
        except (OSError, ValueError):
            continue
        if not process_exists(owner):
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def fixture_directory(name: str) -> Iterator[Path]:
    """A directory that lives as long as the block; only the owner may read it."""
    remove_abandoned_directories()
    path = Path(tempfile.mkdtemp(prefix=f"{_DIRECTORY_PREFIX}{name}-"))
    try:
        (path / _OWNER_FILE).write_text(str(os.getpid()))
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def address_family(address: str) -> socket.AddressFamily:
    """AF_INET6 for an address with colons, else AF_INET."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def free_ports(address: str, count: int) -> list[int]:
    """`count` distinct ports that were free for TCP and UDP on `address` a moment ago."""
    family = address_family(address)
    with contextlib.ExitStack() as stack:
        ports: list[int] = []
        while len(ports) < count:
            tcp = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            tcp.bind((address, 0))
            port: int = tcp.getsockname()[1]
            udp = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            with contextlib.suppress(OSError):
                udp.bind((address, port))
                ports.append(port)
        return ports


def accepts_connections(address: str, port: int) -> bool:
    """Whether a TCP connection to address:port succeeds just now."""
    with socket.socket(address_family(address), socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


class Server:
    """One server process: started, watched until its port answers, and ended by its process id."""

    def __init__(self, arguments: Sequence[str], log: Path, ready: tuple[str, int], deadline: float = 20) -> None:
        """`ready` is the address and TCP port that answer once it is up; `deadline` is in seconds."""
        self._arguments = list(arguments)
        self._log = log
        self._ready = ready
        self._deadline = deadline
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Starts it and waits until it accepts connections."""
        if self._process is not None:
            raise FixtureError("already running")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                             preexec_fn=die_with_parent)
        give_up = time.monotonic() + self._deadline
        while not accepts_connections(*self._ready):
            if self._process.poll() is not None or time.monotonic() > give_up:
                status = self._process.poll()
                self.kill()
                raise FixtureError(f"{self._arguments[0]} did not start (exit status {status}): {self.last_lines()}")
            time.sleep(0.02)

    def last_lines(self, size: int = 3000) -> str:
        """The end of its log, for an error message."""
        with contextlib.suppress(OSError):
            return self._log.read_bytes()[-size:].decode(errors="replace")
        return ""

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to it; nothing happens when it does not run."""
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """Ends it without a chance to say goodbye (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Ends it politely (SIGTERM), by force after five seconds."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def say(message: dict[str, Any]) -> None:
    """Prints one JSON line to whoever started the fixture."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def standard_commands(server: Server) -> dict[str, Command]:
    """start, stop, kill, restart, pause, resume and pid: what every server understands on stdin."""
    def restart(_argument: str) -> dict[str, Any]:
        server.stop()
        server.start()
        return {}

    def act(action: Callable[[], None]) -> Command:
        def run(_argument: str) -> dict[str, Any]:
            action()
            return {}
        return run

    return {
        "start": act(server.start),
        "stop": act(server.stop),
        "kill": act(server.kill),
        "restart": restart,
        "pause": act(lambda: server.signal(signal.SIGSTOP)),
        "resume": act(lambda: server.signal(signal.SIGCONT)),
        "pid": lambda _argument: {},
    }


def serve_commands(server: Server, commands: dict[str, Command]) -> None:
    """Answers each line of stdin ("name" or "name argument") with a JSON line until stdin closes."""
    for line in sys.stdin:
        name, _, argument = line.strip().partition(" ")
        if not name:
            continue
        try:
            command = commands.get(name)
            if command is None:
                raise FixtureError(f"unknown command; known are {', '.join(sorted(commands))}")
            extra = command(argument)
        except (FixtureError, OSError, ValueError, subprocess.SubprocessError) as error:
            say({"ok": False, "command": name, "error": str(error)})
        else:
            say({"ok": True, "command": name, "pid": server.pid, **extra})


def run_fixture(body: Callable[[], None]) -> int:
    """Runs a fixture's main part: signals end it tidily, a failure is one JSON line and exit status 1."""
    def end(_number: int, _frame: object) -> None:
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    try:
        body()
    except FixtureError as error:
        say({"ok": False, "error": str(error)})
        return 1
    except BrokenPipeError:
        return 1
    return 0
