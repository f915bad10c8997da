"""The first moments of a connection to the server port."""

from __future__ import annotations

import asyncio
import errno
import socket

import pytest

from lictor_core.errors import AuthenticationError, PeerError
from lictor_core.frames import REFUSED_ID, FrameKind, FrameReader
from lictor_server.keyed import KEY_BYTE
from lictor_server.raft.hello import AnswerReader, RefusalCode
from lictor_server.rpc import RpcListener, listener
from lictor_server.rpc.arrival import RAFT_BYTE, RPC_BYTE, TLS_BYTE, check_first_byte, first_byte, say_no
from lictor_server.tls import AGENT_BYTE
from tests.server.conftest import made_log
from tests.server.raft.links import Echo, running
from tests.server.rpc.client import connect
from tests.support.conditions import eventually


def ends() -> tuple[socket.socket, socket.socket]:
    """Two connected ends; the first does not block."""
    own, other = socket.socketpair()
    own.setblocking(False)
    return own, other


async def test_the_first_byte_is_seen_and_left_in_its_place() -> None:
    own, other = ends()
    other.send(b"Lictor")
    assert await first_byte(own, 1.0) == ord("L")
    assert own.recv(100) == b"Lictor"
    own.close()
    other.close()


async def test_who_closes_or_is_silent_has_no_first_byte() -> None:
    own, other = ends()
    assert await first_byte(own, 0.05) is None
    other.close()
    assert await first_byte(own, 1.0) is None
    own.close()


@pytest.mark.parametrize("first", range(256))
def test_five_bytes_begin_something(first: int) -> None:
    if first in (TLS_BYTE, RAFT_BYTE, RPC_BYTE, KEY_BYTE, AGENT_BYTE):
        check_first_byte(first)
        return
    with pytest.raises(PeerError, match=f"0x{first:02x}"):
        check_first_byte(first)


def test_a_refusal_is_told_in_the_words_of_who_is_refused() -> None:
    error = AuthenticationError("show a certificate")
    own, other = ends()
    other.send(b"\x00unread")
    say_no(own, RPC_BYTE, error)
    (frame,) = FrameReader().feed(other.recv(1000))
    assert (frame.kind, frame.id, frame.method) == (FrameKind.ERROR, REFUSED_ID, "unauthenticated")
    assert other.recv(1) == b""
    other.close()
    own, other = ends()
    say_no(own, RAFT_BYTE, error)
    answer = AnswerReader().feed(other.recv(1000))
    assert answer is not None
    assert (answer.code, answer.message, answer.id) == (RefusalCode.CERTIFICATE, "show a certificate", "")
    other.close()


async def test_connections_that_do_not_say_what_they_are_for_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "UNDECIDED_MAX", 1)
    async with running(1) as end:
        first = await connect(end.listener.port)
        await eventually(lambda: end.listener._undecided == 1, what="a connection")  # pyright: ignore[reportPrivateUsage]
        second = await connect(end.listener.port)
        assert await second.next() is None
        assert len(end.log.named("rpc.connection.refused")) == 1
        answer = await first.ask(1, "echo", b"x")
        third = await connect(end.listener.port)
        assert (answer.payload, (await third.ask(1, "echo", b"y")).payload) == (b"x", b"y")
        for client in (first, second, third):
            await client.close()


async def test_raft_comes_in_although_rpc_is_at_its_bound() -> None:
    async with running(1) as one, running(2) as two:
        two.listener._connections_max = 1  # pyright: ignore[reportPrivateUsage]
        client = await connect(two.listener.port)
        await client.ask(1, "echo", b"x")
        refused = await connect(two.listener.port)
        assert (await refused.ask(1, "echo", b"x")).method == "overloaded"
        one.peers(two)
        await one.until_connected(two)
        await client.close()
        await refused.close()


async def test_a_server_without_links_refuses_raft() -> None:
    log = made_log()
    made = RpcListener(Echo(), address="127.0.0.1", port=0, connections_max=1, in_flight_max=1, log=log.logger)
    await made.start()
    client = await connect(made.port)
    client.writer.write(b"Lictor-Raft 1\n")
    answer = AnswerReader().feed(await client.reader.read())
    assert answer is not None
    assert "no cluster of several" in answer.message
    assert "no cluster of several" in log.named("rpc.connection.refused")[0]["reason"]
    await client.close()
    await made.stop()


async def test_a_process_without_descriptors_takes_breath_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_BREATH_S", 0.05)
    async with running(1) as end:
        accepting = end.listener._socket  # pyright: ignore[reportPrivateUsage]
        assert accepting is not None
        exhausted = Exhausted(accepting, failures=3)
        asyncio.get_running_loop().remove_reader(accepting)
        monkeypatch.setattr(end.listener, "_socket", exhausted)
        end.listener._listen()  # pyright: ignore[reportPrivateUsage]
        client = await connect(end.listener.port)
        assert (await client.ask(1, "echo", b"x")).payload == b"x"
        assert len(end.log.named("rpc.listener.exhausted")) == 3
        await client.close()


class Exhausted:
    """A listening socket of a process that has no descriptor left, for a while."""

    def __init__(self, inner: socket.socket, *, failures: int) -> None:
        self._inner = inner
        self._failures = failures

    def accept(self) -> tuple[socket.socket, object]:
        """Fails first."""
        self._failures -= 1
        if self._failures >= 0:
            raise OSError(errno.EMFILE, "Too many open files")
        return self._inner.accept()

    def fileno(self) -> int:
        """Of the real one."""
        return self._inner.fileno()

    def close(self) -> None:
        """Close the real one."""
        self._inner.close()
