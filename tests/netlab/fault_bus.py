#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs on the two buses of a D-Bus tube while faults happen: numbered calls one way, numbered signals the other.

Usage: fault_bus.py serve|connect RATE      on $DBUS_SESSION_BUS_ADDRESS; RATE: signals or calls a second
Commands on stdin as those of fault_traffic.py; "end" ends the service, which "stop" only silences, and a caller whose tube is
gone. The service reports how often each call was executed and how many signals it sent; the caller which answers and signals
it got.
"""

from __future__ import annotations

import json
import os
import sys
import time

import dbus
import dbus.bus
import dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

NAME, PATH = "org.example.Faults", "/faults"
_CALL_SECONDS = 90.0
_DRAIN = 60.0  # seconds to wait for the last answers and signals


class End:
    """What both ends share: the loop, the pace, the commands."""

    def __init__(self, rate: float) -> None:
        self.loop = GLib.MainLoop()
        self.stopping = False
        self.received = 0
        self.silence = 0.0
        self._last = 0.0
        GLib.timeout_add(max(1, int(1000 / rate)), self._turn)
        GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN | GLib.IOCondition.HUP,
                          self._obey)

    def got(self) -> None:
        """Notes something received."""
        now = time.monotonic()
        if self._last and not self.stopping:
            self.silence = max(self.silence, now - self._last)
        self._last = now
        self.received += 1

    def _turn(self) -> bool:
        if not self.stopping:
            self.send()
        return not self.stopping

    def _obey(self, *_arguments: object) -> bool:
        line = os.read(sys.stdin.fileno(), 4096).decode()
        if not line:
            os._exit(1)
        if "progress" in line:
            print(json.dumps({"received": self.received}), flush=True)
        if "stop" in line:
            self.stopping = True
            print('{"stopping": true}', flush=True)
            self.stop()
        if "end" in line:
            self.end()
        return True

    def finish(self, **result: object) -> None:
        """Prints the result and ends."""
        print(json.dumps({"result": {**result, "received": self.received, "silence": round(self.silence, 2)}}),
              flush=True)
        self.loop.quit()

    def send(self) -> None:
        """One call or signal."""
        raise NotImplementedError

    def stop(self) -> None:
        """Sending has ended."""

    def end(self) -> None:
        """Finishes."""


class Service(dbus.service.Object):
    """Executes the calls."""

    def __init__(self, bus: dbus.Bus, end: "ServiceEnd") -> None:
        super().__init__(bus, PATH)
        self._end = end

    @dbus.service.method(NAME, in_signature="u", out_signature="u")
    def Double(self, number: int) -> int:  # noqa: N802  (the names of D-Bus)
        self._end.got()
        self._end.executed[int(number)] = self._end.executed.get(int(number), 0) + 1
        return number * 2

    @dbus.service.signal(NAME, signature="u")
    def Tick(self, number: int) -> None:  # noqa: N802
        """Counts up."""


class ServiceEnd(End):
    """Sends the signals."""

    def __init__(self, bus: dbus.Bus, rate: float) -> None:
        super().__init__(rate)
        self.executed: dict[int, int] = {}
        self._service = Service(bus, self)
        self._ticks = 0

    def send(self) -> None:
        self._service.Tick(self._ticks)
        self._ticks += 1

    def end(self) -> None:
        self.finish(sent=self._ticks, executed_once=sum(count == 1 for count in self.executed.values()),
                    executed_twice=sum(count > 1 for count in self.executed.values()))


class CallerEnd(End):
    """Calls and listens. The service is stopped first: the answer to a call made then comes after its last signal."""

    def __init__(self, bus: dbus.Bus, rate: float) -> None:
        super().__init__(rate)
        self._bus = bus
        self._calls = 0
        self._deadline = 0.0
        self._answers: dict[int, int] = {}
        self._wrong = 0
        self._errors: dict[str, int] = {}
        self._ticks: list[int] = []
        bus.add_signal_receiver(self._on_tick, "Tick", NAME)

    def _on_tick(self, number: int) -> None:
        self._ticks.append(int(number))
        self.got()

    def send(self) -> None:
        if not self._bus.get_is_connected():
            return  # the tube has ended: a program cannot even call
        number = self._calls
        self._calls += 1

        def answered(doubled: int) -> None:
            self._answers[number] = self._answers.get(number, 0) + 1
            self._wrong += int(doubled) != number * 2

        def failed(error: dbus.DBusException) -> None:
            self._answers[number] = self._answers.get(number, 0) + 1
            name = str(error.get_dbus_name())
            self._errors[name] = self._errors.get(name, 0) + 1

        try:
            self._bus.call_async(NAME, PATH, NAME, "Double", "u", (number,), answered, failed, timeout=_CALL_SECONDS)
        except dbus.DBusException as error:
            failed(error)

    def stop(self) -> None:
        self.send()
        self.end()

    def end(self) -> None:
        self.stopping = True
        self._deadline = time.monotonic() + _DRAIN
        GLib.timeout_add(50, self._check)

    def _check(self) -> bool:
        if len(self._answers) < self._calls and time.monotonic() < self._deadline:
            return True
        in_order = all(b == a + 1 for a, b in zip(self._ticks, self._ticks[1:]))
        self.finish(sent=self._calls, answered_once=sum(count == 1 for count in self._answers.values()),
                    answered_twice=sum(count > 1 for count in self._answers.values()), wrong=self._wrong,
                    errors=self._errors, ticks=len(self._ticks), in_order=in_order,
                    last_tick=self._ticks[-1] if self._ticks else -1)
        return False


def main() -> int:
    """Runs one end."""
    role, rate = sys.argv[1], float(sys.argv[2])
    DBusGMainLoop(set_as_default=True)
    bus = dbus.bus.BusConnection(os.environ["DBUS_SESSION_BUS_ADDRESS"])
    bus.set_exit_on_disconnect(False)
    end: End
    if role == "serve":
        name = dbus.service.BusName(NAME, bus, do_not_queue=True)
        end = ServiceEnd(bus, rate)
    else:
        name = None
        end = CallerEnd(bus, rate)
    print('{"ok": true}', flush=True)
    end.loop.run()
    del name
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
