#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that speak D-Bus, through D-Bus tubes: gdbus, busctl and python3-dbus, on one machine and over XMPP and ICE."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Callable

import dbus
import dbus.bus
import dbus.connection
from dbus.mainloop.glib import DBusGMainLoop

from bus_turns import turn
from tube_harness import Running, World, tube_program

NAME = "org.example.Editor"
EDITOR = ["/usr/bin/python3", str(Path(__file__).parent / "dbus" / "editor.py")]
LARGEST = 8 * 1024 * 1024  # bytes of a message, docs/protocol.md "D-Bus tubes"
NOBODY = 65534


class Buses:
    """The tests; run once a protocol by the classes below."""

    protocol = ""
    world: World

    @classmethod
    def setUpClass(cls) -> None:
        DBusGMainLoop(set_as_default=True)
        cls.world = World(cls.protocol)
        if cls.protocol == "xmpp":
            cls.world.use_only("ice")
            for person in (cls.world.alice, cls.world.bob):
                person.environment["TUBES_LIMITS_PATIENCE"] = "5"  # ten minutes is too long for a test

    @classmethod
    def tearDownClass(cls) -> None:
        cls.world.close()

    def share(self) -> Running:
        """Alice shares the editor, which owns its name."""
        sharing = self.world.alice.start("share", "--dbus", NAME, *self.world.share_options(), "--", *EDITOR)
        sharing.wait_for("the editor is there")
        return sharing

    def connect(self, *options: str) -> tuple[Running, str]:
        """Bob connects; the address of his bus."""
        connecting = self.world.connect(NAME, *options)
        return connecting, connecting.wait_for(r"DBUS_SESSION_BUS_ADDRESS=(\S+)")[1]

    def run_on_bus(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Bob runs a program on the bus by `tube connect NAME -- COMMAND`."""
        # A share that another test killed is asked first, until the server has noticed: that takes half a minute.
        return self.world.bob.run("connect", NAME, *self.world.connect_options(), "--", *command, deadline=90)

    def call(self, bus: dbus.connection.Connection, member: str, signature: str = "", *arguments: object,
             timeout: float = 20) -> object:
        """A call of the editor that waits; DBusException if it fails."""
        return bus.call_blocking(NAME, "/editor", NAME, member, signature, arguments, timeout=timeout,
                                 byte_arrays=True)

    def error_of(self, call: Callable[[], object]) -> str:
        """The name of the D-Bus error that a call ends with."""
        try:
            call()
        except dbus.DBusException as error:
            return str(error.get_dbus_name())
        raise AssertionError("no error")

    def end(self, *processes: Running) -> None:
        """Ctrl-C at each, which has to end well."""
        for process in processes:
            self.assertEqual(process.interrupt(), 130)  # type: ignore[attr-defined]

    def test_command_line_programs_call_and_introspect(self) -> None:
        test: unittest.TestCase = self  # type: ignore[assignment]
        sharing = self.share()
        done = self.run_on_bus("gdbus", "call", "--session", "-d", NAME, "-o", "/editor", "-m", f"{NAME}.Echo", "höre")
        test.assertEqual((done.returncode, done.stdout.strip()), (0, "('höre',)"), done.stderr)
        done = self.run_on_bus("busctl", "--user", "call", NAME, "/editor", NAME, "Echo", "s", "hi")
        test.assertEqual((done.returncode, done.stdout.strip()), (0, 's "hi"'), done.stderr)
        done = self.run_on_bus("busctl", "--user", "introspect", NAME, "/editor")
        test.assertRegex(done.stdout, r"\.Changed +signal +u")
        done = self.run_on_bus("busctl", "--user", "list")
        test.assertRegex(done.stdout, rf"(?s):sharer\.1 .*{NAME} ")
        done = self.run_on_bus("gdbus", "call", "--session", "-d", NAME, "-o", "/editor", "-m", f"{NAME}.Fail")
        test.assertEqual(done.returncode, 1)
        test.assertIn("org.example.Editor.Error.Refused: not today", done.stderr)
        test.assertEqual(self.run_on_bus("false").returncode, 1)
        self.end(sharing)

    def test_sdbus_calls_and_takes_signals(self) -> None:
        test: unittest.TestCase = self  # type: ignore[assignment]
        caller = Path(tube_program()).with_name("sdbus_caller")
        if not caller.exists():
            test.assertNotEqual(os.environ.get("CI"), "true", "libsdbus-c++-dev was not there at build time")
            test.skipTest("libsdbus-c++-dev was not there at build time")
        sharing = self.share()
        done = self.run_on_bus(str(caller))
        test.assertEqual(done.returncode, 0, done.stderr)
        test.assertIn("answer: höre\nerror: org.example.Editor.Error.Refused\nsignals: all\n", done.stdout)
        test.assertRegex(done.stdout, r"descriptor: org\.freedesktop\.DBus\.Error\.\w+")
        self.end(sharing)

    def test_calls_signals_and_limits(self) -> None:
        test: unittest.TestCase = self  # type: ignore[assignment]
        sharing = self.share()
        connecting, address = self.connect()
        bus = dbus.bus.BusConnection(address)
        changed: list[int] = []
        bus.add_signal_receiver(lambda number: changed.append(int(number)), "Changed", NAME, NAME)
        self.call(bus, "Emit", "u", 1000)
        turn(lambda: len(changed) == 1000, "a thousand signals")
        test.assertEqual(changed, list(range(1000)))
        for text in ("one", "two"):
            typed = dbus.lowlevel.SignalMessage("/", NAME, "Typed")
            typed.append(text, signature="s")
            bus.send_message(typed)
        test.assertEqual(list(self.call(bus, "Heard")), ["one", "two"])
        megabyte = os.urandom(1024 * 1024)
        test.assertEqual(bytes(self.call(bus, "Mirror", "ay", dbus.ByteArray(megabyte))), megabyte[::-1])
        test.assertEqual(self.error_of(lambda: self.call(bus, "Fail")), "org.example.Editor.Error.Refused")
        large = dbus.ByteArray(bytes(LARGEST))
        test.assertEqual(self.error_of(lambda: self.call(bus, "Mirror", "ay", large)),
                         "org.freedesktop.DBus.Error.LimitsExceeded")
        # The library knows from the handshake that no descriptors pass.
        self.error_of(lambda: self.call(bus, "Echo", "h", dbus.types.UnixFd(0), timeout=5))
        test.assertEqual(self.call(dbus.bus.BusConnection(address), "Echo", "s", "still here"), "still here")
        peer = dbus.connection.Connection(address)  # a connection that knows no bus
        test.assertEqual(peer.call_blocking(None, "/editor", NAME, "Echo", "s", ("peer",)), "peer")
        self.end(connecting, sharing)

    def test_every_call_ends_when_somebody_goes(self) -> None:
        test: unittest.TestCase = self  # type: ignore[assignment]
        sharing = self.share()
        connecting, address = self.connect()
        bus = dbus.bus.BusConnection(address)
        owners: list[str] = []
        bus.watch_name_owner(NAME, lambda owner: owners.append(str(owner)))
        turn(lambda: owners == [":sharer.1"], "the owner of the name")
        errors: list[str] = []
        bus.call_async(NAME, "/editor", NAME, "Never", "", (), lambda: errors.append("answered"),
                       lambda error: errors.append(error.get_dbus_name()), timeout=60)
        self.call(bus, "Echo", "s", "behind it")
        sharing.process.kill()  # no good-bye
        sharing.wait_end()
        turn(lambda: errors, "the end of the call")
        test.assertIn(errors, (["org.freedesktop.DBus.Error.NoReply"], ["org.freedesktop.DBus.Error.Disconnected"]))
        connecting.wait_end()
        test.assertFalse(Path(address.removeprefix("unix:path=")).exists())

    def test_a_program_that_goes_is_told_by_its_name(self) -> None:
        test: unittest.TestCase = self  # type: ignore[assignment]
        sharing = self.world.share("--dbus", NAME)
        address = sharing.wait_for(r"DBUS_SESSION_BUS_ADDRESS=(\S+)")[1]
        editor = self.world.alice.start_program(["env", f"DBUS_SESSION_BUS_ADDRESS={address}", *EDITOR])
        editor.wait_for("the editor is there")
        connecting, address = self.connect()
        bus = dbus.bus.BusConnection(address)
        owners: list[str] = []
        bus.watch_name_owner(NAME, lambda owner: owners.append(str(owner)))
        errors: list[str] = []
        bus.call_async(NAME, "/editor", NAME, "Never", "", (), lambda: errors.append("answered"),
                       lambda error: errors.append(error.get_dbus_name()), timeout=60)
        self.call(bus, "Echo", "s", "behind it")
        editor.process.send_signal(signal.SIGKILL)
        turn(lambda: errors and owners[-1:] == [""], "NameOwnerChanged")
        test.assertEqual(errors, ["org.freedesktop.DBus.Error.NoReply"])
        test.assertEqual(self.error_of(lambda: self.call(bus, "Echo", "s", "nobody")),
                         "org.freedesktop.DBus.Error.ServiceUnknown")
        self.end(connecting, sharing)

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to be somebody else")
    def test_other_users_are_let_in_only_where_told_so(self) -> None:
        test: unittest.TestCase = self  # type: ignore[assignment]
        sharing = self.share()
        with tempfile.TemporaryDirectory(prefix="tubes-bus-") as directory:
            Path(directory).chmod(0o755)
            socket = f"{directory}/bus"
            command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "env",
                       f"DBUS_SESSION_BUS_ADDRESS=unix:path={socket}", "gdbus", "call", "--session", "--timeout", "20",
                       "-d", NAME, "-o", "/editor", "-m", f"{NAME}.Echo", "other"]
            for options, output in (((), ""), (("--any-user",), "('other',)\n")):
                connecting, _ = self.connect("--listen", f"dbus:{socket}", *options)
                Path(socket).chmod(0o666)  # what the kernel would refuse, the handshake has to
                done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
                test.assertEqual(done.stdout, output, done.stderr)
                self.end(connecting)
        self.end(sharing)

    def test_wrong_use_is_told(self) -> None:
        test: unittest.TestCase = self  # type: ignore[assignment]
        for arguments in (("share", "--dbus", "editor"), ("share", "--dbus", "org.freedesktop.DBus"),
                          ("share", "8080", "--", "true"), ("share", "--dbus", NAME, "--any-user")):
            done = self.world.alice.run(*arguments)
            test.assertEqual(done.returncode, 2, (arguments, done.stderr))
            test.assertNotEqual(done.stderr, "")
        sharing = self.share()
        done = self.world.bob.run("connect", NAME, *self.world.connect_options(), "--listen", "127.0.0.1:0")
        test.assertEqual(done.returncode, 2, done.stderr)
        self.end(sharing)


class OnOneMachine(Buses, unittest.TestCase):
    """No account: two terminals of one user."""

    protocol = "local"


class OverXmppAndIce(Buses, unittest.TestCase):
    """Two accounts at a private Prosody; messages over SCTP and DTLS."""

    protocol = "xmpp"
    test_wrong_use_is_told = None  # one protocol is enough for these
    test_other_users_are_let_in_only_where_told_so = None


if __name__ == "__main__":
    tube_program()
    unittest.main(verbosity=2)
