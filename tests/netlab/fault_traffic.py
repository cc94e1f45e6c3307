#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application at one end of a tube while faults happen: moves numbered or hashed data both ways until it is told to stop.

Usage: fault_traffic.py stream|datagram serve|connect PORT RATE     RATE: bytes or datagrams a second that it sends
Commands on stdin: "progress" prints {"received": N} (bytes or datagrams); "stop" ends the sending and, once the other side
has ended too, prints what was sent and received, and how long it never got anything ("silence", seconds).
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import socket
import struct
import sys
import threading
import time

_PATIENCE = 90.0  # seconds that a stream may stand still
_DRAIN = 1.5  # seconds without a datagram after which no more are expected
_LARGE_EVERY, _LARGE = 16, 4000  # some datagrams need several packets
_HEAD = struct.Struct("!QI16s")
_INTERVAL = 0.02  # seconds between bursts


def say(message: dict[str, object]) -> None:
    """One line in one write: two threads talk."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


class Traffic:
    """What both kinds share: the pace, the counters, the commands."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.stopped = threading.Event()
        self.received = 0
        self.silence = 0.0
        self._last = 0.0
        self.random = random.Random(os.urandom(16))

    def got(self, count: int) -> None:
        """Notes something received."""
        now = time.monotonic()
        if self._last and not self.stopped.is_set():
            self.silence = max(self.silence, now - self._last)
        self._last = now
        self.received += count

    def bursts(self) -> "object":
        """Yields how much is due, again and again, until stopped."""
        begun, sent = time.monotonic(), 0
        while not self.stopped.wait(_INTERVAL):
            due = int((time.monotonic() - begun) * self.rate) - sent
            if due > 10 * self.rate * _INTERVAL:  # it stood still: no flood afterwards
                begun, sent, due = time.monotonic(), 0, int(self.rate * _INTERVAL)
            sent += due
            yield due

    def run(self) -> dict[str, object]:
        """Moves data until stopped; returns the result."""
        raise NotImplementedError


class StreamTraffic(Traffic):
    """Random bytes both ways on one connection."""

    def __init__(self, connection: socket.socket, rate: float) -> None:
        super().__init__(rate)
        self._connection = connection
        connection.settimeout(_PATIENCE)
        self._sent = hashlib.sha256()
        self._count = 0
        self._problem = ""

    def _send(self) -> None:
        try:
            for due in self.bursts():  # type: ignore[attr-defined]
                block = self.random.randbytes(due)
                self._connection.sendall(block)
                self._sent.update(block)
                self._count += due
            self._connection.shutdown(socket.SHUT_WR)
        except OSError as error:
            self._problem = f"sending failed after {self._count} bytes: {error}"

    def run(self) -> dict[str, object]:
        sender = threading.Thread(target=self._send, daemon=True)
        sender.start()
        hasher, problem = hashlib.sha256(), ""
        try:
            while block := self._connection.recv(1 << 18):
                hasher.update(block)
                self.got(len(block))
            sender.join(0.5 if not self.stopped.is_set() else 0)
            # The kernel tells a reset once only: to whichever of the two threads asks first.
            if not self.stopped.is_set() and not self._problem:
                problem = f"the stream ended cleanly after {self.received} bytes, though nobody had ended it"
        except OSError as error:
            problem = f"receiving failed after {self.received} bytes: {error}"
        if problem:
            self._connection.close()
        sender.join(_PATIENCE)
        return {"sent": self._count, "sent_hash": self._sent.hexdigest(), "received": self.received,
                "received_hash": hasher.hexdigest(), "error": problem or self._problem, "silence": round(self.silence, 2)}


class DatagramTraffic(Traffic):
    """Numbered datagrams both ways; each carries its length and a digest of its content."""

    def __init__(self, local: socket.socket, rate: float, knows_peer: bool) -> None:
        super().__init__(rate)
        self._socket = local
        self._knows_peer = threading.Event()
        if knows_peer:
            self._knows_peer.set()
        self._sent = 0
        self._refused = 0
        self._seen: set[int] = set()
        self._bad = self._duplicates = self._late = self._highest = 0

    def _send(self) -> None:
        for due in self.bursts():  # type: ignore[attr-defined]
            if not self._knows_peer.is_set():
                continue
            for _ in range(due):
                size = _LARGE if self._sent % _LARGE_EVERY == _LARGE_EVERY - 1 else self.random.randint(0, 1000)
                content = self.random.randbytes(size)
                digest = hashlib.sha256(content).digest()[:16]
                self._sent += 1
                try:
                    self._socket.send(_HEAD.pack(self._sent, size, digest) + content)
                except OSError:
                    self._refused += 1

    def _take(self, data: bytes) -> None:
        if len(data) < _HEAD.size:
            self._bad += 1
            return
        number, size, digest = _HEAD.unpack_from(data)
        content = data[_HEAD.size:]
        if len(content) != size or hashlib.sha256(content).digest()[:16] != digest:
            self._bad += 1
        elif number in self._seen:
            self._duplicates += 1
        else:
            self._seen.add(number)
            self._late += number < self._highest
            self._highest = max(self._highest, number)
            self.got(1)

    def run(self) -> dict[str, object]:
        threading.Thread(target=self._send, daemon=True).start()
        self._socket.settimeout(0.2)
        last = time.monotonic()
        while not self.stopped.is_set() or time.monotonic() - last < _DRAIN:
            try:
                data, source = self._socket.recvfrom(65536)
            except TimeoutError:
                continue
            except OSError:
                self._refused += 1
                self.stopped.wait(0.05)
                continue
            if not self._knows_peer.is_set():
                self._socket.connect(source)
                self._knows_peer.set()
            last = time.monotonic()
            self._take(data)
        return {"rate": self.rate, "sent": self._sent, "received": self.received, "bad": self._bad, "duplicates": self._duplicates,
                "late": self._late, "refused": self._refused, "silence": round(self.silence, 2)}


def obey(traffic: Traffic) -> None:
    """Answers the commands on stdin."""
    for line in sys.stdin:
        if line.strip() == "progress":
            say({"received": traffic.received})
        elif line.strip() == "stop":
            say({"stopping": True})
            traffic.stopped.set()
            return
    os._exit(1)  # whoever started it is gone


def open_traffic(kind: str, role: str, port: int, rate: float) -> Traffic:
    """Connects or listens; says {"ok": true} when others may connect."""
    if kind == "datagram":
        local = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        local.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        if role == "serve":
            local.bind(("127.0.0.1", port))
        else:
            local.connect(("127.0.0.1", port))
        print('{"ok": true}', flush=True)
        return DatagramTraffic(local, rate, knows_peer=role != "serve")
    if role == "connect":
        print('{"ok": true}', flush=True)
        return StreamTraffic(socket.create_connection(("127.0.0.1", port), timeout=30), rate)
    with socket.create_server(("127.0.0.1", port)) as listener:
        print('{"ok": true}', flush=True)
        return StreamTraffic(listener.accept()[0], rate)


def main() -> int:
    """Runs one end."""
    kind, role, port, rate = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    traffic = open_traffic(kind, role, port, rate)
    threading.Thread(target=obey, args=(traffic,), daemon=True).start()
    result = traffic.run()
    say({"result": result})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
