"""One connection's conversation, sans I/O: bytes in, what to start or cancel out; results in, bytes out.

A caller may have many requests under way and gets their replies in any order. A request id that is still in use, a
reply where a request belongs, or bytes that are no frame end the conversation (`PeerError`): a peer that does one of
these is broken or hostile, and nothing it says later can be trusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lictor_core.errors import BodyTooLargeError, LictorError, OverloadedError, PeerError
from lictor_core.frames import (
    ANSWER_BYTES_MAX,
    GREETING_ID,
    PART_BYTES,
    REFUSED_ID,
    Frame,
    FrameKind,
    FrameReader,
    encode_frame,
    greeting_back,
)
from lictor_core.protocol import OWN, UNTOLD, Spoken, disagreement, read_greeting

__all__ = ["Call", "Cancel", "Foreign", "Goodbye", "Greet", "Peer", "Refuse", "refusal_bytes", "split"]


class Call(NamedTuple):
    """Start this request; answer it with `Peer.reply` or `Peer.error`, unless it was cancelled."""

    id: int
    method: str
    payload: bytes


class Cancel(NamedTuple):
    """The caller no longer wants the answer to this request."""

    id: int


class Goodbye(NamedTuple):
    """The caller closes the connection of its own accord, and lives on."""


class Refuse(NamedTuple):
    """Send these bytes: too many requests are under way."""

    data: bytes


class Greet(NamedTuple):
    """Send these bytes: the caller told which protocol it speaks, and this end speaks it too."""

    data: bytes


class Foreign(NamedTuple):
    """The caller speaks no protocol that this end speaks; what it asks is not carried out, and nothing follows."""

    reason: str


class Peer:
    """The state of one conversation. After a `PeerError` or `Foreign` it is over."""

    def __init__(self, *, in_flight_max: int, own: Spoken = OWN) -> None:
        self._own = own
        self._is_known = False
        """Whether it is settled which protocol the caller speaks: by its greeting, or by none."""
        self._reader = FrameReader()
        self._in_flight: set[int] = set()
        self._in_flight_max = in_flight_max

    @property
    def in_flight(self) -> int:
        """Requests that wait for their answers."""
        return len(self._in_flight)

    @property
    def is_within_frame(self) -> bool:
        """Whether a frame began to come and has not come yet."""
        return self._reader.is_within_frame

    def receive(self, data: bytes) -> list[Event]:
        """What `data` asks for, in order. Raises `PeerError`."""
        events: list[Event] = []
        for frame in self._reader.feed(data):
            match frame.kind:
                case FrameKind.REQUEST:
                    if not self._is_known and (foreign := self._met(UNTOLD)) is not None:
                        return [*events, foreign]
                    events.append(self._request(frame))
                case FrameKind.CANCEL:
                    if frame.id in self._in_flight:  # else its answer is on the way already
                        self._in_flight.discard(frame.id)
                        events.append(Cancel(frame.id))
                    elif frame.id == REFUSED_ID:
                        events.append(Goodbye())
                    elif frame.id == GREETING_ID and not self._is_known:
                        if (foreign := self._met(read_greeting(frame.payload))) is not None:
                            return [*events, foreign]
                        events.append(Greet(greeting_back(self._own)))
                case _:
                    raise PeerError(f"peer sent a {frame.kind.name.lower()} where only requests belong")
        return events

    def _met(self, caller: Spoken) -> Foreign | None:
        self._is_known = True
        reason = disagreement(caller, self._own, caller_name="the caller", acceptor_name="the server")
        return None if reason is None else Foreign(reason)

    def _request(self, frame: Frame) -> Call | Refuse:
        if frame.id in self._in_flight:
            raise PeerError(f"peer used the request id {frame.id} twice at once")
        if len(self._in_flight) >= self._in_flight_max:
            error = OverloadedError(f"{self._in_flight_max} requests are under way on this connection already")
            return Refuse(_error_frame(frame.id, error))
        self._in_flight.add(frame.id)
        return Call(frame.id, frame.method, frame.payload)

    def reply(self, request_id: int, payload: bytes) -> bytes:
        """The bytes that answer a request, or end its answer; none when it was cancelled.

        Of a payload over `PART_BYTES` the parts come first (`parts`).
        """
        if request_id not in self._in_flight:
            return b""
        self._in_flight.discard(request_id)
        return encode_frame(Frame(FrameKind.REPLY, request_id, "", payload))

    def part(self, request_id: int, payload: bytes) -> bytes:
        """The bytes of one part of an answer, or one item of a stream; none when the request was cancelled.

        Raises `PeerError` for one that fits no frame.
        """
        if request_id not in self._in_flight:
            return b""
        return encode_frame(Frame(FrameKind.PART, request_id, "", payload))

    def error(self, request_id: int, error: LictorError) -> bytes:
        """The bytes that answer a request with an error; none when it was cancelled."""
        if request_id not in self._in_flight:
            return b""
        self._in_flight.discard(request_id)
        return _error_frame(request_id, error)


Event = Call | Cancel | Foreign | Goodbye | Greet | Refuse


def split(payload: bytes) -> Iterator[bytes]:
    """`payload` in pieces that are sent one by one; the last of them is the reply. Raises `BodyTooLargeError`."""
    if len(payload) > ANSWER_BYTES_MAX:
        raise BodyTooLargeError(
            f"the answer has {len(payload)} bytes; at most {ANSWER_BYTES_MAX} are sent: ask for less at once"
        )
    return (payload[start : start + PART_BYTES] for start in range(0, len(payload), PART_BYTES))


def refusal_bytes(error: LictorError) -> bytes:
    """The bytes that turn a whole connection away: nothing that was asked on it was done."""
    return _error_frame(REFUSED_ID, error)


def _error_frame(request_id: int, error: LictorError) -> bytes:
    return encode_frame(Frame(FrameKind.ERROR, request_id, error.code, str(error).encode(errors="replace")))
