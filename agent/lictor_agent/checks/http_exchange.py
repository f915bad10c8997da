"""One HTTP request and its answer over a connection of its own, without anything that a check does not need.

Thousands of checks on one agent each make a connection for every run, which is where a general client spends most of
its time. httptools reads the answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import zlib
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

import httptools

from lictor_agent.checks.connecting import Dialer, Tls
from lictor_agent.checks.dialing import DialError, read_failure
from lictor_agent.checks.status import TailBuffer

__all__ = ["BODY_BYTES_MAX", "HttpAnswer", "Tunnel", "exchange"]

BODY_BYTES_MAX: Final = 16 * 1024 * 1024
"""How much of an answer's body is read; what comes after it is not waited for."""
_HEADER_BYTES_MAX: Final = 65_536
_INFLATED_BYTES_MAX: Final = 65_536
_GZIP: Final = 31  # zlib: a gzip header, and the largest window
_SHOWN_CHARS: Final = 40


@dataclass(slots=True)
class HttpAnswer:
    """What was answered: `tail` is the end of the body, as far as it came in time."""

    tail: TailBuffer
    status: int = 0
    reason: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A proxy to go through to an HTTPS server: where it is, and how it is asked (CONNECT, RFC 9110 section 9.3.6)."""

    address: str
    request: bytes


async def exchange(
    dialer: Dialer,
    address: str,
    request: bytes,
    tail: TailBuffer,
    deadline: float,
    *,
    tls: Tls | None = None,
    tunnel: Tunnel | None = None,
) -> HttpAnswer:
    """Send `request` to `address` and take in the answer, until the loop's time `deadline`.

    An answer whose body does not end by then is an answer all the same, as a stream of events has one. Raises
    `TimeoutError` when not even its status came, `DialError` when there was none, `ssl.SSLError` for TLS.
    """
    wants_body = not request.startswith(b"HEAD ")
    reading = _Reading(HttpAnswer(tail), address, wants_body=wants_body)
    connection = _Connection(reading)
    try:
        async with asyncio.timeout_at(deadline):
            if tunnel is None:
                connection = await dialer.dial(address, lambda: connection, tls)
            else:
                connection = await _through(dialer, tunnel, connection, tls)
            connection.send(request)
            await connection.headed
        if not connection.ended.done():  # mostly it came with the status
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await connection.ended
    finally:
        connection.hang_up()
        reading.end()
    return reading.answer


async def _through(dialer: Dialer, tunnel: Tunnel, connection: _Connection, tls: Tls | None) -> _Connection:
    asked = _Connection(_Reading(HttpAnswer(TailBuffer(1)), tunnel.address, wants_body=False))
    asked = await dialer.dial(tunnel.address, lambda: asked)
    transport = asked.transport
    asked.send(tunnel.request)
    try:
        await asked.headed
        answer = asked.reading.answer
        if answer.status != 200:
            raise DialError(answer.reason or str(answer.status))
        if tls is not None:
            loop = asyncio.get_running_loop()
            secured = await loop.start_tls(transport, connection, tls.context, server_hostname=tls.server_name)
            assert secured is not None, "start_tls gives the transport of a client that is connected"
            connection.connection_made(secured)
    except BaseException:
        transport.abort()
        raise
    return connection


class _Decompressor(Protocol):
    """What `zlib.decompressobj` gives; its own type has no public name."""

    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


@dataclass(slots=True)
class _Reading:
    """Takes an answer in, as httptools calls it."""

    answer: HttpAnswer
    address: str
    wants_body: bool
    has_head: bool = False
    has_end: bool = False
    _reason: list[bytes] = field(default_factory=list[bytes])
    _parser: httptools.HttpResponseParser | None = None
    _inflate: _Decompressor | None = None
    _body_bytes: int = 0
    _head_bytes: int = 0
    _first: bytes = b""

    def feed(self, data: bytes) -> None:
        """Take in what came. Raises `DialError` for what is no HTTP."""
        if self._parser is None:
            self._parser = httptools.HttpResponseParser(self)
            self._first = data[:_SHOWN_CHARS]
        if not self.has_head:
            self._head_bytes += len(data)
            if self._head_bytes > _HEADER_BYTES_MAX + len(data):
                raise DialError(f"net/http: server response headers exceeded {_HEADER_BYTES_MAX} bytes; aborted")
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.has_head = self.has_end = True
        except httptools.HttpParserError:
            if not self.has_head:
                raise DialError(self._malformed()) from None
            self.has_end = True  # a body that is no body; the status has judged already

    def end(self) -> None:
        """Take in no more. Parser and reading hold each other: of thousands of runs that is work for the collector."""
        self._parser = None

    def on_status(self, reason: bytes) -> None:
        self._reason.append(reason)

    def on_header(self, name: bytes, value: bytes) -> None:
        match name.lower():
            case b"location":
                self.answer.location = value.decode("utf-8", "replace")
            case b"content-encoding" if value.strip().lower() == b"gzip":
                self._inflate = zlib.decompressobj(_GZIP)
            case _:
                pass

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        status = self._parser.get_status_code()
        if status < 200 and status != 101:
            self._reason.clear()  # an interim answer (RFC 9110 section 15.2): the final one follows
            return
        self.answer.status = status
        self.answer.reason = b"".join(self._reason).decode("utf-8", "replace")
        self.has_head = True
        self.has_end = not self.wants_body

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > BODY_BYTES_MAX:
            self.has_end = True
        if self.has_end:
            return
        self.answer.tail.write(body if self._inflate is None else self._inflated(body))

    def on_message_complete(self) -> None:
        self.has_end = self.has_head

    def _inflated(self, body: bytes) -> bytes:
        assert self._inflate is not None
        found = b""
        try:
            while body and not self.has_end:
                part = self._inflate.decompress(body, _INFLATED_BYTES_MAX)
                body = self._inflate.unconsumed_tail
                self._body_bytes += len(part)
                self.has_end = self._body_bytes > BODY_BYTES_MAX or self._inflate.eof
                found = (found + part)[-_INFLATED_BYTES_MAX:]
        except zlib.error:
            self.has_end = True
        return found

    def _malformed(self) -> str:
        line = self._first.partition(b"\r\n")[0].decode("utf-8", "backslashreplace")
        return f'net/http: HTTP/1.x transport connection broken: malformed HTTP response "{line}"'


class _Connection(asyncio.Protocol):
    """The socket's side: `headed` and `ended` are done when the status and the whole answer are there."""

    def __init__(self, reading: _Reading) -> None:
        loop = asyncio.get_running_loop()
        self.reading = reading
        self.headed: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._transport: asyncio.Transport | None = None

    @property
    def transport(self) -> asyncio.Transport:
        """The connection; there is one."""
        assert self._transport is not None, "connected"
        return self._transport

    def send(self, data: bytes) -> None:
        """Write to the connection."""
        self.transport.write(data)

    def hang_up(self) -> None:
        """End the connection at once, if there is one; nobody waits for it any more."""
        self.headed.cancel()
        self.ended.cancel()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's do not descend from it

    def data_received(self, data: bytes) -> None:
        if self.ended.done():
            return
        try:
            self.reading.feed(data)
        except DialError as error:
            self._fail(error)
            return
        if self.reading.has_head and not self.headed.done():
            self.headed.set_result(None)
        if self.reading.has_end and not self.ended.done():
            self.ended.set_result(None)

    def eof_received(self) -> None:
        self.connection_lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        match exc:
            case None:
                self._fail(DialError("EOF"))
            case ssl.SSLError():
                self._fail(exc)
            case OSError():
                self._fail(DialError(read_failure(self.reading.address, exc)))
            case _:
                self._fail(DialError(str(exc) or type(exc).__name__))

    def _fail(self, error: Exception) -> None:
        if not self.headed.done():
            self.headed.set_exception(error)
        if not self.ended.done():
            self.ended.set_result(None)  # a body that broke off: the status has judged already
