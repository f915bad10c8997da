"""A restore under way: the pieces of a state that shall take the place of the current one.

There is one at a time. Each piece is loaded when it comes, so that the last step is short: a state of any size is put
in place without holding up the event loop. The pieces are kept as well, since a server's own snapshot must hold them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from lictor_core.commands import RestoreBegin, RestorePiece
from lictor_core.errors import RequestError
from lictor_core.limits import RESTORE_PIECE_BYTES_MAX, STATE_BYTES_MAX
from lictor_server.state.loading import Loader
from lictor_server.state.stream import StreamReader

if TYPE_CHECKING:
    from lictor_server.state.store import Store

__all__ = ["IDLE_ENTRIES_MAX", "Restoring"]

IDLE_ENTRIES_MAX: Final = 1_000_000
"""A restore that gets no piece for so many entries of the log is given up: whoever began it is gone."""
_DIGEST_BYTES: Final = 32
_AGAIN: Final = "begin the restore again"


class Restoring:
    """The restore under way, if there is one. Methods that refuse raise `RequestError`, and change nothing else."""

    def __init__(self) -> None:
        self._begin: RestoreBegin | None = None
        self._touched = 0
        self._pieces: list[bytes] = []
        self._size = 0
        self._digest = hashlib.sha256()
        self._reader = StreamReader()
        self._loader: Loader | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether a restore has begun and not ended."""
        return self._begin is not None

    def begin(self, command: RestoreBegin, index: int, make: Callable[[str], Store]) -> None:
        """Begin anew, at `index` of the log; `make` gives an empty store of a datacenter."""
        if not 0 < command.size <= STATE_BYTES_MAX:
            raise RequestError(f"the state has {command.size} bytes; at most {STATE_BYTES_MAX} are taken")
        if not 0 < command.pieces <= command.size:
            raise RequestError(f"the state has {command.size} bytes and cannot come in {command.pieces} pieces")
        if len(command.sha256) != _DIGEST_BYTES:
            raise RequestError("the checksum of the state is no SHA-256")
        self._drop()
        self._begin = command
        self._touched = index
        self._loader = Loader(make, may_hold_restore=False)

    def add(self, command: RestorePiece, index: int) -> None:
        """Take the next piece. One that cannot be part of a state ends the restore."""
        begin = self._expected(command.id)
        if command.number != len(self._pieces):
            raise RequestError(f"piece {command.number} came where piece {len(self._pieces)} belongs: {_AGAIN}")
        if not 0 < len(command.data) <= RESTORE_PIECE_BYTES_MAX:
            raise RequestError(f"a piece has {len(command.data)} bytes; 1 to {RESTORE_PIECE_BYTES_MAX} are taken")
        if self._size + len(command.data) > begin.size:
            raise RequestError(f"the state is longer than the {begin.size} bytes that were announced: {_AGAIN}")
        self._touched = index
        try:
            self._take(command.data)
        except RequestError:
            self._drop()
            raise

    def finish(self, restore_id: str) -> Store:
        """The state that came, if it is what was announced. Either way the restore has ended."""
        begin = self._expected(restore_id)
        pieces, size, digest = len(self._pieces), self._size, self._digest.digest()
        reader, loader = self._reader, self._loader
        self._drop()
        if (pieces, size) != (begin.pieces, begin.size):
            raise RequestError(
                f"{pieces} pieces with {size} bytes came instead of {begin.pieces} with {begin.size}: {_AGAIN}"
            )
        if digest != begin.sha256:
            raise RequestError(f"the state is not the one that was announced (its checksum differs): {_AGAIN}")
        assert loader is not None, "a restore that began has a loader"
        reader.finish()
        return loader.finish()

    def abandon(self, restore_id: str) -> None:
        """Give this restore up, if it is the one under way."""
        if self._begin is not None and self._begin.id == restore_id:
            self._drop()

    def expire(self, index: int) -> None:
        """Give up a restore of which nothing was heard for long, as of `index` of the log."""
        if self._begin is not None and index - self._touched > IDLE_ENTRIES_MAX:
            self._drop()

    def rows(self) -> list[tuple[RestoreBegin, int]]:
        """How the restore under way began, and where its newest piece came: for snapshots."""
        return [] if self._begin is None else [(self._begin, self._touched)]

    def piece_rows(self) -> Iterable[bytes]:
        """The pieces that came, in order: for snapshots."""
        return self._pieces

    def replay(self, pieces: Iterable[bytes]) -> None:
        """Take pieces of a snapshot, in order."""
        if self._begin is None:
            raise RequestError("the snapshot has pieces of a restore that did not begin")
        for piece in pieces:
            self._take(piece)

    def _expected(self, restore_id: str) -> RestoreBegin:
        if self._begin is None or self._begin.id != restore_id:
            raise RequestError(f"this restore is not under way any more, or another one took its place: {_AGAIN}")
        return self._begin

    def _take(self, piece: bytes) -> None:
        self._digest.update(piece)
        self._size += len(piece)
        self._pieces.append(piece)
        assert self._loader is not None, "a restore that began has a loader"
        for chunk in self._reader.feed(piece):
            self._loader.feed(chunk)

    def _drop(self) -> None:
        self._begin = None
        self._pieces = []
        self._size = 0
        self._digest = hashlib.sha256()
        self._reader = StreamReader()
        self._loader = None
