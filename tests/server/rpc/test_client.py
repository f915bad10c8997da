"""Calls to other servers over real sockets, and every way in which they end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial

import pytest

from lictor_core.clock import SeededRng
from lictor_core.errors import (
    IncompatibleError,
    LictorError,
    NotFoundError,
    OverloadedError,
    PeerError,
    UnreachableError,
)
from lictor_core.frames import GREETING_ID, Frame, FrameKind, FrameReader, encode_frame
from lictor_core.protocol import OWN, Spoken
from lictor_server import RpcPool
from lictor_server.rpc import client, connection
from lictor_server.rpc.caller import Caller
from lictor_server.rpc.connection import WRITE_BYTES_MAX
from lictor_server.rpc.visitor import Visitor
from tests.server.raft.links import End, running
from tests.support.conditions import eventually
from tests.support.ports import free_port

CALL_S = 5.0


@pytest.fixture
async def pool() -> AsyncIterator[RpcPool]:
    made = RpcPool(rng=SeededRng(1))
    yield made
    await made.stop()


@pytest.fixture
async def end() -> AsyncIterator[End]:
    async with running(1) as made:
        yield made


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def played(script: Script) -> AsyncGenerator[str]:
    """The address of a server that does with each connection what `script` says."""
    server = await asyncio.start_server(script, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


async def frame_of(reader: asyncio.StreamReader) -> Frame:
    """The first frame behind the greeting."""
    await raw_frame_of(reader)
    return await raw_frame_of(reader)


async def raw_frame_of(reader: asyncio.StreamReader) -> Frame:
    length = int.from_bytes(await reader.readexactly(4), "big")
    (frame,) = FrameReader().feed(length.to_bytes(4, "big") + await reader.readexactly(length))
    return frame


async def test_many_calls_share_one_connection_and_get_their_own_answers(pool: RpcPool, end: End) -> None:
    calls = [pool.call(end.address, "echo", b"%d" % number, timeout_s=CALL_S) for number in range(50)]
    assert await asyncio.gather(*calls) == [b"%d" % number for number in range(50)]
    assert len(end.listener._tasks) == 1  # pyright: ignore[reportPrivateUsage]  # nothing outside tells connections


async def test_the_error_of_the_server_is_raised_here(pool: RpcPool, end: End, monkeypatch: pytest.MonkeyPatch) -> None:
    async def missing(method: str, payload: bytes, visitor: Visitor) -> bytes:
        raise NotFoundError(f"no {method}")

    monkeypatch.setattr(end.methods, "call", missing)
    with pytest.raises(NotFoundError, match="no such"):
        await pool.call(end.address, "such", b"", timeout_s=CALL_S)


async def test_a_call_past_its_deadline_is_unknown_and_cancelled_at_the_server(pool: RpcPool, end: End) -> None:
    with pytest.raises(PeerError, match="did not answer") as caught:
        await pool.call(end.address, "wait", b"", timeout_s=0.1)
    assert not caught.value.definite
    await eventually(lambda: end.methods.cancelled == 1, what="the end of the call at the server")
    assert await pool.call(end.address, "echo", b"x", timeout_s=CALL_S) == b"x"


async def test_a_cancelled_caller_cancels_its_call_at_the_server(pool: RpcPool, end: End) -> None:
    call = asyncio.ensure_future(pool.call(end.address, "wait", b"", timeout_s=CALL_S))
    await eventually(lambda: end.methods.calls == ["wait"], what="the call at the server")
    call.cancel()
    await eventually(lambda: end.methods.cancelled == 1, what="its end at the server")
    assert call.cancelled()


async def test_a_call_withdrawn_before_it_left_is_never_made(pool: RpcPool, end: End) -> None:
    await pool.call(end.address, "first", b"", timeout_s=CALL_S)
    call = asyncio.ensure_future(pool.call(end.address, "withdrawn", b"", timeout_s=CALL_S))
    await asyncio.sleep(0)  # it is asked now, and leaves in the next pass
    call.cancel()
    assert await pool.call(end.address, "last", b"x", timeout_s=CALL_S) == b"x"
    assert end.methods.calls == ["first", "last"]


async def test_a_server_that_is_not_there_is_a_definite_error(pool: RpcPool) -> None:
    with pytest.raises(UnreachableError) as caught:
        await pool.call(f"127.0.0.1:{free_port()}", "echo", b"", timeout_s=CALL_S)
    assert caught.value.definite


async def test_a_server_that_comes_back_is_found_again(pool: RpcPool) -> None:
    port = free_port()
    for _ in range(2):
        async with running(1, port=port) as end:
            await until_answered(pool, end.address)


async def until_answered(pool: RpcPool, address: str) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                assert await pool.call(address, "echo", b"x", timeout_s=1.0) == b"x"
                return
            except PeerError:
                await asyncio.sleep(0.01)


async def test_who_could_not_be_reached_is_not_dialed_at_once_again(
    pool: RpcPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialed = 0

    async def nobody(address: str, *, source: str, timeout_s: float) -> socket.socket:
        nonlocal dialed
        dialed += 1
        raise UnreachableError("nobody is there")

    monkeypatch.setattr(client, "dial", nobody)
    monkeypatch.setattr(client, "RETRY_FIRST_S", 60.0)
    monkeypatch.setattr(client, "RETRY_MAX_S", 60.0)
    for _ in range(20):
        with pytest.raises(UnreachableError, match="nobody is there"):
            await pool.call("192.0.2.1:8300", "echo", b"", timeout_s=CALL_S)
    assert dialed == 1


async def test_a_connection_lost_after_the_request_left_is_unknown(pool: RpcPool) -> None:
    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await frame_of(reader)
        writer.close()

    async with played(dies) as address:
        with pytest.raises(PeerError, match="may or may not") as caught:
            await pool.call(address, "write", b"", timeout_s=CALL_S)
        assert not caught.value.definite


async def test_a_connection_closed_before_the_request_left_is_definite(pool: RpcPool, end: End) -> None:
    await pool.call(end.address, "first", b"", timeout_s=CALL_S)
    call = asyncio.ensure_future(pool.call(end.address, "late", b"", timeout_s=CALL_S))
    await asyncio.sleep(0)  # it is asked now, and would leave in the next pass
    await pool.stop()
    with pytest.raises(UnreachableError):
        await call


async def test_a_request_that_a_full_server_does_not_read_is_definite(pool: RpcPool) -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader._limit = 1  # type: ignore[attr-defined]  # asyncio reads no further than this ahead of its user
        await asyncio.sleep(60)

    async with played(cancelled_at_the_end(deaf)) as address:
        block = bytes(WRITE_BYTES_MAX)
        filling = [asyncio.ensure_future(pool.call(address, "fill", block, timeout_s=60.0)) for _ in range(16)]
        async with asyncio.timeout(30):
            while True:
                try:
                    await pool.call(address, "late", b"", timeout_s=0.2)
                except UnreachableError as error:
                    reason = str(error)
                    break
                except PeerError:
                    continue  # it left: there was room yet
        assert "took no request" in reason
        for call in filling:
            call.cancel()
        await asyncio.gather(*filling, return_exceptions=True)


def cancelled_at_the_end(script: Script) -> Script:
    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            writer.transport.abort()

    return run


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00\x00\x00\x01\x90",
        encode_frame(Frame(FrameKind.REPLY, 99, "", b"")),
        encode_frame(Frame(FrameKind.REQUEST, 1, "m", b"")),
    ],
    ids=["HTTP", "no frame", "a reply to nothing", "a request"],
)
async def test_a_server_that_answers_nonsense_is_cut_off(pool: RpcPool, said: bytes) -> None:
    closed = asyncio.Event()

    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await frame_of(reader)
        writer.write(said)
        with suppress(ConnectionError):
            await reader.read()
        closed.set()
        writer.close()

    async with played(nonsense) as address:
        with pytest.raises(PeerError):
            await pool.call(address, "read", b"", timeout_s=CALL_S)
        async with asyncio.timeout(30):
            await closed.wait()


async def test_calls_over_the_bound_of_a_connection_are_refused(
    pool: RpcPool, end: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "IN_FLIGHT_MAX", 2)
    waiting = [asyncio.ensure_future(pool.call(end.address, "wait", b"", timeout_s=1.0)) for _ in range(2)]
    await eventually(lambda: len(end.methods.calls) == 2, what="two calls under way")
    with pytest.raises(OverloadedError):
        await pool.call(end.address, "echo", b"", timeout_s=CALL_S)
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_connections_over_the_bound_take_the_place_of_unused_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CONNECTIONS_MAX", 1)
    pool = RpcPool(rng=SeededRng(1))
    async with running(1) as one, running(2) as two:
        await pool.call(one.address, "echo", b"", timeout_s=CALL_S)
        await pool.call(two.address, "echo", b"", timeout_s=CALL_S)
        await eventually(lambda: not one.listener._tasks, what="the end of the older")  # pyright: ignore[reportPrivateUsage]
        waiting = asyncio.ensure_future(pool.call(two.address, "wait", b"", timeout_s=CALL_S))
        await eventually(lambda: "wait" in two.methods.calls, what="a call under way")
        with pytest.raises(OverloadedError):
            await pool.call(one.address, "echo", b"", timeout_s=CALL_S)
        await pool.stop()
        with pytest.raises(PeerError):
            await waiting


async def test_a_connection_that_nobody_uses_is_closed_and_one_in_use_is_not(end: End) -> None:
    pool = RpcPool(rng=SeededRng(1), idle_s=0.1)
    waiting = asyncio.ensure_future(pool.call(end.address, "wait", b"", timeout_s=0.4))
    with pytest.raises(PeerError, match="did not answer"):
        await waiting
    assert await pool.call(end.address, "echo", b"x", timeout_s=CALL_S) == b"x"
    await eventually(lambda: not end.listener._tasks, what="the closing")  # pyright: ignore[reportPrivateUsage]
    assert await pool.call(end.address, "echo", b"x", timeout_s=CALL_S) == b"x"
    await pool.stop()


async def test_after_the_stop_nothing_is_asked(pool: RpcPool, end: End) -> None:
    await pool.stop()
    with pytest.raises(LictorError):
        await pool.call(end.address, "echo", b"", timeout_s=CALL_S)
    assert end.methods.calls == []


@pytest.mark.parametrize("address", ["", ":", "host:port", "127.0.0.1:0", "a..b:8300", "x" * 300])
async def test_what_is_no_address_cannot_be_reached(pool: RpcPool, address: str) -> None:
    with pytest.raises(UnreachableError, match=r"is no address|cannot be reached"):
        await pool.call(address, "echo", b"", timeout_s=CALL_S)


async def test_the_items_of_a_stream_come_in_order_and_end(pool: RpcPool, end: End) -> None:
    found = [item async for item in pool.stream(end.address, "items", b"5000")]
    assert found == [b"%d" % number for number in range(5000)]
    assert await pool.call(end.address, "echo", b"x", timeout_s=CALL_S) == b"x"


async def test_a_stream_that_is_closed_ends_at_the_server(pool: RpcPool, end: End) -> None:
    async with aclosing(pool.stream(end.address, "items", b"0")) as items:
        waiting = asyncio.ensure_future(anext(items))
        await eventually(lambda: end.methods.calls == ["items"], what="the stream at the server")
        waiting.cancel()
        await asyncio.wait([waiting])
    await eventually(lambda: end.methods.cancelled == 1, what="its end at the server")


async def test_a_stream_ends_with_the_error_of_a_connection_that_is_lost(pool: RpcPool, end: End) -> None:
    items = pool.stream(end.address, "items", b"0")
    waiting = asyncio.ensure_future(anext(items))
    await eventually(lambda: end.methods.calls == ["items"], what="the stream at the server")
    pool.hang_up(end.address, "this test has heard enough")
    with pytest.raises(PeerError, match="heard enough"):
        await waiting


@pytest.mark.parametrize("hangs_up", [True, False], ids=["on purpose", "with its process"])
async def test_only_who_hangs_up_on_purpose_lives_on(pool: RpcPool, end: End, hangs_up: bool) -> None:
    await pool.call(end.address, "echo", b"x", timeout_s=CALL_S)
    (visitor,) = end.methods.visitors
    if hangs_up:
        pool.hang_up(end.address, "this test has heard enough")
    else:
        await pool.stop()
    await eventually(lambda: visitor.is_gone, what="the end of the connection at the server")
    assert visitor.lives_on is hangs_up


async def test_items_that_are_not_taken_end_their_stream_alone(
    pool: RpcPool, end: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "UNTAKEN_BYTES_MAX", 1000)
    items = pool.stream(end.address, "items", b"5000")
    assert await anext(items) == b"0"
    assert await pool.call(end.address, "echo", b"x", timeout_s=CALL_S) == b"x"  # all items came before this answer
    taken = list[bytes]()

    async def take() -> None:
        async for item in items:
            taken.append(item)

    with pytest.raises(OverloadedError, match="subscribe anew"):
        await take()
    assert taken == [b"%d" % number for number in range(1, len(taken) + 1)]
    assert 0 < len(taken) < 4999
    assert await pool.call(end.address, "echo", b"x", timeout_s=CALL_S) == b"x"


async def test_an_answer_of_many_frames_comes_whole(pool: RpcPool, end: End, monkeypatch: pytest.MonkeyPatch) -> None:
    large = bytes(range(250)) * 40_000

    async def answer(method: str, payload: bytes, visitor: Visitor) -> bytes:
        return large

    monkeypatch.setattr(end.methods, "call", answer)
    assert await pool.call(end.address, "large", b"", timeout_s=CALL_S) == large


async def test_a_quick_answer_overtakes_a_long_one(pool: RpcPool, end: End, monkeypatch: pytest.MonkeyPatch) -> None:
    order = list[str]()
    begun = asyncio.Event()

    async def answer(method: str, payload: bytes, visitor: Visitor) -> bytes:
        begun.set()
        return bytes(64 * 1024 * 1024) if method == "long" else b""

    async def ask(method: str) -> None:
        await pool.call(end.address, method, b"", timeout_s=CALL_S)
        order.append(method)

    monkeypatch.setattr(end.methods, "call", answer)
    long = asyncio.ensure_future(ask("long"))
    await begun.wait()
    await ask("quick")
    await long
    assert order == ["quick", "long"]


async def test_silence_is_counted_while_somebody_waits(pool: RpcPool, end: End) -> None:
    assert pool.silence_s(end.address) is None
    await pool.call(end.address, "echo", b"", timeout_s=CALL_S)
    assert pool.silence_s(end.address) is None
    waiting = asyncio.ensure_future(pool.call(end.address, "wait", b"", timeout_s=CALL_S))
    await eventually(lambda: (pool.silence_s(end.address) or 0.0) > 0.05, what="silence")
    began = asyncio.get_running_loop().time()
    await pool.call(end.address, "echo", b"", timeout_s=CALL_S)
    silence_s = pool.silence_s(end.address)
    assert silence_s is not None
    assert silence_s <= asyncio.get_running_loop().time() - began, "it was heard after the call began"
    waiting.cancel()


async def test_what_is_hung_up_while_it_is_dialed_leaves_no_connection_behind(pool: RpcPool, end: End) -> None:
    """A process that stops would not close it, and silence on it nobody would notice."""
    call = asyncio.ensure_future(pool.call(end.address, "wait", b"", timeout_s=CALL_S))
    await asyncio.sleep(0)
    pool.hang_up(end.address, "it was too slow")
    with pytest.raises(UnreachableError, match="too slow"):
        await call
    assert await pool.call(end.address, "echo", b"x", timeout_s=CALL_S) == b"x"
    await pool.stop()
    await eventually(lambda: not end.listener._tasks, what="the end of all")  # pyright: ignore[reportPrivateUsage]


LATER = Spoken(minimum=OWN.maximum + 1, maximum=OWN.maximum + 1, program="9.0.0")


async def test_the_first_thing_said_on_a_connection_is_which_protocol_is_spoken(pool: RpcPool) -> None:
    first = list[Frame]()

    async def listens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first.append(await raw_frame_of(reader))
        writer.close()

    async with played(listens) as address:
        with pytest.raises(PeerError):
            await pool.call(address, "read", b"", timeout_s=CALL_S)
    assert [(frame.kind, frame.id) for frame in first] == [(FrameKind.CANCEL, GREETING_ID)]


async def test_a_server_of_another_protocol_is_asked_once_and_then_left_alone_for_long(
    pool: RpcPool, end: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "Caller", partial(Caller, own=LATER))
    for _ in range(50):
        with pytest.raises(IncompatibleError, match=r"caller speaks protocol .*9\.0\.0.*server protocol") as caught:
            await pool.call(end.address, "write", b"", timeout_s=CALL_S)
        assert caught.value.definite
    assert end.listener.accepted == 1
    assert end.methods.calls == []
    (told,) = end.log.named("rpc.version.refused")
    assert "upgrade the server" in told["reason"]


async def test_a_server_that_was_upgraded_is_found_again(
    pool: RpcPool, end: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FOREIGN_S", 0.02)
    with monkeypatch.context() as later:
        later.setattr(connection, "Caller", partial(Caller, own=LATER))
        with pytest.raises(IncompatibleError):
            await pool.call(end.address, "write", b"", timeout_s=CALL_S)
    await asyncio.sleep(0.03)
    assert await pool.call(end.address, "echo", b"1", timeout_s=CALL_S) == b"1"
