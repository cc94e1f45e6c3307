#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exposes a server of this machine (Jupyter, PostgreSQL, anything on a port) to a contact, and connects to it. A script
without an event loop.

    expose_server.py expose jupyter 8888 [--to bob@example.org]
    expose_server.py connect jupyter [--from alice@example.org] [--port 8888]

Nobody but the contact can reach it; who asks for the first time is shown here and answered with y or n."""

from __future__ import annotations

import argparse
import sys

import tubes
import tubes.blocking
from tubes import types


def expose(node: tubes.blocking.Node, service: str, target: str, contact: str) -> None:
    """Shares until interrupted, asking about each new request."""
    with node.share(service, target, audience=[contact] if contact else []):
        print(f"Sharing {target} as {service!r} with {contact or 'your programs on this machine'}")
        for event in node.events():
            if isinstance(event, types.RequestPending) and not event.request.is_offer:
                answer = input(f"{event.request.contact!a} asks for {event.request.service!a}. Let in? [y/n] ")
                node.run(node.inner.answer(event.request.id, answer.strip().lower() == "y"))


def connect(node: tubes.blocking.Node, service: str, contact: str, port: int) -> None:
    """Makes the server reachable until the tube ends."""
    with node.connect(service, contact) as tube, tube.listen(port) as listener:
        print(f"{service} is at 127.0.0.1:{listener.endpoint.port}")
        listener.wait()


def main() -> int:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    exposing = commands.add_parser("expose")
    exposing.add_argument("service")
    exposing.add_argument("target", help="a port of this machine, host:port or unix:/path")
    exposing.add_argument("--to", default="", metavar="CONTACT")
    connecting = commands.add_parser("connect")
    connecting.add_argument("service")
    connecting.add_argument("--from", default="", dest="sender", metavar="CONTACT")
    connecting.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    try:
        with tubes.blocking.Node() as node:
            if arguments.command == "expose":
                expose(node, arguments.service, arguments.target, arguments.to)
            else:
                connect(node, arguments.service, arguments.sender, arguments.port)
    except tubes.Error as error:
        print(f"{error}; {error.advice}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
