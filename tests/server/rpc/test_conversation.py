"""A conversation whose connection is lost while calls are under way."""

from __future__ import annotations

import asyncio
import errno
import socket

import pytest

from lictor_core.frames import Frame, FrameKind, encode_frame
from lictor_server import Server
from lictor_server.rpc.conversation import Conversation
from lictor_server.rpc.methods import Methods
from tests.server.conftest import Log


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
