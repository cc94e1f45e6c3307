#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The path that each pair of networks must end with, written by hand from theory. Never edit it to match a result.

Direct wherever both sides permit it, else relayed:
- A side without a NAT takes TCP and UDP from anybody: everybody reaches it, those without UDP by TCP.
- Two sides that both map independently of the far end (all but "symmetric") know each other's outside port from STUN
  and open their filters by sending first: direct, whatever the filters are.
- Symmetric and full cone: the symmetric side sends to the other's known port, from a port nobody foresaw; an
  endpoint-independent filter lets it in, and the answer goes back to where the packet came from.
- Symmetric and address-restricted: the restricted side has sent to the symmetric side's address, if to a wrong port;
  its filter looks at the address only and lets the unforeseen port in.
- Symmetric and port-restricted: the filter looks at the port, which nobody can know before: relayed.
- Symmetric and symmetric: neither knows the other's port: relayed.
- Without UDP only TCP is left. The NATs here let no TCP in and give each TCP connection a new port, so TCP reaches
  only a side without a NAT; all others are relayed, the blocked side speaking to its relay by TCP.
- "Same private range" is a port-restricted NAT in front of 192.168.1.10, the other side's own address perhaps: host
  addresses mislead, the outside addresses work.
- IPv6 has no NAT but a firewall that lets answers in (RFC 6092): direct between any two sides with working IPv6.
- IPv6-only and IPv4-only have no common family: relayed by a server with both.
- Two NATs in a row behave like the stricter of the two: these two map independently of the far end and filter by
  port, hence like one port-restricted NAT.
- Where only TCP to port 443 gets out, nobody's random port can be called: relayed, by TURN over TLS on port 443.
- Where only an HTTP proxy can be reached that tunnels to port 443: the same through the proxy.
- Where only the XMPP server can be reached, only the messaging connection is left: in-band.
- Broken IPv6 (address and route, yet nothing gets through) must fall back to IPv4.
"""

from __future__ import annotations

DIRECT = "direct"
RELAYED = "relayed"
IN_BAND = "in-band"

NAT_KINDS = ("none", "full-cone", "address-restricted", "port-restricted", "symmetric", "udp-blocked", "same-range")

# Row: the side that shares. Column: the side that connects, in the order of NAT_KINDS.
_NAT_ROWS = {
    #                     none  full  addr  port  symm  block same
    "none":               "D     D     D     D     D     D     D",
    "full-cone":          "D     D     D     D     D     R     D",
    "address-restricted": "D     D     D     D     D     R     D",
    "port-restricted":    "D     D     D     D     R     R     D",
    "symmetric":          "D     D     D     R     R     R     R",
    "udp-blocked":        "D     R     R     R     R     R     R",
    "same-range":         "D     D     D     D     R     R     D",
}

# IPv4 of "dual", "ipv4-only" and "broken-ipv6" sits behind a port-restricted NAT.
_FAMILY_CELLS = {
    ("ipv6-only", "dual"): DIRECT,
    ("dual", "ipv6-only"): DIRECT,
    ("ipv6-only", "ipv4-only"): RELAYED,
    ("ipv4-only", "ipv6-only"): RELAYED,
    ("broken-ipv6", "dual"): DIRECT,
    ("dual", "broken-ipv6"): DIRECT,
    ("broken-ipv6", "ipv6-only"): RELAYED,
    ("ipv6-only", "broken-ipv6"): RELAYED,
}


_BLOCKED_CELLS = {
    ("cgnat", "cgnat"): DIRECT,
    ("cgnat", "none"): DIRECT,
    ("none", "cgnat"): DIRECT,
    ("cgnat", "symmetric"): RELAYED,
    ("symmetric", "cgnat"): RELAYED,
    ("tcp-443", "tcp-443"): RELAYED,
    ("tcp-443", "port-restricted"): RELAYED,
    ("port-restricted", "tcp-443"): RELAYED,
    ("http-proxy", "http-proxy"): RELAYED,
    ("http-proxy", "none"): RELAYED,
    ("none", "http-proxy"): RELAYED,
    ("xmpp-only", "xmpp-only"): IN_BAND,
    ("xmpp-only", "none"): IN_BAND,
    ("none", "xmpp-only"): IN_BAND,
}


def _nat_cells() -> dict[tuple[str, str], str]:
    letters = {"D": DIRECT, "R": RELAYED}
    return {(row, column): letters[letter] for row, text in _NAT_ROWS.items()
            for column, letter in zip(NAT_KINDS, text.split())}


# Sharer's network, connector's network -> DIRECT, RELAYED or IN_BAND; the order is the order of the report.
EXPECTED: dict[tuple[str, str], str] = {**_nat_cells(), **_FAMILY_CELLS, **_BLOCKED_CELLS}
