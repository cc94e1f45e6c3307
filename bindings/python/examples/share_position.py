#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where is everybody? Each player sends a position some times a second; only the newest counts, so datagrams do.

    share_position.py host                       # one player of this user opens the map
    share_position.py join                       # others join: --from CONTACT for somebody else's map
"""

from __future__ import annotations

import argparse
import asyncio
import math
import struct

import tubes
from tubes import TubeKind

POSITION = struct.Struct("!Hdd")  # number of the step, x, y
STEPS, PAUSE = 50, 0.02  # positions to send, seconds between them


async def play(flow: tubes.DatagramFlow, phase: float) -> int:
    """Sends our way around a circle and follows the other's; the number of positions seen."""
    seen: set[int] = set()

    async def follow() -> None:
        async for datagram in flow:
            step, x, y = POSITION.unpack(datagram)
            if step > max(seen, default=-1):  # one that was overtaken is old news
                print(f"the other is at {x:+.2f} {y:+.2f}", flush=True)
            seen.add(step)
            if step == STEPS - 1:
                break

    following = asyncio.create_task(follow())
    for step in range(STEPS):
        angle = phase + 2 * math.pi * step / STEPS
        await flow.send(POSITION.pack(step, math.cos(angle), math.sin(angle)))
        await asyncio.sleep(PAUSE)
    await asyncio.wait({following}, timeout=1)  # the last one may be lost
    following.cancel()
    return len(seen)


async def host() -> None:
    """Waits for one player."""
    async with tubes.Node() as node, await node.share("map", kind=TubeKind.DATAGRAM) as share:
        print("Sharing the map", flush=True)
        async with await share.accept_flow() as flow:
            print(f"saw {await play(flow, 0)} of {STEPS} positions", flush=True)


async def join(contact: str) -> None:
    """Plays on somebody's map."""
    async with tubes.Node() as node, await node.connect("map", contact, kind=TubeKind.DATAGRAM) as tube:
        async with await tube.open_flow() as flow:
            print(f"saw {await play(flow, math.pi)} of {STEPS} positions", flush=True)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("host", "join"))
    parser.add_argument("--from", dest="contact", default="", help="whose map")
    options = parser.parse_args()
    asyncio.run(host() if options.what == "host" else join(options.contact))


if __name__ == "__main__":
    main()
