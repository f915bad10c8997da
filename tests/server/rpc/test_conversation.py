"""A conversation: answers that leave together, and a connection that is lost while calls are under way."""

from __future__ import annotations

import asyncio
import errno
import socket

import pytest

from lictor_core.frames import Frame, FrameKind, FrameReader, encode_frame
from lictor_server import Server
from lictor_server.rpc.conversation import Conversation
from lictor_server.rpc.methods import Methods
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
