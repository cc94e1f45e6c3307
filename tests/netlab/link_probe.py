#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures a link from its ends: UDP round trips, their losses, TCP throughput.

Usage: link_probe.py serve               echoes UDP and swallows TCP on port 7000, prints {"ok": true}; ends with stdin
       link_probe.py echo ADDRESS COUNT  prints {"sent", "received", "duplicates", "late", "median_ms"}
       link_probe.py pour ADDRESS SECONDS  prints {"mbit": ...}
"""

from __future__ import annotations

import json
import selectors
import socket
import statistics
import sys
import threading
import time

PORT = 7000
_BLOCK = b"\0" * 262144


def swallow(connection: socket.socket) -> None:
    """Reads to the end, then says how many bytes came."""
    with connection:
        total = 0
        while count := len(connection.recv(1 << 20)):
            total += count
        connection.sendall(f"{total}\n".encode())


def serve() -> None:
    """Both services until stdin closes."""
    listener = socket.create_server(("", PORT))
    echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    echo.bind(("", PORT))
    selector = selectors.DefaultSelector()
    for item in (listener, echo, sys.stdin):
        selector.register(item, selectors.EVENT_READ)
    print('{"ok": true}', flush=True)
    while True:
        for key, _events in selector.select():
            if key.fileobj is sys.stdin:
                return
            if key.fileobj is echo:
                data, source = echo.recvfrom(2048)
                echo.sendto(data, source)
            else:
                threading.Thread(target=swallow, args=(listener.accept()[0],), daemon=True).start()


def echo_test(address: str, count: int) -> dict[str, object]:
    """One numbered datagram per millisecond; then 300 ms for stragglers."""
    sent: dict[int, float] = {}
    times: list[float] = []
    seen: set[int] = set()
    duplicates = late = highest = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as local:
        local.connect((address, PORT))
        give_up = 0.0
        while len(sent) < count or time.monotonic() < give_up:
            if len(sent) < count:
                number = len(sent)
                sent[number] = time.monotonic()
                local.send(b"%d" % number)
                give_up = time.monotonic() + 0.3
            local.settimeout(0.001)
            try:
                number = int(local.recv(64))
            except TimeoutError:
                continue
            if number in seen:
                duplicates += 1
                continue
            seen.add(number)
            late += number < highest
            highest = max(highest, number)
            times.append(time.monotonic() - sent[number])
    return {"sent": count, "received": len(seen), "duplicates": duplicates, "late": late,
            "median_ms": round(statistics.median(times) * 1000, 3) if times else None}


def pour(address: str, seconds: float) -> dict[str, object]:
    """One TCP connection at full speed."""
    with socket.create_connection((address, PORT), timeout=10) as connection:
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            connection.sendall(_BLOCK)
        connection.shutdown(socket.SHUT_WR)
        total = int(connection.makefile().readline())
        return {"mbit": round(total * 8 / 1e6 / (time.monotonic() - begun), 1)}


def main() -> int:
    """Runs one of them."""
    if sys.argv[1] == "serve":
        serve()
    elif sys.argv[1] == "echo":
        print(json.dumps(echo_test(sys.argv[2], int(sys.argv[3]))))
    else:
        print(json.dumps(pour(sys.argv[2], float(sys.argv[3]))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
