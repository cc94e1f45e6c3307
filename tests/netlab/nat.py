#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of network a client can sit in, as nftables rules of its router. Spec: RFC 4787 §4-5; RFC 6092 (IPv6).

A router serves one client. UDP ports 40000-40999 of the client get a fixed other port outside (a random permutation),
so that nothing works by the accident of an unchanged port. TCP has a new random port per connection and no way in:
no NAT here can be punched by TCP, which is what the table of expected paths assumes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum

CLIENT_PORTS = (40000, 40999)
_OUTSIDE_FIRST = 20000
_CARRIER_OUTSIDE_FIRST = 21000

# What blocked networks let out (topology.py and laboratory.py place the servers).
XMPP_SERVER, PROXY_SERVER = ("203.0.113.1", 5222), ("203.0.113.2", 3128)
XMPP_TLS_SERVER, TURN_TLS_SERVER = ("203.0.113.1", 443), ("203.0.113.2", 443)
TCP_SERVERS = (XMPP_SERVER, XMPP_TLS_SERVER, TURN_TLS_SERVER, PROXY_SERVER)


class Behaviour(Enum):
    """How mappings or filters depend on the far end (RFC 4787 §4.1, §5)."""

    ENDPOINT_INDEPENDENT = "endpoint-independent"
    ADDRESS_DEPENDENT = "address-dependent"
    ADDRESS_AND_PORT_DEPENDENT = "address-and-port-dependent"


@dataclass(frozen=True)
class NetworkKind:
    """What a site's network does; the probe asserts mapping and filtering before a cell runs."""

    name: str
    title: str
    ipv4: bool = True
    ipv6: bool = False
    translates: bool = True  # a NAT between the client and the internet (IPv4)
    udp: bool = True
    ipv6_works: bool = True
    same_range: bool = False  # uses the private range, and the very address, that every such site uses
    mapping: Behaviour = Behaviour.ENDPOINT_INDEPENDENT
    filtering: Behaviour = Behaviour.ADDRESS_AND_PORT_DEPENDENT
    carrier: bool = False  # a second NAT of the same kind behind the first, with addresses of RFC 6598 between
    lets_out: tuple[tuple[str, int], ...] = ()  # the only TCP servers that can be reached; empty: all

    @property
    def blocks(self) -> bool:
        """Whether only some servers can be reached."""
        return bool(self.lets_out)

    @property
    def uses_proxy(self) -> bool:
        """Whether programs have to go through the HTTP proxy."""
        return self.lets_out == (PROXY_SERVER,)


_EIM = Behaviour.ENDPOINT_INDEPENDENT
_ADF = Behaviour.ADDRESS_DEPENDENT
_APD = Behaviour.ADDRESS_AND_PORT_DEPENDENT

KINDS = {kind.name: kind for kind in (
    NetworkKind("none", "no NAT", translates=False, filtering=_EIM),
    NetworkKind("full-cone", "full cone", filtering=_EIM),
    NetworkKind("address-restricted", "address-restricted", filtering=_ADF),
    NetworkKind("port-restricted", "port-restricted"),
    NetworkKind("symmetric", "symmetric", mapping=_APD),
    NetworkKind("udp-blocked", "UDP blocked", udp=False),
    NetworkKind("same-range", "same private range", same_range=True),
    NetworkKind("ipv6-only", "IPv6 only", ipv4=False, ipv6=True),
    NetworkKind("dual", "dual stack", ipv6=True),
    NetworkKind("ipv4-only", "IPv4 only"),
    NetworkKind("broken-ipv6", "broken IPv6", ipv6=True, ipv6_works=False),
    NetworkKind("cgnat", "two NATs in a row", carrier=True),
    NetworkKind("tcp-443", "only TCP 443 out", udp=False, lets_out=(XMPP_TLS_SERVER, TURN_TLS_SERVER)),
    NetworkKind("http-proxy", "HTTP proxy only", udp=False, lets_out=(PROXY_SERVER,)),
    NetworkKind("xmpp-only", "XMPP only", udp=False, lets_out=(XMPP_SERVER,)),
)}


def _port_maps(seed: int, first_inside: int, first_outside: int) -> str:
    """The permutation of the client's ports, both ways."""
    count = CLIENT_PORTS[1] - CLIENT_PORTS[0] + 1
    inside = list(range(first_inside, first_inside + count))
    outside = list(range(first_outside, first_outside + count))
    random.Random(seed).shuffle(outside)
    outward = ", ".join(f"{a} : {b}" for a, b in zip(inside, outside))
    inward = ", ".join(f"{b} : {a}" for a, b in zip(inside, outside))
    return (f"  map outward {{ type inet_service : inet_service; elements = {{ {outward} }}; }}\n"
            f"  map inward {{ type inet_service : inet_service; elements = {{ {inward} }}; }}\n")


def _translation(kind: NetworkKind, public: str, client: str, seed: int, second: bool) -> str:
    """The NAT table: how the client's source is rewritten and who may be led to it from outside."""
    symmetric = kind.mapping is _APD
    mapped = "" if symmetric else f"    oifname wan udp sport @client_ports snat to {public} : udp sport map @outward\n"
    led_in = kind.filtering is not _APD
    inbound = f"    iifname wan udp dport @outside_ports dnat to {client} : udp dport map @inward\n" if led_in else ""
    inside = _OUTSIDE_FIRST if second else CLIENT_PORTS[0]
    outside = _CARRIER_OUTSIDE_FIRST if second else _OUTSIDE_FIRST
    count = CLIENT_PORTS[1] - CLIENT_PORTS[0]
    return f"""
table ip nat {{
{_port_maps(seed, inside, outside)}
  set client_ports {{ type inet_service; flags interval; elements = {{ {inside}-{inside + count} }}; }}
  set outside_ports {{ type inet_service; flags interval; elements = {{ {outside}-{outside + count} }}; }}
  chain inbound {{
    type nat hook prerouting priority dstnat;
{inbound}  }}
  chain outbound {{
    type nat hook postrouting priority srcnat;
{mapped}    oifname wan masquerade random,fully-random
  }}
}}
"""


def _filters(kind: NetworkKind) -> str:
    """The rules of the forward chain beyond "replies come back". Sets hold the client's own (inside) port."""
    rules = []
    if not kind.udp:
        rules.append("meta l4proto udp drop")
    if kind.blocks:
        servers = ", ".join(f"{address} . {port}" for address, port in kind.lets_out)
        rules.append(f"iifname lan oifname wan ip daddr . tcp dport {{ {servers} }} accept")
        rules.append("iifname lan oifname wan drop")
    if not kind.ipv6_works:
        rules.append("meta nfproto ipv6 drop")
    if kind.filtering is _EIM:
        rules.append("iifname lan oifname wan meta nfproto ipv4 update @open { udp sport }")
        rules.append("iifname wan oifname lan udp dport @open accept")
    elif kind.filtering is _ADF:
        rules.append("iifname lan oifname wan update @permitted { ip daddr . udp sport }")
        rules.append("iifname wan oifname lan ip saddr . udp dport @permitted accept")
    return "".join(f"    {rule}\n" for rule in rules)


def router_rules(kind: NetworkKind, public: str | None, client: str | None, seed: int, second: bool = False) -> str:
    """nftables rules of a router between interfaces "lan" and "wan"; addresses are those of IPv4. `second`: this
    router's client is another such router.

    Unsolicited packets to the router are dropped: were they accepted, connection tracking would keep them as
    connections of the router and give the client's own packets to the same far end another port.
    """
    nat = _translation(kind, public, client, seed, second) if kind.translates and public and client else ""
    return f"""
table inet filter {{
  set open {{ type inet_service; flags dynamic, timeout; timeout 2m; size 4096; }}
  set permitted {{ type ipv4_addr . inet_service; flags dynamic, timeout; timeout 2m; size 65535; }}
  chain input {{
    type filter hook input priority filter; policy drop;
    iif lo accept
    ct state established,related accept
    meta l4proto {{ icmp, icmpv6 }} accept
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
{_filters(kind)}    ct state established,related accept
    meta l4proto icmpv6 accept
    iifname lan oifname wan accept
  }}
}}
{nat}"""
