#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application at both ends of a cell: sends random bytes both ways at once and says what it sent and received.

Usage: transfer.py serve PORT BYTES   listens on 127.0.0.1, prints {"ok": true}, then serves one connection
       transfer.py connect PORT BYTES
Prints {"sent": SHA-256, "received": SHA-256, "bytes": received, "seconds": ...}, or says on stderr how far it came.
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


class Sender(threading.Thread):
    """Sends random bytes, then the end of the stream; `digest` is empty when that failed."""

    def __init__(self, connection: socket.socket, size: int) -> None:
        super().__init__(daemon=True)
        self._connection = connection
        self._left = size
        self.digest = ""
        self.error = ""

    def run(self) -> None:
        """The thread's body."""
        generator = random.Random(os.urandom(16))
        hasher = hashlib.sha256()
        try:
            while self._left > 0:
                block = generator.randbytes(min(_BLOCK, self._left))
                hasher.update(block)
                self._connection.sendall(block)
                self._left -= len(block)
            self._connection.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.error = f"sending failed with {self._left} bytes left: {error}"
            return
        self.digest = hasher.hexdigest()


def exchange(connection: socket.socket, size: int) -> dict[str, object]:
    """Both directions at once; ends when the other side has ended its stream. OSError says how far it came."""
    connection.settimeout(_PATIENCE)
    begun = time.monotonic()
    sender = Sender(connection, size)
    sender.start()
    hasher = hashlib.sha256()
    count = 0
    try:
        while block := connection.recv(_BLOCK):
            hasher.update(block)
            count += len(block)
    except OSError as error:
        raise OSError(f"receiving failed after {count} bytes: {error}") from error
    if count < size:
        raise OSError(f"the stream ended after {count} bytes")
    sender.join()
    if sender.error:
        raise OSError(sender.error)
    return {"sent": sender.digest, "received": hasher.hexdigest(), "bytes": count,
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
        try:
            print(json.dumps(exchange(connection, size)), flush=True)
        except OSError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
