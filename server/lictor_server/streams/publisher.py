"""One query's answer as it changes, encoded once for everybody who follows it. Pure.

Changes are numbered as they happen here and kept for a while, so that a follower needs nothing but the number of the
next one. Who comes from elsewhere says at which stamp it stands: stamps are the same on every server, numbers are not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from lictor_core.edits import edits_between
from lictor_core.errors import OverloadedError
from lictor_core.feed import (
    PIECE_BYTES_MAX,
    Bookmark,
    ItemKind,
    encode_change,
    encode_snapshot,
    encode_standing,
)
from lictor_core.queries import Query
from lictor_core.rows import Row, shape_of

__all__ = ["HISTORY_BYTES_MAX", "HISTORY_MAX", "Publisher", "Standing"]

HISTORY_MAX: Final = 256
"""Changes kept of one answer. A follower further behind than that is cut off, and begins anew."""
HISTORY_BYTES_MAX: Final = 1024 * 1024
"""Their bytes together; the newest change is kept whatever its size."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An answer, where it stands, and the index that wakes who watches it."""

    bookmark: Bookmark
    index: int
    answer: object


class _Change(NamedTuple):
    since: Bookmark
    items: tuple[bytes, ...]
    size: int


class Publisher:
    """The newest answer to one query, what led to it, and both as bytes."""

    def __init__(
        self,
        query: Query[object],
        look: Callable[[], Standing],
        *,
        history_max: int = HISTORY_MAX,
        history_bytes_max: int = HISTORY_BYTES_MAX,
    ) -> None:
        """`look` gives the answer as it is now."""
        self.query = query
        self._look = look
        self._shape = shape_of(query)
        self._history_max = history_max
        self._history_bytes_max = history_bytes_max
        self._history: deque[_Change] = deque()
        self.history_bytes = 0
        self._first = 0
        self._snapshot: tuple[bytes, ...] = ()
        standing = look()
        self.bookmark: Bookmark = standing.bookmark
        self._index = standing.index
        self._rows: Sequence[Row] = self._shape.split(standing.answer)

    @property
    def next_number(self) -> int:
        """The number that the next change will have."""
        return self._first + len(self._history)

    def refresh(self) -> bool:
        """Look whether the answer changed; whether there is a change to tell."""
        standing = self._look()
        if standing.bookmark == self.bookmark:
            return False
        rows = self._shape.split(standing.answer)
        since = self.bookmark
        self._snapshot = ()
        if standing.bookmark.cluster == since.cluster and standing.bookmark.stamp > since.stamp:
            edits = edits_between(self._rows, rows, self._shape.key)
            change = encode_change(standing.bookmark, standing.index, since.stamp, edits)
            self.bookmark, self._index, self._rows = standing.bookmark, standing.index, rows
            # A change as large as the whole is told as the whole, which comes in pieces.
            items = (change,) if len(change) <= PIECE_BYTES_MAX else self.snapshot()
        else:
            self.bookmark, self._index, self._rows = standing.bookmark, standing.index, rows
            items = encode_snapshot(self.bookmark, self._index, rows, kind=ItemKind.RESET)
        self._keep(_Change(since, items, sum(map(len, items))))
        return True

    def number_after(self, after: Bookmark | None) -> int | None:
        """The number of the first change that somebody who has the answer at `after` lacks.

        None when that answer, or what followed it, is not known here: then it needs a snapshot.
        """
        if after == self.bookmark:
            return self.next_number
        for number, change in enumerate(self._history, self._first):
            if change.since == after:
                return number
        return None

    def items(self, number: int) -> tuple[bytes, ...]:
        """What tells the change of this number. Raises `OverloadedError` when it is not kept any more."""
        if number < self._first:
            raise OverloadedError(
                f"a follower of {self.query} is more than {len(self._history)} changes behind: subscribe anew"
            )
        return self._history[number - self._first].items

    def snapshot(self, *, goes_back: bool = False) -> tuple[bytes, ...]:
        """The whole answer, in pieces; `goes_back` lets it take the place of one that seems newer."""
        if goes_back:
            return encode_snapshot(self.bookmark, self._index, self._rows, kind=ItemKind.RESET)
        if not self._snapshot:
            self._snapshot = encode_snapshot(self.bookmark, self._index, self._rows)
        return self._snapshot

    def standing(self) -> bytes:
        """The word that somebody's answer is the newest."""
        return encode_standing(self.bookmark, self._index)

    def rest(self) -> None:
        """Nobody follows just now: keep no bytes that can be made again."""
        self._snapshot = ()

    def _keep(self, change: _Change) -> None:
        self._history.append(change)
        self.history_bytes += change.size
        while len(self._history) > 1 and (
            len(self._history) > self._history_max or self.history_bytes > self._history_bytes_max
        ):
            self.history_bytes -= self._history.popleft().size
            self._first += 1
