# SPDX-License-Identifier: GPL-3.0-or-later
"""D-Bus tubes: a private bus at either end, on which python3-dbus-next's objects call one another."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest
from dbus_next import Message, MessageType
from dbus_next.aio.message_bus import MessageBus

import tubes
import tubes.blocking
from conftest import soon
from tubes import Endpoint, TubeKind

NAME = "org.example.Counter"


def answer(message: Message) -> Message | None:
    """What a program on the bus does: says twice what it was told."""
    if message.message_type is not MessageType.METHOD_CALL or message.interface != NAME:
        return None
    return Message.new_method_return(message, "s", [2 * message.body[0]])


async def call(bus: MessageBus, text: str) -> Message:
    """Calls the service."""
    reply = await soon(bus.call(Message(NAME, "/", NAME, "Twice", signature="s", body=[text])))
    assert reply is not None
    return reply


async def test_programs_of_both_sides_meet_on_the_bus(alice: tubes.Node, bob: tubes.Node) -> None:
    async with (await alice.share(NAME, Endpoint.dbus(), kind=TubeKind.DBUS) as share,
                await soon(bob.connect(NAME, kind=TubeKind.DBUS)) as tube,
                await soon(tube.listen(Endpoint.dbus())) as listener):
        assert share.target.kind is tubes.types.EndpointKind.DBUS and share.target.tube_kind is TubeKind.DBUS
        assert share.target.bus_address != listener.endpoint.bus_address
        for end in (share.target, listener.endpoint):
            assert end.bus_address == f"unix:path={end.path}"
            assert stat.S_IMODE(os.stat(end.path).st_mode) & 0o077 == 0

        serving = await MessageBus(bus_address=share.target.bus_address).connect()
        serving.add_message_handler(answer)
        await soon(serving.request_name(NAME))
        using = await MessageBus(bus_address=listener.endpoint.bus_address).connect()
        assert (await call(using, "höre")).body == ["hörehöre"]

        heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        using.add_message_handler(lambda message: heard.set_result(message.body[0]) if message.member == "Said" else None)
        await serving.send(Message.new_signal("/", NAME, "Said", "s", ["all of you"]))
        assert await soon(heard) == "all of you"

        serving.disconnect()
        await soon(serving.wait_for_disconnect())
        gone = await call(using, "x")  # NoReply where the call left before the news arrived
        assert gone.error_name in {f"org.freedesktop.DBus.Error.{name}" for name in ("ServiceUnknown", "NoReply")}
        using.disconnect()
        await soon(using.wait_for_disconnect())
        await share.close()
        with pytest.raises(tubes.Error):
            await soon(tube.wait_closed())
    assert not Path(listener.endpoint.path).exists() and not Path(share.target.path).exists()


async def test_a_bus_stands_where_it_is_asked_for(alice: tubes.Node, bob: tubes.Node, tmp_path: Path) -> None:
    path = str(tmp_path / "bus")
    async with (await alice.share(NAME, f"dbus:{path}", kind=TubeKind.DBUS) as share,
                await soon(bob.connect(NAME, kind=TubeKind.DBUS)) as tube):
        assert share.target.bus_address == f"unix:path={path}" and Path(path).is_socket()
        with pytest.raises(tubes.errors.Unsupported):
            await soon(tube.open_stream())
    shared_by_all = Endpoint.dbus(path, any_user=True)
    assert shared_by_all.any_user and not Endpoint.dbus().any_user and Endpoint.dbus().bus_address == ""


async def test_what_is_no_name_or_no_bus_is_refused(alice: tubes.Node) -> None:
    with pytest.raises(tubes.errors.InvalidArgument):
        await alice.share("no-dots", Endpoint.dbus(), kind=TubeKind.DBUS)
    with pytest.raises(tubes.Error):
        await alice.share(NAME, Endpoint.dbus("/" + "x" * 108), kind=TubeKind.DBUS)
    with pytest.raises(tubes.Error):
        await alice.share(NAME, Endpoint.tcp("127.0.0.1", 1), kind=TubeKind.DBUS)


def test_scripts_find_the_bus_as_well(home: Path) -> None:
    with (tubes.blocking.Node() as sharer, tubes.blocking.Node() as user,
          sharer.share(NAME, Endpoint.dbus(), kind=TubeKind.DBUS) as share,
          user.connect(NAME, kind=TubeKind.DBUS) as tube, tube.listen(Endpoint.dbus()) as listener):
        assert share.target.bus_address and Path(listener.endpoint.path).is_socket()
