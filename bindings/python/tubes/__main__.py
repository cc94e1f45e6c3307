# SPDX-License-Identifier: GPL-3.0-or-later
"""`python3 -m tubes`: what is installed, which accounts there are, and whether a tube works on this machine."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

import tubes
from tubes import _native


def libraries() -> list[str]:
    """The shared libraries of ours that this process has loaded."""
    maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    return sorted({line.split(maxsplit=5)[5] for line in maps if "/libtubes-" in line})


def printable(text: str) -> str:
    """Text of other people, safe for a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


async def echo(node: tubes.Node) -> float:
    """Seconds that a word needs through a tube from this program to itself and back."""
    async with await node.share("python-self-test") as share:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readexactly(5))

        serving = asyncio.create_task(share.serve(answer))
        async with tubes.Node(use_configured_accounts=False) as other:
            async with await other.connect("python-self-test", deadline=10) as tube:
                begun = time.perf_counter()
                reader, writer = await tube.open_stream()
                writer.write(b"hello")
                if await reader.readexactly(5) != b"hello":
                    raise RuntimeError("the tube gave back something else")
                spent = time.perf_counter() - begun
                writer.close()
                await share.close()
                await serving
                return spent


async def diagnose(arguments: argparse.Namespace) -> int:
    """Prints the report; the exit code."""
    async with tubes.Node() as node:
        print("accounts:")
        for account in await node.wait_accounts(10):
            print(f"  {printable(account.name)}: {account.state} {printable(account.detail)}".rstrip())
        try:
            print(f"a tube on this machine: works ({await echo(node) * 1000:.1f} ms)")
        except tubes.Error as error:
            print(f"a tube on this machine: {error}; {error.advice}")
            return 1
        if arguments.network:
            print("network:")
            for finding in await node.diagnose():
                advice = f" -> {finding.advice}" if finding.advice else ""
                print(f"  [{finding.severity}] {printable(finding.topic)}: {printable(finding.text + advice)}")
    return 0


def main() -> int:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python3 -m tubes", description=__doc__)
    parser.add_argument("--network", action="store_true", help="also examine the network, as `tube doctor` does")
    arguments = parser.parse_args()
    print(f"tubes {tubes.__version__} (GPL-3.0-or-later), Python {sys.version.split()[0]}")
    print(f"module: {_native.__file__}")
    for library in libraries():
        print(f"library: {library}")
    try:
        return asyncio.run(diagnose(arguments))
    except tubes.Error as error:
        print(f"tubes: {error}; {error.advice}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
