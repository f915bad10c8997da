"""A view: an answer that follows the servers' by what they tell, and never goes back.

Pure. Feed it the items of a feed in order; it has a new value only when an item made one whole. A change that does not
lead on from what is here, or an answer from the past, is refused: whoever feeds it then asks anew, from `bookmark`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Generic, TypeVar, cast

from lictor_core.edits import edited
from lictor_core.errors import PeerError
from lictor_core.feed import Bookmark, Item, ItemKind, decode_item
from lictor_core.queries import Query
from lictor_core.rows import Row, shape_of

__all__ = ["View"]

T = TypeVar("T")
_STEP: Final = 2**48
"""More than any index that a log reaches."""


class View(Generic[T]):
    """The answer to `query`, as far as it was told. Lists in `value` are replaced, never changed."""

    def __init__(self, query: Query[T]) -> None:
        self.query = query
        self._shape = shape_of(query)
        self._rows: Sequence[Row] | None = None
        self._partial: tuple[Bookmark, list[Row]] | None = None
        self._value: T | None = None
        self.bookmark: Bookmark | None = None
        """Which answer this is; None before there is one."""
        self.index = 0
        """The index that a blocking query hands back; 0 before there is an answer."""
        self._steps = 0

    @property
    def is_ready(self) -> bool:
        """Whether there is an answer."""
        return self._rows is not None

    @property
    def is_whole(self) -> bool:
        """Whether there is an answer, and no other one has begun to come in its place."""
        return self._rows is not None and self._partial is None

    @property
    def stamp(self) -> int:
        """Grows with every change of the answer here; 0 before there is one.

        It is the answer's own stamp, and a step above it for each answer that did not lead on from the one before: of
        another log, or what the token sees since its rights are others.
        """
        return 0 if self.bookmark is None else self.bookmark.stamp + self._steps * _STEP

    @property
    def wake_index(self) -> int:
        """The same for changes that wake who watches it."""
        return self.index + self._steps * _STEP

    @property
    def value(self) -> T:
        """The answer. Only for a view that is ready."""
        assert self._rows is not None, "a view that is not ready has no value"
        if self._value is None:
            self._value = cast(T, self._shape.join(self._rows))
        return self._value

    def apply(self, data: bytes) -> bool:
        """Take the next item; whether there is a new answer. Raises `PeerError`, and is then what it was before."""
        item = decode_item(data, self._shape)
        match item.kind:
            case ItemKind.SNAPSHOT | ItemKind.RESET:
                return self._collect(item)
            case ItemKind.CHANGE:
                return self._change(item)
            case ItemKind.STANDING:
                self._check_stands(item)
                return False

    def interrupt(self) -> None:
        """The feed ended: forget the pieces of a snapshot that was not told to its end."""
        self._partial = None

    def _collect(self, item: Item) -> bool:
        at = item.edits[0].at if len(item.edits) == 1 else -1
        if at == 0:
            self._partial = item.bookmark, []
        if self._partial is None or self._partial[0] != item.bookmark or at != len(self._partial[1]):
            self._partial = None
            raise PeerError(f"a snapshot of {self.query} came with a piece missing")
        self._partial[1].extend(item.edits[0].rows)
        if not item.is_last:
            return False
        rows = self._partial[1]
        self._partial = None
        if item.kind is not ItemKind.RESET:
            self._check_forward(item.bookmark)
        self._become(item, rows)
        return True

    def _change(self, item: Item) -> bool:
        here = self.bookmark
        if here is None or self._rows is None or here != Bookmark(item.bookmark.cluster, item.since):
            raise PeerError(f"a change of {self.query} from stamp {item.since} does not follow on {here}")
        self._check_forward(item.bookmark)
        try:
            rows = edited(self._rows, item.edits) if item.edits else self._rows
        except ValueError as error:
            raise PeerError(f"a change of {self.query} does not fit: {error}") from error
        self._become(item, rows)
        return True

    def _become(self, item: Item, rows: Sequence[Row]) -> None:
        if self._shape.is_sole and len(rows) != 1:
            raise PeerError(f"a server told {self.query} in {len(rows)} rows, where one answers it")
        if rows is not self._rows:
            self._rows, self._value = rows, None
        if self.bookmark is not None and (
            item.bookmark.cluster != self.bookmark.cluster or item.bookmark.stamp < self.bookmark.stamp
        ):
            self._steps += 1
        self.bookmark, self.index = item.bookmark, item.index

    def _check_forward(self, to: Bookmark) -> None:
        here = self.bookmark
        # Another cluster counts anew; it stands in the place of the former one.
        if here is not None and here.cluster == to.cluster and to.stamp < here.stamp:
            raise PeerError(f"a server told {self.query} as of stamp {to.stamp}, which is before {here.stamp}")

    def _check_stands(self, item: Item) -> None:
        if self.bookmark != item.bookmark:
            raise PeerError(f"a server said that {self.query} stands at {item.bookmark}; here it is {self.bookmark}")
