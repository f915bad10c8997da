"""The keyed handshake in front of RPC, Raft and TLS, over real sockets."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest

from lictor_core.clock import SeededRng
from lictor_core.errors import LictorError, UnreachableError
from lictor_core.keyring import KEYS_MAX, Ring, key_text
from lictor_server.handshake import DIALER, NONCE_BYTES, PREAMBLE, PROOF_BYTES, greeting, offered, proof
from lictor_server.keyed import UNKEYED, Keyed
from lictor_server.rpc import RpcPool
from lictor_server.tls import PLAIN, Tls
from tests.server.raft.links import End, running
from tests.server.rpc.client import connect
from tests.support.conditions import eventually

A, B, C = (bytes([number]) * 32 for number in (1, 2, 3))


def keyed(*keys: bytes, incoming: bool = True, outgoing: bool = True, datacenter: str = "dc1") -> Keyed:
    ring = Ring(keys)
    return Keyed(lambda: ring, datacenter=datacenter, incoming=incoming, outgoing=outgoing)


@contextlib.asynccontextmanager
async def calling(own: Keyed, tls: Tls = PLAIN) -> AsyncGenerator[Callable[[End], asyncio.Future[bytes]]]:
    """Calls to a server by a pool with these keys."""
    pool = RpcPool(rng=SeededRng(1), keyed=own, tls=tls)

    def call(end: End) -> asyncio.Future[bytes]:
        return asyncio.ensure_future(pool.call(end.address, "echo", b"x", timeout_s=10.0))

    try:
        yield call
    finally:
        await pool.stop()


@pytest.mark.parametrize("ours", [(A,), (C, A), (B,), (A, B)])
async def test_who_knows_one_of_the_keys_is_served(ours: tuple[bytes, ...]) -> None:
    async with running(1, keyed=keyed(A, B)) as end, calling(keyed(*ours)) as call:
        assert await call(end) == b"x"
        assert end.log.named("rpc.key.refused") == []


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        (keyed(C), "proves none of the encrypt keys"),
        (keyed(A, datacenter="dc2"), "proves none of the encrypt keys"),
        (UNKEYED, "encrypt"),
        (keyed(A, outgoing=False), "encrypt"),
    ],
)
async def test_who_has_no_key_or_another_is_told_so_and_not_heard(own: Keyed, reason: str) -> None:
    async with running(1, keyed=keyed(A)) as end, calling(own) as call:
        with pytest.raises(LictorError, match=reason) as caught:
            await call(end)
        assert caught.value.definite
        assert key_text(A) not in str(caught.value)
        events = end.log.named("rpc.key.refused") + end.log.named("rpc.key.missed")
        assert events
        assert all(event["log_level"] == "warning" for event in events)
        assert end.methods.calls == []


async def test_while_keys_are_introduced_those_without_are_taken_too() -> None:
    async with running(1, keyed=keyed(A, incoming=False)) as end:
        for own in (UNKEYED, keyed(A), keyed(A, outgoing=False)):
            async with calling(own) as call:
                assert await call(end) == b"x"
        async with calling(keyed(C)) as call:
            with pytest.raises(UnreachableError, match="none of the encrypt keys"):
                await call(end)


async def test_a_server_without_a_key_refuses_one_and_says_why() -> None:
    async with running(1) as end, calling(keyed(A)) as call:
        with pytest.raises(UnreachableError, match="has no encrypt key"):
            await call(end)
        assert "has none" in end.log.named("rpc.key.refused")[0]["reason"]


async def test_the_ring_is_asked_for_each_connection() -> None:
    rings = [Ring((A,))]
    server = Keyed(lambda: rings[-1], datacenter="dc1")
    async with running(1, keyed=server) as end:
        async with calling(keyed(B)) as call:
            with pytest.raises(UnreachableError):
                await call(end)
        rings.append(Ring((A, B)))
        async with calling(keyed(B)) as call:
            assert await call(end) == b"x"


async def test_servers_with_a_common_key_keep_the_log_together() -> None:
    async with running(1, keyed=keyed(A, B)) as one, running(2, keyed=keyed(B)) as two:
        one.peers(two)
        await one.until_connected(two)
        assert len(one.log.named("raft.link.opened")) == 1


async def test_servers_with_different_keys_do_not_and_say_why() -> None:
    async with running(1, keyed=keyed(A)) as one, running(2, keyed=keyed(B)) as two:
        one.peers(two)
        await eventually(lambda: bool(one.log.named("raft.dial.failed")), what="a refusal")
        assert "none of the encrypt keys" in one.log.named("raft.dial.failed")[0]["reason"]
        assert two.callers == []


async def test_raft_without_a_key_is_refused_in_words_of_raft() -> None:
    async with running(1, keyed=keyed(A)) as one, running(2) as two:
        two.peers(one)
        await eventually(lambda: bool(two.log.named("raft.dial.failed")), what="a refusal")
        assert "encrypt key" in two.log.named("raft.dial.failed")[0]["reason"]
        assert one.callers == []


async def test_tls_without_a_key_ends_with_an_alert() -> None:
    async with running(1, keyed=keyed(A)) as end:
        context = ssl.create_default_context()
        with pytest.raises(ssl.SSLError, match=r"(?i)access.denied"):
            await asyncio.open_connection("127.0.0.1", end.listener.port, ssl=context)
        assert len(end.log.named("rpc.key.missed")) == 1


async def test_a_replayed_handshake_fails() -> None:
    """All that a dialer said on one connection is said again on another."""
    async with running(1, keyed=keyed(A)) as end:
        first = await connect(end.listener.port)
        nonce = b"n" * NONCE_BYTES
        first.writer.write(greeting(nonce))
        challenge = await first.reader.readexactly(1 + NONCE_BYTES)
        said = offered(Ring((A,)), "dc1", (nonce, challenge[1:]))
        first.writer.write(said)
        assert (await first.reader.readexactly(1 + PROOF_BYTES))[0] == 1
        assert (await first.ask(1, "echo", b"x")).payload == b"x"
        second = await connect(end.listener.port)
        second.writer.write(greeting(nonce) + said)
        answer = await second.reader.read()
        assert answer[1 : 1 + NONCE_BYTES] != challenge[1:]
        assert answer[1 + NONCE_BYTES] == 0
        assert b"none of the encrypt keys" in answer
        await first.close()
        await second.close()


async def test_a_proof_that_is_sent_back_proves_nothing() -> None:
    """Who has no key begins with the acceptor's own nonce, and returns what it says."""
    async with running(1, keyed=keyed(A)) as end:
        client = await connect(end.listener.port)
        client.writer.write(greeting(b"n" * NONCE_BYTES))
        theirs = (await client.reader.readexactly(1 + NONCE_BYTES))[1:]
        client.writer.write(b"\x01" + theirs)
        assert (await client.reader.read())[0] == 0
        await client.close()


async def test_who_takes_the_key_and_cannot_prove_one_is_left() -> None:
    async def pretend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(PREAMBLE) + NONCE_BYTES)
        writer.write(b"\x01" + bytes(NONCE_BYTES))
        mine = await reader.readexactly(1 + PROOF_BYTES)
        writer.write(b"\x01" + mine[1:])
        writer.close()
        await writer.wait_closed()
        ended.set()

    ended = asyncio.Event()
    listening = await asyncio.start_server(pretend, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    pool = RpcPool(rng=SeededRng(1), keyed=keyed(A))
    with pytest.raises(UnreachableError, match="cannot prove one itself"):
        await pool.call(f"127.0.0.1:{port}", "echo", b"x", timeout_s=10.0)
    await ended.wait()
    await pool.stop()
    listening.close()
    await listening.wait_closed()


@pytest.mark.parametrize(
    "said",
    [
        b"K",
        b"Key of Lictor 2\n" + bytes(NONCE_BYTES),
        b"K" * 200,
        greeting(bytes(NONCE_BYTES)) + b"\x00",
        greeting(bytes(NONCE_BYTES)) + bytes([KEYS_MAX + 1]) + bytes(PROOF_BYTES * (KEYS_MAX + 1)),
        greeting(bytes(NONCE_BYTES)) + b"\x01" + bytes(PROOF_BYTES),
        greeting(bytes(NONCE_BYTES)) + b"\x01" + proof(A, DIALER, "dc1", (bytes(32), bytes(32))),
    ],
)
async def test_what_fails_the_handshake_is_closed_with_one_event(said: bytes) -> None:
    async with running(1, keyed=keyed(A)) as end:
        client = await connect(end.listener.port)
        client.writer.write(said)
        client.writer.write_eof()
        await client.reader.read()
        assert len(end.log.named("rpc.key.refused")) == 1
        assert end.methods.calls == []
        await client.close()


async def test_a_handshake_that_stands_still_is_given_up() -> None:
    async with running(1, keyed=keyed(A)) as end:
        end.listener._handshake_max_s = 0.2  # pyright: ignore[reportPrivateUsage]
        client = await connect(end.listener.port)
        client.writer.write(greeting(bytes(NONCE_BYTES)))
        async with asyncio.timeout(20):
            await client.reader.read()
        assert "within 0.2 s" in end.log.named("rpc.key.refused")[0]["reason"]
        await client.close()


async def test_the_handshake_is_not_begun_twice() -> None:
    async with running(1, keyed=keyed(A)) as end:
        client = await connect(end.listener.port)
        nonce = bytes(NONCE_BYTES)
        client.writer.write(greeting(nonce))
        theirs = (await client.reader.readexactly(1 + NONCE_BYTES))[1:]
        client.writer.write(offered(Ring((A,)), "dc1", (nonce, theirs)) + greeting(nonce))
        await client.reader.readexactly(1 + PROOF_BYTES)
        await client.reader.read()
        assert "twice" in end.log.named("rpc.connection.broken")[0]["reason"]
        await client.close()


async def test_a_server_that_never_answers_the_key_is_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        ended.set()

    ended = asyncio.Event()
    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    sock = await _connected(listening.sockets[0].getsockname()[1])
    with pytest.raises(UnreachableError, match=r"within 0.1 s"):
        await keyed(A).greet(sock, "there", timeout_s=0.1)
    assert sock.fileno() == -1
    await ended.wait()
    listening.close()
    await listening.wait_closed()


def test_all_who_dial_servers_are_given_the_key() -> None:
    """One that is not, as for the first certificate of an agent, would be refused wherever there is a key."""
    dialers: list[str] = []
    for path in (*Path("agent").rglob("*.py"), *Path("server").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in ("RpcPool", "PeerLinks", "RpcListener"):
                dialers.append(str(path))
                assert "keyed" in {keyword.arg for keyword in call.keywords}, path
    assert len(dialers) >= 5


async def _connected(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    return sock
