"""Raft messages on a byte stream: 4 bytes length, big endian, and msgpack of a map.

Sans-I/O: bytes in, bodies and messages out, `PeerError` and nothing else for whatever the bytes are.
"""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_core.errors import PeerError
from lictor_server.raft.wire import Message

__all__ = ["LENGTH_BYTES", "MESSAGE_BYTES_MAX", "BodyReader", "decode_message", "encode_message", "framed"]

MESSAGE_BYTES_MAX: Final = 4 * 1024 * 1024
"""The largest message; the batches of `RaftSettings` are half of it. A peer that announces more is cut off."""
LENGTH_BYTES: Final = 4
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(dict[str, object])


def framed(body: bytes) -> bytes:
    """`body` behind its length."""
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def encode_message(message: Message) -> bytes:
    """The body of a message. Raises `TypeError` for what is no plain value, which is a mistake of ours."""
    return _ENCODER.encode(message)


def decode_message(body: bytes | memoryview) -> Message:
    """The message in a body. Raises `PeerError` for anything else; what the map holds is checked by `parsed`."""
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
        raise PeerError(f"a server sent bytes that are no Raft message: {error}") from error


class BodyReader:
    """Collects bytes and gives whole bodies of at most `bytes_max`. After an error the connection is of no more use."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._buffer = bytearray()
        self._wanted = LENGTH_BYTES

    @property
    def is_empty(self) -> bool:
        """Whether every byte that came belonged to a whole body."""
        return not self._buffer

    def feed(self, data: bytes) -> list[memoryview]:
        """The bodies that `data` completes, in order. Raises `PeerError` when one is announced that is too large."""
        if self._buffer or len(data) < self._wanted:
            # What is incomplete is only added to, so that a large body in small pieces is copied once.
            self._buffer += data
            if len(self._buffer) < self._wanted:
                return []
            data = bytes(self._buffer)
            self._buffer.clear()
        view = memoryview(data)
        bodies: list[memoryview] = []
        start, end = 0, len(data)
        self._wanted = LENGTH_BYTES
        while end - start >= LENGTH_BYTES:
            length = int.from_bytes(view[start : start + LENGTH_BYTES], "big")
            if length > self._bytes_max:
                raise PeerError(f"a server announced {length} bytes; the bound is {self._bytes_max}")
            if end - start < LENGTH_BYTES + length:
                self._wanted = LENGTH_BYTES + length
                break
            bodies.append(view[start + LENGTH_BYTES : start + LENGTH_BYTES + length])
            start += LENGTH_BYTES + length
        self._buffer += view[start:]
        return bodies
