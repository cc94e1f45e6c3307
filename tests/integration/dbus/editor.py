#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program as it would be written for a session bus: owns org.example.Editor, unless it is run with the argument
`unnamed`, answers, fails, emits and listens."""

from __future__ import annotations

import sys

import dbus
import dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

NAME = "org.example.Editor"


class Refused(dbus.DBusException):
    """The error of a program of its own."""

    _dbus_error_name = "org.example.Editor.Error.Refused"


class Editor(dbus.service.Object):
    """What it offers at /editor."""

    def __init__(self, bus: dbus.Bus) -> None:
        super().__init__(bus, "/editor")
        self.heard: list[str] = []
        bus.add_signal_receiver(lambda text: self.heard.append(str(text)), "Typed", NAME)

    @dbus.service.method(NAME, in_signature="s", out_signature="s")
    def Echo(self, text: str) -> str:  # noqa: N802  (the names of D-Bus)
        return text

    @dbus.service.method(NAME, in_signature="ay", out_signature="ay", byte_arrays=True)
    def Mirror(self, data: bytes) -> dbus.ByteArray:  # noqa: N802
        return dbus.ByteArray(data[::-1])

    @dbus.service.method(NAME, in_signature="", out_signature="")
    def Fail(self) -> None:  # noqa: N802
        raise Refused("not today")

    @dbus.service.method(NAME, in_signature="", out_signature="", async_callbacks=("done", "failed"))
    def Never(self, done: object, failed: object) -> None:  # noqa: N802
        """Never answers."""

    @dbus.service.method(NAME, in_signature="u", out_signature="")
    def Emit(self, count: int) -> None:  # noqa: N802
        for number in range(count):
            self.Changed(number)

    @dbus.service.method(NAME, in_signature="", out_signature="as")
    def Heard(self) -> list[str]:  # noqa: N802
        return self.heard

    @dbus.service.signal(NAME, signature="u")
    def Changed(self, number: int) -> None:  # noqa: N802
        """Told to all."""


if __name__ == "__main__":
    DBusGMainLoop(set_as_default=True)
    session = dbus.SessionBus()
    claim = None if "unnamed" in sys.argv else dbus.service.BusName(NAME, session, do_not_queue=True)
    editor = Editor(session)
    print(f"the editor is there as {session.get_unique_name()}", flush=True)
    GLib.MainLoop().run()
