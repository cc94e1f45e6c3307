# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not hang or crash: interpreter exit, fork, a closed loop, handlers in flight; and the blocking helpers."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import tubes
import tubes.blocking


def run(program: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Runs a program in a fresh interpreter to its end."""
    return subprocess.run([sys.executable, "-X", "dev", "-W", "ignore::ResourceWarning", "-c", textwrap.dedent(program)],
                          env={**os.environ, "TUBES_HOME": str(home)}, capture_output=True, text=True, timeout=60,
                          check=False)


OPENED = """
    import asyncio, os, sys, tubes
    async def opened():
        node = await tubes.Node().open()
        share = await node.share("web")
        other = await tubes.Node().open()
        tube = await other.connect("web")
        return node, share, other, tube
"""


IN_MAIN = """
    async def main():
        global held
        held = await opened()
        {}
    asyncio.run(main())
"""


@pytest.mark.parametrize("ending", [
    "    held = asyncio.run(opened())",  # the loop is closed, everything is open
    IN_MAIN.format("waiting = asyncio.ensure_future(held[2].events().next()); await asyncio.sleep(0); sys.exit(0)"),
    IN_MAIN.format("raise SystemExit(0)"),
    IN_MAIN.format("stream = await held[3].open_raw_stream(); held += (stream, asyncio.ensure_future(stream.read()))"),
])
def test_an_interpreter_that_ends_with_open_nodes_ends_cleanly(ending: str, home: Path) -> None:
    done = run(OPENED + ending, home)
    assert done.returncode == 0, done.stderr
    assert "Fatal" not in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_a_child_process_is_told_and_may_open_its_own_node(home: Path) -> None:
    done = run(OPENED + """
    async def main():
        node, share, other, tube = await opened()
        if (pid := os.fork()) == 0:
            code = 1
            try:
                node.events()
            except tubes.errors.Forked:
                code = 0
            os._exit(code)
        assert os.waitpid(pid, 0)[1] == 0, "the child used its parent's node"
        reader, writer = await tube.open_stream()      # the parent's goes on
        writer.write(b"x")
        await share.accept()
        for each in (node, other):
            await each.close()
    def child():
        if (pid := os.fork()) == 0:
            async def fresh():
                async with tubes.Node() as node:
                    assert (await node.status()).accounts
            asyncio.run(fresh())
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    asyncio.run(main())
    child()
    print("good")
    """, home)
    assert done.returncode == 0 and "good" in done.stdout, done.stderr


def test_scripts_without_a_loop(home: Path) -> None:
    with tubes.blocking.Node() as node, tubes.blocking.Node() as other:
        assert [account.name for account in node.status().accounts] == ["local"]
        with node.share("echo") as share, other.connect("echo") as tube:
            stream = tube.open_stream()
            stream.write(b"line\n")
            file = share.accept(30).makefile()
            assert file.readline() == b"line\n"
            file.write(b"answer\n")
            file.flush()
            assert stream.makefile().readline() == b"answer\n"
            with tube.listen() as listener:
                assert listener.endpoint.port > 0
            with pytest.raises(tubes.errors.TimedOut):
                share.accept(0.05)
        with pytest.raises(tubes.errors.NotAvailable):
            other.connect("echo")


def test_the_module_examines_itself(home: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "tubes"], env={**os.environ, "TUBES_HOME": str(home)},
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "a tube on this machine: works" in done.stdout and "libtubes-engine" in done.stdout
