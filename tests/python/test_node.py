# SPDX-License-Identifier: GPL-3.0-or-later
"""A node in an event loop: opening, closing, errors, cancellation, events, trust."""

from __future__ import annotations

import asyncio
import gc
import warnings
from pathlib import Path

import pytest

import tubes
from conftest import soon, until
from tubes import types


async def test_local_account_is_online_and_status_is_plain_data(alice: tubes.Node) -> None:
    accounts = await soon(alice.wait_accounts())
    assert [(account.name, account.state) for account in accounts] == [("local", types.AccountState.ONLINE)]
    status = await alice.status()
    assert status.accounts == accounts and status.shares == () and str(accounts[0].state) == "online"
    assert accounts[0].reason is None and len(accounts[0].device) == 64


async def test_share_shows_in_the_services_of_the_other_node_with_its_parameters(alice: tubes.Node,
                                                                                 bob: tubes.Node) -> None:
    parameters = {"text": "hé", "raw": b"\x00\xff", "number": -7, "large": 2**63, "yes": True}
    async with await alice.share("web", 8080, parameters=parameters) as share:
        assert share.service == "web"
        (offered,) = await soon(bob.services())
        assert offered.service == "web" and offered.kind is tubes.TubeKind.STREAM and offered.parameters == parameters
        (shared,) = (await alice.status()).shares
        assert shared.target == "127.0.0.1:8080" and shared.policy is tubes.Policy.ASK
        with pytest.raises(tubes.errors.AlreadyExists):
            await alice.share("web", 8081)
    async def is_gone() -> bool:
        return await bob.services() == ()
    await until(is_gone, "the service is gone")


async def test_every_error_code_has_its_class_with_code_and_advice() -> None:
    for code in tubes.Errc:
        error = tubes.errors.make_error(code, "text")
        assert type(error).__name__ == "".join(map(str.capitalize, code.name.split("_")))
        assert error.code is code and error.advice and str(error) == "text" and isinstance(error, tubes.Error)
    assert issubclass(tubes.errors.TimedOut, TimeoutError) and issubclass(tubes.errors.Broken, ConnectionError)
    assert not issubclass(tubes.errors.Cancelled, asyncio.CancelledError)
    assert isinstance(tubes.errors.make_error(999), tubes.errors.Internal)


async def test_operations_fail_with_the_error_that_fits(alice: tubes.Node, bob: tubes.Node) -> None:
    with pytest.raises(tubes.errors.NotAvailable):
        await soon(bob.connect("nothing"))
    with pytest.raises(tubes.errors.InvalidArgument):
        await alice.share("not a name")
    with pytest.raises(tubes.errors.InvalidArgument):
        tubes.Endpoint.parse("no:port:here")
    with pytest.raises(tubes.errors.InvalidArgument):
        await alice.share("web", parameters={"a name with spaces": 1})
    with pytest.raises(tubes.errors.NotFound):
        await alice.answer("00" * 16, True)
    with pytest.raises(tubes.errors.NotFound):
        await alice.logout("nobody@example.org")
    with pytest.raises(TypeError):
        await alice.share("web", parameters={"a": 1.5})  # type: ignore[dict-item]


async def test_cancelled_task_takes_the_request_back(alice: tubes.Node, bob: tubes.Node) -> None:
    await alice.set_policy("", "web", tubes.Policy.ASK)
    async with await alice.share("web"):
        task = asyncio.create_task(bob.events().next())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        connecting = asyncio.create_task(bob.connect("elsewhere", "nobody@example.org"))
        await asyncio.sleep(0)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
    native = bob._bridge.native
    async def is_idle() -> bool:
        return native.in_flight <= 1  # the event that the next call would take
    await until(is_idle, "the cancelled operation ended")


async def test_cancelled_wait_for_an_event_loses_none(alice: tubes.Node, bob: tubes.Node) -> None:
    async with await alice.share("web"), alice.events() as events:
        waiting = asyncio.create_task(events.next())
        await asyncio.sleep(0)
        tube = asyncio.create_task(bob.connect("web"))
        # Cancelled in the same turn in which the event may arrive.
        await soon(tube)
        waiting.cancel()
        await asyncio.wait([waiting])
        seen = [] if waiting.cancelled() else [waiting.result()]
        while not any(isinstance(event, types.TubeOpened) for event in seen):
            seen.append(await soon(events.next()))
        assert seen[-1].tube.service == "web"
        await tube.result().close()


async def test_events_tell_of_opened_and_closed_tubes_in_order(alice: tubes.Node, bob: tubes.Node) -> None:
    events = alice.events()
    async with await alice.share("web"):
        async with await soon(bob.connect("web")) as tube:
            assert tube.info.service == "web" and not tube.info.incoming and tube.info.state == "open"
            (link,) = [each for each in (await bob.status()).links if each.id == tube.info.link]
            assert [path.kind for path in link.paths if path.active] == [tubes.PathKind.LOCAL]
    seen = []
    while not seen or not isinstance(seen[-1], types.TubeClosed):
        event = await soon(events.next())
        if isinstance(event, (types.TubeOpened, types.TubeClosed)):
            seen.append(event)
    assert isinstance(seen[0], types.TubeOpened) and seen[0].tube.incoming and seen[-1].id == seen[0].tube.id


async def test_closing_the_node_ends_what_waits_and_iterations(alice: tubes.Node, bob: tubes.Node) -> None:
    share = await alice.share("web")
    accepting = asyncio.create_task(share.accept())
    collected = asyncio.create_task(asyncio.wait_for(collect(alice), 30))
    await asyncio.sleep(0)
    await alice.close()
    with pytest.raises(tubes.errors.Cancelled):
        await accepting
    assert await collected == []
    with pytest.raises(tubes.errors.Cancelled):
        await alice.status()
    await alice.close()


async def collect(node: tubes.Node) -> list[tubes.Offer]:
    """Every offer until the node is closed."""
    return [offer async for offer in node.offers()]


async def test_a_node_is_opened_once_and_used_only_while_open(home: Path) -> None:
    node = tubes.Node()
    with pytest.raises(RuntimeError, match="async with"):
        await node.status()
    async with node:
        with pytest.raises(RuntimeError, match="opened before"):
            await node.open()
    with pytest.raises(tubes.errors.InvalidArgument):
        await tubes.Node(profile="../x").open()


async def test_a_forgotten_node_warns_and_closes(home: Path) -> None:
    node = await tubes.Node(resource="only-one").open()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del node
        gc.collect()
    assert any(issubclass(each.category, ResourceWarning) for each in caught)
    async with tubes.Node(resource="only-one"):  # AlreadyExists if the other one were still there
        pass


async def test_configuration_says_where_a_value_comes_from(home: Path) -> None:
    (home / "config.toml").write_text("")
    values = {value.name: value for value in tubes.effective_config(settings={"network.stun": "stun.example.org"})}
    assert values["network.stun"].source == "flag" and "stun.example.org" in values["network.stun"].value
    assert tubes.configured_services() == ()
    assert tubes.runtime_directory().is_dir()
    assert tubes.is_valid_service_name("web") and not tubes.is_valid_service_name("a b")


async def test_findings_and_pings_of_this_machine(alice: tubes.Node, bob: tubes.Node) -> None:
    findings = await soon(alice.diagnose())
    assert any(finding.topic == "interfaces" for finding in findings)
    assert all(isinstance(finding.severity, types.Severity) for finding in findings)
    assert await alice.contacts() is not None
