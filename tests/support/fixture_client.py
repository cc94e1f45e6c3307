#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python's side of the server fixtures: starts a fixture script, reads its JSON, sends it commands, ends it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Sequence

SUPPORT = Path(__file__).resolve().parent


class FixtureFailed(RuntimeError):
    """The fixture script reported an error or ended."""


class Fixture:
    """A running fixture script; a context manager."""

    def __init__(self, script: str, *arguments: str, prefix: Sequence[str] = ()) -> None:
        """Starts `script` of this folder; `prefix` goes before it (such as a command that enters a namespace)."""
        self._process = subprocess.Popen([*prefix, str(SUPPORT / script), *arguments], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True, bufsize=1)
        self.script = script
        try:
            self.description = self._answer()
        except BaseException:
            self.close()
            raise

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise FixtureFailed(f"{self.script} ended without an answer")
        answer: dict[str, Any] = json.loads(line)
        if not answer.get("ok"):
            raise FixtureFailed(f"{self.script}: {answer.get('error')}")
        return answer

    def command(self, line: str) -> dict[str, Any]:
        """Sends one command and returns its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """Ends the script, which ends the server and deletes its directory."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Fixture:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()
