#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults of docs/reliability.md: how each is made in a running session, and on which paths it can happen at all."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from typing import Callable

from fault_session import Session, Traffic

Running = dict[str, Traffic]
SLEEP = float(os.environ.get("SLEEP", "6"))  # seconds; 300 in the long run
_WORTH = 2.0  # seconds' worth of traffic that has to pass while a wire is bad
_OUTAGE = 1.0  # seconds' worth of traffic that has to pass after an outage
_LOST_ANSWERS = 0.4  # seconds in which data goes out and no acknowledgement comes back


@dataclass(frozen=True)
class Fault:
    """`happen` makes it, waits until the traffic has met it, and puts things right again where the fault is of that
    kind. `wire`: it needs the emulated wire. `only`: paths it can meet, when not all. `ends`: the tube ends."""

    name: str
    title: str
    happen: Callable[[Session, Running], None]
    wire: bool = True
    only: tuple[str, ...] = ()
    ends: bool = False

    def missing(self, session_path: str, has_wire: bool) -> str:
        """Why it cannot happen on a path; empty when it can."""
        if self.wire and not has_wire:
            return "no wire"
        if self.only and session_path not in self.only:
            return "not used"
        return ""


def bad_wire(settings: str, undo: str) -> Callable[[Session, Running], None]:
    """A wire that behaves so while traffic passes."""
    def happen(session: Session, running: Running) -> None:
        session.wire.command("set " + settings)
        try:
            session.wait_for_progress(running, _WORTH)
        finally:
            session.wire.command("set " + undo)
    return happen


def nothing(session: Session, running: Running) -> None:
    """The control: no fault."""
    session.wait_for_progress(running, _WORTH)


def small_mtu(session: Session, running: Running) -> None:
    """The computer itself knows that its line takes 1280 bytes."""
    assert session.site.router is not None
    session.site.client.ip("link set eth0 mtu 1280")
    session.site.router.ip("link set lan mtu 1280")
    try:
        session.wait_for_progress(running, _WORTH)
    finally:
        session.site.client.ip("link set eth0 mtu 1500")
        session.site.router.ip("link set lan mtu 1500")


def black_hole(session: Session, running: Running) -> None:
    """Large packets vanish without a word. The kernels look for such places (RFC 4821), which Linux does not by default."""
    for namespace in (session.site.client, session.far.client, session.laboratory.internet.namespace):
        namespace.set(net__ipv4__tcp_mtu_probing=1)
    session.wire.command("set mtu 1280 tells-mtu 0")
    try:
        session.wait_for_progress(running, _WORTH)
    finally:
        session.wire.command("set mtu 0 tells-mtu 1")


def address_change(session: Session, running: Running) -> None:
    """Another address, the old one gone first."""
    session.change_address()
    session.wait_for_progress(running, _OUTAGE)


def lost_answers(session: Session, running: Running) -> None:
    """Data arrives, its acknowledgements do not, and then the path is gone: what was taken must not be taken twice."""
    session.wire.command("b_to_a down")
    time.sleep(_LOST_ANSWERS)  # what is tested: nothing that could be waited for comes back
    session.change_address()
    session.wire.command("up")
    session.wait_for_progress(running, _OUTAGE)


def forgotten_mapping(session: Session, running: Running) -> None:
    """The NAT."""
    session.forget_mappings()
    session.wait_for_progress(running, _OUTAGE)


def prosody_restarts(session: Session, running: Running) -> None:
    """Killed, without a goodbye, and started again."""
    assert session.laboratory.prosody is not None
    session.laboratory.prosody.command("kill")
    session.laboratory.prosody.command("start")
    session.wait_for_progress(running, _OUTAGE)


def coturn_restarts(session: Session, running: Running) -> None:
    """The same with the relay."""
    assert session.laboratory.coturn is not None
    session.laboratory.coturn.command("kill")
    session.laboratory.coturn.command("start")
    session.wait_for_progress(running, _OUTAGE)


def asleep(session: Session, running: Running) -> None:
    """The connector's computer sleeps: its programs stand still while the world goes on."""
    for process in session.connects.values():
        os.kill(process.pid, signal.SIGSTOP)
    try:
        time.sleep(SLEEP)  # what is tested
    finally:
        for process in session.connects.values():
            os.kill(process.pid, signal.SIGCONT)
    session.wait_for_progress(running, _OUTAGE)


def peer_killed(session: Session, _running: Running) -> None:
    """The sharer's programs, without a word."""
    for process in session.shares.values():
        os.kill(process.pid, signal.SIGKILL)


FAULTS = {fault.name: fault for fault in (
    Fault("none", "none", nothing, wire=False),
    Fault("loss-0.1", "0.1 % loss", bad_wire("loss 0.001", "loss 0")),
    Fault("loss-1", "1 % loss", bad_wire("loss 0.01", "loss 0")),
    Fault("loss-5", "5 % loss", bad_wire("loss 0.05", "loss 0")),
    Fault("reorder", "5 % overtake by 20 ms", bad_wire("delay-ms 20 reorder 0.05", "delay-ms 0 reorder 0")),
    Fault("duplicate", "5 % arrive twice", bad_wire("duplicate 0.05", "duplicate 0")),
    Fault("delay", "300 ms each way", bad_wire("delay-ms 300", "delay-ms 0")),
    Fault("mtu", "MTU 1280", small_mtu),
    Fault("mtu-told", "MTU 1280 farther on, ICMP says so", bad_wire("mtu 1280", "mtu 0")),
    Fault("mtu-silent", "MTU 1280 farther on, silent", black_hole),
    Fault("address", "the address changes", address_change),
    Fault("ack", "the path dies between data and acknowledgement", lost_answers),
    Fault("mapping", "the NAT forgets its mappings", forgotten_mapping),
    Fault("prosody", "Prosody is killed and restarts", prosody_restarts, wire=False),
    Fault("coturn", "coturn is killed and restarts", coturn_restarts, only=("turn",)),
    Fault("sleep", "sleep", asleep, wire=False),
    Fault("killed", "the sharer is killed (-9)", peer_killed, wire=False, ends=True),
)}
