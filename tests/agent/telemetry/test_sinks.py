"""Sinks against real listeners: they take what comes, go away, and come back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import pytest
import structlog
from structlog.testing import LogCapture

from lictor_agent.telemetry.sinks import QUIET_S, UNSENT_BYTES_MAX, Sink, TcpSink, UdpSink
from lictor_core.clock import SystemClock
from tests.support.clock import ManualClock
from tests.support.conditions import eventually


@asynccontextmanager
async def run(sink: Sink) -> AsyncGenerator[None]:
    task = asyncio.get_running_loop().create_task(sink.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def udp_receiver(port: int = 0) -> socket.socket:
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setblocking(False)
    receiver.bind(("127.0.0.1", port))
    return receiver


def received(receiver: socket.socket) -> bytes:
    with suppress(BlockingIOError):
        return receiver.recv(65_536)
    return b""


@pytest.fixture
def logged() -> LogCapture:
    return LogCapture()


def names(logged: LogCapture) -> list[str]:
    return [str(one["event"]) for one in logged.entries]


async def test_datagrams_arrive(logged: LogCapture) -> None:
    with udp_receiver() as receiver:
        log = structlog.wrap_logger(None, processors=[logged])
        sink = UdpSink("statsd", receiver.getsockname(), SystemClock(), log)
        got: list[bytes] = []

        def arrived() -> bool:
            sink.send([b"a:1|c\n", b"b:2|g\n"])
            got.append(received(receiver))
            return got[-1] == b"a:1|c\n" and received(receiver) == b"b:2|g\n"

        async with run(sink):
            await eventually(arrived, what="two datagrams, in order")
        assert names(logged) == []


async def test_a_receiver_that_is_away_is_told_once_and_one_that_is_back_too(logged: LogCapture) -> None:
    with udp_receiver() as receiver:
        address = receiver.getsockname()
    clock = ManualClock()
    sink = UdpSink("statsd", address, clock, structlog.wrap_logger(None, processors=[logged]))

    def lost() -> bool:
        sink.send([b"a:1|c\n"])
        return bool(logged.entries)

    async with run(sink):
        await eventually(lost, what="the refusal of the kernel is told")
        for _ in range(5):
            sink.send([b"a:1|c\n"])
            await asyncio.sleep(0)
        assert names(logged) == ["telemetry.sink.lost"]
        assert logged.entries[0]["sink"] == "statsd"
        with udp_receiver(address[1]) as receiver:
            clock.advance(QUIET_S)
            await eventually(lambda: _sent_and_received(sink, receiver), what="it arrives again")
            sink.send([b"a:1|c\n"])
        assert names(logged)[:2] == ["telemetry.sink.lost", "telemetry.sink.reached"]


def _sent_and_received(sink: UdpSink, receiver: socket.socket) -> bool:
    sink.send([b"a:1|c\n"])
    return received(receiver) == b"a:1|c\n"


def _sent(sink: TcpSink, line: bytes, got: bytearray) -> bool:
    sink.send([line])
    return line in got


async def _close(writers: list[asyncio.StreamWriter]) -> None:
    """End the receiver's side: what the loop's end would find open is told as an error in whichever test comes next."""
    for writer in writers:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_an_address_without_a_meaning_is_told_and_tried_again(logged: LogCapture) -> None:
    log = structlog.wrap_logger(None, processors=[logged])
    sink = UdpSink("dogstatsd", ("no.such.host.invalid", 8125), SystemClock(), log, retry_s=0.01)
    async with run(sink):
        sink.send([b"a:1|c\n"])
        await eventually(lambda: bool(logged.entries), within_s=10.0, what="that there is no such host")
    assert names(logged) == ["telemetry.sink.lost"]


async def test_a_stream_is_connected_anew(logged: LogCapture) -> None:
    got = bytearray()
    writers: list[asyncio.StreamWriter] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(ConnectionError):
            while data := await reader.read(1024):
                got.extend(data)
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    log = structlog.wrap_logger(None, processors=[logged])
    sink = TcpSink("statsite", address, SystemClock(), log, retry_s=0.01)
    async with run(sink), server:
        await eventually(lambda: bool(writers), what="the connection")
        await eventually(lambda: _sent(sink, b"a:1|c\n", got), what="the first line")
        writers[0].transport.abort()
        await eventually(lambda: len(writers) == 2, what="the second connection")
        got.clear()
        await eventually(lambda: _sent(sink, b"b:1|c\n", got), what="a line on it")
        await _close(writers)
    assert names(logged)[:2] == ["telemetry.sink.lost", "telemetry.sink.reached"]


async def test_who_does_not_read_loses_lines_and_keeps_nobody_waiting(logged: LogCapture) -> None:
    holding: list[asyncio.StreamWriter] = []

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        holding.append(writer)
        writer.transport.pause_reading()  # type: ignore[attr-defined]

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    log = structlog.wrap_logger(None, processors=[logged])
    sink = TcpSink("statsite", server.sockets[0].getsockname(), SystemClock(), log)
    async with run(sink), server:
        await eventually(lambda: bool(holding), what="the connection")
        line = b"x" * 65_536
        for _ in range(400):
            sink.send([line])
        await asyncio.sleep(0)
        writer = sink._writer  # pyright: ignore[reportPrivateUsage]
        assert writer is not None
        assert 0 < writer.transport.get_write_buffer_size() <= UNSENT_BYTES_MAX + len(line)
        await _close(holding)
