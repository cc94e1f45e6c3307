#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds how the NAT in front of this machine maps and filters UDP. Spec: RFC 5780 §4.3, §4.4.

Usage: stun_probe.py ADDRESS ALTERNATE_ADDRESS PORT ALTERNATE_PORT
Prints one JSON line: reachable, translated, port_kept, mapping, filtering.
"""

from __future__ import annotations

import json
import socket
import sys
import time

from stun import CHANGE_ADDRESS, CHANGE_PORT, RESPONSE, binding_request, new_transaction, parse

EIM, ADM, APDM = "endpoint-independent", "address-dependent", "address-and-port-dependent"
SILENCE = 0.6  # seconds without an answer that mean "filtered"; a round trip takes under a millisecond here
RESEND = 0.1


def ask(local: socket.socket, server: tuple[str, int], change: int = 0) -> tuple[str, int] | None:
    """The mapped address that `server` saw, or None when no answer gets through."""
    transaction = new_transaction()
    give_up = time.monotonic() + SILENCE
    while (left := give_up - time.monotonic()) > 0:
        try:
            local.sendto(binding_request(transaction, change), server)
        except OSError:
            return None
        local.settimeout(min(RESEND, left))
        try:
            message = parse(local.recvfrom(2048)[0])
        except (TimeoutError, ConnectionError):
            continue
        if message and message.kind == RESPONSE and message.transaction == transaction:
            return message.mapped
    return None


def own_address(server: tuple[str, int], family: socket.AddressFamily) -> str:
    """The local address that packets to `server` carry; empty without a route."""
    with socket.socket(family, socket.SOCK_DGRAM) as route:
        try:
            route.connect(server)
        except OSError:
            return ""
        return str(route.getsockname()[0])


def probe(addresses: tuple[str, str], ports: tuple[int, int]) -> dict[str, object]:
    """Runs the tests of RFC 5780 §4.3 (mapping), then those of §4.4 (filtering) from a fresh port."""
    family = socket.AF_INET6 if ":" in addresses[0] else socket.AF_INET
    primary = (addresses[0], ports[0])
    with socket.socket(family, socket.SOCK_DGRAM) as local:
        first = ask(local, primary)
        if first is None:
            return {"reachable": False}
        second = ask(local, (addresses[1], ports[0]))
        third = ask(local, (addresses[1], ports[1]))
        inside = (own_address(primary, family), local.getsockname()[1])
    mapping = EIM if first == second == third else ADM if second == third else APDM
    with socket.socket(family, socket.SOCK_DGRAM) as local:
        ask(local, primary)
        if ask(local, primary, CHANGE_ADDRESS | CHANGE_PORT):
            filtering = EIM
        elif ask(local, primary, CHANGE_PORT):
            filtering = ADM
        else:
            filtering = APDM
    return {"reachable": True, "translated": first != inside, "port_kept": first[1] == inside[1],
            "mapping": mapping, "filtering": filtering}


if __name__ == "__main__":
    print(json.dumps(probe((sys.argv[1], sys.argv[2]), (int(sys.argv[3]), int(sys.argv[4])))), flush=True)
