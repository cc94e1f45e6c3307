#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cells of the matrix: a pair of networks each, run in their own namespaces, some at a time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any, Callable, Iterator, Protocol

from expected import DIRECT, EXPECTED, RELAYED
from laboratory import Laboratory, punch
from namespaces import LabError, NamespaceSet
from nat import KINDS
from topology import Site


@dataclass(frozen=True)
class Cell:
    """A pair of networks; `sharer` and `connector` are names of nat.KINDS."""

    number: int
    sharer: str
    connector: str
    expected: str


@dataclass
class CellResult:
    """What happened in a cell. `path` is "direct", "relayed" or "none"; `kind` the program's own word for it."""

    sharer: str
    connector: str
    expected: str
    path: str = "none"
    kind: str = ""
    seconds: float = 0.0
    error: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the path is the expected one and nothing failed."""
        return self.path == self.expected and not self.error

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        return {**asdict(self), "passed": self.passed}


class CellCheck(Protocol):
    """What is run in a cell whose networks stand and are proven."""

    def prepare(self, laboratory: Laboratory, cells: list[Cell]) -> None:
        """Once, before the first cell."""

    def run(self, laboratory: Laboratory, cell: Cell, sharer: Site, connector: Site, result: CellResult) -> None:
        """Fills in path, kind and details; a failure is an exception or result.error."""


class PunchCheck:
    """Which paths the networks themselves permit, found without our program."""

    def prepare(self, laboratory: Laboratory, cells: list[Cell]) -> None:
        """Needs no servers but STUN."""

    def run(self, laboratory: Laboratory, cell: Cell, sharer: Site, connector: Site, result: CellResult) -> None:
        """Direct when UDP hole punching or plain TCP gets through, else only a relay could help."""
        reached = punch(sharer, connector)
        if cell.expected == DIRECT and not any(reached.values()):
            reached = punch(sharer, connector)  # two seconds can pass unused on a machine busy with builds
        result.details = dict(reached)
        # Which servers are left is asserted when the networks are made.
        without = RELAYED if cell.expected == DIRECT else cell.expected
        result.path = DIRECT if any(reached.values()) else without
        result.kind = "+".join(name for name, works in reached.items() if works) or "none"


def all_cells() -> list[Cell]:
    """The whole matrix in report order."""
    return [Cell(number, sharer, connector, path)
            for number, ((sharer, connector), path) in enumerate(EXPECTED.items())]


def run_cell(laboratory: Laboratory, cell: Cell, check: CellCheck) -> CellResult:
    """Builds the two networks, proves them, runs the check, removes them. Never raises for a failing cell."""
    result = CellResult(cell.sharer, cell.connector, cell.expected)
    begun = time.monotonic()
    try:
        with NamespaceSet() as namespaces:
            sharer = laboratory.attach(namespaces, KINDS[cell.sharer], f"{cell.number}-s")
            connector = laboratory.attach(namespaces, KINDS[cell.connector], f"{cell.number}-c")
            check.run(laboratory, cell, sharer, connector, result)
    except LabError as error:
        result.error = f"laboratory: {error}"
    except (OSError, RuntimeError, ValueError, LookupError) as error:
        result.error = f"{type(error).__name__}: {error}" if not isinstance(error, RuntimeError) else str(error)
    result.seconds = round(time.monotonic() - begun, 2)
    return result


def run_cells(laboratory: Laboratory, cells: list[Cell], check: CellCheck, jobs: int,
              told: Callable[[CellResult], None]) -> Iterator[CellResult]:
    """Runs cells, `jobs` at a time; yields results in the order of `cells`, tells each as soon as it is there."""
    check.prepare(laboratory, cells)

    def one(cell: Cell) -> CellResult:
        result = run_cell(laboratory, cell, check)
        told(result)
        return result

    with ThreadPoolExecutor(jobs) as executor:
        try:
            yield from executor.map(one, cells)
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise
