#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures tubes through real sockets, beside plain TCP, socat and ssh -L in the same run, and the in-process
benchmarks. Prints a table, or JSON with --json. Nothing here decides a test."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from datagram_bench import measure_datagrams, print_datagrams  # noqa: E402
from dbus_bench import measure_dbus, print_dbus  # noqa: E402
from editor_bench import measure_editor, print_editor  # noqa: E402
from idle_bench import measure_idle, status_field  # noqa: E402
from room_bench import measure_rooms  # noqa: E402
from python_bench import measure_python, print_python  # noqa: E402
from tube_harness import Running, World, free_port, is_listening, wait_until  # noqa: E402
from wan_bench import measure_wan  # noqa: E402

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
TRANSPORTS = ("local", "direct-tls", "ice")
IN_PROCESS = (("path_bench", []), ("link_bench", []), ("sctp_bench", []))


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of these processes so far."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / CLOCK_TICKS


def descendants(pid: int) -> list[int]:
    """The process and its children, theirs included (sshd forks)."""
    found = [pid]
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if children.exists():
        for child in children.read_text().split():
            found += descendants(int(child))
    return found


class Bench:
    """What lies between a load client and the load server."""

    def __init__(self, programs: Path, scale: float) -> None:
        self.load = str(programs / "tcp_load")
        self.scale = scale
        self._server = subprocess.Popen([self.load, "serve"], stdout=subprocess.PIPE, text=True)
        assert self._server.stdout is not None
        self.port = int(self._server.stdout.readline())

    def close(self) -> None:
        """Ends the load server."""
        self._server.kill()
        self._server.wait()

    def client(self, command: str, port: int, number: int) -> dict[str, Any]:
        """One measurement."""
        done = subprocess.run([self.load, command, str(port), str(number)], capture_output=True, text=True,
                              timeout=300, check=True, stdin=subprocess.DEVNULL)
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def measure(self, port: int, between: Callable[[], list[int]]) -> dict[str, Any]:
        """Throughput, round trips, both together, and the CPU time of what lies between."""
        size = int(2e9 * self.scale)
        self.client("send", port, size // 10)
        before = cpu_seconds(between())
        bulk = self.client("send", port, size)
        spent = cpu_seconds(between()) - before
        result = {"mb_per_s": bulk["mb_per_s"], "cpu_s_per_gb": round(spent / (size / 1e9), 3)}
        ping = self.client("ping", port, int(20000 * self.scale) + 100)
        result.update({"ping_p50_us": ping["p50_us"], "ping_p99_us": ping["p99_us"]})
        mixed = self.client("mixed", port, max(2, int(5 * self.scale)))
        result.update({"beside_bulk_p50_us": mixed["p50_us"], "beside_bulk_p95_us": mixed["p95_us"],
                       "beside_bulk_mb_per_s": mixed["bulk_mb_per_s"]})
        return result


@contextlib.contextmanager
def socat(bench: Bench) -> Iterator[tuple[int, list[int]]]:
    """A TCP relay by socat."""
    port = free_port()
    process = subprocess.Popen(["socat", f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr,nodelay",
                                f"TCP:127.0.0.1:{bench.port},nodelay"])
    try:
        wait_until(lambda: is_listening(port), "socat")
        yield port, [process.pid]
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def ssh_forward(bench: Bench) -> Iterator[tuple[int, list[int]]]:
    """ssh -L to a private sshd."""
    with tempfile.TemporaryDirectory(prefix="tubes-bench-") as name:
        directory = Path(name)
        for key in ("host", "client"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / key)], check=True)
        (directory / "authorized").write_text((directory / "client.pub").read_text())
        port, forwarded = free_port(), free_port()
        (directory / "config").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {directory}/host\nAuthorizedKeysFile "
            f"{directory}/authorized\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nPidFile none\n")
        os.makedirs("/run/sshd", exist_ok=True)
        server = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", str(directory / "config")])
        wait_until(lambda: is_listening(port), "sshd")
        client = subprocess.Popen(["ssh", "-N", "-F", "none", "-i", str(directory / "client"), "-p", str(port), "-o",
                                   "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
                                   "LogLevel=ERROR", "-c", "aes128-gcm@openssh.com", "-L",
                                   f"127.0.0.1:{forwarded}:127.0.0.1:{bench.port}", "127.0.0.1"])
        try:
            wait_until(lambda: is_listening(forwarded), "ssh -L")
            yield forwarded, [server.pid, client.pid]
        finally:
            for process in (client, server):
                process.terminate()
                process.wait()


class TubePair:
    """A share and a connection to it over one kind of path."""

    def __init__(self, world: World, port: int, transport: str) -> None:
        self._options = ["--set", f"network.transports={transport}"]
        self._world = world
        self.share = world.alice.start(*self._options, "share", str(port), "--as", "bench", "--always")
        self.share.wait_for("Sharing")
        self.port = free_port()
        begin = time.monotonic()
        self.connect = world.bob.start(*self._options, "connect", "bench", "--listen", str(self.port))
        self.connect.wait_for(" is at ")
        self.start_seconds = time.monotonic() - begin

    def pids(self) -> list[int]:
        """Both ends."""
        return [self.share.process.pid, self.connect.process.pid]

    def phases(self) -> dict[str, float]:
        """The set-up of the tube, in ms since its start."""
        for process in json.loads(self._world.bob.run("status", "--json").stdout):
            for tube in process.get("tubes", []):
                if not tube["incoming"]:
                    return {phase["name"]: phase["at_us"] / 1000 for phase in tube["phases"]}
        return {}

    def path(self) -> str:
        """The kind of path that carries data now."""
        for process in json.loads(self._world.bob.run("status", "--json").stdout):
            for link in process.get("links", []):
                for path in link["paths"]:
                    if path["active"]:
                        return str(path["kind"])
        return "none"

    def close(self) -> None:
        """Ends both."""
        self.connect.close()
        self.share.close()


def wakeups_per_second(pid: int, seconds: float) -> float:
    """How often an idle process woke, by its voluntary context switches; SCTP's clock runs fast for a second first."""
    time.sleep(2)
    before = status_field(pid, "voluntary_ctxt_switches")
    time.sleep(seconds)
    return (status_field(pid, "voluntary_ctxt_switches") - before) / seconds


def many_connections(bench: Bench, pair: TubePair, count: int) -> dict[str, Any]:
    """Opens many connections through one tube; the memory that each costs at both ends."""
    before = [status_field(pid, "VmRSS") for pid in pair.pids()]
    process = subprocess.Popen([bench.load, "many", str(pair.port), str(count)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdin is not None
    line = process.stdout.readline()
    after = [status_field(pid, "VmRSS") for pid in pair.pids()]
    process.stdin.close()
    process.wait(timeout=60)
    if not line:
        return {"connections": count, "failed": True}
    growth = [(late - early) * 1024 / count for early, late in zip(before, after)]
    return {**json.loads(line), "bytes_per_stream_share": round(growth[0]), "bytes_per_stream_connect": round(growth[1])}


def measure_tubes(bench: Bench, transports: tuple[str, ...], connections: int) -> dict[str, Any]:
    """Every kind of path through sockets."""
    results: dict[str, Any] = {}
    for transport in transports:
        with World("local") as world:
            pair = TubePair(world, bench.port, transport)
            result = bench.measure(pair.port, pair.pids)
            result.update({"path": pair.path(), "connect_seconds": round(pair.start_seconds, 3), "phases_ms": pair.phases()})
            result["idle_wakeups_per_s"] = wakeups_per_second(pair.pids()[0], 5)
            result["rss_kib"] = [status_field(pid, "VmRSS") for pid in pair.pids()]
            result["many"] = many_connections(bench, pair, connections)
            results[f"tube {transport}"] = result
            pair.close()
    return results


def in_process(programs: Path) -> dict[str, Any]:
    """The benchmarks that need no sockets of a program: each prints JSON."""
    results: dict[str, Any] = {}
    for name, arguments in IN_PROCESS:
        program = programs / name
        if not program.exists():
            continue
        done = subprocess.run([str(program), *arguments], capture_output=True, text=True, timeout=600, check=False)
        try:
            results[name] = json.loads(done.stdout)
        except json.JSONDecodeError:
            results[name] = {"failed": True, "exit": done.returncode, "error": done.stderr[-500:]}
    return results


def print_table(results: dict[str, Any]) -> None:
    """For people."""
    columns = ("mb_per_s", "cpu_s_per_gb", "ping_p50_us", "ping_p99_us", "beside_bulk_p95_us", "beside_bulk_mb_per_s")
    print(f"{'through sockets':<18}" + "".join(f"{column:>22}" for column in columns))
    for name, row in results["sockets"].items():
        print(f"{name:<18}" + "".join(f"{row.get(column, ''):>22}" for column in columns))
    for name, row in results["sockets"].items():
        if "many" in row:
            print(f"{name}: path {row['path']}, {row['many']}, {row['idle_wakeups_per_s']:.1f} wake-ups/s idle, "
                  f"RSS {row['rss_kib']} KiB")
            print(f"  set-up (ms): {row['phases_ms']}")
    for name, row in results["idle"].items():
        print(f"idle {name}: {row}")
    print(f"50 ms, 200 Mbit/s: {results['wan']}")
    print_datagrams(results["datagrams"])
    print_dbus(results["dbus"])
    for name, row in results["rooms"].items():
        print(f"room, {name}: {row}")
    print_python(results["python"])
    print_editor(results["editor"])
    for name, row in results["in_process"].items():
        print(f"{name}: {json.dumps(row)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--programs", type=Path, default=ROOT / "build" / "release" / "bin", help="where they were built")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full amount of work (0.1 for a look)")
    parser.add_argument("--connections", type=int, default=10000, help="how many through one tube at once")
    parser.add_argument("--no-in-process", action="store_true", help="only what goes through sockets")
    options = parser.parse_args()
    os.environ["TUBE"] = str(options.programs / "tube")
    bench = Bench(options.programs, options.scale)
    results: dict[str, Any] = {"machine": {"cores": os.cpu_count(), "kernel": os.uname().release}, "sockets": {}}
    try:
        results["sockets"]["plain tcp"] = bench.measure(bench.port, lambda: [])
        for name, relay in (("socat", socat), ("ssh -L", ssh_forward)):
            with relay(bench) as (port, pids):
                results["sockets"][name] = bench.measure(port, lambda pids=pids: [
                    each for pid in pids for each in descendants(pid)])
        results["sockets"].update(measure_tubes(bench, TRANSPORTS, options.connections))
        results["idle"] = {name: measure_idle(bench.load, bench.port, name) for name in TRANSPORTS}
        results["datagrams"] = measure_datagrams(TRANSPORTS, max(1, int(5 * options.scale)))
        results["dbus"] = measure_dbus(TRANSPORTS, max(1, int(5 * options.scale)))
        results["rooms"] = measure_rooms(options.scale)
    finally:
        bench.close()
    results["python"] = measure_python(options.programs.parent / "python", max(50, int(500 * options.scale)))
    results["editor"] = measure_editor(options.programs.parent, max(30, int(200 * options.scale)))
    results["wan"] = measure_wan(options.programs, max(4, int(20 * options.scale))) if os.geteuid() == 0 else {
        "left_out": "needs root"}
    results["in_process"] = {} if options.no_in_process else in_process(options.programs)
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        print_table(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
