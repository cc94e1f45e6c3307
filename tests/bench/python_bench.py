#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the Python package beside plain asyncio over TCP: the same two programs, one sends and one counts, once through
a socket on loopback and once through a tube over each kind of path. Called by socket_bench.py; alone it prints JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Awaitable, Callable

ROOT = Path(__file__).resolve().parents[2]
if TYPE_CHECKING:
    import tubes

CHUNK = 256 * 1024  # bytes of one write: what asyncio reads from a socket at most
PINGS = 2000
ROUNDS = 3
TRANSPORTS = ("local", "direct-tls", "ice")
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def sink(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Echoes 64 bytes at a time as often as asked, then counts to the end and says how much that was."""
    for _ in range(PINGS):
        writer.write(await reader.readexactly(64))
    count = 0
    while data := await reader.read(CHUNK):
        count += len(data)
    writer.write(count.to_bytes(8, "big"))
    await writer.drain()
    writer.close()


async def load(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, size: int) -> dict[str, float]:
    """Round trips, then `size` bytes, with the processor time of this end."""
    times = []
    for _ in range(PINGS):
        begun = time.perf_counter()
        writer.write(bytes(64))
        await reader.readexactly(64)
        times.append(time.perf_counter() - begun)
    times.sort()
    chunk = os.urandom(CHUNK)
    begun, spent = time.perf_counter(), time.process_time()
    for _ in range(size // CHUNK):
        writer.write(chunk)
        await writer.drain()
    writer.write_eof()
    arrived = int.from_bytes(await reader.readexactly(8), "big")
    seconds = time.perf_counter() - begun
    if arrived != size // CHUNK * CHUNK:
        raise RuntimeError(f"{arrived} bytes arrived")
    writer.close()
    return {"mb_per_s": round(arrived / seconds / 1e6, 1), "ping_p50_us": round(times[PINGS // 2] * 1e6),
            "ping_p99_us": round(times[PINGS * 99 // 100] * 1e6),
            "sender_cpu_s_per_gb": round((time.process_time() - spent) / (arrived / 1e9), 2)}


async def raw_load(stream: tubes.Stream, size: int) -> dict[str, float]:
    """`size` bytes by Stream.write, from the program's own memory."""
    await stream.write(bytes(64 * PINGS))
    arrived = 0
    while arrived < 64 * PINGS:
        arrived += len(await stream.read())
    chunk = memoryview(os.urandom(CHUNK))
    begun = time.perf_counter()
    for _ in range(size // CHUNK):
        await stream.write(chunk)
    stream.shutdown_send()
    if int.from_bytes(await stream.read(), "big") != size // CHUNK * CHUNK:
        raise RuntimeError("bytes are missing")
    return {"raw_mb_per_s": round(size / (time.perf_counter() - begun) / 1e6, 1)}


async def serve(where: str) -> None:
    """One end: plain TCP, or a share."""
    if where == "tcp":
        server = await asyncio.start_server(sink, "127.0.0.1", 0, limit=CHUNK)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()
    import tubes

    async with tubes.Node(settings={"network.transports": where}) as node, await node.share("bench") as share:
        print("shared", flush=True)
        await share.serve(sink)


async def use(where: str, port: int, size: int) -> dict[str, float]:
    """The other end."""
    if where == "tcp":
        return await load(*await asyncio.open_connection("127.0.0.1", port, limit=CHUNK), size)
    import tubes

    async with tubes.Node(settings={"network.transports": where}) as node, await node.connect("bench") as tube:
        figures = await load(*await tube.open_stream(), size)
        figures.update(await raw_load(await tube.open_raw_stream(), size))
        return figures


def measure_once(where: str, package: Path, megabytes: int) -> dict[str, Any]:
    """One transfer between two processes of its own."""
    with tempfile.TemporaryDirectory(prefix="tubes-bench-") as home:
        environment = {**os.environ, "TUBES_HOME": home, "PYTHONPATH": str(package)}
        command = ["/usr/bin/python3", __file__, "--where", where, "--megabytes", str(megabytes)]
        with subprocess.Popen([*command, "serve"], env=environment, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            said = server.stdout.readline().strip()
            done = subprocess.run([*command, "use", "--port", said if where == "tcp" else "0"], env=environment,
                                  capture_output=True, text=True, timeout=300, check=False)
            server.terminate()
    result: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {"failed": done.stderr[-500:]}
    return result


def measure_python(package: Path, megabytes: int) -> dict[str, Any]:
    """Plain TCP and every kind of path in turn, ROUNDS times; of each the round with the median throughput, and what
    share of TCP's that is. asyncio's own figure varies fourfold with how its memory happens to lie."""
    rounds = [{where: measure_once(where, package, megabytes) for where in ("tcp", *TRANSPORTS)} for _ in range(ROUNDS)]
    results: dict[str, Any] = {}
    for where in ("tcp", *TRANSPORTS):
        worked = sorted((each[where] for each in rounds if "mb_per_s" in each[where]), key=lambda row: row["mb_per_s"])
        if not worked:
            results[where] = rounds[0][where]
            continue
        results[where] = {**worked[len(worked) // 2], "rounds_mb_per_s": [row["mb_per_s"] for row in worked]}
        if where != "tcp" and "mb_per_s" in results["tcp"]:
            results[where]["of_tcp"] = round(results[where]["mb_per_s"] / results["tcp"]["mb_per_s"], 2)
    return results


def print_python(results: dict[str, Any]) -> None:
    """For people."""
    for where, row in results.items():
        print(f"python {where}: {row}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("end", nargs="?", choices=("serve", "use"), help="one end alone, as this program calls itself")
    parser.add_argument("--where", default="tcp", choices=("tcp", *TRANSPORTS))
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--package", type=Path, default=ROOT / "build" / "release" / "python")
    options = parser.parse_args()
    if options.end == "serve":
        asyncio.run(serve(options.where))
    elif options.end == "use":
        print(json.dumps(asyncio.run(use(options.where, options.port, options.megabytes * 1000000))))
    else:
        print(json.dumps(measure_python(options.package, options.megabytes), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
