"""Chunks as one stream of bytes: what a snapshot consists of outside the directory of a server.

    chunk: length 4 | crc32 4 | bytes        end: length 0 | count of chunks 4

All numbers are big-endian. The reader takes the stream in pieces of any size, as they come.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from lictor_core.errors import RequestError

__all__ = ["CHUNK_BYTES_MAX", "StreamReader", "stream"]

CHUNK_BYTES_MAX: Final = 64 * 1024 * 1024
"""The longest chunk that a reader waits for: far more than is written, far less than a wrong length could ask for."""
_PAIR: Final = struct.Struct(">II")


def stream(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The parts of the stream that holds `chunks`, none of which is empty."""
    count = 0
    for chunk in chunks:
        count += 1
        yield _PAIR.pack(len(chunk), zlib.crc32(chunk))
        yield chunk
    yield _PAIR.pack(0, count)


class StreamReader:
    """Finds the chunks in a stream. After a `RequestError` it is over."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._count = 0
        self._ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The chunks that are whole with `data`. Raises `RequestError` for what was never written."""
        self._rest += data
        start = 0
        try:
            while not self._ended and len(self._rest) - start >= _PAIR.size:
                length, check = _PAIR.unpack_from(self._rest, start)
                if length > CHUNK_BYTES_MAX:
                    raise RequestError(f"chunk {self._count} of the state has a wrong length ({length} bytes)")
                if len(self._rest) - start - _PAIR.size < length:
                    break
                start += _PAIR.size
                if length == 0:
                    self._end(check)
                    break
                chunk = bytes(memoryview(self._rest)[start : start + length])
                start += length
                if zlib.crc32(chunk) != check:
                    raise RequestError(f"chunk {self._count} of the state has a wrong checksum")
                self._count += 1
                yield chunk
        finally:
            del self._rest[:start]
        if self._ended and self._rest:
            raise RequestError("there are bytes behind the end of the state")

    def _end(self, count: int) -> None:
        if count != self._count:
            raise RequestError(f"the state has {self._count} chunks instead of {count}")
        self._ended = True

    def finish(self) -> None:
        """Everything was fed. Raises `RequestError` when the stream goes on."""
        if not self._ended:
            raise RequestError(f"the state ends too soon, within chunk {self._count}")
