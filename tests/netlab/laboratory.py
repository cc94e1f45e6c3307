#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running laboratory: the internet with its servers, and the checks that its networks are what they are called."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from namespaces import LabError, NamespaceSet, remove_abandoned_namespaces
from nat import PROXY_SERVER, TCP_SERVERS, TURN_TLS_SERVER, XMPP_TLS_SERVER, NetworkKind
from topology import SERVER_IPV4, SERVER_IPV6, Internet, Site

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from fixture_client import Fixture  # noqa: E402  (its folder is known only now)

DOMAIN = "tube.test"
STUN_PORTS = (3488, 3489)
XMPP_PORT, XMPP_TLS_PORT, TURN_PORT = 5222, XMPP_TLS_SERVER[1], 3478
_ATTEMPTS = 3  # a probe on a machine busy with builds may miss its 0.6 s


class Laboratory:
    """Namespaces and servers; a context manager that leaves nothing behind."""

    def __init__(self, label: str = "internet") -> None:
        """`label` keeps several laboratories of one process apart."""
        remove_abandoned_namespaces()
        self._stack = contextlib.ExitStack()
        self.prosody: Fixture | None = None
        self.coturn: Fixture | None = None
        try:
            namespaces = self._stack.enter_context(NamespaceSet())
            self.internet = Internet(namespaces, label)
            self.internet.namespace.hosts(self.internet.host_names(DOMAIN))
            self._start_stun()
        except BaseException:
            self._stack.close()
            raise

    def _start_stun(self) -> None:
        server = self.internet.namespace.popen(
            [str(HERE / "stun_server.py"), *map(str, STUN_PORTS), *SERVER_IPV4, *SERVER_IPV6],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._stack.enter_context(server)
        self._stack.callback(server.kill)
        if not server.stdout or not server.stdout.readline():
            raise LabError("the STUN server did not start")

    def start_servers(self, accounts: list[str], groups: list[str], *more: str) -> None:
        """Starts coturn and Prosody ("user:password" accounts, "name=user,user" groups; `more` options of
        prosody.py) on the internet."""
        prefix = self.internet.namespace.prefix()
        addresses = [word for address in (SERVER_IPV4[0], SERVER_IPV6[0]) for word in ("--address", address)]
        secret = secrets.token_hex(16)
        self.prosody = self._stack.enter_context(Fixture(
            "prosody.py", *addresses, "--domain", DOMAIN, "--c2s-port", str(XMPP_PORT),
            "--direct-tls-port", str(XMPP_TLS_PORT), "--turn", f"turn.{DOMAIN}:{TURN_PORT}",
            "--turn-secret", secret, "--turn-tls-port", str(TURN_TLS_SERVER[1]),
            *(word for account in accounts for word in ("--account", account)),
            *(word for group in groups for word in ("--group", group)), *more, prefix=prefix))
        # The other address, so that both have a port 443; the XMPP server's certificate is for all its names.
        relays = [word for address in (SERVER_IPV4[1], SERVER_IPV6[1]) for word in ("--address", address)]
        self.coturn = self._stack.enter_context(Fixture(
            "coturn.py", *relays, "--port", str(TURN_PORT), "--tls-port", str(TURN_TLS_SERVER[1]), "--secret", secret,
            "--certificate", self.prosody.description["certificate"], "--key", self.prosody.description["key"],
            prefix=prefix))
        self._stack.enter_context(Fixture(
            "proxy.py", "--address", PROXY_SERVER[0], "--port", str(PROXY_SERVER[1]),
            "--connect-port", str(TURN_TLS_SERVER[1]), prefix=prefix))

    def attach(self, namespaces: NamespaceSet, kind: NetworkKind, label: str) -> Site:
        """A new site of that kind, asserted to behave as its kind says."""
        site = self.internet.attach(namespaces, kind, label, self.internet.host_names(DOMAIN))
        assert_network(site)
        if kind.blocks:
            assert_tcp_servers(site)
        return site

    def close(self) -> None:
        """Ends the servers, then deletes the namespaces."""
        self._stack.close()

    def __enter__(self) -> Laboratory:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def wanted_probe(kind: NetworkKind, ipv6: bool) -> dict[str, object]:
    """What stun_probe.py must report for a site of that kind, in one address family."""
    if not kind.udp or (ipv6 and not kind.ipv6_works):
        return {"reachable": False}
    if ipv6:
        return {"reachable": True, "translated": False, "port_kept": True, "mapping": "endpoint-independent",
                "filtering": "address-and-port-dependent"}
    return {"reachable": True, "translated": kind.translates, "port_kept": not kind.translates,
            "mapping": kind.mapping.value, "filtering": kind.filtering.value}


def run_probe(site: Site, ipv6: bool) -> dict[str, object]:
    """What stun_probe.py reports from inside the site."""
    servers = SERVER_IPV6 if ipv6 else SERVER_IPV4
    done = site.client.run([str(HERE / "stun_probe.py"), *servers, *map(str, STUN_PORTS)])
    if done.returncode != 0:
        raise LabError(f"probe in {site.kind.name}: {done.stderr.strip()}")
    found: dict[str, object] = json.loads(done.stdout)
    return found


def assert_network(site: Site) -> None:
    """Raises LabError when the site's mapping or filtering (RFC 5780) is not what its kind says."""
    for ipv6 in (False, True):
        if not (site.kind.ipv6 if ipv6 else site.kind.ipv4):
            continue
        wanted = wanted_probe(site.kind, ipv6)
        for attempt in range(_ATTEMPTS):
            found = run_probe(site, ipv6)
            if found == wanted:
                break
            if attempt == _ATTEMPTS - 1:
                raise LabError(f"network {site.kind.name} behaves as {found}, not as {wanted}")


def assert_tcp_servers(site: Site) -> None:
    """Raises LabError unless exactly the servers that the kind lets out answer, be it by refusing."""
    wanted = sorted(site.kind.lets_out) if site.kind.blocks else sorted(TCP_SERVERS)
    for attempt in range(_ATTEMPTS):
        done = site.client.run([str(HERE / "tcp_probe.py"), *(f"{address}:{port}" for address, port in TCP_SERVERS)])
        found = sorted((address, int(port)) for address, port in (line.split(":") for line in done.stdout.split()))
        if found == wanted:
            return
        if attempt == _ATTEMPTS - 1:
            raise LabError(f"network {site.kind.name} reaches {found}, not {wanted}: {done.stderr.strip()}")


class PunchParty:
    """A running punch_probe.py in a site."""

    def __init__(self, site: Site, role: str) -> None:
        stun = [[servers[0], STUN_PORTS[0]] for servers, has in
                ((SERVER_IPV4, site.kind.ipv4), (SERVER_IPV6, site.kind.ipv6)) if has]
        hosts = [address for address in (site.client_ipv4, site.client_ipv6) if address]
        setup = json.dumps({"stun": stun, "hosts": hosts})
        self._process = site.client.popen([str(HERE / "punch_probe.py"), role, setup], stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE)

    def read(self) -> dict[str, Any]:
        """The next line that it printed."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise LabError("a hole punching party ended early")
        message: dict[str, Any] = json.loads(line)
        return message

    def write(self, message: dict[str, Any]) -> None:
        """Tells it the other party's candidates."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.communicate()


def punch(first: Site, second: Site) -> dict[str, bool]:
    """Whether two sites reach each other directly, by UDP and by TCP, without any product of ours."""
    parties = (PunchParty(first, "first"), PunchParty(second, "second"))
    try:
        candidates = [party.read() for party in parties]
        parties[0].write(candidates[1])
        parties[1].write(candidates[0])
        results = [party.read() for party in parties]
    finally:
        for party in parties:
            party.close()
    return {"udp": all(r["udp"] for r in results), "tcp": any(r["tcp"] for r in results)}
