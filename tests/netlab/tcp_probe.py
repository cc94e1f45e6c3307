#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints those of the given ADDRESS:PORT that answer by TCP within 0.8 s, be it by a refusal."""

from __future__ import annotations

import socket
import sys
from concurrent.futures import ThreadPoolExecutor

SECONDS = 0.8


def answers(place: str) -> bool:
    """Whether a SYN to it is answered at all."""
    address, _, port = place.rpartition(":")
    with socket.socket() as probe:
        probe.settimeout(SECONDS)
        try:
            probe.connect((address, int(port)))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
        return True


def main() -> None:
    """All at once."""
    places = sys.argv[1:]
    with ThreadPoolExecutor(len(places)) as executor:
        for place, works in zip(places, executor.map(answers, places)):
            if works:
                print(place)


if __name__ == "__main__":
    main()
