"""Bytes of HTTP connections, in any pieces: each is answered as HTTP, or the connection ends; nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from lictor_agent.http import HttpServer, HttpSettings
from lictor_agent.http.hot import HotConnection
from lictor_agent.settings import AgentSettings
from lictor_core.clock import SeededRng, SystemClock
from tests.agent.harness import quiet_log, running_agent
from tests.fuzz.loop import finished
from tests.fuzz.shaping import Choices

_SETTINGS: Final = HttpSettings(wait_default_s=0.01, wait_s_max=0.01, drain_s_max=0.01)
_PASSES: Final = 30
"""Of the event loop, for an answer to come."""
_HEADS: Final = (
    b"GET /v1/status/leader HTTP/1.1\r\nHost: a\r\n\r\n",
    b"PUT /v1/kv/a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    b"PUT /v1/kv/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"GET /v1/kv/?recurse HTTP/1.0\r\nAccept-Encoding: gzip\r\nConnection: keep-alive\r\n\r\n",
    b'POST /v1/query HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n{"a": 12}',
    b"PUT /v1/txn HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
    b"GET http://a/v1/agent/self HTTP/1.1\r\nHost: b\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    b"HEAD /v1/catalog/nodes?index=1&wait=1ms HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /v1/kv/%zz HTTP/1.1\r\nHost: a\r\n\r\n",
    b"PUT /v1/kv/a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    b"PUT /v1/kv/a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET /v1/agent/members HTTP/1.1\r\nHost: a\r\nX-Consul-Token: \xff\r\nA: b\r\n c\r\n\r\n",
)


class _Written(asyncio.Transport):
    """Keeps what is written, and takes all of it."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.data = bytearray()
        self.is_over = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.data += data

    def is_closing(self) -> bool:
        return self.is_over

    def close(self) -> None:
        self.is_over = True

    def abort(self) -> None:
        self.is_over = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None: ...


class _Server(HttpServer):
    def connection(self) -> HotConnection:
        """One that nobody accepted."""
        return self._connect()


def run(data: bytes) -> None:
    """One connection, its bytes in pieces of one size."""
    finished(_connect(Choices(data)))


async def _connect(choices: Choices) -> None:
    async with running_agent(AgentSettings()) as running:
        log, logged = quiet_log()
        server = _Server(running.agent, [], SystemClock(), SeededRng(7), log, _SETTINGS, source=running.server)
        await server.start()
        try:
            await _talk(server, choices)
        finally:
            await server.stop()
        failed = [entry for entry in logged.entries if entry["event"] == "http.answer.failed"]
        assert not failed, f"an answer failed: {failed[0]}"


async def _talk(server: _Server, choices: Choices) -> None:
    transport = _Written()
    connection = server.connection()
    connection.connection_made(transport)
    size = 1 + (choices.byte() << choices.byte() % 4)
    while not choices.is_over and not transport.is_over:
        connection.data_received(choices.some(size))
        for _ in range(_PASSES):
            await asyncio.sleep(0)
    if transport.data:
        assert transport.data.startswith(b"HTTP/1."), f"{bytes(transport.data[:40])!r} is no answer"
        assert not transport.data.startswith(b"HTTP/1.1 500 Internal Server Error"), bytes(transport.data[:2000])
    connection.connection_lost(None)
    await asyncio.sleep(0)


def seeds() -> Iterable[bytes]:
    """Requests of each kind, alone and behind one another, whole and in pieces."""
    for number, head in enumerate(_HEADS):
        yield b"\xff\x03" + head
        yield b"\x07\x01" + head
        yield b"\xff\x03" + head + _HEADS[(number + 1) % len(_HEADS)]
