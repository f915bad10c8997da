"""The seam to aiohttp: a request that knows its writer, a response that is bytes already, a handler of broken requests.

aiohttp parses, keeps order, applies back pressure and ends what the client left; what is answered is ours alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import contextmanager
from typing import Final, TypeVar

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger, AbstractStreamWriter
from aiohttp.helpers import reify
from aiohttp.http import HttpVersion10
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from lictor_agent.http.encoding import FileBody
from lictor_agent.http.errors import Refusal
from lictor_agent.http.hot import HotConnection
from lictor_agent.http.plain import Plain, check_length
from lictor_core.errors import BodyTooLargeError

__all__ = ["Asked", "BrokenHandler", "Incoming", "NoAccessLog", "Parser", "WireResponse"]

B = TypeVar("B", bytes, bytearray)

_FILE_PART_BYTES: Final = 256 * 1024
_HEAD_END: Final = b"\r\n\r\n"
_CHUNKED: Final = ["chunked"]
_KEPT_BEHIND: Final = ("", "tcp", "websocket")
"""What is offered to upgrade to, if anything, where aiohttp keeps what comes behind."""
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

BrokenHandler = Callable[[HotConnection, BaseException | None], bytes]
"""Gives the whole answer to what could not be parsed."""


class Incoming(web.BaseRequest):
    """A request that knows the connection it came on."""

    def __init__(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(message, payload, protocol, writer, task, loop)
        assert isinstance(protocol, Parser)
        self.connection = protocol.connection

    @property
    def is_http_1_0(self) -> bool:
        """Whether the request is of that version."""
        return self.version == HttpVersion10

    @property
    def flaw(self) -> tuple[str, int] | None:
        """What aiohttp takes of a head and nobody should, and the status that says so."""
        if self.version < HttpVersion10:
            return "a version before HTTP/1.0", 400
        codings = [one.strip().lower() for one in self.headers.getall("Transfer-Encoding", ())]
        # Of other codings only the chunks would be undone, and what is left would be taken for the body.
        if codings and codings != _CHUNKED and not self.is_http_1_0:
            return "Transfer-Encoding is anything but chunked", 501
        return None

    @reify
    def keep_alive(self) -> bool:
        """Whether the client wants the connection to stay, and it can.

        aiohttp drops what came right behind a request for an upgrade: whoever sent it has to learn that it was lost.
        """
        offered = self.headers.get("Upgrade", "").lower()
        is_lost = offered not in _KEPT_BEHIND and isinstance(self.protocol, Parser) and self.protocol.is_followed
        return super().keep_alive and not is_lost

    async def read_body(self, body_s_max: float, bytes_max: int) -> bytes:
        """The whole body. Raises `BodyTooLargeError` above `bytes_max`, a `Refusal` when it is cut or late."""
        self._begin_body(bytes_max)
        with _refusing_what_is_broken(body_s_max):
            if self.content.is_eof():  # all of it came with the head, as small bodies do: there is nothing to wait for
                return _bounded(self.content.read_nowait(), bytes_max)
            data = bytearray()
            async with asyncio.timeout(body_s_max):
                async for chunk in self.content.iter_any():
                    data += chunk
                    _bounded(data, bytes_max)
        return bytes(data)

    async def read_parts(self, part_s_max: float, bytes_max: int) -> AsyncIterator[bytes]:
        """The body as it comes. Raises as `read_body` does, but the time is that between two parts."""
        self._begin_body(bytes_max)
        size = 0
        while True:
            with _refusing_what_is_broken(part_s_max):
                async with asyncio.timeout(part_s_max):
                    part = await self.content.readany()
            if not part:
                return
            size += len(part)
            _check_bytes(size, bytes_max)
            yield part

    def _begin_body(self, bytes_max: int) -> None:
        check_length(self.content_length, bytes_max)
        if self.headers.get("Expect", "").lower() == "100-continue" and self.transport is not None:
            self.transport.write(_CONTINUE)  # RFC 9110, section 10.1.1


@contextmanager
def _refusing_what_is_broken(body_s_max: float) -> Generator[None]:
    try:
        yield
    except TimeoutError:
        raise Refusal(f"the body did not arrive within {body_s_max:g} s; send it faster", status=408) from None
    except web.RequestPayloadError as error:
        raise Refusal(f"the body is broken: {error}") from error


Asked = Incoming | Plain
"""A request, whoever parsed it."""


class WireResponse(web.StreamResponse):
    """An answer whose bytes are made already, headers and all. A `file` is sent after them as the body, and closed.

    So is a `stream`, in chunks (RFC 9112, section 7.1) unless the client speaks HTTP/1.0.
    """

    def __init__(
        self,
        wire: bytes,
        *,
        keeps_alive: bool,
        file: FileBody | None = None,
        stream: AsyncGenerator[bytes] | None = None,
        is_chunked: bool = True,
    ) -> None:
        super().__init__()
        self._stream = stream
        self._is_chunked = is_chunked
        self._wire = wire
        self._file = file
        self._keeps_alive = keeps_alive
        self._incoming: Incoming | None = None

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection takes another request."""
        return self._keeps_alive

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Note where to write; nothing else is to be prepared."""
        assert isinstance(request, Incoming)
        self._incoming = request
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Write everything, and wait for the other side to take it."""
        incoming = self._incoming
        assert incoming is not None, "prepare comes first"
        try:
            transport = incoming.writer.transport
            if transport is None or transport.is_closing():
                raise ConnectionResetError("the client is gone")
            transport.write(self._wire)
            if self._file is not None:
                await self._write_file(incoming, self._file)
            if self._stream is not None:
                await self._write_stream(incoming, self._stream)
            incoming.connection.finished()
            await incoming.writer.drain()
        finally:
            if self._file is not None:
                self._file.file.close()
            if self._stream is not None:
                await self._stream.aclose()

    async def _write_stream(self, incoming: Incoming, stream: AsyncGenerator[bytes]) -> None:
        async for part in stream:
            transport = incoming.writer.transport
            if transport is None or transport.is_closing():
                raise ConnectionResetError("the client is gone")
            if part:
                transport.write(b"%x\r\n%b\r\n" % (len(part), part) if self._is_chunked else part)
                await incoming.writer.drain()
        if incoming.writer.transport is not None and self._is_chunked:
            incoming.writer.transport.write(b"0\r\n\r\n")

    async def _write_file(self, incoming: Incoming, body: FileBody) -> None:
        loop = asyncio.get_running_loop()
        left = body.size_bytes
        while left:
            await incoming.writer.drain()
            part = await loop.run_in_executor(None, body.file.read, min(left, _FILE_PART_BYTES))
            transport = incoming.writer.transport
            if not part or transport is None or transport.is_closing():
                incoming.connection.abort()  # what was announced cannot be kept: an early end says so
                raise ConnectionResetError("the file ended too soon, or the client is gone")
            transport.write(part)
            left -= len(part)


class NoAccessLog(AbstractAccessLogger):
    """Keeps aiohttp from logging: each request has one event of ours."""

    @property
    def enabled(self) -> bool:
        """Never."""
        return False

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Not called, since this is not enabled."""


class Parser(RequestHandler):
    """aiohttp's protocol, with our answer to what is no HTTP."""

    __slots__ = ("_broken", "connection", "is_followed")

    connection: HotConnection
    is_followed: bool
    """Whether more than a head ever came at once: a body, or another request."""

    def attach(self, connection: HotConnection, broken: BrokenHandler) -> None:
        """Tell which connection this parses for, and who answers what cannot be parsed."""
        self.connection = connection
        self.is_followed = False
        self._broken = broken

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        if not self.is_followed:
            end = data.find(_HEAD_END)
            self.is_followed = 0 <= end < len(data) - len(_HEAD_END)
        super().data_received(data)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to a request that could not be read; it ends the connection."""
        return WireResponse(self._broken(self.connection, exc), keeps_alive=False)


def _bounded(data: B, bytes_max: int) -> B:
    _check_bytes(len(data), bytes_max)
    return data


def _check_bytes(size: int, bytes_max: int) -> None:
    if size > bytes_max:
        raise BodyTooLargeError(f"Request body is too large: the bound is {bytes_max} bytes")
