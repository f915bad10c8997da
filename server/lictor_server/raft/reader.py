"""A snapshot file, read ahead in a thread while it is sent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from lictor_server.raft.files import storage_errors
from lictor_server.raft.snapshot_file import SnapshotHead

__all__ = ["AHEAD_MAX", "FileReader"]

AHEAD_MAX: Final = 16
"""Pieces read before they are asked for, for each follower that is sent a snapshot."""


class FileReader:
    """See `shipping.SnapshotReader`. `ready` is called on the event loop when more can be had.

    The open file stays what it is when its name goes. A file that cannot be read gives nothing more; `failed` is told.
    """

    def __init__(
        self,
        path: Path,
        head: SnapshotHead,
        thread: ThreadPoolExecutor,
        *,
        ready: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Raises `StorageError` when there is no such file any more."""
        self._head = head
        self._thread = thread
        self._ready = ready
        self._failed = failed
        self._ahead: dict[int, bytes] = {}
        self._under_way: asyncio.Future[list[bytes]] | None = None
        self._closed = False
        with storage_errors("read", path):
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self._size = os.fstat(self._descriptor).st_size

    @property
    def head(self) -> SnapshotHead:
        """The last entry it holds."""
        return self._head

    @property
    def size(self) -> int:
        """How many bytes the file has."""
        return self._size

    def read(self, offset: int, size: int) -> bytes | None:
        """That piece, when it was read ahead; else None, and it is read, with more behind it."""
        data = self._ahead.pop(offset, None)
        if data is not None and len(data) != size:
            data = None
        if data is None:
            self._ahead.clear()
            self._fetch(offset, size)
        elif len(self._ahead) <= AHEAD_MAX // 2:
            self._fetch(max(self._ahead, default=offset) + size, size)
        return data

    def close(self) -> None:
        """Nothing is read any more; a read under way still ends."""
        self._closed = True
        self._ahead.clear()
        if self._under_way is None and self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _fetch(self, offset: int, size: int) -> None:
        if self._under_way is not None or self._closed or offset >= self._size:
            return
        count = AHEAD_MAX - len(self._ahead)
        loop = asyncio.get_running_loop()
        job = self._under_way = loop.run_in_executor(self._thread, _pieces, self._descriptor, offset, size, count)

        def read(job: asyncio.Future[list[bytes]]) -> None:
            self._under_way = None
            if self._closed:
                self.close()
            elif job.cancelled():
                pass
            elif (error := job.exception()) is not None:
                self._failed(error)
            else:
                for number, piece in enumerate(job.result()):
                    self._ahead[offset + number * size] = piece
                self._ready()

        job.add_done_callback(read)


def _pieces(descriptor: int, offset: int, size: int, count: int) -> list[bytes]:
    """Up to `count` pieces from `offset` on; the last of the file may be short."""
    pieces: list[bytes] = []
    while len(pieces) < count and (piece := os.pread(descriptor, size, offset + len(pieces) * size)):
        pieces.append(piece)
    return pieces
