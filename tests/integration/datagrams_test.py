#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that speak UDP, through datagram tubes: dig, iperf3 and mosh, on one machine and over XMPP and ICE."""

from __future__ import annotations

import getpass
import fcntl
import json
import os
import pty
import re
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import termios
import time
import unittest
from pathlib import Path

from tube_harness import Running, World, free_port, is_listening, wait_until

QUERIES = 40  # names looked up at once
LARGEST = 16368  # bytes of a datagram, docs/protocol.md "Limits"


class Datagrams:
    """The tests; run once a protocol by the classes below."""

    protocol = ""
    path_kind = ""
    world: World
    directory: Path

    @classmethod
    def setUpClass(cls) -> None:
        cls.directory = Path(tempfile.mkdtemp(prefix="tubes-datagrams-"))
        cls.directory.chmod(0o755)
        cls.world = World(cls.protocol)
        if cls.protocol == "xmpp":
            cls.world.use_only("ice")

    @classmethod
    def tearDownClass(cls) -> None:
        cls.world.close()
        shutil.rmtree(cls.directory, ignore_errors=True)

    def join(self, service: str, target: int, *options: str, port: int = 0) -> tuple[Running, Running, int]:
        """Alice shares a UDP port and Bob connects; both processes and the port where Bob's programs find it."""
        sharing = self.world.share("--udp", str(target), "--as", service)
        listen = port or free_port()
        connecting = self.world.connect(service, "--listen", f"udp:127.0.0.1:{listen}", *options)
        return sharing, connecting, listen

    def status(self) -> list[dict]:
        """What Bob's processes know."""
        return json.loads(self.world.bob.run("status", "--json").stdout)

    def test_dig_gets_forty_answers_at_once_and_large_ones(self) -> None:
        test: unittest.TestCase = self  # type: ignore[assignment]
        names = {f"host{i}.test": f"192.0.2.{i + 1}" for i in range(QUERIES)}
        lines = [f"host-record={name},{address}" for name, address in names.items()]
        lines += [f"txt-record=large.test,{'x' * 250}{i:02}" for i in range(12)]
        configuration = self.directory / "dnsmasq.conf"
        configuration.write_text("\n".join(lines) + "\n")
        server_port = free_port()
        server = self.world.alice.start_program(
            ["dnsmasq", "--keep-in-foreground", "--log-facility=-", f"--conf-file={configuration}", "--no-hosts",
             "--no-resolv", "--bind-interfaces", "--listen-address=127.0.0.1", f"--port={server_port}",
             "--edns-packet-max=4096", f"--user={getpass.getuser()}", "--pid-file"])
        wait_until(lambda: is_listening(server_port), "the DNS server")
        sharing, connecting, port = self.join("dns", server_port)
        command = ["dig", "+short", "+time=3", "+tries=3", "@127.0.0.1", "-p", str(port)]
        running = {name: subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in names}
        for name, process in running.items():
            test.assertEqual(process.communicate(timeout=30)[0].strip(), names[name])
        large = subprocess.run([*command, "+bufsize=4096", "+ignore", "large.test", "TXT"], capture_output=True,
                               text=True, timeout=30, check=True)
        test.assertEqual(len(large.stdout.splitlines()), 12)
        tubes = [tube for process in self.status() for tube in process["tubes"] if tube["service"] == "dns"]
        test.assertEqual(tubes[0]["kind"], "datagram")
        test.assertGreaterEqual(tubes[0]["datagrams_received"], QUERIES + 1)
        test.assertGreaterEqual(tubes[0]["streams"], QUERIES)
        links = [link for process in self.status() for link in process["links"]]
        test.assertEqual(links[0]["largest_datagram"], LARGEST)
        test.assertEqual([path["kind"] for path in links[0]["paths"] if path["active"]], [self.path_kind])
        text = self.world.bob.run("status").stdout
        test.assertRegex(text, rf"datagrams up to {LARGEST} bytes")
        test.assertRegex(text, r"dns +4\d +4\d")
        for process in (connecting, sharing):
            test.assertEqual(process.interrupt(), 130)
        server.close()

    def iperf(self, port: int, *options: str) -> dict:
        """One measurement as Bob's client sees it: the sums that it ends with."""
        done = subprocess.run(["iperf3", "--client", "127.0.0.1", "--port", str(port), "--udp", "--bitrate", "20M",
                               "--length", "1000", "--time", "2", "--json", *options], capture_output=True, text=True,
                              timeout=60, check=False)
        report = json.loads(done.stdout)
        self.assertNotIn("error", report)  # type: ignore[attr-defined]
        return report["end"]["sum"]

    def test_iperf3_measures_both_directions(self) -> None:
        test: unittest.TestCase = self  # type: ignore[assignment]
        server_port = free_port()
        server = self.world.alice.start_program(["iperf3", "--server", "--bind", "127.0.0.1", "--port",
                                                 str(server_port)])
        wait_until(lambda: is_listening(server_port), "the iperf3 server")
        # iperf3 talks about its measurement over TCP at the same port.
        control = self.world.share(str(server_port), "--as", "iperf-tcp")
        listen = free_port()
        controlling = self.world.connect("iperf-tcp", "--listen", str(listen))
        sharing, connecting, _ = self.join("iperf-udp", server_port, port=listen)
        for options in ((), ("--reverse",)):
            measured = self.iperf(listen, *options)
            test.assertGreater(measured["packets"], 3000, options)
            test.assertLess(measured["lost_packets"], measured["packets"] / 20, options)
        for process in (connecting, sharing, controlling, control):
            test.assertEqual(process.interrupt(), 130)
        server.close()

    def test_mosh_types_through_a_tube(self) -> None:
        test: unittest.TestCase = self  # type: ignore[assignment]
        environment = {**self.world.alice.environment, "LC_ALL": "C.UTF-8", "TERM": "xterm"}
        server_port = free_port()
        started = subprocess.run(["mosh-server", "new", "-i", "127.0.0.1", "-p", str(server_port), "--", "/bin/sh"],
                                 env=environment, capture_output=True, text=True, timeout=20, check=True)
        connect = re.search(r"MOSH CONNECT (\d+) (\S+)", started.stdout)
        detached = re.search(r"pid = (\d+)", started.stdout + started.stderr)
        assert connect and detached, started
        test.addCleanup(self.end_process, int(detached[1]))
        sharing, connecting, port = self.join("mosh", int(connect[1]))
        child, terminal = pty.fork()
        if child == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            os.execvpe("mosh-client", ["mosh-client", "127.0.0.1", str(port)], {**environment, "MOSH_KEY": connect[2]})
        test.addCleanup(os.close, terminal)
        test.addCleanup(os.waitpid, child, 0)
        test.addCleanup(self.end_process, child)
        self.read_until(terminal, rb"[#$] ")
        os.write(terminal, b"echo $((40 + 2))-through-a-tube\r")
        self.read_until(terminal, rb"42-through-a-tube")
        os.write(terminal, b"exit\r")
        for process in (connecting, sharing):
            test.assertEqual(process.interrupt(), 130)

    @staticmethod
    def end_process(process: int) -> None:
        """Ends a process unless it is gone."""
        try:
            os.kill(process, 15)
        except ProcessLookupError:
            pass

    @staticmethod
    def read_until(terminal: int, pattern: bytes) -> None:
        """Reads what a terminal shows until `pattern` is there."""
        seen = b""
        give_up = time.monotonic() + 20
        while not re.search(pattern, seen):
            ready, _, _ = select.select([terminal], [], [], max(0.0, give_up - time.monotonic()))
            if not ready:
                raise AssertionError(f"no {pattern!r} in {seen!r}")
            seen += os.read(terminal, 4096)

    def test_a_datagram_that_is_too_large_is_told_with_its_size(self) -> None:
        test: unittest.TestCase = self  # type: ignore[assignment]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as program:
            server.bind(("127.0.0.1", 0))
            server.settimeout(20)
            sharing, connecting, port = self.join("any", server.getsockname()[1])
            program.sendto(b"x" * 20000, ("127.0.0.1", port))
            connecting.wait_for(rf"dropped a datagram of 20000 bytes; the tube carries at most {LARGEST}")
            program.sendto(b"x" * LARGEST, ("127.0.0.1", port))
            data, sender = server.recvfrom(65536)
            test.assertEqual(len(data), LARGEST)
            server.close()
            # Nobody answers any more: told at Alice's side, and the tube stays.
            program.sendto(b"one", ("127.0.0.1", port))
            program.sendto(b"two", ("127.0.0.1", port))
            sharing.wait_for(r"any: cannot reach udp:127\.0\.0\.1:\d+: .*refused|does not accept")
            test.assertIsNone(connecting.process.poll())
        for process in (connecting, sharing):
            test.assertEqual(process.interrupt(), 130)

    def test_a_port_means_udp_where_the_service_is_one(self) -> None:
        test: unittest.TestCase = self  # type: ignore[assignment]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as program:
            server.bind(("127.0.0.1", 0))
            server.settimeout(20)
            program.settimeout(20)
            sharing = self.world.share("--udp", str(server.getsockname()[1]), "--as", "plain")
            listen = free_port()
            connecting = self.world.connect("plain", "--listen", str(listen))
            program.sendto(b"ping", ("127.0.0.1", listen))
            data, sender = server.recvfrom(100)
            server.sendto(data + b" pong", sender)
            test.assertEqual(program.recv(100), b"ping pong")
        for process in (connecting, sharing):
            test.assertEqual(process.interrupt(), 130)


class OnOneMachine(Datagrams, unittest.TestCase):
    """No account: two terminals of one user."""

    protocol = "local"
    path_kind = "local"


class OverXmppAndIce(Datagrams, unittest.TestCase):
    """Two accounts at a private Prosody; datagrams over SCTP and DTLS."""

    protocol = "xmpp"
    path_kind = "ice"
    test_mosh_types_through_a_tube = None  # one protocol is enough: these three say the same of ICE
    test_a_port_means_udp_where_the_service_is_one = None


if __name__ == "__main__":
    unittest.main(verbosity=2)
