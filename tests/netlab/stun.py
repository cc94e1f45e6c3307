#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""STUN messages, as far as NAT behaviour discovery needs them. Spec: RFC 8489 §5, §14; RFC 5780 §7."""

from __future__ import annotations

import ipaddress
import os
import struct
from dataclasses import dataclass

COOKIE = 0x2112A442
REQUEST, RESPONSE = 0x0001, 0x0101
CHANGE_REQUEST, XOR_MAPPED_ADDRESS = 0x0003, 0x0020
CHANGE_ADDRESS, CHANGE_PORT = 0x4, 0x2

Endpoint = "tuple[str, int]"


@dataclass(frozen=True)
class Message:
    """One parsed message; `change` holds the flags of CHANGE-REQUEST, `mapped` the XOR-MAPPED-ADDRESS."""

    kind: int
    transaction: bytes
    change: int = 0
    mapped: tuple[str, int] | None = None


def new_transaction() -> bytes:
    """A random transaction id."""
    return os.urandom(12)


def binding_request(transaction: bytes, change: int = 0) -> bytes:
    """A binding request that asks the server to answer from elsewhere (flags CHANGE_ADDRESS, CHANGE_PORT)."""
    body = struct.pack("!HHI", CHANGE_REQUEST, 4, change) if change else b""
    return struct.pack("!HHI", REQUEST, len(body), COOKIE) + transaction + body


def _mask(address: bytes, transaction: bytes) -> bytes:
    key = struct.pack("!I", COOKIE) + transaction
    return bytes(a ^ b for a, b in zip(address, key))


def binding_response(transaction: bytes, address: str, port: int) -> bytes:
    """The answer: the source that the server saw."""
    packed = ipaddress.ip_address(address).packed
    family = 1 if len(packed) == 4 else 2
    value = struct.pack("!BBH", 0, family, port ^ (COOKIE >> 16)) + _mask(packed, transaction)
    body = struct.pack("!HH", XOR_MAPPED_ADDRESS, len(value)) + value
    return struct.pack("!HHI", RESPONSE, len(body), COOKIE) + transaction + body


def parse(data: bytes) -> Message | None:
    """The message in a datagram; None for anything else."""
    if len(data) < 20:
        return None
    kind, length, cookie = struct.unpack("!HHI", data[:8])
    if cookie != COOKIE or length + 20 != len(data) or kind not in (REQUEST, RESPONSE):
        return None
    transaction, rest = data[8:20], data[20:]
    change, mapped = 0, None
    while len(rest) >= 4:
        attribute, size = struct.unpack("!HH", rest[:4])
        value, rest = rest[4:4 + size], rest[4 + (size + 3) // 4 * 4:]
        if attribute == CHANGE_REQUEST and size == 4:
            change = struct.unpack("!I", value)[0]
        elif attribute == XOR_MAPPED_ADDRESS and size in (8, 20):
            port = struct.unpack("!H", value[2:4])[0] ^ (COOKIE >> 16)
            mapped = (str(ipaddress.ip_address(_mask(value[4:], transaction))), port)
    return Message(kind, transaction, change, mapped)
