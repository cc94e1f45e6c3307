#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of docs/apps.md that need more than a shell: a VNC desktop (x11vnc under Xvfb) and WireGuard (wireguard-go in
network namespaces)."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Iterator

from tube_harness import World, free_port, is_listening, wait_until

WEB_PORT = 8000  # of the machine behind WireGuard


def run(*command: str, text: str = "") -> str:
    """A command that has to succeed; what it printed."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stderr}")
    return done.stdout


@contextlib.contextmanager
def network_namespace(name: str) -> Iterator[list[str]]:
    """A network namespace; the words that run a program in it."""
    run("ip", "netns", "add", name)
    try:
        yield ["ip", "netns", "exec", name]
    finally:
        run("ip", "netns", "del", name)


class Apps(unittest.TestCase):
    """On one machine, without accounts."""

    def setUp(self) -> None:
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.stack = stack
        self.directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tubes-apps-")))
        self.world = stack.enter_context(World("local"))

    def snapshot(self, port: int, name: str) -> bytes:
        """What a VNC viewer sees at a port, as a picture."""
        picture = self.directory / name
        run("vncsnapshot", "-quiet", "-nocursor", f"127.0.0.1:{port - 5900}", str(picture))
        return picture.read_bytes()

    def test_a_desktop_is_seen_through_a_tube(self) -> None:
        reading, writing = os.pipe()
        screen = self.world.alice.start_program(["Xvfb", "-displayfd", str(writing), "-screen", "0", "640x480x24", "-nolisten",
                                                 "tcp"], pass_fds=[writing])
        os.close(writing)
        with os.fdopen(reading) as told:
            display = f":{told.readline().strip()}"
        port = free_port()
        self.world.alice.start_program(["x11vnc", "-display", display, "-rfbport", str(port), "-localhost", "-forever",
                                        "-shared", "-nopw", "-noxdamage", "-quiet"])
        wait_until(lambda: is_listening(port), "x11vnc")
        self.world.share(str(port), "--as", "desktop")
        listen = free_port()
        self.world.connect("desktop", "--listen", str(listen))
        here, through = self.snapshot(port, "here.jpg"), self.snapshot(listen, "through.jpg")
        self.assertEqual(through, here)
        self.assertIn((480).to_bytes(2, "big") + (640).to_bytes(2, "big"), through)  # JPEG: height, width
        self.assertIsNone(screen.process.poll())

    @unittest.skipUnless(os.geteuid() == 0 or os.environ.get("CI") == "true", "makes network interfaces: needs root")
    def test_wireguard_joins_two_networks_through_a_tube(self) -> None:
        ends = {}
        for end, number in (("a", 1), ("b", 2)):
            name = f"tubes{end}{os.getpid() % 1000000}"
            inside = self.stack.enter_context(network_namespace(name))
            self.start_wireguard(name)
            run("ip", "link", "set", name, "netns", name)
            private = run("wg", "genkey").strip()
            ends[end] = (name, inside, private, run("wg", "pubkey", text=private).strip(), f"10.99.0.{number}")
        server_port, listen = free_port(), free_port()
        self.world.share("--udp", str(server_port), "--as", "wireguard")
        self.world.connect("wireguard", "--listen", f"udp:127.0.0.1:{listen}")
        self.configure(ends["a"], ends["b"], f"ListenPort = {server_port}\n", "")
        self.configure(ends["b"], ends["a"], "", f"Endpoint = 127.0.0.1:{listen}\n")

        content = secrets.token_bytes(2_000_000)
        (self.directory / "file").write_bytes(content)
        _, inside, _, _, address = ends["a"]
        self.world.alice.start_program([*inside, sys.executable, "-m", "http.server", "--bind", address, "-d",
                                        str(self.directory), str(WEB_PORT)])
        wait_until(lambda: f":{WEB_PORT} " in run(*inside, "ss", "-Hltn"), "the web server")
        done = subprocess.run([*ends["b"][1], "curl", "-sS", "--max-time", "30", f"http://{address}:{WEB_PORT}/file"],
                              capture_output=True, timeout=60, check=False)
        self.assertEqual(done.stdout, content, done.stderr.decode())

    def start_wireguard(self, name: str) -> None:
        """A WireGuard interface; its UDP socket stays in this network when the interface moves into another."""
        self.world.alice.start_program(["wireguard-go", "--foreground", name])
        wait_until(lambda: Path(f"/var/run/wireguard/{name}.sock").exists(), "wireguard-go")

    def configure(self, end: tuple, other: tuple, interface: str, peer: str) -> None:
        """Keys, addresses and the MTU that docs/apps.md names."""
        name, inside, private, _, address = end
        configuration = self.directory / f"{name}.conf"
        configuration.write_text(f"[Interface]\nPrivateKey = {private}\n{interface}\n[Peer]\nPublicKey = {other[3]}\n"
                                 f"AllowedIPs = {other[4]}/32\n{peer}")
        run("wg", "setconf", name, str(configuration))
        for command in (f"addr add {address}/24 dev {name}", f"link set {name} mtu 1000 up"):
            run(*inside, "ip", *command.split())


if __name__ == "__main__":
    unittest.main()
