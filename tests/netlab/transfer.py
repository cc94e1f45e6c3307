#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application at both ends of a cell: sends random bytes both ways at once and says what it sent and received.

Usage: transfer.py serve PORT BYTES   listens on 127.0.0.1, prints {"ok": true}, then serves one connection
       transfer.py connect PORT BYTES
Prints {"sent": SHA-256, "received": SHA-256, "bytes": received, "seconds": ...}.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import socket
import sys
import threading
import time

_BLOCK = 256 * 1024
_PATIENCE = 120.0  # seconds without a byte


def send_random(connection: socket.socket, size: int, digest: list[str]) -> None:
    """Sends `size` random bytes, then the end of the stream."""
    generator = random.Random(os.urandom(16))
    hasher = hashlib.sha256()
    while size > 0:
        block = generator.randbytes(min(_BLOCK, size))
        hasher.update(block)
        connection.sendall(block)
        size -= len(block)
    connection.shutdown(socket.SHUT_WR)
    digest.append(hasher.hexdigest())


def exchange(connection: socket.socket, size: int) -> dict[str, object]:
    """Both directions at once; ends when the other side has ended its stream."""
    connection.settimeout(_PATIENCE)
    begun = time.monotonic()
    sent: list[str] = []
    sender = threading.Thread(target=send_random, args=(connection, size, sent))
    sender.start()
    hasher = hashlib.sha256()
    count = 0
    while block := connection.recv(_BLOCK):
        hasher.update(block)
        count += len(block)
    sender.join()
    return {"sent": sent[0] if sent else "", "received": hasher.hexdigest(), "bytes": count,
            "seconds": round(time.monotonic() - begun, 3)}


def main() -> int:
    """Runs one end."""
    role, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if role == "serve":
        listener = socket.create_server(("127.0.0.1", port))
        print('{"ok": true}', flush=True)
        connection = listener.accept()[0]
    else:
        connection = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
    with connection:
        print(json.dumps(exchange(connection, size)), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
