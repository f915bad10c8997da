"""RPC frames: a length and a msgpack body, read from any split of the byte stream.

Layout: 4 bytes length of the body, big endian; then the body, a msgpack array `[kind, id, method, payload]`. The
reader is sans-I/O: bytes in, frames out, one error for anything else.

Who dials says first which protocol it speaks (`greeting`), and is greeted back before the first answer. Those who do
not know of that pass over it, and are not greeted.

An answer comes as one reply, or in parts before it: those of a long answer are joined, each of a stream's is an item of
its own. The reply, or an error, ends it.
"""

from __future__ import annotations

import enum
from typing import Final

import msgspec

from lictor_core.errors import PeerError
from lictor_core.protocol import Spoken

__all__ = [
    "ANSWER_BYTES_MAX",
    "FRAME_BYTES_MAX",
    "GOODBYE",
    "GREETING_ID",
    "PART_BYTES",
    "REFUSED_ID",
    "Frame",
    "FrameKind",
    "FrameReader",
    "encode_frame",
    "greeting",
    "greeting_back",
]

FRAME_BYTES_MAX: Final = 4 * 1024 * 1024
"""The largest body of a frame; a peer that announces more is cut off."""
PART_BYTES: Final = 512 * 1024
"""A longer answer comes in parts of so much, between which others find their place on the connection."""
ANSWER_BYTES_MAX: Final = 256 * 1024 * 1024
"""The longest answer, joined from its parts; it stands in memory at both ends."""
REFUSED_ID: Final = 0
"""An error with this id is about the whole connection: nothing that was asked on it was done. Requests begin at 1."""
GREETING_ID: Final = 2**64 - 1
"""A frame with this id tells which protocol its end speaks. No request gets as far."""
_HEADER_BYTES: Final = 4


class FrameKind(enum.IntEnum):
    """What a frame is."""

    REQUEST = 1
    REPLY = 2
    ERROR = 3
    CANCEL = 4
    PART = 5


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """One message. `id` pairs a reply with its request on one connection; `method` is empty but in requests and errors.

    In an error `method` is the error's code and `payload` its message.
    """

    kind: FrameKind
    id: int
    method: str
    payload: bytes


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Frame)
"""Makes nothing but what a frame holds: whatever else stands in the bytes is passed over or refused, not built."""


def encode_frame(frame: Frame) -> bytes:
    """The bytes of `frame`. Raises `PeerError` when it is larger than a peer would take."""
    body = _ENCODER.encode(frame)
    if len(body) > FRAME_BYTES_MAX:
        raise PeerError(f"frame of {len(body)} bytes is over the bound of {FRAME_BYTES_MAX}")
    return len(body).to_bytes(_HEADER_BYTES, "big") + body


GOODBYE: Final = Frame(FrameKind.CANCEL, REFUSED_ID, "", b"")
"""The last frame of who closes a connection on purpose and lives on: else the other end takes it for lost.

It cancels what nobody asked, so that one who does not know it passes over it.
"""


def greeting(own: Spoken) -> bytes:
    """What who dials says first, also in every later protocol. As a cancel of what nobody asked it is passed over by
    builds from before there was a greeting."""
    return encode_frame(Frame(FrameKind.CANCEL, GREETING_ID, "", _ENCODER.encode(own)))


def greeting_back(own: Spoken) -> bytes:
    """What who was greeted says before the first answer."""
    return encode_frame(Frame(FrameKind.REPLY, GREETING_ID, "", _ENCODER.encode(own)))


class FrameReader:
    """Collects bytes and gives whole frames. After an error the connection cannot be used further."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def is_within_frame(self) -> bool:
        """Whether a frame began to come and has not come yet."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes, in order. Raises `PeerError` for anything that is no frame."""
        self._buffer += data
        frames: list[Frame] = []
        while len(self._buffer) >= _HEADER_BYTES:
            length = int.from_bytes(self._buffer[:_HEADER_BYTES], "big")
            if length > FRAME_BYTES_MAX:
                raise PeerError(f"peer announced a frame of {length} bytes; the bound is {FRAME_BYTES_MAX}")
            end = _HEADER_BYTES + length
            if len(self._buffer) < end:
                break
            frames.append(_decode(bytes(self._buffer[_HEADER_BYTES:end])))
            del self._buffer[:end]
        return frames


def _decode(body: bytes) -> Frame:
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise PeerError(f"peer sent bytes that are no frame: {error}") from error
