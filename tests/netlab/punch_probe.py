#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""One of two parties that try to reach each other by UDP hole punching and by plain TCP, without our product.

It proves that the laboratory's networks permit what the table of expected paths says. Usage:
punch_probe.py ROLE '{"stun": [[ADDRESS, PORT], ...], "hosts": [ADDRESS, ...]}'. Prints its candidates as one JSON
line, reads the other party's line from stdin, prints {"udp": ..., "tcp": ...} when it knows, and goes on answering
until stdin closes.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import threading
import time
from typing import Any

from stun_probe import ask

PATIENCE = 2.0  # seconds; packets need well under a millisecond
INTERVAL = 0.05


def family_of(address: str) -> socket.AddressFamily:
    """The socket family of a literal address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Party:
    """Sockets, candidates and what was reached so far."""

    def __init__(self, role: str, stun: list[list[Any]], hosts: list[str]) -> None:
        self.role = role
        self.reached = {"udp": False, "tcp": False}
        self.udp: dict[socket.AddressFamily, socket.socket] = {}
        self.candidates: dict[str, list[list[Any]]] = {"udp": [], "tcp": []}
        self.targets: set[tuple[str, int]] = set()
        self._listeners: list[socket.socket] = []
        for host in hosts:
            self._open(host)
        for address, port in stun:
            local = self.udp.get(family_of(address))
            mapped = ask(local, (address, port)) if local else None
            if mapped and list(mapped) not in self.candidates["udp"]:
                self.candidates["udp"].append(list(mapped))

    def _open(self, host: str) -> None:
        local = socket.socket(family_of(host), socket.SOCK_DGRAM)
        local.bind((host, 0))
        self.udp[local.family] = local
        self.candidates["udp"].append([host, local.getsockname()[1]])
        listener = socket.create_server((host, 0), family=family_of(host))
        self.candidates["tcp"].append([host, listener.getsockname()[1]])
        self._listeners.append(listener)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            self._greet(listener.accept()[0])

    def _greet(self, connection: socket.socket) -> None:
        """Exchanges roles: with two networks of one private range a party can meet itself."""
        with connection:
            connection.settimeout(PATIENCE)
            try:
                connection.sendall(self.role.encode())
                met = connection.recv(16).decode()
            except OSError:
                return
        if met and met != self.role:
            self.reached["tcp"] = True

    def connect(self, address: str, port: int) -> None:
        """Tries one TCP candidate of the other party."""
        try:
            connection = socket.create_connection((address, port), timeout=PATIENCE)
        except OSError:
            return
        self._greet(connection)

    def send_pings(self) -> None:
        """One packet to every place the other party may be."""
        for target in list(self.targets):
            self._send(f"PING {self.role}", target)

    def _send(self, text: str, target: tuple[str, int]) -> None:
        local = self.udp.get(family_of(target[0]))
        try:
            if local:
                local.sendto(text.encode(), target)
        except OSError:
            pass  # no route there

    def receive(self, local: socket.socket) -> None:
        """Answers a ping from wherever it came, which is also worth pinging; notes an answer to ours."""
        try:
            data, source = local.recvfrom(2048)
        except OSError:
            return
        word, _, role = data.decode(errors="replace").partition(" ")
        place = (source[0], source[1])
        if word == "PING" and role != self.role:
            self.targets.add(place)
            self._send(f"PONG {role}", place)
        elif word == "PONG" and role == self.role:
            self.reached["udp"] = True


def main() -> int:
    """Runs one party."""
    setup = json.loads(sys.argv[2])
    party = Party(sys.argv[1], setup["stun"], setup["hosts"])
    print(json.dumps(party.candidates), flush=True)
    other = json.loads(sys.stdin.readline())
    party.targets = {(address, port) for address, port in other["udp"]}
    for address, port in other["tcp"]:
        threading.Thread(target=party.connect, args=(address, port), daemon=True).start()
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    for local in party.udp.values():
        selector.register(local, selectors.EVENT_READ)
    give_up = time.monotonic() + PATIENCE
    told = False
    while True:
        party.send_pings()
        for key, _events in selector.select(INTERVAL):
            if key.fileobj is sys.stdin:
                return 0
            assert isinstance(key.fileobj, socket.socket)
            party.receive(key.fileobj)
        if not told and (all(party.reached.values()) or time.monotonic() > give_up):
            told = True
            print(json.dumps(party.reached), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
