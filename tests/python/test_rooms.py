# SPDX-License-Identifier: GPL-3.0-or-later
"""Rooms at a private Prosody: who is there, what is said, and tubes between occupants."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from fixture_client import Fixture

import tubes
from conftest import soon
from tubes import types

ROOM = "cable@conference.tube.test"


async def next_of(room: tubes.Room, kind: type[types.RoomEvent]) -> types.RoomEvent:
    """The next event of one kind."""
    async with asyncio.timeout(30):
        async for event in room:
            if isinstance(event, kind):
                return event
    raise AssertionError(f"no {kind}")


async def test_people_meet_talk_and_share_in_a_room(tmp_path: Path) -> None:
    accounts = [f"{name}:pw-{name}" for name in ("alice", "bob")]
    with Fixture("prosody.py", *(word for account in accounts for word in ("--account", account))) as server:
        async with AsyncExitStack() as stack:
            nodes = []
            for account in accounts:
                name, password = account.split(":")
                node = await stack.enter_async_context(tubes.Node(home=tmp_path / name, use_local=False))
                await node.login(f"{name}@tube.test", password, ca_file=server.description["ca"], remember=False,
                                 host=f"127.0.0.1:{server.description['ports']['c2s']}")
                nodes.append(node)
            alice, bob = nodes
            with pytest.raises(tubes.errors.InvalidArgument):
                await alice.join_room("not a room")
            hers = await stack.enter_async_context(await alice.join_room(ROOM, "Alice",
                                                                         addresses=types.AddressPolicy.ALL))
            his = await stack.enter_async_context(await bob.join_room(ROOM, "Bob", addresses=types.AddressPolicy.ALL))
            assert hers.address == ROOM
            assert {each.nick for each in (await his.info()).occupants} == {"Alice", "Bob"}
            with pytest.raises(tubes.errors.AlreadyExists):
                await bob.join_room(ROOM, "Alice")

            await his.send("hello, all")
            said = await next_of(hers, types.RoomText)
            assert isinstance(said, types.RoomText)
            assert (said.nick, said.text, said.is_private, said.is_own) == ("Bob", "hello, all", False, False)
            await hers.send("for you", "Bob")
            while not (isinstance(said := await next_of(his, types.RoomText), types.RoomText) and said.is_private):
                pass
            assert (said.nick, said.text) == ("Alice", "for you")

            async with await hers.share("echo", policy=tubes.Policy.ALWAYS, trust_first_key=True) as share:
                while True:
                    info = await his.info()
                    if any(service.service == "echo" for each in info.occupants for service in each.services):
                        break
                    await next_of(his, types.OccupantChanged)
                async with await soon(his.connect("echo", "Alice")) as tube:
                    reader, writer = await soon(tube.open_stream())
                    writer.write(b"through the room")
                    other, other_writer = await soon(share.accept())
                    assert await soon(other.readexactly(16)) == b"through the room"
                    other_writer.close()
                    writer.close()
            await his.close()
            left = await next_of(hers, types.OccupantLeft)
            assert isinstance(left, types.OccupantLeft) and left.occupant.nick == "Bob" and left.reason == "left"
