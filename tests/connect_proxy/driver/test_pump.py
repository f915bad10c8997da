"""The relay itself: every byte, both ends, back pressure, and ends that are told apart."""

import asyncio
import contextlib
import ctypes
import gc
import hashlib
import socket
import ssl
import struct
from collections.abc import AsyncGenerator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lictor_connect_proxy.contexts import tls_contexts
from lictor_connect_proxy.driver.handshake import TlsEnd, handshake
from lictor_connect_proxy.driver.pump import READ_BYTES_MAX, Pump, Scratch
from tests.connect_proxy.authority import Authority
from tests.support.conditions import eventually

AUTHORITY = Authority()
CONTEXTS = tls_contexts(AUTHORITY.leaf("db"), AUTHORITY.roots())
_MOVED_BYTES = 300_000
_BYTES_MAX_OF_AN_IDLE_END = 32_000
"""23,000 is what OpenSSL 3.0 needs for a TLS session with the certificates, without what the interpreter allots."""
_LIBC = ctypes.CDLL(None)


class Relay(Pump):
    """A pump whose end can be waited for: `done` is what it told."""

    __slots__ = ("done",)

    def __init__(self, local: socket.socket, mesh: TlsEnd, scratch: Scratch) -> None:
        self.done: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        super().__init__(local, mesh, scratch, self.done.set_result)


class Wire:
    """`near` -- pump -- TLS -- pump -- `far`: two relays with nothing but sockets around them."""

    def __init__(self, near: socket.socket, far: socket.socket, pumps: tuple[Relay, Relay]) -> None:
        self.near = near
        self.far = far
        self.pumps = pumps
        self._loop = asyncio.get_running_loop()

    async def send(self, sock: socket.socket, data: bytes) -> None:
        await asyncio.wait_for(self._loop.sock_sendall(sock, data), 10)

    async def receive(self, sock: socket.socket, count: int = 65536) -> bytes:
        return await asyncio.wait_for(self._loop.sock_recv(sock, count), 10)

    async def receive_all(self, sock: socket.socket) -> bytes:
        received = bytearray()
        while data := await self.receive(sock):
            received += data
        return bytes(received)


@contextlib.asynccontextmanager
async def wire(scratch: Scratch | None = None) -> AsyncGenerator[Wire]:
    """`scratch` is that of several wires; even the two ends of one share it."""
    scratch = scratch or Scratch()
    near, near_inner = _pair()
    left, right = _pair()
    far_inner, far = _pair()
    client, server = await asyncio.gather(
        handshake(left, CONTEXTS.client, server_name="db", timeout_s=30, bios=scratch.bios),
        handshake(right, CONTEXTS.server, server_name=None, timeout_s=30, bios=scratch.bios),
    )
    pumps = (Relay(near_inner, client, scratch), Relay(far_inner, server, scratch))
    for pump in pumps:
        pump.start()
    try:
        yield Wire(near, far, pumps)
    finally:
        for pump in pumps:
            pump.abort("the test is over")
        near.close()
        far.close()


def _pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of a TCP connection, since only TCP resets."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = socket.create_connection(server.getsockname())
        two, _ = server.accept()
    for sock in (one, two):
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return one, two


async def test_bytes_pass_both_ways() -> None:
    async with wire() as line:
        await line.send(line.near, b"ping")
        assert await line.receive(line.far) == b"ping"
        await line.send(line.far, b"pong")
        assert await line.receive(line.near) == b"pong"


async def test_bulk_arrives_whole_in_both_directions_at_once() -> None:
    data = hashlib.shake_256(b"bulk").digest(8_000_000)

    async def send(line: Wire, sock: socket.socket) -> None:
        await line.send(sock, data)
        sock.shutdown(socket.SHUT_WR)

    async with wire() as line:
        _, _, at_far, at_near = await asyncio.gather(
            send(line, line.near), send(line, line.far), line.receive_all(line.far), line.receive_all(line.near)
        )
        assert [await pump.done for pump in line.pumps] == [None, None]
    assert at_far == data
    assert at_near == data


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks=st.lists(st.binary(min_size=1, max_size=40_000), max_size=8))
async def test_any_chunks_arrive_as_sent(chunks: list[bytes]) -> None:
    async with wire() as line:
        for chunk in chunks:
            await line.send(line.near, chunk)
        line.near.shutdown(socket.SHUT_WR)
        assert await line.receive_all(line.far) == b"".join(chunks)


@pytest.mark.parametrize("first", ["near", "far"])
async def test_a_side_that_finished_still_receives(first: str) -> None:
    async with wire() as line:
        finished, other = (line.near, line.far) if first == "near" else (line.far, line.near)
        await line.send(finished, b"question")
        finished.shutdown(socket.SHUT_WR)
        assert await line.receive_all(other) == b"question"
        answer = b"answer" * 100_000
        sending = asyncio.ensure_future(line.send(other, answer))
        assert len(await line.receive(finished)) > 0
        received = [await line.receive(finished) for _ in range(3)]
        assert all(received)
        rest = asyncio.ensure_future(line.receive_all(finished))
        await sending
        other.shutdown(socket.SHUT_WR)
        await rest
        assert [await pump.done for pump in line.pumps] == [None, None]


async def test_a_half_close_while_the_other_direction_is_blocked_loses_nothing() -> None:
    data = hashlib.shake_256(b"blocked").digest(6_000_000)
    async with wire() as line:
        # The near side reads nothing yet, so its pump holds bytes and undeciphered records when the FIN comes.
        sending = asyncio.ensure_future(line.send(line.far, data))
        await eventually(lambda: line.pumps[1].to_local + line.pumps[1].to_mesh > 1_000_000, what="both pumps are full")
        await _settled(line)
        line.near.shutdown(socket.SHUT_WR)
        assert await line.receive(line.far) == b""
        receiving = asyncio.ensure_future(line.receive_all(line.near))
        await sending
        line.far.shutdown(socket.SHUT_WR)
        assert await receiving == data


async def _settled(line: Wire) -> None:
    """Until nothing moves any more."""
    before = -1
    while before != (now := line.pumps[0].to_local + line.pumps[0].to_mesh):
        before = now
        await asyncio.sleep(0.05)


async def test_a_reader_that_does_not_read_stops_the_writer() -> None:
    async with wire() as line:
        sent = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while True:
                    await asyncio.get_running_loop().sock_sendall(line.near, b"x" * 65536)
                    sent += 65536
        # What is on its way lies in the kernel's buffers of six sockets, and in at most two reads of each pump.
        assert sent < 64 * 1024 * 1024
        assert sum(pump.held_bytes() for pump in line.pumps) <= 6 * READ_BYTES_MAX


@pytest.mark.parametrize("side", ["near", "far"])
async def test_a_reset_on_one_end_resets_the_other(side: str) -> None:
    async with wire() as line:
        broken, other = (line.near, line.far) if side == "near" else (line.far, line.near)
        await line.send(broken, b"partial")
        assert await line.receive(other) == b"partial"
        broken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        broken.close()
        with pytest.raises(ConnectionResetError):
            await line.receive(other)


@pytest.mark.parametrize("side", ["near", "far"])
@pytest.mark.parametrize("count", [1, 3 * READ_BYTES_MAX])
async def test_what_came_before_a_reset_arrives_and_the_reset_after_it(side: str, count: int) -> None:
    async with wire() as line:
        near, far = (line.near, line.far) if side == "near" else (line.far, line.near)
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * count)
        sent = near.send(bytes(count))
        near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        near.close()
        received = [0]
        with pytest.raises(ConnectionResetError):
            await _count(line, far, received)
        assert 0 < received[0] <= sent
        for pump in line.pumps:
            assert await asyncio.wait_for(pump.done, 10), "both say why"


async def _count(line: Wire, sock: socket.socket, received: list[int]) -> None:
    """Add what arrives until the stream ends."""
    while data := await line.receive(sock):
        received[0] += len(data)


async def test_a_tls_stream_without_its_end_is_not_taken_for_complete() -> None:
    near, inner = _pair()
    left, right = _pair()
    client, server = await asyncio.gather(
        handshake(left, CONTEXTS.client, server_name="db", timeout_s=5),
        handshake(right, CONTEXTS.server, server_name=None, timeout_s=5),
    )
    pump = Relay(inner, client, Scratch())
    pump.start()
    server.session.write(b"half of it")
    right.send(server.outgoing.read())
    right.close()
    reason = await asyncio.wait_for(pump.done, 30)
    assert reason == "mesh: the TLS stream ended without close_notify"
    loop = asyncio.get_running_loop()
    assert await loop.sock_recv(near, 100) == b"half of it"
    with pytest.raises(ConnectionResetError):
        await loop.sock_recv(near, 100)
    near.close()


async def test_bytes_that_came_with_the_handshake_are_not_lost() -> None:
    near, inner = _pair()
    left, right = _pair()
    end = TlsEnd(left, CONTEXTS.client, server_name="db")

    async def early() -> None:
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                end.session.do_handshake()
                end.session.write(b"early")
                await loop.sock_sendall(left, end.outgoing.read())
                return
            await loop.sock_sendall(left, end.outgoing.read())
            end.incoming.write(await loop.sock_recv(left, 65536))

    server, _ = await asyncio.gather(handshake(right, CONTEXTS.server, server_name=None, timeout_s=5), early())
    pump = Relay(inner, server, Scratch())
    pump.start()
    assert await asyncio.wait_for(asyncio.get_running_loop().sock_recv(near, 100), 30) == b"early"
    pump.abort("the test is over")
    near.close()
    left.close()


async def test_garbage_in_the_tls_stream_cuts_both_ends() -> None:
    near, inner = _pair()
    left, right = _pair()
    client, _ = await asyncio.gather(
        handshake(left, CONTEXTS.client, server_name="db", timeout_s=5),
        handshake(right, CONTEXTS.server, server_name=None, timeout_s=5),
    )
    pump = Relay(inner, client, Scratch())
    pump.start()
    right.send(b"\x17\x03\x03\x00\x20" + b"nonsense" * 4)
    assert str(await asyncio.wait_for(pump.done, 30)).startswith("mesh: ")
    with pytest.raises(ConnectionResetError):
        await asyncio.get_running_loop().sock_recv(near, 100)
    near.close()
    right.close()


def _is_empty(scratch: Scratch) -> bool:
    return not (scratch.bios.incoming.pending or scratch.bios.outgoing.pending)


async def _echoed(line: Wire, data: bytes) -> None:
    """`data` goes through `line` to the far end, comes back, and both directions end."""

    async def far() -> None:
        while received := await line.receive(line.far):
            await line.send(line.far, received)
        line.far.shutdown(socket.SHUT_WR)

    async def near() -> None:
        await line.send(line.near, data)
        line.near.shutdown(socket.SHUT_WR)

    back, _, _ = await asyncio.gather(line.receive_all(line.near), near(), far())
    assert hashlib.sha256(back).digest() == hashlib.sha256(data).digest()


async def test_relays_that_share_buffers_mix_up_no_byte() -> None:
    scratch = Scratch()

    async def one(number: int) -> None:
        async with wire(scratch) as line:
            await _echoed(line, (b"%d," % number) * 300_000)

    await asyncio.gather(*(one(number) for number in range(6)))
    assert _is_empty(scratch)


@pytest.mark.parametrize(
    "broken",
    [b"\x17\x03\x03\x00\x20" + b"nonsense" * 40, b"\x17\x03\x03\xff\xff" + b"too long" * 40],
    ids=["a record that was not ours", "a record that is too long"],
)
async def test_a_relay_that_breaks_leaves_nothing_to_the_others(broken: bytes) -> None:
    scratch = Scratch()
    async with wire(scratch) as sound:
        near, inner = _pair()
        left, right = _pair()
        client, _ = await asyncio.gather(
            handshake(left, CONTEXTS.client, server_name="db", timeout_s=5, bios=scratch.bios),
            handshake(right, CONTEXTS.server, server_name=None, timeout_s=5, bios=scratch.bios),
        )
        pump = Relay(inner, client, scratch)
        pump.start()
        right.send(broken)
        assert str(await asyncio.wait_for(pump.done, 30)).startswith("mesh: ")
        assert _is_empty(scratch)
        await _echoed(sound, b"unharmed")
        near.close()
        right.close()


async def test_what_follows_the_end_of_a_stream_is_left_to_nobody() -> None:
    scratch = Scratch()
    near, inner = _pair()
    left, right = _pair()
    client, server = await asyncio.gather(
        handshake(left, CONTEXTS.client, server_name="db", timeout_s=5, bios=scratch.bios),
        handshake(right, CONTEXTS.server, server_name=None, timeout_s=5),
    )
    pump = Relay(inner, client, scratch)
    pump.start()
    server.session.write(b"all")
    with contextlib.suppress(ssl.SSLWantReadError):
        server.session.unwrap()
    right.send(server.outgoing.read() + b"more")
    loop = asyncio.get_running_loop()
    assert await asyncio.wait_for(loop.sock_recv(near, 100), 30) == b"all"
    assert await asyncio.wait_for(loop.sock_recv(near, 100), 30) == b""
    assert _is_empty(scratch)
    pump.abort("the test is over")
    near.close()
    right.close()


@pytest.mark.skipif(not hasattr(_LIBC, "mallinfo2"), reason="glibc tells what is allocated")
async def test_an_idle_relay_holds_no_memory_of_what_it_has_moved() -> None:
    scratch = Scratch()
    pause = asyncio.Semaphore(4)

    async def received(line: Wire, sink: socket.socket) -> None:
        left = _MOVED_BYTES
        while left:
            left -= len(await line.receive(sink))

    async def opened(stack: contextlib.AsyncExitStack) -> None:
        async with pause:
            line = await stack.enter_async_context(wire(scratch))
            for source, sink in ((line.near, line.far), (line.far, line.near)):
                await asyncio.gather(line.send(source, b"x" * _MOVED_BYTES), received(line, sink))

    async def opened_many(stack: contextlib.AsyncExitStack, count: int) -> None:
        await asyncio.gather(*(opened(stack) for _ in range(count)))

    async with contextlib.AsyncExitStack() as stack:
        # What is held once for all, and the first of what an allocator keeps.
        await opened_many(stack, 20)
        before = _allocated_bytes()
        await opened_many(stack, 80)
        assert (_allocated_bytes() - before) / 160 < _BYTES_MAX_OF_AN_IDLE_END


_MALLINFO = (
    "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"
)  # fmt: skip


class _Mallinfo(ctypes.Structure):
    """`struct mallinfo2` of glibc 2.33 and later (mallinfo(3)): bytes in its arenas, then bytes that have own pages."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in _MALLINFO)
    hblkhd: int
    uordblks: int


def _allocated_bytes() -> int:
    """What OpenSSL and all others hold by malloc. Resident memory would also tell what earlier tests left free."""
    gc.collect()
    mallinfo = _LIBC.mallinfo2
    mallinfo.restype = _Mallinfo
    found = mallinfo()
    assert isinstance(found, _Mallinfo)
    return found.uordblks + found.hblkhd
