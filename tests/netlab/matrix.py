#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the NAT matrix: for every pair of networks, which path does a tube between them take?

Needs root (network namespaces); everything it makes lives in namespaces of its own and is removed at the end.
Exit code: 0 every cell took the expected path, 1 some did not, 2 the laboratory could not be built.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from pathlib import Path

from cells import Cell, CellCheck, CellResult, PunchCheck, all_cells, run_cells
from laboratory import Laboratory
from namespaces import LabError, run_orderly
from nat import KINDS
from report import markdown, terminal_table
from transport_check import TransportCheck
from tube_check import TubeCheck
from tube_driver import find_program

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "nat-matrix.md"
CI_BYTES, FULL_BYTES = 4_000_000, 100_000_000


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="scripts/netlab", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--full", action="store_true", help="100 MB each way per cell instead of 4 MB")
    parser.add_argument("--cell", action="append", metavar="A,B",
                        help="only this cell: the sharer's network, the connector's (repeatable); see --list")
    parser.add_argument("--list", action="store_true", help="print the cells and their expected paths")
    parser.add_argument("--jobs", type=int, default=0, metavar="N", help="cells at a time (default: by the machine)")
    parser.add_argument("--probe", action="store_true",
                        help="do not run tube: ask the networks themselves, by hole punching, what they permit")
    parser.add_argument("--transports", action="store_true",
                        help="do not run tube: negotiate each transport by itself (path_probe)")
    parser.add_argument("--log", default="", metavar="LEVELS", help="log levels of the programs, as tube --log")
    parser.add_argument("--tube", metavar="PATH", help="the program to run (default: TUBE, build/*/bin/tube, PATH)")
    parser.add_argument("--keep-logs", metavar="DIR", help="keep the programs' logs of failed cells here")
    parser.add_argument("--write-docs", action="store_true", help="write docs/nat-matrix.md from this run's results")
    return parser.parse_args()


def chosen_cells(options: argparse.Namespace) -> list[Cell]:
    """The cells that --cell names, or all that this kind of run can do."""
    cells = all_cells()
    if options.transports:  # without the servers that blocked networks let out
        cells = [cell for cell in cells if not KINDS[cell.sharer].blocks and not KINDS[cell.connector].blocks]
    wanted = options.cell
    if not wanted:
        return cells
    by_name = {f"{cell.sharer},{cell.connector}": cell for cell in cells}
    unknown = [name for name in wanted if name not in by_name]
    if unknown:
        raise LabError(f"no cell {' or '.join(unknown)}; scripts/netlab --list shows them")
    return [by_name[name] for name in wanted]


def make_check(options: argparse.Namespace) -> CellCheck:
    """What runs inside a cell."""
    if options.probe:
        return PunchCheck()
    size = FULL_BYTES if options.full else CI_BYTES
    if options.transports:
        return TransportCheck(ROOT, size, options.log)
    logs = Path(options.keep_logs) if options.keep_logs else None
    return TubeCheck(find_program(options.tube, ROOT), size, logs, options.log)


def default_jobs(options: argparse.Namespace) -> int:
    """Cells mostly wait; with 100 MB each they compute."""
    cores = os.cpu_count() or 1
    return cores if options.full else 2 * cores


def show_progress(total: int) -> object:
    """A function that counts finished cells on stderr, when that is a terminal."""
    lock = threading.Lock()
    done = [0]

    def told(result: CellResult) -> None:
        with lock:
            done[0] += 1
            if sys.stderr.isatty():
                mark = "ok" if result.passed else "FAILED"
                print(f"[{done[0]}/{total}] {result.sharer},{result.connector}: {mark} ({result.seconds:.1f} s)",
                      file=sys.stderr)
    return told


def run(options: argparse.Namespace) -> int:
    """Runs the chosen cells and prints the report."""
    cells = chosen_cells(options)
    if options.list:
        print("\n".join(f"{cell.sharer},{cell.connector}: {cell.expected}" for cell in cells))
        return 0
    if os.geteuid() != 0:
        raise LabError("network namespaces need root: run it with sudo")
    if options.write_docs and (options.cell or options.probe or options.transports):
        raise LabError("--write-docs needs the whole matrix of the real program")
    check = make_check(options)
    told = show_progress(len(cells))
    assert callable(told)
    with Laboratory() as laboratory:
        results = list(run_cells(laboratory, cells, check, options.jobs or default_jobs(options), told))
    passed = all(result.passed for result in results)
    if options.json:
        print(json.dumps({"passed": passed, "cells": [result.to_json() for result in results]}, indent=1))
    else:
        print(terminal_table(results))
    if options.write_docs and passed:
        DOCUMENT.write_text(markdown(results))
        print(f"wrote {DOCUMENT.relative_to(ROOT)}", file=sys.stderr)
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(run_orderly(lambda: run(parse_arguments())))
