import asyncio
import contextlib
import socket
import struct
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lictor_connect_proxy.contexts import tls_contexts
from lictor_connect_proxy.driver.handshake import Bios, HandshakeError, certificate_of, handshake
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.build import service_id

AUTHORITY = Authority()
CONTEXTS = tls_contexts(AUTHORITY.leaf("db"), AUTHORITY.roots())


@contextlib.contextmanager
def _pair() -> Generator[tuple[socket.socket, socket.socket]]:
    one, two = socket.socketpair()
    for sock in (one, two):
        sock.setblocking(False)
    with one, two:
        yield one, two


async def _served(sock: socket.socket, timeout_s: float = 5.0) -> HandshakeError | None:
    try:
        await handshake(sock, CONTEXTS.server, server_name=None, timeout_s=timeout_s)
    except HandshakeError as error:
        return error
    return None


async def test_both_ends_learn_the_others_certificate() -> None:
    with _pair() as (left, right):
        client, server = await asyncio.gather(
            handshake(left, CONTEXTS.client, server_name="db", timeout_s=5),
            handshake(right, CONTEXTS.server, server_name=None, timeout_s=5),
        )
        for end in (client, server):
            certificate = certificate_of(end)
            assert certificate.uris == (service_id("db").uri(),)
            assert certificate.not_before < certificate.not_after


async def test_a_peer_that_leaves_without_a_word_is_a_probe() -> None:
    with _pair() as (left, right):
        left.close()
        error = await _served(right)
        assert error is not None
        assert error.probe


async def test_a_peer_that_leaves_after_its_first_bytes_is_no_probe() -> None:
    with _pair() as (left, right):
        left.send(b"\x16\x03\x01")
        left.close()
        error = await _served(right)
        assert error is not None
        assert not error.probe


async def test_a_peer_that_resets_behind_its_first_bytes_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        left = socket.create_connection(server.getsockname())
        right, _ = server.accept()
    with right:
        right.setblocking(False)
        left.send(b"\x16\x03\x01")
        left.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        left.close()
        error = await _served(right, timeout_s=30.0)
    assert error is not None
    assert error.reason == "Connection reset by peer"


async def test_a_silent_peer_is_given_up_in_time() -> None:
    with _pair() as (_, right):
        error = await _served(right, timeout_s=0.1)
        assert error is not None
        assert error.reason == "no complete handshake within 0.1 s"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=st.binary(min_size=1, max_size=300))
async def test_any_bytes_end_in_one_error(garbage: bytes) -> None:
    with _pair() as (left, right):
        left.send(garbage)
        left.shutdown(socket.SHUT_WR)
        assert await _served(right) is not None


async def test_tls_1_1_is_refused() -> None:
    with _pair() as (left, right):
        # A ClientHello of TLS 1.1, as RFC 4346 section 7.4.1.2 lays it out.
        body = b"\x03\x02" + bytes(32) + b"\x00" + b"\x00\x02\xc0\x09" + b"\x01\x00"
        hello = b"\x01" + len(body).to_bytes(3, "big") + body
        left.send(b"\x16\x03\x01" + len(hello).to_bytes(2, "big") + hello)
        error = await _served(right)
        assert error is not None
        assert "protocol" in error.reason
        assert left.recv(7)[:1] == b"\x15"


async def test_handshakes_at_once_go_through_the_same_buffers() -> None:
    bios = Bios()

    async def one() -> None:
        with _pair() as (left, right):
            await asyncio.gather(
                handshake(left, CONTEXTS.client, server_name="db", timeout_s=30, bios=bios),
                handshake(right, CONTEXTS.server, server_name=None, timeout_s=30, bios=bios),
            )

    await asyncio.gather(*(one() for _ in range(20)))
    assert bios.incoming.pending == bios.outgoing.pending == 0


async def test_a_handshake_that_fails_leaves_nothing_in_the_buffers_and_sends_its_alert() -> None:
    bios = Bios()
    with _pair() as (left, right):
        left.send(b"\x16\x03\x01\x00\x05" + b"nonsense" * 40)
        with pytest.raises(HandshakeError):
            await handshake(right, CONTEXTS.server, server_name=None, timeout_s=5, bios=bios)
        assert left.recv(100)[:1] == b"\x15"
    assert bios.incoming.pending == bios.outgoing.pending == 0
