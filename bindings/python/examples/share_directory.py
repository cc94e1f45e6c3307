#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares a directory over HTTP with a contact, and opens it at the other end.

    share_directory.py serve DIRECTORY [--to bob@example.org]
    share_directory.py open [--from alice@example.org]

Without a contact both ends are this user's own programs on this machine. The web server runs inside this program:
the tube's connections are handed to it as sockets of its own, nothing listens on a port here."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import http.server
import socket
import sys

import tubes


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the directory, quietly."""

    def log_message(self, format: str, *args: object) -> None:
        pass


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copies one direction to its end."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


async def handle(directory: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection: http.server works on one end of a socket pair, the tube on the other."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with theirs, contextlib.suppress(OSError):
            Handler(theirs, ("tube", 0), None, directory=directory)  # type: ignore[arg-type]

    local_reader, local_writer = await asyncio.open_connection(sock=ours)
    await asyncio.gather(asyncio.to_thread(serve), pump(reader, local_writer), pump(local_reader, writer))
    local_writer.close()


async def serve(directory: str, contact: str) -> None:
    """Shares until interrupted."""
    async with tubes.Node() as node:
        audience = [contact] if contact else []
        async with await node.share("directory", audience=audience, policy=tubes.Policy.ALWAYS) as share:
            print(f"Sharing {directory} as 'directory' with {contact or 'your programs on this machine'}")
            await share.serve(functools.partial(handle, directory))


async def open_it(contact: str) -> None:
    """Makes the directory reachable until the tube ends."""
    async with tubes.Node() as node, await node.connect("directory", contact) as tube:
        async with await tube.listen() as listener:
            print(f"Open http://127.0.0.1:{listener.endpoint.port}/ in a browser")
            await listener.wait()


def main() -> int:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve")
    serving.add_argument("directory")
    serving.add_argument("--to", default="", metavar="CONTACT")
    opening = commands.add_parser("open")
    opening.add_argument("--from", default="", dest="sender", metavar="CONTACT")
    arguments = parser.parse_args()
    try:
        if arguments.command == "serve":
            asyncio.run(serve(arguments.directory, arguments.to))
        else:
            asyncio.run(open_it(arguments.sender))
    except tubes.Error as error:
        print(f"{error}; {error.advice}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
