"""A conversation: answers that leave together, and a connection that is lost while calls are under way."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncGenerator

import pytest

from lictor_core.frames import FRAME_BYTES_MAX, Frame, FrameKind, FrameReader, encode_frame
from lictor_server import Server
from lictor_server.rpc.conversation import Conversation
from lictor_server.rpc.methods import Methods
from lictor_server.rpc.visitor import Visitor
from tests.server.conftest import Log
from tests.support.conditions import eventually


@pytest.mark.timeout(20)
async def test_a_connection_that_timed_out_ends_the_conversation_though_a_call_is_under_way(
    server: Server, log: Log
) -> None:
    begun = asyncio.Event()

    async def wait(payload: bytes) -> object:
        begun.set()
        await asyncio.Event().wait()
        return payload

    ours, theirs = socket.socketpair()
    with theirs:
        reader, writer = await asyncio.open_connection(sock=ours)
        conversation = Conversation(reader, writer, Methods(server, {"wait": wait}), 8, 0.1, log.logger)
        theirs.sendall(encode_frame(Frame(FrameKind.REQUEST, 1, "wait", b"")))
        run = asyncio.ensure_future(conversation.run())
        await begun.wait()
        reader.set_exception(TimeoutError(errno.ETIMEDOUT, "Connection timed out"))
        with pytest.raises(ExceptionGroup) as caught:
            await run
        assert [type(error) for error in caught.value.exceptions] == [TimeoutError]
        writer.close()
        await writer.wait_closed()


@pytest.mark.timeout(20)
async def test_answers_that_are_ready_together_leave_together(
    server: Server, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = asyncio.Event()
    begun = 0

    async def wait(payload: bytes) -> object:
        nonlocal begun
        begun += 1
        await go.wait()
        return payload

    ours, theirs = socket.socketpair()
    with theirs:
        reader, writer = await asyncio.open_connection(sock=ours)
        write, writes = writer.write, list[bytes]()

        def counted(data: bytes) -> None:
            writes.append(data)
            write(data)

        monkeypatch.setattr(writer, "write", counted)
        conversation = Conversation(reader, writer, Methods(server, {"wait": wait}), 8, 5.0, log.logger)
        theirs.sendall(b"".join(encode_frame(Frame(FrameKind.REQUEST, id, "wait", b"")) for id in range(1, 6)))
        run = asyncio.ensure_future(conversation.run())
        await eventually(lambda: begun == 5, what="five calls")
        go.set()
        await eventually(lambda: len(writes) > 0, what="answers")
        theirs.shutdown(socket.SHUT_WR)
        await run
        assert len(writes) == 1
        found = FrameReader().feed(writes[0])
        assert sorted(frame.id for frame in found) == [1, 2, 3, 4, 5]
        writer.close()
        await writer.wait_closed()


@pytest.mark.timeout(20)
async def test_a_call_that_ends_while_another_is_refused_may_be_cancelled(
    server: Server, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, begun = asyncio.Event(), asyncio.Event()

    async def wait(payload: bytes) -> object:
        begun.set()
        await go.wait()
        return payload

    async def slowly() -> None:
        """The other side does not read for a moment: what is under way goes on."""
        go.set()
        for _ in range(10):
            await asyncio.sleep(0)

    ours, theirs = socket.socketpair()
    with theirs:
        reader, writer = await asyncio.open_connection(sock=ours)
        conversation = Conversation(reader, writer, Methods(server, {"wait": wait}), 1, 5.0, log.logger)
        theirs.sendall(encode_frame(Frame(FrameKind.REQUEST, 1, "wait", b"")))
        run = asyncio.ensure_future(conversation.run())
        await begun.wait()
        monkeypatch.setattr(writer, "drain", slowly)
        one_too_many, goodbye = Frame(FrameKind.REQUEST, 2, "wait", b""), Frame(FrameKind.CANCEL, 1, "", b"")
        theirs.sendall(encode_frame(one_too_many) + encode_frame(goodbye))
        theirs.shutdown(socket.SHUT_WR)
        await run
        writer.close()
        await writer.wait_closed()


@pytest.mark.timeout(20)
async def test_a_stream_whose_items_are_not_taken_makes_few_and_ends_with_an_error(server: Server, log: Log) -> None:
    made, ended = 0, asyncio.Event()

    async def items(payload: bytes, visitor: Visitor) -> AsyncGenerator[bytes]:
        nonlocal made
        try:
            while True:
                made += 1
                yield bytes(100_000)
        finally:
            ended.set()

    ours, theirs = socket.socketpair()
    with theirs:
        theirs.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=ours)
        methods = Methods(server, {}, streams={"items": items})
        conversation = Conversation(reader, writer, methods, 8, 20.0, log.logger, part_max_s=0.2)
        theirs.sendall(encode_frame(Frame(FrameKind.REQUEST, 1, "items", b"")))
        run = asyncio.ensure_future(conversation.run())
        await ended.wait()
        assert made < 100
        frames, arrived = FrameReader(), list[Frame]()
        while not arrived or arrived[-1].kind is FrameKind.PART:
            arrived += frames.feed(await asyncio.get_running_loop().sock_recv(theirs, 1 << 20))
        assert (arrived[-1].kind, arrived[-1].method) == (FrameKind.ERROR, "overloaded")
        assert len(arrived) <= made
        theirs.shutdown(socket.SHUT_WR)
        await run
        writer.close()
        await writer.wait_closed()


@pytest.mark.timeout(20)
async def test_many_streams_that_are_not_read_hold_little_more_than_one(server: Server, log: Log) -> None:
    begun = 0

    async def items(payload: bytes, visitor: Visitor) -> AsyncGenerator[bytes]:
        nonlocal begun
        begun += 1
        while True:
            yield bytes(300_000)

    ours, theirs = socket.socketpair()
    with theirs:
        reader, writer = await asyncio.open_connection(sock=ours)
        methods = Methods(server, {}, streams={"items": items})
        conversation = Conversation(reader, writer, methods, 64, 20.0, log.logger, part_max_s=20.0)
        theirs.sendall(b"".join(encode_frame(Frame(FrameKind.REQUEST, id, "items", b"")) for id in range(1, 51)))
        run = asyncio.ensure_future(conversation.run())
        await eventually(lambda: begun == 50, what="fifty streams")
        for _ in range(100):
            await asyncio.sleep(0)
        assert writer.transport.get_write_buffer_size() < 1_500_000
        run.cancel()
        await asyncio.wait([run])
        writer.transport.abort()


async def test_an_item_too_large_for_a_frame_ends_its_stream_with_an_error(server: Server, log: Log) -> None:
    async def items(payload: bytes, visitor: Visitor) -> AsyncGenerator[bytes]:
        yield b"small"
        yield bytes(FRAME_BYTES_MAX)

    ours, theirs = socket.socketpair()
    with theirs:
        theirs.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=ours)
        conversation = Conversation(reader, writer, Methods(server, {}, streams={"items": items}), 8, 20.0, log.logger)
        theirs.sendall(encode_frame(Frame(FrameKind.REQUEST, 1, "items", b"")))
        run = asyncio.ensure_future(conversation.run())
        frames, arrived = FrameReader(), list[Frame]()
        while len(arrived) < 2:
            arrived += frames.feed(await asyncio.get_running_loop().sock_recv(theirs, 1 << 20))
        assert arrived[0] == Frame(FrameKind.PART, 1, "", b"small")
        assert (arrived[1].kind, arrived[1].method) == (FrameKind.ERROR, "too_large")
        theirs.shutdown(socket.SHUT_WR)
        await run
        writer.close()
        await writer.wait_closed()
