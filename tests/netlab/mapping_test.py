#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A router that leads ports in (miniupnpd, by NAT-PMP): two symmetric NATs need no relay, and nothing stays behind."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from typing import Iterator

from faults_test import wait_for
from laboratory import Laboratory
from namespaces import NamespaceSet
from nat import KINDS
from topology import Site
from tube_check import Pair, compare, read_result
from tube_driver import find_program

BYTES = 2_000_000
LIFETIME = 600  # seconds, kMappingLifetime

# What miniupnpd's own script makes, within the router's table.
_CHAINS = """
table inet filter {
  chain miniupnpd { }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
  chain prerouting { type nat hook prerouting priority -101; jump prerouting_miniupnpd; }
}
insert rule inet filter forward jump miniupnpd
insert rule inet filter input iifname lan udp dport 5351 accept
"""


class MappingRouter:
    """miniupnpd on a site's router."""

    def __init__(self, laboratory: Laboratory, site: Site, folder: Path) -> None:
        assert site.router is not None and site.client_ipv4 is not None and site.public_ipv4 is not None
        self._router = site.router
        number = site.public_ipv4.rsplit(".", 1)[1]
        # miniupnpd takes no address of a documentation range for one of the internet.
        self.outside = f"11.0.113.{number}"
        laboratory.internet.namespace.ip(f"route replace {self.outside}/32 dev site{number}")
        self._router.ip(f"addr add {self.outside}/32 dev wan")
        self._router.nft(_CHAINS)
        self._leases = folder / "leases"
        configuration = folder / "miniupnpd.conf"
        configuration.write_text(
            f"ext_ifname=wan\next_ip={self.outside}\nlistening_ip=lan\nenable_natpmp=yes\nenable_upnp=no\n"
            f"secure_mode=yes\nlease_file={self._leases}\nuuid=00000000-0000-0000-0000-000000000000\n"
            "upnp_table_name=filter\nupnp_nat_table_name=filter\nupnp_forward_chain=miniupnpd\n"
            "upnp_nat_chain=prerouting_miniupnpd\nupnp_nat_postrouting_chain=postrouting_miniupnpd\n"
            "allow 1024-65535 192.168.0.0/16 1024-65535\ndeny 0-65535 0.0.0.0/0 0-65535\n")
        self.log = folder / "miniupnpd.log"
        with self.log.open("w") as log:
            self._process = self._router.popen(["miniupnpd", "-d", "-f", str(configuration), "-P", str(folder / "pid")],
                                               stdout=log, stderr=subprocess.STDOUT)
        wait_for("miniupnpd listens", lambda: ":5351 " in self._router.run(["ss", "-Hlun"]).stdout, 10)

    def mappings(self) -> list[str]:
        """The protocols of the ports that are led in just now: what nftables has, by the router's own list
        (PROTOCOL:PORT:ADDRESS:PORT:TIME:TEXT)."""
        rules = self._router.run(["nft", "list", "chain", "inet", "filter", "prerouting_miniupnpd"]).stdout
        led_in = set(re.findall(r"dport (\d+) dnat", rules))
        return [line[0] for line in self._lease_lines() if line[1] in led_in]

    def longest_lease(self) -> float:
        """Seconds until the router itself takes the last mapping back."""
        return max(float(line[4]) for line in self._lease_lines()) - time.time()

    def _lease_lines(self) -> list[list[str]]:
        return [line.split(":") for line in self._leases.read_text().splitlines()] if self._leases.exists() else []

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def setting(name: str, value: str) -> Iterator[None]:
    """A setting of all programs started meanwhile."""
    variable = "TUBES_" + name.upper().replace(".", "_")
    os.environ[variable] = value
    try:
        yield
    finally:
        del os.environ[variable]


class PortMapping(unittest.TestCase):
    """Both users behind symmetric NATs; the sharer's router takes requests."""

    def setUp(self) -> None:
        self._stack = contextlib.ExitStack()
        self.addCleanup(self._stack.close)
        laboratory = self._stack.enter_context(Laboratory("mapping"))
        namespaces = self._stack.enter_context(NamespaceSet())
        laboratory.start_servers(["sharer:pw-sharer", "connector:pw-connector"], ["all=sharer,connector"])
        self.sites = [laboratory.attach(namespaces, KINDS["symmetric"], role) for role in ("s", "c")]
        assert laboratory.prosody is not None
        self.authority = laboratory.prosody.description["ca"]
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self.router = MappingRouter(laboratory, self.sites[0], folder)
        self._stack.callback(self.router.close)

    def path_of_a_transfer(self, kill: bool = False) -> str:
        """Moves bytes both ways and says how they went."""
        program = find_program(None, Path(__file__).resolve().parents[2])
        with Pair(program, self.authority, (self.sites[0], "sharer"), (self.sites[1], "connector"),
                  "mapping=debug,ice=debug") as pair:
            pair.log_in()
            server = pair.serve(BYTES)
            pair.open()
            client = pair.use(BYTES)
            compare(read_result(client, "transfer", 60), read_result(server, "the shared application", 60), BYTES)
            path = str(pair.connector.active_path().get("kind"))
            self.held = self.router.mappings()
            self.lease = self.router.longest_lease() if self.held else 0.0
            if kill:
                for process in pair.sharer._started:
                    process.kill()
                    process.wait()
        return path

    def test_two_symmetric_nats_need_no_relay(self) -> None:
        self.assertEqual(self.path_of_a_transfer(), "ice-relayed", "off unless the user allows it")
        self.assertEqual(self.held, [])
        with setting("network.port_mapping", "true"):
            for transport, path in (("direct-tls", "direct-tls"), ("ice", "ice")):
                with self.subTest(transport=transport), setting("network.transports", transport):
                    self.assertEqual(self.path_of_a_transfer(), path, self.router.log.read_text()[-2000:])
                    self.assertEqual(self.held, ["TCP" if transport == "direct-tls" else "UDP"])
                    self.assertTrue(0 < self.lease <= LIFETIME, self.lease)
                    wait_for("the mapping is taken back", lambda: not self.router.mappings(), 10)
            # Killed, it cannot take its port back; the router will, in ten minutes at most.
            self.path_of_a_transfer(kill=True)
            self.assertTrue(self.router.mappings())
            self.assertTrue(0 < self.router.longest_lease() <= LIFETIME)


if __name__ == "__main__":
    unittest.main()
