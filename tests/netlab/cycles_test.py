#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens a tube and kills its user, again and again: the sharing process must hold no more at the end than before.

Over the local protocol, so that a cycle takes milliseconds; needs neither root nor servers. $CYCLES sets how often
(default 200).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

from process_watch import usage, wait_until_settled
from tube_driver import find_program

CYCLES = int(os.environ.get("CYCLES", "200"))
WARM_UP = 20  # cycles after which buffers and caches have their size
AT_A_TIME = 1
MEMORY_KB = 4096
ROOT = Path(__file__).resolve().parents[2]


class EchoServer:
    """The shared program: sends back what it gets."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            threading.Thread(target=self._echo, args=(self._listener.accept()[0],), daemon=True).start()

    @staticmethod
    def _echo(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(65536):
                connection.sendall(data)


class Cycles(unittest.TestCase):
    """`tube share` under users that vanish."""

    def setUp(self) -> None:
        self._program = str(find_program(None, ROOT))
        home = tempfile.TemporaryDirectory(prefix="tubes-cycles-")
        self.addCleanup(home.cleanup)
        self._home = Path(home.name)
        self._environment = {**os.environ, "TUBES_HOME": home.name, "XDG_RUNTIME_DIR": home.name, "HOME": home.name}

    def _start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen([self._program, *arguments], env=self._environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def _one_cycle(self) -> str:
        """Opens a tube, talks through it, kills its user; returns what went wrong."""
        user = self._start("--json", "connect", "echo", "--listen", "127.0.0.1:0")
        assert user.stdout is not None and user.stderr is not None
        with user:
            try:
                line = ""
                while "listening" not in line:
                    text = user.stdout.readline()
                    if not text:
                        return f"tube connect ended: {user.stderr.read()[-300:]}"
                    line += text
                port = int(line.split('"listening":')[1].split('"')[1].rpartition(":")[2])
                with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                    connection.sendall(b"ping")
                    if connection.recv(4) != b"ping":
                        return "the echo did not come back"
                    user.send_signal(signal.SIGKILL)
                    user.wait()
            except (OSError, ValueError, IndexError) as error:
                return f"{type(error).__name__}: {error}"
            finally:
                user.kill()
        return ""

    def _run_cycles(self, count: int) -> None:
        errors: list[str] = []

        def work(share: int) -> None:
            for _ in range(share):
                if problem := self._one_cycle():
                    errors.append(problem)
                    return

        threads = [threading.Thread(target=work, args=(count // AT_A_TIME,)) for _ in range(AT_A_TIME)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])

    def test_holds_nothing_after_many_users_were_killed(self) -> None:
        echo = EchoServer()
        with (self._home / "share.log").open("w") as log:  # a pipe that nobody reads would stop it in the end
            share = subprocess.Popen([self._program, "share", str(echo.port), "--as", "echo"], env=self._environment,
                                     stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(share.wait)
        self.addCleanup(share.terminate)
        begun = time.monotonic()
        while self._one_cycle():
            self.assertLess(time.monotonic() - begun, 20, "the share did not come up")
        self._run_cycles(WARM_UP)
        before = usage(share.pid)
        self._run_cycles(CYCLES)
        more = wait_until_settled(share.pid, before, 30, MEMORY_KB)
        print(json.dumps({"cycles": CYCLES, "before": vars(before), "after": vars(usage(share.pid)),
                          "seconds": round(time.monotonic() - begun, 1)}), file=sys.stderr)
        self.assertEqual(more, "")
        self.assertIsNone(share.poll())


if __name__ == "__main__":
    unittest.main()
