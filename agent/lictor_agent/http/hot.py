"""The hot path: a request that was answered before is answered from its bytes.

`HotConnection` stands between the transport and aiohttp's protocol. While a connection is *clean* (no request in
flight, nothing half read) a chunk that is exactly one GET is looked up as it is; when the answer kept for these very
bytes still holds, it is written at once. A plain request (`plain`) is answered by a task of its own; a body that comes
behind its head is waited for. Everything else goes to aiohttp, and a chunk that is neither plain nor exactly one GET
makes the connection go there for good: nothing is parsed by two parsers.

What is kept, and whether it still holds, is `hot_answers`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Final, Protocol, cast

from lictor_agent.http.hot_answers import HotAnswers, Tick
from lictor_agent.http.plain import Plain, PlainReader
from lictor_agent.http.settings import HttpSettings
from lictor_agent.http.talkers import Talkers
from lictor_agent.http.throttle import Throttle

__all__ = [
    "Delegate",
    "Host",
    "HotConnection",
    "PlainPath",
    "is_sole_get",
]

_END: Final = b"\r\n\r\n"
_GET: Final = b"GET /v1/"
_BODIED: Final = (b"content-length", b"transfer-encoding", b"upgrade", b"expect")
_PENDING_BYTES_MAX: Final = 4096
_BEHIND_BYTES_MAX: Final = 64 * 1024
"""What a client may send while it is being answered, before it has to wait."""


class Delegate(Protocol):
    """The protocol that parses what is not answered here: aiohttp's request handler."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None: ...
    def connection_lost(self, exc: BaseException | None) -> None: ...
    def data_received(self, data: bytes) -> None: ...
    def eof_received(self) -> bool | None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...


class Host(Protocol):
    """Who takes connections, and knows of those that are open."""

    def admit(self, connection: HotConnection) -> bytes | None:
        """What a connection that cannot be taken is told before it is closed; None when it is taken."""
        ...

    def release(self, connection: HotConnection) -> None:
        """A connection is closed, or was never taken."""
        ...

    @property
    def throttle(self) -> Throttle:
        """Who may ask how often."""
        ...

    def limited(self, connection: HotConnection) -> bytes | None:
        """Counts a request that is about to be answered hot; what it is told instead when it is one too many."""
        ...


def is_sole_get(data: bytes) -> bool:
    """Whether `data` is exactly one complete GET without a body and with nothing behind it."""
    if not data.startswith(_GET) or not data.endswith(_END) or data.find(_END) != len(data) - len(_END):
        return False
    # A line that ends in a bare line feed could end the head where the search above does not see it.
    if data.count(b"\n") != data.count(b"\r\n"):
        return False
    lower = data.lower()
    return not any(name in lower for name in _BODIED)


class PlainPath:
    """How plain requests are read and answered. `answer` never raises; it calls `started` and `answered`."""

    __slots__ = ("answer", "reader")

    def __init__(self, answer: Callable[[HotConnection, Plain], Coroutine[None, None, None]]) -> None:
        self.reader = PlainReader()
        self.answer = answer


class HotConnection(asyncio.Protocol):
    """One connection. `started` and `finished` are called by the handler around each request."""

    __slots__ = (
        "_answers",
        "_behind",
        "_came_meanwhile",
        "_delegate",
        "_ended",
        "_host",
        "_is_confirming",
        "_is_delegated",
        "_is_holding",
        "_is_paused",
        "_is_refused",
        "_plain",
        "_started",
        "_task",
        "_throttle",
        "_tick",
        "_told_hot",
        "_transport",
        "_unfinished",
        "_unread",
        "_writable",
        "answered_hot",
        "client",
        "head",
        "is_secured",
        "pending",
        "token",
        "used_at",
        "waiting_since",
    )

    def __init__(
        self, answers: HotAnswers, delegate: Delegate, tick: Tick, host: Host, plain: PlainPath | None = None
    ) -> None:
        """Without `plain` all that is not answered hot goes to `delegate`."""
        self._answers = answers
        self._plain = plain
        self._task: asyncio.Task[None] | None = None
        self._behind = bytearray()
        self._is_holding = False
        self._is_confirming = False
        self._unfinished = b""
        self._writable: asyncio.Future[None] | None = None
        self._host = host
        self._throttle = host.throttle
        self._is_refused = False
        self._unread: tuple[float, int] | None = None  # since when so much waits for the other side
        self.client = ""
        """The client's address; empty on a Unix socket."""
        self.is_secured = False
        """Whether it came to be over TLS."""
        self._tick = tick
        self._delegate = delegate
        self._transport: asyncio.Transport | None = None
        self._is_delegated = False
        self._is_paused = False
        self._came_meanwhile = False
        self._started = False
        self._ended = False
        self.head: bytes | None = None
        """The bytes of the request in flight when it came alone, else None."""
        self.pending = b""
        """The first chunk of what is being read, for telling what was wrong with it."""
        self.waiting_since: float | None = None
        """Since when the head of a request has been incomplete."""
        self.used_at = tick.now
        self.answered_hot = 0
        self.token = ""
        """What was last shown on it."""
        self._told_hot = 0

    def tell_hot(self, talkers: Talkers) -> None:
        """Count what was answered hot since this was called last."""
        count = self.answered_hot - self._told_hot
        if count:
            self._told_hot = self.answered_hot
            talkers.note(self.client, self.token, count)

    @property
    def is_busy(self) -> bool:
        """Whether a request is being read or answered."""
        return self._started or self.waiting_since is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer: object = transport.get_extra_info("peername")
        self.client = str(cast("tuple[object, ...]", peer)[0]) if isinstance(peer, tuple) else ""
        self.is_secured = transport.get_extra_info("sslcontext") is not None
        refusal = self._host.admit(self)
        if refusal is not None:
            self._is_refused = True
            self._transport.write(refusal)
            self._transport.close()
            return
        self._delegate.connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._transport = None
        if self._task is not None:
            self._task.cancel()
        if not self._is_refused:
            self._host.release(self)
            self._delegate.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        is_clear = self.head is None and self._task is None and not self._unfinished
        transport = self._transport
        if is_clear and transport is not None and not self._is_delegated and not self._is_paused:
            # Where tokens count, the head has to be read to tell one from the other.
            wire = None if self._throttle.by_token else self._answers.find(data)
            if wire is not None:
                if self._throttle.is_on:
                    wire = self._host.limited(self) or wire
                self.answered_hot += 1
                self.used_at = self._tick.now
                transport.write(wire)
                return
        self._receive(data)

    def _receive(self, data: bytes) -> None:
        """What is not answered at once."""
        if self._task is not None or self._is_confirming:
            self._keep_behind(data)
            return
        if self._unfinished:
            data, self._unfinished = self._unfinished + data, b""
        if self.head is None and not self._is_delegated:
            if not self._is_paused and self._transport is not None and self._take(data):
                return
            if is_sole_get(data):
                self.head = data
            else:
                self._is_delegated = True
        else:
            self._is_delegated = True
        if not self._is_refused:
            self._note_arrival(data)
            self._delegate.data_received(data)

    def eof_received(self) -> bool | None:
        """The other side sends no more. What it asked for before is still answered, if that takes but a moment."""
        if self._is_refused:
            return None
        self._pass_on()
        self._delegate.eof_received()
        self._ended = True
        self.used_at = self._tick.now
        return self.is_busy and not self.is_secured  # TLS knows no end of one side alone

    def pause_writing(self) -> None:
        self._is_paused = True
        self._delegate.pause_writing()

    def resume_writing(self) -> None:
        self._is_paused = False
        self._unread = None
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)
        self._delegate.resume_writing()

    def started(self) -> None:
        """A request was read and is being answered."""
        self._started = True
        self._came_meanwhile = False
        self.waiting_since = None
        self.pending = b""

    def finished(self) -> None:
        """The answer has been written."""
        self._started = False
        self.used_at = self._tick.now
        if not self._is_delegated:
            self.head = None
        elif self._came_meanwhile:
            self.waiting_since = self._tick.now
        if self._ended:
            self.close()

    # Plain requests.

    @property
    def task(self) -> asyncio.Task[None] | None:
        """What answers a plain request just now."""
        return self._task

    async def send(self, wire: bytes, *, keeps_alive: bool) -> None:
        """Write the answer to a plain request; return when the other side has taken enough of it for a next one."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(wire)
        if not keeps_alive:
            self._transport.close()
        elif self._is_paused:
            self._writable = asyncio.get_running_loop().create_future()
            await self._writable
        self._task = None
        self._go_on(self._transport, keeps_alive=keeps_alive)

    def _go_on(self, transport: asyncio.Transport, *, keeps_alive: bool) -> None:
        """An answer was written: what came behind its request is next."""
        if not self._behind:
            self.finished()
            return
        behind, self._behind = bytes(self._behind), bytearray()
        if keeps_alive:
            self._started, self.head, self.used_at = False, None, self._tick.now
            if self._is_holding:
                self._is_holding = False
                transport.resume_reading()
            self.data_received(behind)

    def pass_on_late(self) -> None:
        """Let aiohttp wait for a body that takes its time: it has bounds for that, and answers what can be told now."""
        if self._unfinished:
            self.waiting_since = self._tick.now
            self._pass_on()

    def _take(self, data: bytes) -> bool:
        """Have the answer to `data` confirmed, begin to make it, or wait for the rest of it; False: it is aiohttp's."""
        if self._is_refused:
            return False
        # While requests are counted, each is read: what is confirmed may have to be read after all, and counted twice.
        if not self._throttle.is_on and self._answers.confirm(data, self._confirmed):
            self.head, self._is_confirming = data, True
            self.started()
            return True
        return self._take_plain(data)

    def _confirmed(self, wire: bytes | None) -> None:
        """The servers told whether the answer to the request in flight still holds: None if it does not."""
        self._is_confirming = False
        data, transport = self.head, self._transport
        if data is None or transport is None or transport.is_closing():
            return
        if wire is not None:
            self.answered_hot += 1
            transport.write(wire)
            self._go_on(transport, keeps_alive=True)
            return
        self._started = False
        if not self._take_plain(data):
            behind, self._behind = bytes(self._behind), bytearray()
            if behind:
                self._is_delegated = True
            if self._is_holding:
                self._is_holding = False
                transport.resume_reading()
            self._note_arrival(data)
            self._delegate.data_received(data + behind)

    def _take_plain(self, data: bytes) -> bool:
        if self._plain is None:
            return False
        found = self._plain.reader.read(data)
        if found is None:
            return False
        if isinstance(found, Plain):
            self.head = data if found.is_repeatable else None
            self.started()
            self._task = asyncio.get_running_loop().create_task(self._plain.answer(self, found))
        else:
            self._unfinished = data
            self._note_arrival(data)
        return True

    def _keep_behind(self, data: bytes) -> None:
        """Data came while a plain request is answered: it has to wait, and so has its sender when it is much."""
        self._behind += data
        if len(self._behind) > _BEHIND_BYTES_MAX and not self._is_holding and self._transport is not None:
            self._is_holding = True
            self._transport.pause_reading()

    def _pass_on(self) -> None:
        data, self._unfinished = self._unfinished, b""
        if data:
            self._is_delegated = True
            self._delegate.data_received(data)

    # Time.

    def overdue(self, settings: HttpSettings) -> str | None:
        """Why this connection has had its time; None when it may stay."""
        now = self._tick.now
        if self._transport is not None and self._transport.is_closing():
            # Its last bytes are on their way to a client that takes its time; it has as much of it as an idle one.
            return "idle" if now - self.used_at > settings.idle_s_max else None
        if self.waiting_since is not None and now - self.waiting_since > settings.head_s_max:
            return "head"
        if self._is_paused and self._transport is not None and self._takes_nothing(self._transport, now, settings):
            return "reader"
        if self._ended and now - self.used_at > settings.ended_s_max:
            return "ended"
        if not self.is_busy and now - self.used_at > settings.idle_s_max:
            return "idle"
        return None

    def _takes_nothing(self, transport: asyncio.Transport, now: float, settings: HttpSettings) -> bool:
        """Whether the other side left what waits for it for too long, but for so little that it would take for ever."""
        unsent = transport.get_write_buffer_size()
        since, unsent_then = self._unread or (now, unsent)
        if self._unread is None or unsent_then - unsent >= settings.unread_bytes_min or unsent > unsent_then:
            self._unread = (now, unsent)
            return False
        return now - since > settings.unread_s_max

    def close(self) -> None:
        """Close once everything is written."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever is still unsent."""
        if self._transport is not None:
            self._transport.abort()

    def _note_arrival(self, data: bytes) -> None:
        if self._started:
            self._came_meanwhile = True
        elif self.waiting_since is None:
            self.waiting_since = self._tick.now
            self.pending = data[:_PENDING_BYTES_MAX]
