# SPDX-License-Identifier: GPL-3.0-or-later
"""Datagrams through tubes: this program's own flows, and a UDP port at either end."""

from __future__ import annotations

import asyncio
import socket

import pytest

import tubes
from conftest import soon
from tubes import TubeKind


async def test_datagrams_keep_their_boundaries_both_ways(alice: tubes.Node, bob: tubes.Node) -> None:
    async with (await alice.share("game", kind=TubeKind.DATAGRAM) as share,
                await soon(bob.connect("game", kind=TubeKind.DATAGRAM)) as tube):
        assert tube.info.kind is TubeKind.DATAGRAM
        flow = await soon(tube.open_flow())
        await flow.send(b"first")
        other = await soon(share.accept_flow())
        assert await soon(other.receive()) == b"first"
        for datagram in (b"", bytearray(b"second"), memoryview(b"x" * other.max_size)):
            await other.send(datagram)
            assert await soon(flow.receive()) == bytes(datagram)
        assert 0 < flow.packet_size <= flow.max_size
        with pytest.raises(tubes.errors.MessageTooLarge):
            await flow.send(bytes(flow.max_size + 1))

        receiving = asyncio.create_task(flow.receive())
        await asyncio.sleep(0)
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
        await other.send(b"not lost")
        assert await soon(flow.receive()) == b"not lost"

        other.close()
        assert [datagram async for datagram in flow] == []
        with pytest.raises(tubes.Error):
            await flow.send(b"late")
        flow.close()
        assert not flow.is_open


async def test_streams_and_flows_are_not_mixed(alice: tubes.Node, bob: tubes.Node) -> None:
    async with await alice.share("stream"), await soon(bob.connect("stream")) as tube:
        with pytest.raises(tubes.errors.Unsupported):
            await soon(tube.open_flow())


async def test_a_udp_port_is_reached_and_too_large_datagrams_are_told(alice: tubes.Node, bob: tubes.Node) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        server.bind(("127.0.0.1", 0))
        server.setblocking(False)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        target = tubes.Endpoint.udp("127.0.0.1", server.getsockname()[1])
        assert target.tube_kind is TubeKind.DATAGRAM and target.kind is tubes.types.EndpointKind.UDP
        async with (await alice.share("dns", target, kind=TubeKind.DATAGRAM),
                    await soon(bob.connect("dns", kind=TubeKind.DATAGRAM)) as tube,
                    await tube.listen(tubes.Endpoint.udp("127.0.0.1", 0)) as listener, bob.events() as events):
            there = ("127.0.0.1", listener.endpoint.port)
            await loop.sock_sendto(client, b"question", there)
            question, back = await soon(loop.sock_recvfrom(server, 100))
            assert question == b"question"
            await loop.sock_sendto(server, b"answer", back)
            assert (await soon(loop.sock_recvfrom(client, 100)))[0] == b"answer"
            await loop.sock_sendto(client, bytes(60000), there)
            async with asyncio.timeout(30):
                async for event in events:
                    if isinstance(event, tubes.types.DatagramTooLarge):
                        assert (event.service, event.size) == ("dns", 60000) and event.largest < 60000
                        break
