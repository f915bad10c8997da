import asyncio
import errno
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from lictor_connect_proxy.driver import listener as listener_module
from lictor_connect_proxy.driver.listener import Admission, Listener
from lictor_connect_proxy.driver.lives import Lives
from lictor_connect_proxy.driver.places import TcpPort
from tests.connect_proxy.live import Events
from tests.support.conditions import eventually
from tests.support.ports import free_port

Serve = Callable[[socket.socket, str, Admission], Awaitable[None]]


@asynccontextmanager
async def _listening(
    serve: Serve, events: Events, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncGenerator[tuple[Listener, int]]:
    port = port or free_port()
    async with asyncio.TaskGroup() as group:
        lives = Lives()
        lives.begin(group)
        listener = Listener(TcpPort(host, port), serve, name="test", connections_max=10, lives=lives, log=events.log)
        running = group.create_task(listener.run())
        try:
            yield listener, port
        finally:
            running.cancel()


async def _greet(sock: socket.socket, peer: str, admission: Admission) -> None:
    admission.settle()
    await asyncio.get_running_loop().sock_sendall(sock, peer.encode())


async def _answer(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        return await asyncio.wait_for(reader.read(100), 30)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", b"127.0.0.1:"), ("::1", b"[::1]:")])
async def test_connections_are_served_over_both_versions_of_ip(host: str, shown: bytes) -> None:
    async with _listening(_greet, Events(), host=host) as (listener, port):
        await eventually(lambda: listener.is_listening, what="it listens")
        assert (await _answer(host, port)).startswith(shown)


async def test_a_busy_port_is_tried_until_it_is_free() -> None:
    events = Events()
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port: int = busy.getsockname()[1]
        async with _listening(_greet, events, port=port) as (listener, _):
            await eventually(lambda: bool(events.named("proxy.listener.failed")), what="the failure is told")
            assert not listener.is_listening
            busy.close()
            await eventually(lambda: listener.is_listening, what="it listens in the end")
            assert await _answer("127.0.0.1", port)


async def test_a_busy_port_is_told_once_not_with_every_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "_BIND_RETRY_S", 0.001)
    events = Events()
    tries = 0

    def busy(place: TcpPort) -> socket.socket:
        nonlocal tries
        tries += 1
        raise OSError(errno.EADDRINUSE, "in the words of an event loop")

    monkeypatch.setattr(TcpPort, "bind", busy)
    async with _listening(_greet, events):
        await eventually(lambda: tries > 70, what="many tries")
    told = events.named("proxy.listener.failed")
    assert len(told) == -(-tries // 60)
    assert told[0]["reason"] == "Address already in use"


async def test_a_mistake_in_one_connection_leaves_the_others_alone() -> None:
    events = Events()
    served = 0

    async def serve(sock: socket.socket, peer: str, admission: Admission) -> None:
        nonlocal served
        served += 1
        if served == 1:
            raise RuntimeError("a mistake of ours")
        await _greet(sock, peer, admission)

    async with _listening(serve, events) as (listener, port):
        await eventually(lambda: listener.is_listening, what="it listens")
        assert await _answer("127.0.0.1", port) == b""
        assert await _answer("127.0.0.1", port) != b""
    assert len(events.named("proxy.connection.crashed")) == 1


async def test_a_stopped_listener_leaves_its_connections_alive() -> None:
    release = asyncio.Event()

    async def serve(sock: socket.socket, peer: str, admission: Admission) -> None:
        await release.wait()
        await _greet(sock, peer, admission)

    async with _listening(serve, Events()) as (listener, port):
        await eventually(lambda: listener.is_listening, what="it listens")
        waiting = asyncio.ensure_future(_answer("127.0.0.1", port))
        await asyncio.sleep(0.05)
        asyncio.get_running_loop().call_later(0.1, release.set)
    assert await waiting


async def test_a_connection_leaves_its_place_once() -> None:
    admissions: list[Admission] = []

    async def serve(sock: socket.socket, peer: str, admission: Admission) -> None:
        admissions.append(admission)
        admission.settle()
        admission.settle()

    async with _listening(serve, Events()) as (listener, port):
        await eventually(lambda: listener.is_listening, what="it listens")
        for _ in range(3):
            await _answer("127.0.0.1", port)
        assert listener.unsettled == 0
    assert len(admissions) == 3


class _Kept:
    """A connection that goes on after its task."""

    def __init__(self, sock: socket.socket, admission: Admission) -> None:
        self.reason = ""
        self._sock = sock
        self._admission = admission
        admission.keep(self)

    def abort(self, reason: str) -> None:
        self.reason = reason
        self._sock.close()
        self._admission.end()


async def test_a_kept_connection_lives_on_without_its_task_until_it_says_that_it_ended() -> None:
    kept: list[_Kept] = []
    ended: list[str] = []

    async def serve(sock: socket.socket, peer: str, admission: Admission) -> None:
        admission.at_end = lambda: ended.append(peer)
        kept.append(_Kept(sock, admission))

    async with _listening(serve, Events()) as (listener, port):
        await eventually(lambda: listener.is_listening, what="it listens")
        answer = asyncio.ensure_future(_answer("127.0.0.1", port))
        await eventually(lambda: bool(kept), what="it is kept")
        await asyncio.sleep(0)
        assert (listener.lives.count, ended, answer.done()) == (1, [], False)
        listener.lives.cut("enough")
        assert await answer == b""
        assert (kept[0].reason, listener.lives.count, len(ended)) == ("enough", 0, 1)


async def test_a_kept_connection_that_crashes_is_cut() -> None:
    events = Events()
    kept: list[_Kept] = []

    async def serve(sock: socket.socket, peer: str, admission: Admission) -> None:
        kept.append(_Kept(sock, admission))
        raise RuntimeError("a mistake")

    async with _listening(serve, events) as (listener, port):
        await eventually(lambda: listener.is_listening, what="it listens")
        assert await _answer("127.0.0.1", port) == b""
        assert listener.lives.count == 0
    assert kept[0].reason
