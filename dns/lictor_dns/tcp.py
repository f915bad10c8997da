"""DNS over TCP (RFC 7766): many queries on one connection, answered in order, each after a length of two bytes."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Final, cast

from lictor_core.clock import Clock
from lictor_dns.cache import AnswerCache
from lictor_dns.clients import host_of
from lictor_dns.late import LateAnswers
from lictor_dns.protocol import ID_BYTES, LENGTH_BYTES
from lictor_dns.refusals import RefusalLog
from lictor_dns.settings import DnsSettings

__all__ = ["TcpListener", "bind"]

_BACKLOG: Final = 1024
_PIECES: Final = 3
"""An answer is written as its length, its id, and the rest."""
_PASS_BYTES_MAX: Final = 256 * 1024
"""Answers made for one connection before others get their turn; small questions may have answers of 64 KiB."""


def bind(host: str, port: int) -> socket.socket:
    """A listening TCP socket on `host`, an IP address. Raises `OSError` when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((host, port))
        bound.listen(_BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


class TcpListener:
    """Accepts connections on any number of addresses and answers on them until closed."""

    def __init__(self, cache: AnswerCache, settings: DnsSettings, clock: Clock, refusals: RefusalLog) -> None:
        self._cache = cache
        self._late = LateAnswers(cache)
        self._settings = settings
        self._clock = clock
        self._refusals = refusals
        self._servers: list[asyncio.Server] = []
        self._connections = _Connections()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def follow(self, settings: DnsSettings) -> None:
        """Other bounds from now on. Connections beyond a smaller number stay until they end."""
        self._settings = settings
        for connection in self._connections:
            connection.follow(settings)

    async def add(self, bound: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to accept on `bound`."""
        server = await loop.create_server(
            lambda: _Connection(
                self._cache, self._late, self._connections, self._settings, self._clock, loop, self._refusals
            ),
            sock=bound,
        )
        self._servers.append(server)

    async def close(self) -> None:
        """Stop accepting and cut what is open."""
        self._late.close()
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        for connection in self._connections:
            connection.cut()
        for server in servers:
            await server.wait_closed()


class _Connections:
    """Those that are open, and how many of them each address has."""

    def __init__(self) -> None:
        self._open: set[_Connection] = set()
        self._by_client: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[_Connection]:
        return iter(tuple(self._open))

    def refusal(self, client: str, settings: DnsSettings) -> str | None:
        """The bound that keeps a connection of this address from being taken, if any does."""
        if len(self._open) >= settings.tcp_connections_max:
            return "tcp_connections_max"
        if self._by_client[client] >= settings.tcp_connections_per_client_max:
            return "tcp_connections_per_client_max"
        return None

    def add(self, connection: _Connection, client: str) -> None:
        self._open.add(connection)
        self._by_client[client] += 1

    def discard(self, connection: _Connection, client: str) -> None:
        if connection not in self._open:
            return  # it was refused
        self._open.discard(connection)
        self._by_client[client] -= 1
        if not self._by_client[client]:
            del self._by_client[client]


class _Connection(asyncio.Protocol):
    def __init__(
        self,
        cache: AnswerCache,
        late: LateAnswers,
        connections: _Connections,
        settings: DnsSettings,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        refusals: RefusalLog,
    ) -> None:
        self._cache = cache
        self._late = late
        self._connections = connections
        self._settings = settings
        self._clock = clock
        self._loop = loop
        self._refusals = refusals
        self._transport: asyncio.Transport | None = None
        self._client: object = None
        self._received = bytearray()
        self._is_full = False  # the client does not take its answers
        self._is_waiting = False  # an answer is being fetched
        self._is_behind = False  # there are questions that have come and are not answered
        self._last_query_at = 0.0
        self._idle_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Of a stream it is a Transport, whatever the loop; uvloop's is no subclass.
        transport = cast(asyncio.Transport, transport)
        self._transport = transport
        self._client = transport.get_extra_info("peername")
        if (refusal := self._connections.refusal(host_of(self._client), self._settings)) is not None:
            self._refusals.note_connection(self._client, refusal)
            transport.abort()
            return
        self._connections.add(self, host_of(self._client))
        self._last_query_at = self._clock.monotonic()
        self._watch(self._settings.tcp_idle_s)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self, host_of(self._client))
        if self._idle_timer is not None:
            self._idle_timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._answer_received()

    def pause_writing(self) -> None:
        # A client that does not read its answers gets no more questions read.
        self._is_full = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._is_full = False
        if self._is_behind:
            self._loop.call_soon(self._answer_received)
        elif self._transport is not None and not self._is_waiting:
            self._transport.resume_reading()

    def _answer_received(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing() or self._is_full or self._is_waiting:
            return
        self._cache.refresh()
        answers: list[bytes] = []
        place = size = 0
        message: bytes | None = None
        late: bytes | None = None
        while size < _PASS_BYTES_MAX and (message := _message_at(self._received, place)) is not None:
            place += LENGTH_BYTES + len(message)
            answer = self._cache.reply(message[ID_BYTES:], self._client)
            if answer is None and self._cache.cold is not None:
                late = message
                break
            if answer is not None:
                length = ID_BYTES + len(answer)
                answers += (length.to_bytes(LENGTH_BYTES, "big"), message[:ID_BYTES], answer)
                size += length
        if place:
            del self._received[:place]
            self._last_query_at = self._clock.monotonic()
        if answers:
            transport.writelines(answers)
        self._cache.passed(len(answers) // _PIECES + (late is not None))
        if late is not None:
            self._wait_for(late, transport)
        else:
            self._go_on(transport, is_behind=message is not None)

    def _wait_for(self, message: bytes, transport: asyncio.Transport) -> None:
        """Answers come in order: nothing more is read before this one is there."""
        transport.pause_reading()
        self._is_waiting = True

        def send(answer: bytes | None) -> None:
            self._is_waiting = False
            if transport.is_closing():
                return
            self._last_query_at = self._clock.monotonic()
            if answer is not None:
                length = ID_BYTES + len(answer)
                transport.writelines((length.to_bytes(LENGTH_BYTES, "big"), message[:ID_BYTES], answer))
            self._is_behind = True  # whatever came behind it is looked at, and reading goes on
            self._loop.call_soon(self._answer_received)

        self._late.wait(message[ID_BYTES:], self._client, send)

    def _go_on(self, transport: asyncio.Transport, *, is_behind: bool) -> None:
        was_behind, self._is_behind = self._is_behind, is_behind
        if is_behind:
            transport.pause_reading()
            if not self._is_full:
                self._loop.call_soon(self._answer_received)
        elif was_behind and not self._is_full:
            transport.resume_reading()

    def follow(self, settings: DnsSettings) -> None:
        """Another idle limit from now on."""
        self._settings = settings
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self._close_if_idle()

    def cut(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _watch(self, delay_s: float) -> None:
        self._idle_timer = self._loop.call_later(delay_s, self._close_if_idle)

    def _close_if_idle(self) -> None:
        left_s = self._settings.tcp_idle_s - (self._clock.monotonic() - self._last_query_at)
        if left_s > 0:
            self._watch(left_s)
        else:
            self.cut()


def _message_at(received: bytearray, place: int) -> bytes | None:
    """The whole message whose length stands at `place`; None when it has not come yet."""
    start = place + LENGTH_BYTES
    if len(received) < start:
        return None
    end = start + int.from_bytes(received[place:start], "big")
    return bytes(received[start:end]) if len(received) >= end else None
