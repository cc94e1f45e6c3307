#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A STUN server with two addresses and two ports per family, for behaviour discovery. Spec: RFC 5780 §6.

Usage: stun_server.py PORT ALTERNATE_PORT ADDRESS ALTERNATE_ADDRESS [ADDRESS ALTERNATE_ADDRESS]
Prints {"ok": true} when it answers; ends when stdin closes.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import sys

from stun import CHANGE_ADDRESS, CHANGE_PORT, REQUEST, binding_response, parse

Grid = "dict[tuple[int, int], socket.socket]"


def open_grid(addresses: list[str], ports: list[int]) -> dict[tuple[int, int], socket.socket]:
    """One socket per (address index, port index)."""
    grid = {}
    for i, address in enumerate(addresses):
        for j, port in enumerate(ports):
            server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
            server.bind((address, port))
            server.setblocking(False)
            grid[i, j] = server
    return grid


def answer(grid: dict[tuple[int, int], socket.socket], place: tuple[int, int]) -> None:
    """Reads one request and answers it from the socket that the request asks for."""
    data, source = grid[place].recvfrom(2048)
    message = parse(data)
    if message is None or message.kind != REQUEST:
        return
    i = place[0] ^ (1 if message.change & CHANGE_ADDRESS else 0)
    j = place[1] ^ (1 if message.change & CHANGE_PORT else 0)
    with contextlib.suppress(OSError):
        grid[i, j].sendto(binding_response(message.transaction, source[0], source[1]), source)


def main() -> int:
    """Answers until stdin closes."""
    ports = [int(port) for port in sys.argv[1:3]]
    addresses = sys.argv[3:]
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ, None)
    for pair in zip(addresses[::2], addresses[1::2]):
        grid = open_grid(list(pair), ports)
        for place, server in grid.items():
            selector.register(server, selectors.EVENT_READ, (grid, place))
    print('{"ok": true}', flush=True)
    while True:
        for key, _events in selector.select():
            if key.data is None:
                if not sys.stdin.buffer.read1(4096):  # type: ignore[attr-defined]
                    return 0
                continue
            with contextlib.suppress(OSError):
                answer(*key.data)


if __name__ == "__main__":
    raise SystemExit(main())
