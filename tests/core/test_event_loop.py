"""The event loop owns the sockets that it is given, and nobody closes a descriptor twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import ssl
import struct
import threading
from collections.abc import Generator

import pytest

from lictor_core.event_loop import new_event_loop
from tests.support.conditions import eventually

_DIALS = 300
_OPEN = "/proc/self/fd"


@contextlib.contextmanager
def _resetting() -> Generator[int]:
    """The port of somebody who takes connections and breaks them off, some after a moment or a few bytes of TLS."""
    rng = random.Random(1)
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    sock, _ = server.accept()
                    with sock, contextlib.suppress(OSError):
                        if rng.random() < 0.3:
                            sock.send(b"\x16\x03\x03")
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _connected(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setblocking(False)
    return sock


async def _break(port: int, context: ssl.SSLContext | None) -> socket.socket:
    loop = asyncio.get_running_loop()
    sock = _connected(port)
    with contextlib.suppress(OSError):
        name = None if context is None else "x"
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=sock, ssl=context, server_hostname=name)
        transport.abort()
    return sock


def test_after_a_connection_that_broke_while_it_was_taken_over_its_descriptor_is_nobodys() -> None:
    async def dial(port: int) -> None:
        await _break(port, None)  # libuv opens a spare descriptor when it needs its first
        before = len(os.listdir(_OPEN))
        for context in (None, ssl.create_default_context()):
            kept = [await _break(port, context) for _ in range(_DIALS)]
            assert {sock.fileno() for sock in kept} == {-1}
        await eventually(lambda: len(os.listdir(_OPEN)) <= before, what="all descriptors are closed")

    with _resetting() as port, asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(dial(port))


def test_a_pipe_that_was_taken_over_is_closed_once() -> None:
    async def read() -> None:
        ours, theirs = os.pipe()
        file = os.fdopen(ours, "rb", buffering=0)
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
        assert file.closed, "it owns nothing any more that it could close"
        os.write(theirs, b"through the pipe")
        os.close(theirs)
        assert await reader.read() == b"through the pipe"
        transport.close()

    async def read_again() -> None:
        await read()  # libuv opens a spare descriptor when it needs its first
        before = len(os.listdir(_OPEN))
        await read()
        await eventually(lambda: len(os.listdir(_OPEN)) <= before, what="it is closed")

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(read_again())


def test_a_connection_that_was_taken_over_carries_bytes_and_is_closed_with_its_transport() -> None:
    async def talk() -> None:
        loop = asyncio.get_running_loop()
        near, far = socket.socketpair()
        for sock in (near, far):
            sock.setblocking(False)
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, near)
        descriptor = transport.get_extra_info("socket").fileno()
        await loop.sock_sendall(far, b"to the transport")
        assert await reader.readexactly(16) == b"to the transport"
        transport.write(b"from it")
        assert await loop.sock_recv(far, 100) == b"from it"
        transport.close()
        assert await loop.sock_recv(far, 100) == b""
        assert near.fileno() == -1
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
        far.close()

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(talk())
