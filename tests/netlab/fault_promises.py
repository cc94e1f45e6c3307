#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each kind of tube promises under each fault, written by hand from theory. Never edit it to match a result.

- Stream: every byte of both directions arrives once and in order (SHA-256 at both ends), whatever the wire or the path does;
  when the peer is gone for good, both programs see an error, never a clean end.
- Datagram: what arrives is whole and arrives once, whatever the wire repeats, and the flow goes on afterwards. Losses: what
  the wire loses (a datagram of 4000 bytes needs four packets and is lost with any of them; the average one needs 1.25), and
  after an outage what was sent meanwhile. While the link stands still, its queue drops the oldest. Paths over TCP lose
  nothing on a wire that is merely bad: TCP sends again.
- D-Bus: each call is executed once and answered once, and signals come complete and in order; when the peer is gone, each
  call that waits ends with an error.
"""

from __future__ import annotations

from typing import Any

from fault_session import DATAGRAM, DBUS, STREAM

_PACKETS = 1.25 + 0.1  # packets per datagram, and what chance adds
_SLACK = 0.02  # a busy machine drops datagrams in local sockets, too
_OUTAGES = ("mtu-silent", "address", "ack", "mapping", "prosody", "coturn", "sleep")
_WIRE_LOSS = {"loss-0.1": 0.001, "loss-1": 0.01, "loss-5": 0.05}
# Cells that do not keep the promise yet, and what docs/reliability.md says about them: kind, path, fault. A cell that keeps it
# counts all the same.
_STOPS = "stops [1]"
_SLOW_START = "many lost [2]"
_CALLS = "calls wait [3]"
KNOWN: dict[tuple[str, str, str], str] = {
    **{(kind, "socks5", fault): _STOPS for kind in (STREAM, DATAGRAM, DBUS) for fault in ("address", "loss-5")},
    **{(DATAGRAM, path, "delay"): _SLOW_START for path in ("ice", "turn")},
    **{(DBUS, path, "killed"): _CALLS for path in ("local", "direct", "ice", "turn", "socks5", "in-band")},
}
ERROR_REPLIES = ("org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Disconnected",
                 "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner")


def may_lose(fault: str) -> float:
    """The share of datagrams that may be lost, each way; 1: an outage decides."""
    if fault in _OUTAGES:
        return 1.0
    loss = _WIRE_LOSS.get(fault, 0.0)
    return loss * _PACKETS * 1.6 + _SLACK


def broken_promise(kind: str, fault: str, server: dict[str, Any], client: dict[str, Any]) -> str:
    """What is not as promised, from what both ends report; empty when all is."""
    if kind == STREAM:
        return _stream(server, client)
    if kind == DATAGRAM:
        return _datagram(fault, server, client) or _datagram(fault, client, server)
    assert kind == DBUS
    return _bus(server, client)


def _stream(server: dict[str, Any], client: dict[str, Any]) -> str:
    for name, end in (("sharer", server), ("connector", client)):
        if end["error"]:
            return f"{name}: {end['error']}"
    for sender, receiver in ((server, client), (client, server)):
        if sender["sent"] != receiver["received"]:
            return f"{receiver['received']} of {sender['sent']} bytes arrived"
        if sender["sent_hash"] != receiver["received_hash"]:
            return "other bytes arrived than were sent"
    return ""


def _datagram(fault: str, sender: dict[str, Any], receiver: dict[str, Any]) -> str:
    if receiver["bad"] or receiver["duplicates"]:
        return f"{receiver['bad']} datagrams were not whole, {receiver['duplicates']} came twice"
    lost = lost_share(sender, receiver)
    allowed = may_lose(fault) + 2 * receiver["silence"] * sender["rate"] / max(1, sender["sent"])
    if lost > allowed:
        return f"{lost:.1%} of the datagrams were lost, at most {allowed:.1%} may be"
    return ""


def lost_share(sender: dict[str, Any], receiver: dict[str, Any]) -> float:
    """Of the datagrams of one direction."""
    return 1 - receiver["received"] / max(1, sender["sent"])


def _bus(server: dict[str, Any], client: dict[str, Any]) -> str:
    calls = client["sent"]
    if client["errors"] or client["wrong"]:
        return f"errors {client['errors']}, {client['wrong']} wrong answers"
    if client["answered_once"] != calls or client["answered_twice"]:
        return f"{client['answered_once']} of {calls} calls were answered once, {client['answered_twice']} more often"
    if server["executed_once"] != calls or server["executed_twice"]:
        return f"{server['executed_once']} of {calls} calls were executed once, {server['executed_twice']} more often"
    # The caller begins to listen when some signals have gone already; from then on none may be missing.
    if not client["in_order"] or client["last_tick"] != server["sent"] - 1:
        return f"signals up to {client['last_tick']} of {server['sent']} came, without a gap: {client['in_order']}"
    return ""


def broken_end(kind: str, client: dict[str, Any], exit_code: int) -> str:
    """What is not as promised at the connector after its peer was killed."""
    if exit_code != 11:  # "the connection broke", tube(1)
        return f"tube connect ended with {exit_code}, not with 11"
    if kind == STREAM and not client["error"]:
        return "the program saw no error"
    if kind == STREAM and "ended cleanly" in client["error"]:
        return str(client["error"])
    if kind == DBUS:
        answered = client["answered_once"]
        if answered != client["sent"] or client["answered_twice"]:
            return f"{answered} of {client['sent']} calls ended, {client['answered_twice']} twice"
        unknown = [name for name in client["errors"] if name not in ERROR_REPLIES]
        if unknown:
            return f"calls ended with {unknown}"
    return ""
