# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams through tubes: asyncio's reader and writer, protocols, buffers, flow control, half-close, cancellation."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
from typing import AsyncIterator

import pytest
import pytest_asyncio

import tubes
from conftest import soon


@pytest_asyncio.fixture
async def pair(alice: tubes.Node, bob: tubes.Node) -> AsyncIterator[tuple[tubes.Share, tubes.Tube]]:
    """A share of this program and a tube to it."""
    async with await alice.share("stream") as share, await soon(bob.connect("stream")) as tube:
        yield share, tube


Pair = tuple[tubes.Share, tubes.Tube]


async def test_lines_travel_both_ways_and_half_close_is_the_end(pair: Pair) -> None:
    share, tube = pair
    reader, writer = await soon(tube.open_stream())
    writer.write(b"question\n")
    other_reader, other_writer = await soon(share.accept())
    assert await soon(other_reader.readline()) == b"question\n"
    writer.write_eof()
    assert await soon(other_reader.read()) == b""
    other_writer.writelines([b"the ", bytearray(b"answer"), memoryview(b"!")])
    other_writer.close()
    assert await soon(reader.read()) == b"the answer!"
    writer.close()
    await soon(writer.wait_closed())
    await soon(other_writer.wait_closed())


async def test_megabytes_arrive_as_they_were_sent_against_a_slow_reader(pair: Pair) -> None:
    share, tube = pair
    data = random.Random(1).randbytes(8 * 1024 * 1024)

    async def send() -> None:
        _, writer = await tube.open_stream()
        at, sizes = 0, random.Random(2)
        while at < len(data):
            size = sizes.choice((1, 100, 5000, 70000, 700000))
            writer.write(data[at : at + size])
            await writer.drain()
            assert writer.transport.get_write_buffer_size() <= 2 * 1024 * 1024
            at += size
        writer.close()
        await writer.wait_closed()

    sending = asyncio.create_task(send())
    reader, writer = await soon(share.accept())
    received = hashlib.sha256()
    while chunk := await soon(reader.read(100_000)):
        received.update(chunk)
        await asyncio.sleep(0)
    await soon(sending)
    writer.close()
    assert received.digest() == hashlib.sha256(data).digest()


async def test_a_writer_waits_for_a_reader_that_does_not_read(pair: Pair) -> None:
    share, tube = pair
    _, writer = await tube.open_stream()
    accepted = await soon(share.accept_stream())
    written = 0
    with pytest.raises(asyncio.TimeoutError):
        async with asyncio.timeout(1):
            while written < 256 * 1024 * 1024:
                writer.write(bytes(64 * 1024))
                written += 64 * 1024
                await writer.drain()
    assert written < 64 * 1024 * 1024, "nothing held the writer back"
    received = 0
    while received < written:
        received += len(await soon(accepted.read()))
    await soon(writer.drain())
    assert received == written


async def test_memory_of_the_program_is_read_and_written_in_place(pair: Pair) -> None:
    share, tube = pair
    stream = await soon(tube.open_raw_stream())
    accepting = asyncio.create_task(share.accept_stream())
    await soon(stream.write(b"abc", bytearray(b"def"), memoryview(b"xghix")[1:4]))
    other = await soon(accepting)
    target = bytearray(20)
    view = memoryview(target)
    filled = 0
    while filled < 9:
        filled += await soon(other.read_into(view[filled:]))
    assert bytes(target[:9]) == b"abcdefghi"
    with pytest.raises((TypeError, BufferError)):
        await other.read_into(b"read-only")
    with pytest.raises(TypeError):
        await other.write("text")  # type: ignore[arg-type]
    stream.shutdown_send()
    assert await soon(other.read()) == b"" and await soon(other.read_into(view)) == 0
    other.close()
    with pytest.raises(tubes.Error):
        await soon(stream.read())
    with pytest.raises(tubes.errors.Cancelled):
        await other.read()


async def test_a_cancelled_read_loses_no_byte(pair: Pair) -> None:
    share, tube = pair
    stream = await soon(tube.open_raw_stream())
    other = await soon(share.accept_stream())
    received = bytearray()
    for round_number in range(50):
        reading = asyncio.create_task(other.read(3))
        await asyncio.sleep(0)
        await stream.write(b"abc")
        if round_number % 2:
            await asyncio.sleep(0.002)
        reading.cancel()
        await asyncio.wait([reading])
        if not reading.cancelled():
            received += reading.result()
    while len(received) < 150:
        received += await soon(other.read())
    assert received == b"abc" * 50


class Counter(asyncio.BufferedProtocol):
    """Takes bytes without a copy."""

    def __init__(self) -> None:
        self.memory = bytearray(65536)
        self.received = bytearray()
        self.ended = asyncio.get_running_loop().create_future()

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.memory

    def buffer_updated(self, nbytes: int) -> None:
        self.received += self.memory[:nbytes]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(exc)


async def test_any_asyncio_protocol_runs_over_a_tube(pair: Pair) -> None:
    share, tube = pair
    transport, protocol = await soon(tube.create_connection(Counter))
    assert transport.get_extra_info("tube") is tube
    _, writer = await soon(share.accept())
    data = os.urandom(300_000)
    writer.write(data)
    writer.close()
    assert await soon(protocol.ended) is None
    assert protocol.received == data


async def test_abort_is_a_reset_for_the_peer(pair: Pair) -> None:
    share, tube = pair
    _, writer = await soon(tube.open_stream())
    writer.write(b"x")
    reader, other = await soon(share.accept())
    assert await soon(reader.readexactly(1)) == b"x"
    writer.transport.abort()
    with pytest.raises((tubes.errors.ConnectionReset, tubes.errors.Broken)):
        await soon(reader.read())
    other.close()


async def test_serve_runs_a_handler_per_connection_and_survives_its_errors(alice: tubes.Node, bob: tubes.Node) -> None:
    problems: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: problems.append(context))

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        if line == b"bad\n":
            raise ValueError("planted")
        writer.write(line.upper())

    share = await alice.share("upper")
    serving = asyncio.create_task(share.serve(handle))
    async with await soon(bob.connect("upper")) as tube:
        for question, answer in ((b"one\n", b"ONE\n"), (b"bad\n", b""), (b"two\n", b"TWO\n")):
            reader, writer = await soon(tube.open_stream())
            writer.write(question)
            assert await soon(reader.read()) == answer
            writer.close()
    assert [str(problem["exception"]) for problem in problems] == ["planted"]
    await share.close()
    await soon(serving)


async def test_a_listener_is_an_ordinary_port(pair: Pair) -> None:
    share, tube = pair
    async with await tube.listen() as listener:
        assert listener.endpoint.host == "127.0.0.1" and listener.endpoint.port > 0
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.endpoint.port)
        writer.write(b"through")
        other, other_writer = await soon(share.accept())
        assert await soon(other.readexactly(7)) == b"through"
        with pytest.raises(tubes.errors.AddressInUse):
            await tube.listen(listener.endpoint)
        with pytest.raises(tubes.errors.AddressNotAllowed):
            await tube.listen("0.0.0.0:0")
        writer.close()
        other_writer.close()
        await tube.close()
        with pytest.raises(tubes.Error):
            await soon(tube.open_stream())
