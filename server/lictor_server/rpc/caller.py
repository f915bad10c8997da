"""The asking end of one RPC connection, sans I/O: requests to bytes, bytes to what became of them.

Ids count up from 1 and are not used again. A frame that no server sends, or an answer to what was never asked, ends the
conversation (`PeerError`): nothing that comes later can be trusted.
"""

from __future__ import annotations

from typing import NamedTuple

from lictor_core.errors import BodyTooLargeError, LictorError, OverloadedError, PeerError, UnreachableError, error_from
from lictor_core.frames import Frame, FrameKind, FrameReader, encode_frame
from lictor_server.rpc.arrival import REFUSED_ID

__all__ = ["Answered", "Caller", "Failed", "Refused"]


class Answered(NamedTuple):
    """A request was carried out."""

    id: int
    payload: bytes


class Failed(NamedTuple):
    """A request failed, as the other end tells."""

    id: int
    error: LictorError


class Refused(NamedTuple):
    """The other end takes nothing on this connection: no request on it was carried out."""

    error: LictorError


class Caller:
    """The state of one conversation. After a `PeerError` or `Refused` it is over."""

    def __init__(self, *, in_flight_max: int) -> None:
        self._reader = FrameReader()
        self._in_flight: set[int] = set()
        self._in_flight_max = in_flight_max
        self._last_id = REFUSED_ID

    @property
    def in_flight(self) -> int:
        """Requests without an answer."""
        return len(self._in_flight)

    def request(self, method: str, payload: bytes) -> tuple[int, bytes]:
        """The id of a new request, and its bytes.

        Raises `OverloadedError` when too many wait already, and `BodyTooLargeError` for what fits no frame.
        """
        if len(self._in_flight) >= self._in_flight_max:
            raise OverloadedError(f"{self._in_flight_max} requests to this server are under way already")
        try:
            data = encode_frame(Frame(FrameKind.REQUEST, self._last_id + 1, method, payload))
        except PeerError as error:
            raise BodyTooLargeError(f"the request {method} is too large: {error}") from error
        self._last_id += 1
        self._in_flight.add(self._last_id)
        return self._last_id, data

    def cancel(self, request_id: int) -> bytes:
        """Forget a request; the bytes that tell the other end, none when it was answered already."""
        if request_id not in self._in_flight:
            return b""
        self._in_flight.discard(request_id)
        return encode_frame(Frame(FrameKind.CANCEL, request_id, "", b""))

    def receive(self, data: bytes) -> list[Answered | Failed | Refused]:
        """What `data` tells, in order; nothing of requests that were cancelled. Raises `PeerError`."""
        events: list[Answered | Failed | Refused] = []
        for frame in self._reader.feed(data):
            if frame.kind not in (FrameKind.REPLY, FrameKind.ERROR):
                raise PeerError(f"a server sent a {frame.kind.name.lower()} where only answers belong")
            if frame.kind is FrameKind.ERROR and frame.id == REFUSED_ID:
                return [*events, Refused(_refusal(frame))]
            if not REFUSED_ID < frame.id <= self._last_id:
                raise PeerError(f"a server answered request {frame.id}, which was never asked")
            if frame.id in self._in_flight:
                self._in_flight.discard(frame.id)
                events.append(
                    Answered(frame.id, frame.payload)
                    if frame.kind is FrameKind.REPLY
                    else Failed(frame.id, _error(frame))
                )
        return events


def _error(frame: Frame) -> LictorError:
    return error_from(frame.method, frame.payload.decode(errors="replace"))


def _refusal(frame: Frame) -> LictorError:
    error = _error(frame)
    return error if isinstance(error, OverloadedError) else UnreachableError(f"the server refused: {error}")
