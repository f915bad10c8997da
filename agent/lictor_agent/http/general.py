"""aiohttp's server for the requests that are not plain: large or chunked bodies, files, streams, and what is broken."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_exceptions import BadHttpMethod, HttpProcessingError, LineTooLong
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from lictor_agent.http.encoding import Answer, Rendered
from lictor_agent.http.hot import HotConnection
from lictor_agent.http.hot_answers import Tick
from lictor_agent.http.settings import HttpSettings
from lictor_agent.http.wire import Asked, Incoming, NoAccessLog, Parser, WireResponse

__all__ = ["General"]

_QUOTED_BYTES: Final = re.compile(r"(?<!\w)(?:bytearray\()?b[\"'].*", re.DOTALL)
_REASON_CHARS_MAX: Final = 200
_CONTINUE: Final = "100-continue"
_LINGER_S: Final = 2.0
"""How long a body that nobody wants is still read, so that its sender gets to see the answer."""

Respond = Callable[[Asked, HotConnection], Awaitable[tuple[Rendered, bool, Answer]]]
"""Gives the answer's bytes, whether the connection takes another request, and the answer itself."""

AnswerBroken = Callable[[HotConnection, str, int], bytes]
"""Answers what is no request to be answered, for the flaw that is named, with a status: 405 for an unknown method."""
_STATUSES: Final = (
    # aiohttp tells these by their words alone.
    ("Too many headers", 431),
    ("Transfer-Encoding", 501),
)


class General:
    """The parsers of one HTTP server, and the end of all of them."""

    def __init__(self, settings: HttpSettings, respond: Respond, answer_broken: AnswerBroken, tick: Tick) -> None:
        self._settings = settings
        self._respond = respond
        self._answer_broken = answer_broken
        self._tick = tick
        self._manager = web.Server(self._handle, request_factory=self._receive, handler_cancellation=True)

    def parser(self, connection: HotConnection) -> Parser:
        """A parser for `connection`."""
        settings = self._settings
        parser = Parser(
            self._manager,
            loop=asyncio.get_running_loop(),
            # Idle connections are ours to close: aiohttp does not see those that live on the hot path.
            keepalive_timeout=settings.idle_s_max * 1000,
            access_log_class=NoAccessLog,
            max_line_size=settings.request_line_bytes_max,
            max_field_size=settings.header_bytes_max,
            max_headers=settings.headers_max,
            lingering_time=_LINGER_S,
            auto_decompress=False,
        )
        parser.attach(connection, self._broken)
        return parser

    async def shutdown(self, drain_s_max: float) -> None:
        """Let what is being answered finish for so long, then close the connections that came here."""
        await self._manager.shutdown(drain_s_max)

    def _receive(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> Incoming:
        return Incoming(message, payload, protocol, writer, task, asyncio.get_running_loop())

    async def _handle(self, incoming: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(incoming, Incoming)
        incoming.connection.started()
        if incoming.headers.get("Expect", _CONTINUE).lower() != _CONTINUE:  # RFC 9110, section 10.1.1
            wire = self._answer_broken(incoming.connection, "Expect is anything but 100-continue", 417)
            return WireResponse(wire, keeps_alive=False)
        if (flaw := incoming.flaw) is not None:
            return WireResponse(self._answer_broken(incoming.connection, *flaw), keeps_alive=False)
        rendered, keeps_alive, answer = await self._respond(incoming, incoming.connection)
        wire = rendered.at(self._tick.date)
        return WireResponse(
            wire, keeps_alive=keeps_alive, file=answer.file, stream=answer.stream, is_chunked=not incoming.is_http_1_0
        )

    def _broken(self, connection: HotConnection, error: BaseException | None) -> bytes:
        flaw = _flaw(error)
        return self._answer_broken(connection, flaw, _status(error, flaw))


def _status(error: BaseException | None, flaw: str) -> int:
    if isinstance(error, BadHttpMethod):
        return 405
    if isinstance(error, LineTooLong):
        return 431
    return next((status for words, status in _STATUSES if words in flaw), 400)


def _flaw(error: BaseException | None) -> str:
    """What is wrong with bytes that are no request, without the bytes: a token may be among them."""
    words = error.message if isinstance(error, HttpProcessingError) else type(error).__name__
    return " ".join(_QUOTED_BYTES.sub("", words).split())[:_REASON_CHARS_MAX]
