"""The asking end of one RPC connection: many requests under way, answers in any order.

The items of a stream wait here until they are taken; a stream that is taken too slowly ends, as everybody shares the
connection. A request *left* once its bytes were handed to the system. When the connection ends, what had not left was
surely not done, and what had may have been.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, cast

from lictor_core.errors import IncompatibleError, LictorError, OverloadedError, PeerError, UnreachableError
from lictor_core.frames import GOODBYE, encode_frame
from lictor_server.rpc.caller import Answered, Arrived, Caller, Failed, Refused

__all__ = ["GOODBYE_S", "IN_FLIGHT_MAX", "UNTAKEN_BYTES_MAX", "WRITE_BYTES_MAX", "Connection", "Question"]

IN_FLIGHT_MAX: Final = 16_384
"""Requests under way on one connection, blocked reads and streams among them; servers take as many."""
UNTAKEN_BYTES_MAX: Final = 32 * 1024 * 1024
"""Items of one stream that came and were not taken yet."""
WRITE_BYTES_MAX: Final = 1024 * 1024
"""While a server leaves more than this unread, further requests wait, unsent, for their deadlines."""

GOODBYE_S: Final = 1.0
"""What was written before a connection is closed on purpose has so long to leave."""


@dataclass(eq=False)
class Question:
    """One call, and how far it came."""

    method: str
    payload: bytes
    answer: asyncio.Future[bytes] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    left: bool = False
    items: deque[bytes] = field(default_factory=deque[bytes])
    untaken_bytes: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Of a stream: there are items, or there will be no more."""


class Connection(asyncio.Protocol):
    """One connection to one server."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.used_at = 0.0
        """When it last had something to do, on the loop's clock."""
        self.heard_at = 0.0
        """When anything last came, or when somebody began to wait after nobody had."""
        self._loop = asyncio.get_running_loop()
        self._caller = Caller(in_flight_max=IN_FLIGHT_MAX)
        self._questions: dict[int, Question] = {}
        self._waiting: list[tuple[bytes, Question | None]] = []
        self._transport: asyncio.Transport | None = None
        self._writable = asyncio.Event()
        self._over: LictorError | None = None
        self._held = 0
        self._is_secured = False
        self.proven = False
        """Whether it ever answered anything."""

    @property
    def is_open(self) -> bool:
        """Whether requests can be asked on it."""
        return self._over is None

    @property
    def reason(self) -> str:
        """Why it is over."""
        return str(self._over or "")

    @property
    def is_foreign(self) -> bool:
        """Whether it is over because the two ends speak no common protocol."""
        return isinstance(self._over, IncompatibleError)

    @property
    def in_use(self) -> bool:
        """Whether somebody waits for it."""
        return self._caller.in_flight > 0 or self._held > 0

    # `asyncio.Protocol`.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS, if any, is done."""
        # Of a stream it is a Transport, whatever the loop; uvloop's is no subclass.
        self._transport = cast(asyncio.Transport, transport)
        self._is_secured = transport.get_extra_info("ssl_object") is not None
        self._transport.set_write_buffer_limits(high=WRITE_BYTES_MAX)
        self._write(self._caller.greeting())
        self.used_at = self._loop.time()
        self._writable.set()

    def pause_writing(self) -> None:
        """The server reads too slowly."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Answers came."""
        self.used_at = self.heard_at = self._loop.time()
        try:
            events = self._caller.receive(data)
        except IncompatibleError as foreign:
            self.close(IncompatibleError(f"{self.address}: {foreign}"))
            return
        except PeerError as broken:
            self.close(PeerError(f"{self.address}: {broken}"))
            return
        for event in events:
            match event:
                case Arrived(id, payload):
                    self._keep(id, payload)
                case Answered(id, payload):
                    self._settle(id, payload)
                case Failed(id, error):
                    self._settle(id, error)
                case Refused(error):
                    self.close(error, nothing_done=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        reason = "the connection was closed" if exc is None else str(exc)
        if self._is_secured and not self.proven:
            # With TLS 1.3 a client learns after its handshake that its certificate was refused, and seldom why.
            reason += " before it answered anything: does the server trust the certificate of this one?"
        self.close(
            PeerError(f"{self.address}: {reason}"), nothing_done=isinstance(exc, ssl.SSLError) and not self.proven
        )
        self._transport = None

    # For the pool.

    async def ask(self, question: Question) -> bytes:
        """The answer. Raises what the server raised, and when the connection ends `UnreachableError` or `PeerError`.

        A caller that is cancelled tells the server so.
        """
        await self._until_writable()
        with self._asked(question):
            return await question.answer

    async def stream(self, question: Question) -> AsyncGenerator[bytes]:
        """The items, until there are no more. Raises as `ask` does; closing it tells the server to stop.

        Raises `OverloadedError` when items came faster than they were taken, after those that came before.
        """
        await self._until_writable()
        with self._asked(question, is_stream=True):
            question.answer.add_done_callback(lambda _: question.arrived.set())
            while True:
                await question.arrived.wait()
                while question.items:
                    item = question.items.popleft()
                    question.untaken_bytes -= len(item)
                    yield item
                if question.answer.done():
                    question.answer.result()
                    return
                question.arrived.clear()

    @contextmanager
    def _asked(self, question: Question, *, is_stream: bool = False) -> Generator[None]:
        """The question is under way while the block runs."""
        self._check_open()
        self.used_at = self._loop.time()
        if self._caller.in_flight == 0:
            self.heard_at = self.used_at
        id, data = self._caller.request(question.method, question.payload, is_stream=is_stream)
        self._questions[id] = question
        self._write(data, question)
        try:
            yield
        finally:
            del self._questions[id]
            if question.answer.done() and not question.answer.cancelled():
                question.answer.exception()  # who was cancelled at the same moment did not look: it is no news
            goodbye = self._caller.cancel(id)
            if goodbye and question.left and self._over is None:
                self._write(goodbye)

    def leave(self, error: LictorError) -> None:
        """End it as `close` does, but tell the server that this end lives on."""
        transport = self._transport
        if self._over is None and transport is not None and not transport.is_closing():
            transport.write(encode_frame(GOODBYE))
            self._transport = None
            transport.close()
            self._loop.call_later(GOODBYE_S, transport.abort)
        self.close(error)

    def close(self, error: LictorError, *, nothing_done: bool = False) -> None:
        """End it: with `nothing_done` every request surely was not carried out, otherwise those that had not left."""
        if self._over is not None:
            return
        self._over = error
        self._writable.set()
        self._waiting.clear()
        definite = error if error.definite else UnreachableError(str(error))
        for question in self._questions.values():
            if not question.answer.done():
                question.answer.set_exception(
                    definite if nothing_done or not question.left else _unknown(question, error)
                )
        if self._transport is not None:
            self._transport.abort()

    def _check_open(self) -> None:
        if self._over is not None:
            raise UnreachableError(str(self._over))

    async def _until_writable(self) -> None:
        self._check_open()
        if self._writable.is_set():
            return
        self._held += 1
        try:
            while not self._writable.is_set():
                await self._writable.wait()
                self._check_open()
        finally:
            self._held -= 1

    def _keep(self, id: int, item: bytes) -> None:
        self.proven = True
        question = self._questions[id]
        if question.answer.done():
            return
        if question.untaken_bytes + len(item) > UNTAKEN_BYTES_MAX:
            question.answer.set_exception(
                OverloadedError(f"{UNTAKEN_BYTES_MAX} bytes of {question.method} wait to be taken: subscribe anew")
            )
            return
        question.items.append(item)
        question.untaken_bytes += len(item)
        question.arrived.set()

    def _settle(self, id: int, result: bytes | LictorError) -> None:
        self.proven = True
        answer = self._questions[id].answer
        if answer.done():
            return
        if isinstance(result, bytes):
            answer.set_result(result)
        else:
            answer.set_exception(result)

    def _write(self, data: bytes, question: Question | None = None) -> None:
        """Send with everything else of this pass of the loop: under TLS in one record."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append((data, question))

    def _flush(self) -> None:
        # uvloop answers a write to what is closed and not told as lost yet with RuntimeError.
        if self._transport is None or self._transport.is_closing() or self._over is not None:
            return
        leaving: list[bytes] = []
        for data, question in self._waiting:
            if question is None:
                leaving.append(data)
            elif not question.answer.done():  # else nobody waits for it any more
                question.left = True
                leaving.append(data)
        self._waiting.clear()
        if leaving:
            self._transport.write(b"".join(leaving))


def _unknown(question: Question, error: LictorError) -> PeerError:
    return PeerError(f"{question.method}: lost on the way, it may or may not have been carried out: {error}")
