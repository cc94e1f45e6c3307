# SPDX-License-Identifier: GPL-3.0-or-later
"""What documents and examples promise: each is run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

from conftest import ROOT

EXAMPLES = ROOT / "bindings" / "python" / "examples"


class Program:
    """A program that stays; its lines can be waited for."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.process = subprocess.Popen([sys.executable, "-u", *arguments], env={**os.environ, "TUBES_HOME": str(home)},
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._watch = threading.Timer(60, self.process.kill)
        self._watch.start()

    def line(self, pattern: str) -> re.Match[str]:
        """The first line that matches; fails where the program ends before."""
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"no {pattern!r} in:\n{said}")

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.cancel()
        self.process.terminate()
        self.process.wait(timeout=20)
        assert self.process.stdout is not None
        self.process.stdout.close()


def code_of(document: str, heading: str) -> str:
    """The first Python block under a heading."""
    text = (ROOT / document).read_text(encoding="utf-8").split(f"\n## {heading}\n", 1)[1]
    block = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert block is not None
    return block.group(1)


def test_the_first_program_of_the_document_is_ten_lines_and_works(home: Path, tmp_path: Path) -> None:
    code = code_of("docs/python.md", "The first program")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    (tmp_path / "first.py").write_text(code)
    done = subprocess.run([sys.executable, str(tmp_path / "first.py")], env={**os.environ, "TUBES_HOME": str(home)},
                          capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "HELLO\n"), done.stderr


def test_a_directory_is_served_over_http(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "plan.txt").write_text("the plan")
    with Program(home, str(EXAMPLES / "share_directory.py"), "serve", str(folder)) as server:
        server.line("Sharing")
        with Program(home, str(EXAMPLES / "share_directory.py"), "open") as client:
            address = client.line(r"(http://127\.0\.0\.1:\d+/)").group(1)
            with urllib.request.urlopen(address + "plan.txt", timeout=30) as answer:
                assert answer.read() == b"the plan"


def test_a_local_server_is_exposed_and_reached(home: Path) -> None:
    with Program(home, "-m", "http.server", "0", "--bind", "127.0.0.1") as web:
        port = web.line(r"port (\d+)").group(1)
        with Program(home, str(EXAMPLES / "expose_server.py"), "expose", "jupyter", port) as exposing:
            exposing.line("Sharing")
            with Program(home, str(EXAMPLES / "expose_server.py"), "connect", "jupyter") as client:
                there = client.line(r"127\.0\.0\.1:(\d+)").group(1)
                with urllib.request.urlopen(f"http://127.0.0.1:{there}/", timeout=30) as answer:
                    assert answer.status == 200


def test_positions_are_shared_over_datagrams(home: Path) -> None:
    example = str(EXAMPLES / "share_position.py")
    with Program(home, example, "host") as hosting:
        hosting.line("Sharing")
        with Program(home, example, "join") as joining:
            for player in (hosting, joining):
                assert int(player.line(r"saw (\d+) of 50").group(1)) > 0


def test_notes_are_called_and_watched_over_dbus(home: Path) -> None:
    example = str(EXAMPLES / "shared_notes.py")
    with Program(home, example, "host") as hosting:
        address = hosting.line(r"bus is (unix:path=\S+)").group(1)
        with Program(home, example, "watch") as watching:
            watching.line("so far: ''")
            with Program(home, example, "add", "buy bread") as adding:
                adding.line("note 1")
            watching.line("added: 'buy bread'")
            with Program(home, example, "add", "") as adding:
                adding.line("org.example.Notes.Error.Empty: 'a note needs a text'")
        done = subprocess.run(["gdbus", "call", "--address", address, "--dest", "org.example.Notes", "--object-path",
                               "/notes", "--method", "org.example.Notes.Text"], capture_output=True, text=True,
                              timeout=60, check=False)
        assert (done.returncode, done.stdout) == (0, "('buy bread',)\n"), done.stderr


def test_package_and_examples_are_clean_under_strict_mypy() -> None:
    folder = ROOT / "bindings" / "python"
    done = subprocess.run(["/usr/bin/mypy", "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", os.devnull, "tubes",
                           *sorted(map(str, EXAMPLES.glob("*.py")))], cwd=folder, capture_output=True, text=True,
                          timeout=300, check=False, env={**os.environ, "MYPYPATH": str(folder)})
    assert done.returncode == 0, done.stdout
