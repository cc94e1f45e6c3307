# SPDX-License-Identifier: GPL-3.0-or-later
"""The enumerations of the public headers; members print as the command line prints them."""

from __future__ import annotations

import enum


class _Named(enum.Enum):
    """An enumeration whose members print as the command line prints them: "direct-tls"."""

    def __str__(self) -> str:
        return self.name.lower().replace("_", "-")


class TubeKind(_Named):
    """What kind of application link a tube carries."""

    STREAM = 1
    DATAGRAM = 2
    DBUS = 3


class PathKind(_Named):
    """How a link's bytes travel; smaller is better."""

    LOOPBACK = 0
    LOCAL = 1
    DIRECT_TLS = 2
    ICE = 3
    ICE_RELAYED = 4
    SOCKS5 = 5
    IN_BAND = 6


class Policy(_Named):
    """What to do when a contact asks for, or offers, a service."""

    ASK = 0
    ALWAYS = 1
    NEVER = 2


class AddressPolicy(_Named):
    """Which of this machine's addresses a link's candidates may contain (the setting network.address_policy)."""

    ALL = 0
    PUBLIC_ONLY = 1
    RELAY_ONLY = 2


class EndpointKind(_Named):
    """What an Endpoint is."""

    IN_PROCESS = 0
    TCP = 1
    UNIX_PATH = 2
    UNIX_ABSTRACT = 3
    UDP = 4
    DESCRIPTORS = 5
    DBUS = 6


class AccountState(_Named):
    """Where an account is on its way."""

    OFFLINE = 0
    CONNECTING = 1
    ONLINE = 2
    RECONNECTING = 3


class KeyStanding(_Named):
    """What is known of a key when a decision is asked for."""

    KNOWN = 0
    FIRST = 1
    NEW_KEY = 2


class Severity(_Named):
    """How much a finding matters."""

    FINE = 0
    NOTE = 1
    PROBLEM = 2
