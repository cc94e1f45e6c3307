#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrix as text for a terminal and as docs/nat-matrix.md."""

from __future__ import annotations

from cells import CellResult
from expected import NAT_KINDS
from nat import KINDS

_SHORT = {"none": "none", "full-cone": "full cone", "address-restricted": "addr-restr.",
          "port-restricted": "port-restr.", "symmetric": "symmetric", "udp-blocked": "UDP blocked",
          "same-range": "same range"}


def _word(result: CellResult | None) -> str:
    """A cell's text: the program's word for the path, marked when it is not what theory says."""
    if result is None:
        return "-"
    if result.passed:
        return result.kind or result.path
    return "FAILED" if result.error else f"{result.kind or result.path} (!)"


def _split(results: list[CellResult]) -> tuple[dict[tuple[str, str], CellResult], list[CellResult]]:
    """Cells of the square of NAT kinds, and the address family cells."""
    square = {(r.sharer, r.connector): r for r in results if r.sharer in NAT_KINDS and r.connector in NAT_KINDS}
    return square, [r for r in results if (r.sharer, r.connector) not in square]


def terminal_table(results: list[CellResult]) -> str:
    """The matrix for a terminal: a row per sharer's network, a column per connector's."""
    square, others = _split(results)
    lines = []
    if square:
        width = 2 + max(11, *(len(_word(cell)) for cell in square.values()))
        lines.append("shares \\ connects".ljust(19) + "".join(_SHORT[kind].ljust(width) for kind in NAT_KINDS))
        for row in NAT_KINDS:
            words = [_word(square.get((row, column))) for column in NAT_KINDS]
            lines.append(_SHORT[row].ljust(19) + "".join(word.ljust(width) for word in words))
    for result in others:
        lines.append(f"{KINDS[result.sharer].title} shares, {KINDS[result.connector].title} connects: {_word(result)}")
    for result in results:
        if not result.passed:
            lines.append(f"FAILED {result.sharer},{result.connector}: expected {result.expected}, "
                         f"got {result.path}{' (' + result.kind + ')' if result.kind else ''}"
                         f"{': ' + result.error if result.error else ''}")
    passed = sum(result.passed for result in results)
    lines.append(f"{passed} of {len(results)} cells as expected")
    return "\n".join(lines)


_INTRODUCTION = """\
<!-- SPDX-License-Identifier: GPL-3.0-or-later -->
<!-- Written by `scripts/netlab --write-docs`; change tests/netlab/report.py instead. -->
# Which path a tube takes through which NATs

Measured, not promised: two people's `tube` programs ran in network namespaces behind real NATs (nftables), with
Prosody, coturn and an HTTP proxy (tinyproxy) on a private "internet". Before each cell both NATs were probed as RFC 5780 describes and had to
map and filter as their name says. The expected path comes from a table written by hand from theory
(`tests/netlab/expected.py`): **direct wherever both sides permit it, else relayed, and in-band where no relay can be
reached**. `scripts/netlab` runs it again.

Rows share a service, columns connect to it.
"""

_LEGEND = """
- **direct-tls**: TLS over TCP from address to address. **ice**: DTLS over UDP from address to address, through holes
  that both sides punch into their NATs. **ice-relayed**: the same through the TURN server of the user's XMPP server,
  which sees only encrypted bytes; a side without UDP speaks TCP to it.
- *Full cone*, *address-restricted* and *port-restricted* NATs give a program one outside port for all destinations
  and let in: anybody; addresses it has sent to; addresses and ports it has sent to. A *symmetric* NAT gives it a new
  outside port for each destination.
- *UDP blocked*: only TCP connections that the client opens get out.
- *Same range*: a port-restricted NAT in front of 192.168.1.10; where both sides are of this kind, both computers have
  the very same address.
- *Two NATs in a row*: a port-restricted NAT at home behind another one of the carrier (RFC 6888).
- *Only TCP 443 out*: the XMPP server by TLS and the TURN server by TLS, both on port 443, and nothing else. *HTTP proxy
  only*: a proxy that tunnels to port 443. *XMPP only*: the XMPP server's usual port and nothing else; data goes
  **in-band**, inside the XMPP connection.
- IPv6 has no NAT, but a firewall that lets only answers in (RFC 6092). *Broken IPv6*: address and route are there, yet
  nothing gets through. IPv4 of these sides is behind a port-restricted NAT.
"""


def markdown(results: list[CellResult]) -> str:
    """The text of docs/nat-matrix.md; the same results give the same bytes."""
    square, others = _split(results)
    titles = [KINDS[kind].title for kind in NAT_KINDS]
    lines = ["| shares \\ connects | " + " | ".join(titles) + " |", "|---" * (len(titles) + 1) + "|"]
    for row in NAT_KINDS:
        words = [_word(square.get((row, column))) for column in NAT_KINDS]
        lines.append(f"| **{KINDS[row].title}** | " + " | ".join(words) + " |")
    lines += ["", "| shares | connects | path |", "|---|---|---|"]
    lines += [f"| {KINDS[r.sharer].title} | {KINDS[r.connector].title} | {_word(r)} |" for r in others]
    return _INTRODUCTION + "\n" + "\n".join(lines) + "\n" + _LEGEND
