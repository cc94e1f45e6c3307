#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of kinds, paths and faults as text for a terminal and inside docs/reliability.md."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fault_kinds import FAULTS
from fault_session import DATAGRAM, KINDS_OF_TUBE, PATHS

if TYPE_CHECKING:
    from reliability import Result

_BEGIN = "<!-- Written by `scripts/netlab --reliability --full --write-docs`: begin -->"
_END = "<!-- end -->"


def _word(result: Result | None) -> str:
    if result is None:
        return "-"
    if result.skipped:
        return result.skipped
    if result.error:
        return result.known or "FAILED"
    word = f"{result.silence:.1f} s"
    return f"{word}, {result.lost:.1%}" if result.kind == DATAGRAM else word


def _rows(kind: str, results: list[Result]) -> tuple[list[str], list[list[str]]]:
    """Names of the columns, and a row a fault."""
    cells = {(result.path, result.fault): result for result in results if result.kind == kind}
    paths = [path for path in PATHS if any(path == at for at, _ in cells)]
    faults = [fault for fault in FAULTS if any(fault == of for _, of in cells)]
    return ["fault", *(PATHS[path].title for path in paths)], [
        [FAULTS[fault].title, *(_word(cells.get((path, fault))) for path in paths)] for fault in faults]


def terminal_tables(results: list[Result]) -> str:
    """A table a kind, then what failed."""
    lines: list[str] = []
    for kind in KINDS_OF_TUBE:
        head, rows = _rows(kind, results)
        if not rows:
            continue
        widths = [max(len(row[at]) for row in [head, *rows]) + 2 for at in range(len(head))]
        lines += [f"{kind} tubes", *("".join(word.ljust(width) for word, width in zip(row, widths)).rstrip()
                                     for row in [head, *rows]), ""]
    lines += [f"{'KNOWN' if result.known else 'FAILED'} {result.kind}, {result.path}, {result.fault}: {result.error}"
              for result in results if result.error]
    run = [result for result in results if not result.skipped]
    lines.append(f"{sum(not result.error for result in run)} of {len(run)} cells kept their promise")
    return "\n".join(lines)


def table(results: list[Result]) -> str:
    """What stands between the marks in docs/reliability.md."""
    lines: list[str] = []
    for kind in KINDS_OF_TUBE:
        head, rows = _rows(kind, results)
        lines += [f"**{kind} tubes**", "", "| " + " | ".join(head) + " |", "|---" * len(head) + "|",
                  *("| " + " | ".join(row) + " |" for row in rows), ""]
    return "\n".join(lines)


def write_table(document: Path, results: list[Result]) -> None:
    """Replaces what stands between the marks."""
    text = document.read_text()
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    document.write_text(f"{before}{_BEGIN}\n\n{table(results)}\n{_END}{after}")
