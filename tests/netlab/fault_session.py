#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two users with a tube of each kind between them over one kind of path, and the wire of one of them in our hands.

    sharer's client -- internet [Prosody, coturn] -- router [NAT] -- link_emulator -- connector's client

The traffic of all three kinds runs at the same time, each through programs and a link of its own.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Callable

from emulated_link import Emulator
from laboratory import HERE, Laboratory
from namespaces import Namespace, NamespaceSet
from nat import KINDS, router_rules
from topology import Site
from tube_driver import TubeUser

STREAM, DATAGRAM, DBUS = KINDS_OF_TUBE = ("stream", "datagram", "D-Bus")
BUS_NAME = "org.example.Faults"
STREAM_PORT, DATAGRAM_PORT = 8080, 8081
STREAM_LISTEN, DATAGRAM_LISTEN = 9090, 9091
OPEN_SECONDS = 60.0
RECOVERY = 45.0  # seconds within which everything moves again after a fault, on a machine that is busy with builds
PATIENCE = 30.0  # limits.patience of both users


@dataclass(frozen=True)
class PathKind:
    """One way for bytes, and the settings that leave no other. `rates`: bytes, datagrams and calls a second."""

    name: str
    title: str
    reported: str  # the word of `tube status`
    settings: tuple[tuple[str, str], ...]
    rates: tuple[float, float, float] = (600_000, 100, 25)
    one_machine: bool = False

    @property
    def translated(self) -> bool:
        """Whether the path passes the router's NAT and the emulated wire."""
        return not self.one_machine


PATHS = {path.name: path for path in (
    PathKind("local", "same machine", "local", (("transports", "local"),), one_machine=True),
    PathKind("direct", "direct TLS", "direct-tls", (("transports", "direct-tls"),)),
    PathKind("ice", "ICE", "ice", (("transports", "ice"),)),
    PathKind("turn", "TURN relay", "ice-relayed", (("transports", "ice"), ("addresses", "relay-only"))),
    PathKind("socks5", "SOCKS5 relay", "socks5", (("transports", "socks5"),)),
    PathKind("in-band", "in-band", "in-band", (("transports", "in-band"),), rates=(12_000, 8, 6)),
)}


def wait_for(what: str, condition: Callable[[], bool], seconds: float) -> None:
    """Returns when the condition holds; RuntimeError when it does not within `seconds`."""
    give_up = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up:
            raise RuntimeError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)


class Application:
    """One end of the traffic of one kind."""

    def __init__(self, namespace: Namespace, command: list[str], environment: dict[str, str] | None = None) -> None:
        variables = [f"{name}={value}" for name, value in (environment or {}).items()]
        self._process = namespace.popen(["env", *variables, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("an application of the traffic ended early")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def command(self, word: str) -> None:
        """Tells it something; whether it listens shows in its answer."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(word + "\n")
            self._process.stdin.flush()

    def stop(self) -> None:
        """Ends its sending; it knows when this returns."""
        self.command("stop")
        while not self._answer().get("stopping"):
            pass

    def progress(self) -> int:
        """What it has received so far. After its end: the final count."""
        self.command("progress")
        answer = self._answer()
        return int(answer["received"])

    def result(self) -> dict[str, Any]:
        """Its last line, for which the caller has waited long enough by its own deadlines."""
        while True:
            answer = self._answer()
            if "result" in answer:
                result: dict[str, Any] = answer["result"]
                return result

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.communicate()


class Traffic:
    """Both ends of one kind's traffic."""

    def __init__(self, kind: str, server: Application, client: Application) -> None:
        self.kind, self.server, self.client = kind, server, client

    def progress(self) -> tuple[int, int]:
        """Received by server and client."""
        return self.server.progress(), self.client.progress()

    def finish(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Stops both; what server and client say."""
        self.server.stop()
        self.client.stop()
        client = self.client.result()
        self.server.command("end")
        return self.server.result(), client

    def close(self) -> None:
        """Ends both."""
        self.client.close()
        self.server.close()


def emulate_wire(site: Site) -> Emulator:
    """Puts the emulator in the place of the line between a site's client and its router."""
    assert site.router is not None and site.client_ipv4 is not None
    gateway = site.client_ipv4.rsplit(".", 1)[0] + ".1"
    site.client.ip("link del eth0")
    wire = Emulator(site.client, site.router, "--device", "eth0", "--device-b", "lan", "--queue-kb", "256")
    site.router.ip("link set lan txqueuelen 1000 up", f"addr add {gateway}/24 dev lan")
    site.client.ip("link set eth0 txqueuelen 1000 up", f"addr add {site.client_ipv4}/24 dev eth0",
                   f"route add default via {gateway} dev eth0")
    return wire


class Session:
    """A laboratory with tubes of all kinds that are open; a context manager."""

    def __init__(self, program: Path, path: PathKind, number: int, log: str = "") -> None:
        self.path = path
        self._number = number
        self._moves = 0
        self._program = program
        self._log = log
        self._stack = contextlib.ExitStack()
        try:
            self._build()
            self.open()
        except BaseException:
            self.close()
            raise

    def _build(self) -> None:
        self.laboratory = self._stack.enter_context(Laboratory(f"net{self._number}"))
        self.laboratory.start_servers(["sharer:pw-sharer", "connector:pw-connector"], ["all=sharer,connector"],
                                      "--hibernation", "20")
        namespaces = self._stack.enter_context(NamespaceSet())
        self.site = self.laboratory.attach(namespaces, KINDS["port-restricted"], f"{self._number}-c")
        far = self.site if self.path.one_machine else self.laboratory.attach(namespaces, KINDS["none"],
                                                                             f"{self._number}-s")
        self.wire = emulate_wire(self.site)
        self._stack.callback(self.wire.close)
        self.home = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="tubeslab-")))
        assert self.laboratory.prosody is not None
        authority = self.laboratory.prosody.description["ca"]
        settings = {f"TUBES_NETWORK_{name.upper()}": value for name, value in self.path.settings}
        settings |= {"TUBES_LIMITS_PATIENCE": f"{PATIENCE:.0f}", "TUBES_LIMITS_KEEPALIVE": "3"}
        self.far = far
        self.users = [TubeUser(self._program, site.client, name, self.home / name, authority, self._log, site.kind, settings)
                      for site, name in ((far, "sharer"), (self.site, "connector"))]
        for user in self.users:
            self._stack.callback(user.close)
            user.login()

    @property
    def sharer(self) -> TubeUser:
        """Who shares."""
        return self.users[0]

    @property
    def connector(self) -> TubeUser:
        """Who connects, behind the wire."""
        return self.users[1]

    def open(self) -> None:
        """Opens a tube of each kind and waits until the expected path carries it."""
        to = ["--to", self.connector.jid, "--always", "--trust-first"]
        self.shares = {
            STREAM: self.sharer.start("share-stream", "share", str(STREAM_PORT), "--as", "stream", *to),
            DATAGRAM: self.sharer.start("share-datagram", "share", "--udp", str(DATAGRAM_PORT), "--as", "datagram", *to),
            DBUS: self.sharer.start("share-bus", "share", "--dbus", BUS_NAME, *to)}
        for label in ("share-stream", "share-datagram", "share-bus"):
            self._said(self.sharer, label, r"Sharing .* as ")
        of = ["--from", self.sharer.jid, "--timeout", "60"]
        self.connects = {
            STREAM: self.connector.start("use-stream", "connect", "stream", *of, "--listen", f"127.0.0.1:{STREAM_LISTEN}"),
            DATAGRAM: self.connector.start("use-datagram", "connect", "datagram", *of, "--listen",
                                           f"udp:127.0.0.1:{DATAGRAM_LISTEN}"),
            DBUS: self.connector.start("use-bus", "connect", BUS_NAME, *of)}
        for label in ("use-stream", "use-datagram", "use-bus"):
            self._said(self.connector, label, r" is at ")
        wait_for(f"all three tubes over {self.path.title}", lambda: self.active_paths() == [self.path.reported] * 3,
                 OPEN_SECONDS)

    def _said(self, user: TubeUser, label: str, pattern: str) -> str:
        """What the process said that matches."""
        found: list[str] = []

        def said() -> bool:
            match = re.search(pattern, user.log(label))
            if match:
                found.append(match[match.lastindex or 0])
            return bool(match)

        try:
            wait_for(f"{label}: {pattern}", said, OPEN_SECONDS)
        except RuntimeError as error:
            raise RuntimeError(f"{error}: {user.log(label)[-400:].strip()}") from None
        return found[0]

    def active_paths(self) -> list[str]:
        """The kinds of path in use, one a link of the connector."""
        return [path["kind"] for link in self.connector.links() for path in link["paths"] if path["active"]]

    def start_traffic(self, kinds: tuple[str, ...] = KINDS_OF_TUBE) -> dict[str, Traffic]:
        """Traffic of these kinds, under way."""
        started: dict[str, Traffic] = {}
        try:
            for kind in kinds:
                started[kind] = self._start(kind)
            self.wait_for_progress(started, 0.3)
        except BaseException:
            for traffic in started.values():
                traffic.close()
            raise
        return started

    def _start(self, kind: str) -> Traffic:
        rate = str(self.path.rates[KINDS_OF_TUBE.index(kind)])
        if kind == DBUS:
            ends = []
            for user, label, role, site in ((self.sharer, "share-bus", "serve", self.far),
                                            (self.connector, "use-bus", "connect", self.site)):
                address = self._said(user, label, r"DBUS_SESSION_BUS_ADDRESS=['\"]?(unix:[^\s'\"]+)")
                ends.append(Application(site.client, [str(HERE / "fault_bus.py"), role, rate],
                                        {"DBUS_SESSION_BUS_ADDRESS": address}))
            return Traffic(kind, *ends)
        port, listen = ((STREAM_PORT, STREAM_LISTEN) if kind == STREAM else (DATAGRAM_PORT, DATAGRAM_LISTEN))
        program = str(HERE / "fault_traffic.py")
        server = Application(self.far.client, [program, kind, "serve", str(port), rate])
        return Traffic(kind, server, Application(self.site.client, [program, kind, "connect", str(listen), rate]))

    def wait_for_progress(self, traffic: dict[str, Traffic], seconds_worth: float, limit: float = RECOVERY) -> None:
        """Returns when each end of each kind has got what its peer sends in that many seconds of quiet."""
        for kind, each in traffic.items():
            wanted = self.path.rates[KINDS_OF_TUBE.index(kind)] * seconds_worth
            before = each.progress()

            def moved(each: Traffic = each, before: tuple[int, int] = before, wanted: float = wanted) -> bool:
                return all(now - then >= wanted for now, then in zip(each.progress(), before))

            wait_for(f"the {kind} traffic moves on", moved, limit)

    def change_address(self) -> None:
        """The connector's computer loses its address and gets another one."""
        assert self.site.client_ipv4 is not None
        subnet = self.site.client_ipv4.rsplit(".", 1)[0]
        old, new = f"{subnet}.{10 + self._moves}", f"{subnet}.{11 + self._moves}"
        self._moves += 1
        self.site.client.ip(f"addr del {old}/24 dev eth0", f"addr add {new}/24 dev eth0",
                            f"route replace default via {subnet}.1 dev eth0 src {new}")

    def forget_mappings(self) -> None:
        """The router forgets every mapping and gives out other ports from now on, as one that restarted."""
        router = self.site.router
        assert router is not None and self.site.client_ipv4 is not None
        subnet = self.site.client_ipv4.rsplit(".", 1)[0]
        router.nft("flush ruleset\n" + router_rules(self.site.kind, self.site.public_ipv4,
                                                    f"{subnet}.{10 + self._moves}", seed=1000 + self._number))
        router.run(["conntrack", "-F"]).check_returncode()

    def close(self) -> None:
        """Ends all of it."""
        self._stack.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()
