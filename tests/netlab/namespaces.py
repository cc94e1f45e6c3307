#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces of one laboratory run: made with unique names, always removed, also after a killed run."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, Sequence

_PREFIX = "tubeslab"
_NAME = re.compile(rf"^{_PREFIX}-(\d+)-[a-z0-9-]+$")
_ETC = Path("/etc/netns")
_MOUNTS = Path("/run/netns")


class LabError(RuntimeError):
    """The laboratory itself could not be built; says nothing about the program under test."""


def run_tool(arguments: Sequence[str], text: str | None = None) -> str:
    """Runs a system tool, returns its output, raises LabError with the tool's words when it fails."""
    done = subprocess.run(arguments, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"{' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def processes_in(name: str) -> list[int]:
    """Process ids inside a namespace of ours."""
    found = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False).stdout
    return [int(line) for line in found.split()]


def delete_namespace(name: str) -> None:
    """Ends what still runs inside, then deletes the namespace and its files; silent when it is not there."""
    if not _NAME.match(name):
        raise LabError(f"{name} is no namespace of the laboratory")
    for pid in processes_in(name):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    shutil.rmtree(_ETC / name, ignore_errors=True)


def remove_abandoned_namespaces() -> None:
    """Deletes namespaces of runs whose process is gone (killed, or the machine's user lost patience)."""
    names = {path.name for folder in (_MOUNTS, _ETC) if folder.is_dir() for path in folder.iterdir()}
    for name in sorted(names):
        match = _NAME.match(name)
        if match and not Path(f"/proc/{match[1]}").exists():
            delete_namespace(name)


class Namespace:
    """One network namespace; processes in it see their own /etc/hosts and no resolver."""

    def __init__(self, label: str) -> None:
        """Makes an empty namespace with its loopback up; `label` is unique within the run ([a-z0-9-])."""
        self.name = f"{_PREFIX}-{os.getpid()}-{label}"
        if not _NAME.match(self.name):
            raise LabError(f"bad namespace label {label!r}")
        run_tool(["ip", "netns", "add", self.name])
        self.ip("link set lo up")

    def ip(self, *commands: str) -> None:
        """Runs ip(8) commands inside, in one batch."""
        run_tool(["ip", "-n", self.name, "-batch", "-"], "\n".join(commands) + "\n")

    def nft(self, rules: str) -> None:
        """Loads nftables rules inside."""
        run_tool([*self.prefix(), "nft", "-f", "-"], rules)

    def set(self, **settings: str | int) -> None:
        """Sets kernel parameters inside; __ stands for the dot (net__ipv4__ip_forward=1)."""
        pairs = [f"{name.replace('__', '.')}={value}" for name, value in settings.items()]
        run_tool([*self.prefix(), "sysctl", "-q", "-w", *pairs])

    def hosts(self, text: str) -> None:
        """What programs inside see as /etc/hosts; name servers are none."""
        folder = _ETC / self.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n" + text)
        (folder / "resolv.conf").write_text("# The laboratory has no name servers.\n")

    def prefix(self) -> list[str]:
        """The command words that run a program inside; the program keeps the process id and dies with its parent."""
        return ["ip", "netns", "exec", self.name, "setpriv", "--pdeathsig", "KILL"]

    def popen(self, arguments: Sequence[str], **options: Any) -> subprocess.Popen[str]:
        """Starts a program inside, text mode."""
        return subprocess.Popen([*self.prefix(), *arguments], text=True, **options)

    def run(self, arguments: Sequence[str], timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Runs a program inside to its end; `timeout` in seconds."""
        return subprocess.run([*self.prefix(), *arguments], capture_output=True, text=True, timeout=timeout,
                              check=False)

    def delete(self) -> None:
        """Removes it with everything that runs inside."""
        delete_namespace(self.name)


class NamespaceSet:
    """Namespaces that go away together; a context manager."""

    def __init__(self) -> None:
        self._made: list[Namespace] = []

    def make(self, label: str) -> Namespace:
        """Makes a namespace that this set deletes."""
        namespace = Namespace(label)
        self._made.append(namespace)
        return namespace

    def close(self) -> None:
        """Deletes all, newest first."""
        while self._made:
            self._made.pop().delete()

    def __enter__(self) -> NamespaceSet:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def run_orderly(command: Callable[[], int]) -> int:
    """The exit code of a program of the laboratory. An interrupt ends it in order: the namespaces must go."""
    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        return command()
    except LabError as error:
        print(f"netlab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("netlab: interrupted", file=sys.stderr)
        return 130
