#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures a room of twenty who use one D-Bus bus, at a Prosody and on one machine: what each costs who shares it, how
long joining takes, and what passing on costs."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import dbus
import dbus.bus
import dbus.lowlevel
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from room_world import RoomWorld  # noqa: E402

OCCUPANTS = 20
SETTLE = 3.0  # seconds until links are quiet
WATCH = 10.0  # seconds over which an idle room is watched
NAME = "org.example.Load"
BUS = r"DBUS_SESSION_BUS_ADDRESS=(\S+)"
TICKS = os.sysconf("SC_CLK_TCK")  # of processor time a second


def resident_kib(pid: int) -> int:
    """Memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise KeyError("VmRSS")


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Listeners:
    """A program on the bus of each occupant that counts signals; one of them sends."""

    def __init__(self, addresses: list[str]) -> None:
        self.heard = 0
        self.programs = [dbus.bus.BusConnection(address) for address in addresses]
        for program in self.programs:
            program.add_signal_receiver(self._on_tick, "Tick", NAME)
            program.list_names()

    def _on_tick(self) -> None:
        self.heard += 1

    def send(self, count: int) -> float:
        """From the first to all others; the seconds until everybody has heard everything."""
        begin = time.monotonic()
        for _ in range(count):
            self.programs[0].send_message(dbus.lowlevel.SignalMessage("/", NAME, "Tick"))
        self.programs[0].flush()
        wanted = count * (len(self.programs) - 1)
        while self.heard < wanted:
            GLib.MainContext.default().iteration(True)
        return time.monotonic() - begin

    def ask(self, count: int) -> float:
        """Calls between two who only use the bus, one after another; microseconds of one, the median."""
        caller, callee = self.programs[0], self.programs[1]
        times = []
        for _ in range(count):
            answered: list[bool] = []
            begin = time.monotonic()
            caller.call_async(callee.get_unique_name(), "/", "org.freedesktop.DBus.Peer", "Ping", "", (),
                              lambda *_, a=answered: a.append(True), lambda _, a=answered: a.append(False))
            while not answered:
                GLib.MainContext.default().iteration(True)
            times.append(time.monotonic() - begin)
        return statistics.median(times) * 1e6


def measure_room(protocol: str, scale: float) -> dict[str, Any]:
    """One room."""
    DBusGMainLoop(set_as_default=True)
    count = max(20, int(500 * scale))
    with RoomWorld(protocol, OCCUPANTS + 1) as world:
        host = world.share(world.people[0], "--dbus", NAME).process.pid
        before, addresses, joined, guests = resident_kib(host), [], [], []
        begun = cpu_seconds(host)
        for person in world.people[1:]:
            begin = time.monotonic()
            guest = world.connect(person, NAME)
            addresses.append(guest.wait_for(BUS)[1])
            joined.append(time.monotonic() - begin)
            guests.append(guest.process.pid)
        joining = cpu_seconds(host) - begun
        time.sleep(SETTLE)
        host_kib, guest_kib = resident_kib(host) - before, statistics.median(map(resident_kib, guests))
        begun = cpu_seconds(host)
        time.sleep(WATCH)
        idle = cpu_seconds(host) - begun
        listeners = Listeners(addresses)
        begun = cpu_seconds(host)
        seconds = listeners.send(count)
        passing_on = cpu_seconds(host) - begun
        return {"occupants": OCCUPANTS, "join_first_ms": round(joined[0] * 1000),
                "join_last_ms": round(statistics.median(joined[-5:]) * 1000),
                "sharer_kib_an_occupant": round(host_kib / OCCUPANTS),
                "sharer_cpu_ms_to_join_an_occupant": round(joining / OCCUPANTS * 1000, 1),
                "occupant_rss_kib": round(guest_kib), "sharer_idle_cpu_percent": round(idle / WATCH * 100, 2),
                "signals_heard_per_s": round(count * (OCCUPANTS - 1) / seconds),
                "sharer_cpu_us_a_signal_heard": round(passing_on / (count * (OCCUPANTS - 1)) * 1e6, 1),
                "call_between_occupants_us": round(listeners.ask(max(20, int(500 * scale))))}


def measure_rooms(scale: float) -> dict[str, Any]:
    """Both protocols side by side."""
    return {protocol: measure_room(protocol, scale) for protocol in ("xmpp", "local")}


if __name__ == "__main__":
    os.environ.setdefault("TUBE", str(ROOT / "build" / "release" / "bin" / "tube"))
    for name in sys.argv[1:] or ("xmpp", "local"):
        print(name, json.dumps(measure_room(name, 1.0)), flush=True)
