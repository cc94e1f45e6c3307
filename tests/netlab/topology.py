#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The laboratory's network: an internet with its servers, and sites that hang off it behind a router.

    client eth0 -- lan [router, nftables] wan -- site<N> [internet: routes, Prosody, coturn, STUN, HTTP proxy]

With two NATs in a row a second router stands between the first and the internet.

A site without a NAT is a client whose eth0 is the line to the internet. Every site has the public IPv4 address
203.0.113.<N> and the IPv6 prefix 2001:db8:<N>::/64, as far as its kind has that family.
"""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass

from namespaces import LabError, Namespace, NamespaceSet
from nat import CLIENT_PORTS, NetworkKind, router_rules

SERVER_IPV4 = ("203.0.113.1", "203.0.113.2")
SERVER_IPV6 = ("2001:db8::1", "2001:db8::2")
SAME_RANGE = 1  # 192.168.1.0/24, as every second home router has
_GATEWAY_IPV6, _SITE_IPV6 = "fe80::1", "fe80::2"

# Packets to anywhere else (private addresses that a peer named, for example) vanish, as they do on the internet.
# Without a route the sender would get an error instead, upon which coturn ends the whole allocation.
_REST_OF_THE_INTERNET = f"""
table inet rest {{
  chain inbound {{
    type filter hook prerouting priority raw; policy accept;
    iif lo ip daddr != {{ 127.0.0.0/8, {", ".join(SERVER_IPV4)} }} drop
    iif lo ip6 daddr != {{ ::1, {", ".join(SERVER_IPV6)} }} drop
  }}
}}
"""


@dataclass(frozen=True)
class Site:
    """One side of a cell."""

    kind: NetworkKind
    client: Namespace
    router: Namespace | None
    client_ipv4: str | None
    client_ipv6: str | None
    public_ipv4: str | None


class Internet:
    """The middle namespace; sites attach and detach while it stands. Thread-safe."""

    def __init__(self, namespaces: NamespaceSet, label: str = "internet") -> None:
        self.namespace = namespaces.make(label)
        self._lock = threading.Lock()
        self._numbers = itertools.count(10)
        self.namespace.set(net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1,
                           net__ipv4__conf__all__rp_filter=0, net__ipv4__conf__default__rp_filter=0)
        self.namespace.ip(*(f"addr add {address}/32 dev lo" for address in SERVER_IPV4),
                          *(f"addr add {address}/128 dev lo nodad" for address in SERVER_IPV6),
                          "route add default dev lo", "route add ::/0 dev lo")
        self.namespace.nft(_REST_OF_THE_INTERNET)

    def host_names(self, domain: str) -> str:
        """Lines for /etc/hosts: the servers have both families, as servers do."""
        names = f"{domain} proxy.{domain} conference.{domain}"
        turn = f"turn.{domain}"
        return (f"{SERVER_IPV4[0]} {names}\n{SERVER_IPV6[0]} {names}\n"
                f"{SERVER_IPV4[1]} {turn}\n{SERVER_IPV6[1]} {turn}\n")

    def _take_number(self) -> int:
        with self._lock:
            number = next(self._numbers)
        if number > 250:
            raise LabError("more than 240 sites in one laboratory")
        return number

    def attach(self, namespaces: NamespaceSet, kind: NetworkKind, label: str, hosts: str = "") -> Site:
        """Makes the namespaces of a new site and connects it. They go away with `namespaces`."""
        number = self._take_number()
        public = f"203.0.113.{number}" if kind.ipv4 else None
        client = namespaces.make(f"{label}-client")
        client.set(net__ipv4__ip_local_port_range=f"{CLIENT_PORTS[0]} {CLIENT_PORTS[1]}",
                   net__ipv6__conf__all__accept_dad=0, net__ipv6__conf__default__accept_dad=0)
        client.hosts(hosts)
        if not kind.translates:
            self._wire(client, "eth0", number, kind, public)
            return Site(kind, client, None, public, None, public)
        router = namespaces.make(f"{label}-router")
        router.set(net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1,
                   net__ipv6__conf__all__accept_dad=0, net__ipv6__conf__default__accept_dad=0)
        if kind.carrier:
            outside = self._insert_carrier(namespaces, router, kind, label, number)
        else:
            outside = public
            self._wire(router, "wan", number, kind, public)
        client_ipv4, client_ipv6 = _wire_lan(router, client, kind, number)
        router.nft(router_rules(kind, outside, client_ipv4, seed=number))
        return Site(kind, client, router, client_ipv4, client_ipv6, public)

    def _insert_carrier(self, namespaces: NamespaceSet, router: Namespace, kind: NetworkKind, label: str,
                        number: int) -> str:
        """The carrier's NAT, in front of the customer's; returns the customer's address (RFC 6598) on the line
        between them."""
        carrier = namespaces.make(f"{label}-carrier")
        carrier.set(net__ipv4__ip_forward=1)
        public, inside, customer = f"203.0.113.{number}", f"100.64.{number}.1", f"100.64.{number}.10"
        self._wire(carrier, "wan", number, kind, public)
        carrier.ip(f"link add lan type veth peer name wan netns {router.name}", "link set lan up",
                   f"addr add {inside}/24 dev lan")
        router.ip("link set wan up", f"addr add {customer}/24 dev wan", f"route add default via {inside}")
        carrier.nft(router_rules(kind, public, customer, seed=number + 1000, second=True))
        return customer

    def _wire(self, far: Namespace, interface: str, number: int, kind: NetworkKind, public: str | None) -> None:
        """The line between the internet and a site's first namespace, with addresses and routes on both ends."""
        line = f"site{number}"
        self.namespace.ip(f"link add {line} type veth peer name {interface} netns {far.name}", f"link set {line} up")
        far.ip(f"link set {interface} up")
        if public:
            self.namespace.ip(f"route replace {public}/32 dev {line}")
            far.ip(f"addr add {public}/32 dev {interface}",
                   f"route add default via {SERVER_IPV4[0]} dev {interface} onlink")
        if kind.ipv6:
            self.namespace.ip(f"addr add {_GATEWAY_IPV6}/64 dev {line} nodad",
                              f"route replace 2001:db8:{number}::/64 via {_SITE_IPV6} dev {line}")
            far.ip(f"addr add {_SITE_IPV6}/64 dev {interface} nodad",
                   f"route add default via {_GATEWAY_IPV6} dev {interface}")


def _wire_lan(router: Namespace, client: Namespace, kind: NetworkKind, number: int) -> tuple[str | None, str | None]:
    """The line between router and client; returns the client's IPv4 and IPv6 addresses."""
    router.ip(f"link add lan type veth peer name eth0 netns {client.name}", "link set lan up")
    client.ip("link set eth0 up")
    ipv4 = ipv6 = None
    if kind.ipv4:
        subnet = SAME_RANGE if kind.same_range else number
        ipv4 = f"192.168.{subnet}.10"
        router.ip(f"addr add 192.168.{subnet}.1/24 dev lan")
        client.ip(f"addr add {ipv4}/24 dev eth0", f"route add default via 192.168.{subnet}.1")
    if kind.ipv6:
        ipv6 = f"2001:db8:{number}::10"
        router.ip(f"addr add 2001:db8:{number}::1/64 dev lan nodad")
        client.ip(f"addr add {ipv6}/64 dev eth0 nodad", f"route add default via 2001:db8:{number}::1")
    return ipv4, ipv6
