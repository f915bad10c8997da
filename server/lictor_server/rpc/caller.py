"""The asking end of one RPC connection, sans I/O: requests to bytes, bytes to what became of them.

Ids count up from 1 and are not used again. A frame that no server sends, or an answer to what was never asked, ends the
conversation (`PeerError`): nothing that comes later can be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from lictor_core.errors import (
    BodyTooLargeError,
    IncompatibleError,
    LictorError,
    OverloadedError,
    PeerError,
    UnreachableError,
    error_from,
)
from lictor_core.frames import (
    ANSWER_BYTES_MAX,
    GREETING_ID,
    REFUSED_ID,
    Frame,
    FrameKind,
    FrameReader,
    encode_frame,
    greeting,
)
from lictor_core.protocol import OWN, UNTOLD, Spoken, disagreement, read_greeting

__all__ = ["Answered", "Arrived", "Caller", "Event", "Failed", "Refused"]


class Answered(NamedTuple):
    """A request was carried out. Of a stream it is the end."""

    id: int
    payload: bytes


class Arrived(NamedTuple):
    """An item of a stream came."""

    id: int
    payload: bytes


class Failed(NamedTuple):
    """A request failed, as the other end tells."""

    id: int
    error: LictorError


class Refused(NamedTuple):
    """The other end takes nothing on this connection: no request on it was carried out."""

    error: LictorError


Event = Answered | Arrived | Failed | Refused


@dataclass(slots=True)
class _Asked:
    """A request without its whole answer, and what came of that so far; of a stream nothing is kept."""

    is_stream: bool
    parts: list[bytes] = field(default_factory=list[bytes])
    size: int = 0


class Caller:
    """The state of one conversation. After a `PeerError` or `Refused` it is over."""

    def __init__(self, *, in_flight_max: int, own: Spoken = OWN) -> None:
        self._own = own
        self._is_known = False
        """Whether it is settled which protocol the other end speaks: by its greeting, or by an answer without one."""
        self._reader = FrameReader()
        self._in_flight: dict[int, _Asked] = {}
        self._in_flight_max = in_flight_max
        self._last_id = REFUSED_ID

    @property
    def in_flight(self) -> int:
        """Requests without an answer, streams among them."""
        return len(self._in_flight)

    def greeting(self) -> bytes:
        """What to say first."""
        return greeting(self._own)

    def request(self, method: str, payload: bytes, *, is_stream: bool = False) -> tuple[int, bytes]:
        """The id of a new request, and its bytes. The parts of the answer are items if it `is_stream`, else joined.

        Raises `OverloadedError` when too many wait already, and `BodyTooLargeError` for what fits no frame.
        """
        if len(self._in_flight) >= self._in_flight_max:
            raise OverloadedError(f"{self._in_flight_max} requests to this server are under way already: retry later")
        try:
            data = encode_frame(Frame(FrameKind.REQUEST, self._last_id + 1, method, payload))
        except PeerError as error:
            raise BodyTooLargeError(f"the request {method} is too large: {error}") from error
        self._last_id += 1
        self._in_flight[self._last_id] = _Asked(is_stream)
        return self._last_id, data

    def cancel(self, request_id: int) -> bytes:
        """Forget a request; the bytes that tell the other end, none when it was answered already."""
        if self._in_flight.pop(request_id, None) is None:
            return b""
        return encode_frame(Frame(FrameKind.CANCEL, request_id, "", b""))

    def receive(self, data: bytes) -> list[Event]:
        """What `data` tells, in order; nothing of requests that were cancelled. Raises `PeerError`; of its kinds
        `IncompatibleError` when the other end speaks no protocol that this one speaks."""
        events: list[Event] = []
        for frame in self._reader.feed(data):
            if frame.kind not in (FrameKind.REPLY, FrameKind.ERROR, FrameKind.PART):
                raise PeerError(f"a server sent a {frame.kind.name.lower()} where only answers belong")
            if frame.kind is FrameKind.ERROR and frame.id == REFUSED_ID:
                return [*events, Refused(_refusal(frame))]
            if not self._is_known:
                is_greeting = frame.id == GREETING_ID and frame.kind is FrameKind.REPLY
                self._meet(read_greeting(frame.payload) if is_greeting else UNTOLD)
                if is_greeting:
                    continue
            if not REFUSED_ID < frame.id <= self._last_id:
                raise PeerError(f"a server answered request {frame.id}, which was never asked")
            asked = self._in_flight.get(frame.id)
            if asked is not None and (event := self._event(asked, frame)) is not None:
                events.append(event)
        return events

    def _meet(self, server: Spoken) -> None:
        self._is_known = True
        reason = disagreement(self._own, server, caller_name="the caller", acceptor_name="the server")
        if reason is not None:
            raise IncompatibleError(reason)

    def _event(self, asked: _Asked, frame: Frame) -> Event | None:
        """What a frame of a request in flight tells; None while more of the answer follows."""
        if frame.kind is FrameKind.PART:
            if asked.is_stream:
                return Arrived(frame.id, frame.payload)
            asked.size += len(frame.payload)
            if asked.size > ANSWER_BYTES_MAX:
                raise PeerError(f"a server's answer is over the bound of {ANSWER_BYTES_MAX} bytes")
            asked.parts.append(frame.payload)
            return None
        del self._in_flight[frame.id]
        if frame.kind is FrameKind.ERROR:
            return Failed(frame.id, _error(frame))
        payload = frame.payload
        if asked.parts:
            payload = b"".join([*asked.parts, payload])
        return Answered(frame.id, payload)


def _error(frame: Frame) -> LictorError:
    return error_from(frame.method, frame.payload.decode(errors="replace"))


def _refusal(frame: Frame) -> LictorError:
    error = _error(frame)
    if isinstance(error, IncompatibleError):
        return IncompatibleError(f"the server refused: {error}")
    return error if isinstance(error, OverloadedError) else UnreachableError(f"the server refused: {error}")
