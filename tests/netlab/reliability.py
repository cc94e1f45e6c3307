#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs kinds of tube x paths x faults: does each kind keep its promise on each path under each fault?

Needs root (network namespaces); everything it makes lives in namespaces of its own and is removed at the end.
Exit code: 0 every cell kept its promise, 1 some did not, 2 the laboratory could not be built.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fault_kinds import FAULTS, Fault
from fault_promises import KNOWN, broken_end, broken_promise, lost_share
from fault_session import DATAGRAM, DBUS, KINDS_OF_TUBE, PATHS, PATIENCE, RECOVERY, PathKind, Session, Traffic
from namespaces import LabError, run_orderly
from reliability_report import terminal_tables, write_table
from tube_driver import find_program

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "reliability.md"
# What continuous integration runs: each path, each fault once at least, the rest by --full.
SLICE = {"local": ("none", "killed"), "direct": ("loss-5", "mtu-told", "ack"), "ice": ("loss-1", "reorder", "address"),
         "turn": ("duplicate", "mtu", "coturn"), "socks5": ("delay", "sleep"), "in-band": ("none", "prosody")}


@dataclass
class Result:
    """One cell: a kind on a path under a fault. `skipped` says why it does not exist."""

    kind: str
    path: str
    fault: str
    skipped: str = ""
    error: str = ""
    silence: float = 0.0  # the longest time either end got nothing, seconds
    lost: float = 0.0  # share of datagrams, the worse direction

    @property
    def known(self) -> str:
        """What the document says of a cell that is known not to keep its promise, and did not."""
        return KNOWN.get((self.kind, self.path, self.fault), "") if self.error else ""

    @property
    def passed(self) -> bool:
        """Whether the promise was kept, or is known not to be."""
        return not self.error or bool(self.known)


def judge(kind: str, path: PathKind, fault: Fault, traffic: Traffic) -> Result:
    """Ends the traffic and compares what both ends say with the promise."""
    result = Result(kind, path.name, fault.name)
    server, client = traffic.finish()
    result.error = broken_promise(kind, fault.name, server, client)
    result.silence = max(server["silence"], client["silence"])
    if kind == DATAGRAM:
        result.lost = max(lost_share(server, client), lost_share(client, server))
    return result


def judge_end(kind: str, session: Session, fault: Fault, traffic: Traffic) -> Result:
    """After the sharer was killed: how the connector's side ends."""
    result = Result(kind, session.path.name, fault.name)
    try:
        code = session.connects[kind].wait(PATIENCE + RECOVERY)
    except subprocess.TimeoutExpired:
        result.error = f"tube connect still runs after {PATIENCE + RECOVERY:.0f} s"
        return result
    traffic.client.command("end" if kind == DBUS else "stop")
    client = traffic.client.result()
    result.error = broken_end(kind, client, code)
    result.silence = client["silence"]
    return result


class Runner:
    """All faults of one path after another in one session; a cell that fails gets the next ones a new session."""

    def __init__(self, options: argparse.Namespace, program: Path) -> None:
        self._options = options
        self._program = program
        self._sessions = 0

    def run(self, number: int, path: PathKind, faults: list[Fault]) -> list[Result]:
        """The cells of a path, in the order of the faults."""
        results: list[Result] = []
        session: Session | None = None
        try:
            for count, fault in enumerate(faults):
                if reason := fault.missing(path.name, path.translated):
                    results += [Result(kind, path.name, fault.name, skipped=reason) for kind in self._options.kinds]
                    continue
                session = session or Session(self._program, path, 100 * number + count, self._options.log)
                cells = self._cell(session, fault)
                results += cells
                for cell in cells:
                    self._tell(cell)
                if fault.ends or any(cell.error for cell in cells):
                    session.close()
                    session = None
        except (RuntimeError, OSError, ValueError) as error:
            results += [Result(kind, path.name, fault.name, error=f"{type(error).__name__}: {error}")
                        for kind in self._options.kinds]
            self._tell(results[-1])
        finally:
            if session:
                session.close()
        return results

    def _cell(self, session: Session, fault: Fault) -> list[Result]:
        running: dict[str, Traffic] = {}
        try:
            running = session.start_traffic(self._options.kinds)
            fault.happen(session, running)
            if fault.ends:
                return [judge_end(kind, session, fault, traffic) for kind, traffic in running.items()]
            return [judge(kind, session.path, fault, traffic) for kind, traffic in running.items()]
        except (RuntimeError, OSError, ValueError) as error:
            return [Result(kind, session.path.name, fault.name, error=str(error)) for kind in self._options.kinds]
        finally:
            for traffic in running.values():
                traffic.close()

    def _tell(self, result: Result) -> None:
        word = f"{'known' if result.known else 'FAILED'}: {result.error}" if result.error else "ok"
        print(f"{result.path}, {result.fault}, {result.kind}: {word} (silent for {result.silence} s)", file=sys.stderr)


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="scripts/netlab", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reliability", action="store_true", help="this table (without it: the NAT matrix)")
    parser.add_argument("--full", action="store_true", help="every cell instead of a slice")
    parser.add_argument("--path", action="append", choices=tuple(PATHS), help="only this path (repeatable)")
    parser.add_argument("--fault", action="append", choices=tuple(FAULTS), help="only this fault (repeatable)")
    parser.add_argument("--kind", action="append", choices=KINDS_OF_TUBE, dest="kinds", help="only this kind (repeatable)")
    parser.add_argument("--jobs", type=int, default=0, metavar="N", help="paths at a time (default: by the machine)")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--log", default="", metavar="LEVELS", help="log levels of the programs, as tube --log")
    parser.add_argument("--tube", metavar="PATH", help="the program to run (default: TUBE, build/*/bin/tube, PATH)")
    parser.add_argument("--write-docs", action="store_true", help="write the table of docs/reliability.md; needs --full")
    options = parser.parse_args()
    options.kinds = tuple(options.kinds or KINDS_OF_TUBE)
    return options


def chosen(options: argparse.Namespace) -> dict[str, list[Fault]]:
    """Faults by path. Naming a path or fault means all of it."""
    whole = options.full or options.path or options.fault
    return {name: [FAULTS[fault] for fault in (options.fault or (FAULTS if whole else SLICE[name]))]
            for name in (options.path or PATHS)}


def run(options: argparse.Namespace) -> int:
    """Runs the chosen cells and prints the report."""
    if os.geteuid() != 0:
        raise LabError("network namespaces need root: run it with sudo")
    if options.write_docs and (not options.full or options.path or options.fault):
        raise LabError("--write-docs needs the whole table: --full, no --path, no --fault")
    runner = Runner(options, find_program(options.tube, ROOT))
    work = chosen(options)
    with ThreadPoolExecutor(options.jobs or (os.cpu_count() or 1)) as executor:
        done = executor.map(lambda item: runner.run(item[0], PATHS[item[1][0]], item[1][1]), enumerate(work.items()))
        results = [result for path_results in done for result in path_results]
    passed = all(result.passed for result in results)
    if options.json:
        described: list[dict[str, Any]] = [{**asdict(result), "passed": result.passed} for result in results]
        print(json.dumps({"passed": passed, "cells": described}, indent=1))
    else:
        print(terminal_tables(results))
    if options.write_docs and passed:
        write_table(DOCUMENT, results)
        print(f"wrote {DOCUMENT.relative_to(ROOT)}", file=sys.stderr)
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(run_orderly(lambda: run(parse_arguments())))
