# SPDX-License-Identifier: GPL-3.0-or-later
"""Two people at a private Prosody: contacts, offers, requests, keys, policies, verification."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import AsyncIterator

import pytest
import pytest_asyncio
from fixture_client import Fixture

import tubes
from conftest import soon, until
from tubes import types

ALICE, BOB = "alice@tube.test", "bob@tube.test"


@pytest_asyncio.fixture
async def people(tmp_path: Path) -> AsyncIterator[tuple[tubes.Node, tubes.Node]]:
    """Alice and Bob, logged in and seeing each other."""
    with Fixture("prosody.py", "--account", "alice:pw-alice", "--account", "bob:pw-bob") as server:
        async with (tubes.Node(home=tmp_path / "a", use_local=False) as alice,
                    tubes.Node(home=tmp_path / "b", use_local=False) as bob):
            host = f"127.0.0.1:{server.description['ports']['c2s']}"
            with pytest.raises(tubes.errors.AuthenticationFailed):
                await alice.login(ALICE, "wrong", host=host, ca_file=server.description["ca"], remember=False)
            for node, address in ((alice, ALICE), (bob, BOB)):
                account = await node.login(address, f"pw-{address.split('@')[0]}", host=host,
                                           ca_file=server.description["ca"])
                assert account.state is types.AccountState.ONLINE and "TLS" in account.security

            async def sees() -> bool:
                return all([any(peer.speaks_tubes for contact in await node.contacts() if contact.address == address
                                for peer in contact.peers) for node, address in ((alice, BOB), (bob, ALICE))])
            await until(sees, "presence")
            yield alice, bob


async def test_offers_requests_keys_and_policies(people: tuple[tubes.Node, tubes.Node]) -> None:
    alice, bob = people

    async def first_offer() -> tubes.Offer:
        async for offer in bob.offers():
            return offer
        raise AssertionError("no offer")

    waiting = asyncio.create_task(first_offer())
    share = await alice.offer(BOB, "notes", parameters={"title": "plan"})
    offer = await soon(waiting)
    assert (offer.info.contact, offer.info.service, offer.info.parameters) == (ALICE, "notes", {"title": "plan"})
    tube = await soon(offer.accept())
    reader, writer = await soon(tube.open_stream())
    writer.write(b"from bob")
    other, other_writer = await soon(share.accept())
    assert await soon(other.readexactly(8)) == b"from bob"
    ours, theirs = await soon(asyncio.gather(alice.compare(BOB), bob.compare(ALICE)))
    assert ours == theirs and len(ours) >= 9
    (pin,) = await bob.pins(ALICE)
    assert len(pin.digits.replace(" ", "")) == 60 and not pin.verified
    await bob.set_pin(ALICE, pin.device, True)
    assert (await bob.pins(ALICE))[0].verified
    assert (await soon(bob.ping(ALICE)))[0].rtt > 0
    await share.close()

    async with await alice.share("web", audience=[BOB]):
        connecting = asyncio.create_task(bob.connect("web", ALICE))
        async for request in alice.requests():
            assert request.info.contact == BOB and request.info.service == "web"
            await request.reject()
            break
        with pytest.raises(tubes.errors.Refused):
            await soon(connecting)
        await alice.set_policy(BOB, "web", tubes.Policy.ALWAYS)
        async with await soon(bob.connect("web", ALICE)) as again:
            assert again.info.contact == ALICE
