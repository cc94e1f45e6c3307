# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors: the enumeration of tubes/error.hpp and one exception class per code, below Error."""

from __future__ import annotations

import enum
from typing import ClassVar


class Errc(enum.IntEnum):
    """Why an operation ended. The numbers are stable."""

    END_OF_STREAM = 1
    TIMED_OUT = 2
    CANCELLED = 3
    REFUSED = 4
    BROKEN = 5
    NOT_AVAILABLE = 6
    NOT_FOUND = 7
    OFFLINE = 8
    NOT_CONNECTED = 9
    AUTHENTICATION_FAILED = 10
    CERTIFICATE_REJECTED = 11
    IDENTITY_MISMATCH = 12
    KEY_CHANGED = 13
    PROTOCOL_VIOLATION = 14
    LIMIT_EXCEEDED = 15
    WOULD_BLOCK = 16
    ALREADY_EXISTS = 17
    INVALID_ARGUMENT = 18
    UNSUPPORTED = 19
    ADDRESS_IN_USE = 20
    ADDRESS_NOT_ALLOWED = 21
    CONNECTION_REFUSED = 22
    NETWORK_UNREACHABLE = 23
    CONNECTION_RESET = 24
    STATE_TOO_NEW = 25
    STATE_CORRUPT = 26
    TAKEN = 27
    WITHDRAWN = 28
    EXPIRED = 29
    NO_PATH = 30
    FORKED = 31
    INTERNAL = 32
    MESSAGE_TOO_LARGE = 33


class Error(Exception):
    """What every operation of this package may raise. The text says what happened; `advice` what to do about it."""

    code: ClassVar[Errc] = Errc.INTERNAL
    advice: ClassVar[str] = "please report it"

    def __init__(self, text: str = "") -> None:
        super().__init__(text or self.code.name.lower().replace("_", " "))


class EndOfStream(Error, EOFError):
    """The peer finished writing; everything it wrote has been delivered."""

    code = Errc.END_OF_STREAM
    advice = "nothing more comes; what was read before is complete"


class TimedOut(Error, TimeoutError):
    """A named deadline passed."""

    code = Errc.TIMED_OUT
    advice = "try again, or allow more time"


class Cancelled(Error):
    """This side gave up: a cancelled operation, a closed node."""

    code = Errc.CANCELLED
    advice = "this side gave up or the node is closed; open a new node where that was not meant"


class Refused(Error):
    """The other person, or this side's own policy, said no to something it knew about."""

    code = Errc.REFUSED
    advice = "ask the other person, or change your own policy (Node.set_policy)"


class Broken(Error, ConnectionError):
    """The link or its peer is gone and will not come back."""

    code = Errc.BROKEN
    advice = "connect again"


class NotAvailable(Error):
    """Not offered or not allowed: from outside the two look the same."""

    code = Errc.NOT_AVAILABLE
    advice = "check the service's name, and that the other person shares it with you"


class NotFound(Error, LookupError):
    """No such contact, device, account, offer or share here."""

    code = Errc.NOT_FOUND
    advice = "check the name; Node.contacts() and Node.status() list what there is"


class Offline(Error, ConnectionError):
    """The contact has no device online that speaks tubes."""

    code = Errc.OFFLINE
    advice = "try again when the contact is online with a program that speaks tubes"


class NotConnected(Error, ConnectionError):
    """This account is not logged in just now."""

    code = Errc.NOT_CONNECTED
    advice = "log in (Node.login) or wait for the account (Node.wait_accounts)"


class AuthenticationFailed(Error):
    """Wrong password, or no acceptable mechanism."""

    code = Errc.AUTHENTICATION_FAILED
    advice = "check the password and log in again"


class CertificateRejected(Error):
    """A server's certificate does not prove the domain of the address."""

    code = Errc.CERTIFICATE_REJECTED
    advice = "for a private server give ca_file or pinned_certificate to Node.login"


class IdentityMismatch(Error):
    """The peer could not prove the identity key that was announced or pinned."""

    code = Errc.IDENTITY_MISMATCH
    advice = "do not go on: somebody may stand in the middle; compare keys with the contact (Node.pins)"


class KeyChanged(Error):
    """The contact presents a key that is not pinned; the user has to decide."""

    code = Errc.KEY_CHANGED
    advice = "compare the digits with the contact (Node.pins), then accept the key (Node.set_pin)"


class ProtocolViolation(Error):
    """The peer sent what the protocol forbids."""

    code = Errc.PROTOCOL_VIOLATION
    advice = "report it, with the versions of both sides"


class LimitExceeded(Error):
    """A named limit was reached."""

    code = Errc.LIMIT_EXCEEDED
    advice = "close something that is not used any more, or ask for less"


class MessageTooLarge(Error):
    """A datagram is larger than the tube carries."""

    code = Errc.MESSAGE_TOO_LARGE
    advice = "send smaller datagrams"


class WouldBlock(Error):
    """Full just now; a writable notice follows."""

    code = Errc.WOULD_BLOCK
    advice = "wait until there is room"


class AlreadyExists(Error):
    """The name or id is taken."""

    code = Errc.ALREADY_EXISTS
    advice = "choose another name, or close the other one"


class InvalidArgument(Error, ValueError):
    """The caller's value is malformed."""

    code = Errc.INVALID_ARGUMENT
    advice = "correct the value"


class Unsupported(Error, NotImplementedError):
    """This build, protocol or peer cannot do it."""

    code = Errc.UNSUPPORTED
    advice = "update the side that is older"


class AddressInUse(Error, OSError):
    """The local port or socket is taken by another program."""

    code = Errc.ADDRESS_IN_USE
    advice = "choose another port; port 0 picks a free one"


class AddressNotAllowed(Error):
    """Binding off loopback was not permitted explicitly."""

    code = Errc.ADDRESS_NOT_ALLOWED
    advice = "listen on 127.0.0.1, or pass allow_remote=True"


class ConnectionRefused(Error, ConnectionRefusedError):
    """The application behind a share does not accept connections."""

    code = Errc.CONNECTION_REFUSED
    advice = "start the program that the share leads to"


class NetworkUnreachable(Error, OSError):
    """No route, no DNS answer, or no network at all."""

    code = Errc.NETWORK_UNREACHABLE
    advice = "check the network and the server's name"


class ConnectionReset(Error, ConnectionResetError):
    """The application at the other end reset its connection."""

    code = Errc.CONNECTION_RESET
    advice = "the program at the other end broke off; look at its log"


class StateTooNew(Error):
    """A file was written by a newer version; it was left untouched."""

    code = Errc.STATE_TOO_NEW
    advice = "update this program"


class StateCorrupt(Error):
    """A file could not be read; it was kept aside."""

    code = Errc.STATE_CORRUPT
    advice = "a damaged file was kept aside; try again to start anew"


class Taken(Error):
    """Another device of the contact accepted the offer first."""

    code = Errc.TAKEN
    advice = "nothing to do: another device of yours has it"


class Withdrawn(Error):
    """The offerer took the offer back."""

    code = Errc.WITHDRAWN
    advice = "ask the other person to offer again"


class Expired(Error):
    """The offer's lifetime is over."""

    code = Errc.EXPIRED
    advice = "ask the other person to offer again"


class NoPath(Error, ConnectionError):
    """Every transport was tried and none reached the peer."""

    code = Errc.NO_PATH
    advice = "run `tube doctor` (Node.diagnose) on both sides; a relay would help"


class Forked(Error):
    """The process forked; a node belongs to the process that opened it."""

    code = Errc.FORKED
    advice = "open a new node in the child process"


class Internal(Error):
    """A defect of this library; please report it."""

    code = Errc.INTERNAL
    advice = "please report it"


_CLASSES: dict[Errc, type[Error]] = {each.code: each for each in Error.__subclasses__()}


def make_error(code: int, text: str = "") -> Error:
    """The exception for a code of the library."""
    try:
        return _CLASSES[Errc(code)](text)
    except ValueError:
        return Internal(f"{text or 'unknown error'} ({code})")
