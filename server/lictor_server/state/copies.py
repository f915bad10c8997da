"""What a table held at one moment, read later while the table goes on changing: for snapshots.

Copying all rows at once would hold up the event loop, so a copy takes the keys alone, and the values are read when they
are asked for. Whoever changes a table says so first, for each key, and the copy keeps what was there until then. So a
copy costs a list of keys, and then no more than what changes while it is read.

The reader may be in another thread: it looks at the table *before* it asks what was kept, and the writer keeps *before*
it changes the table. A reader that saw anything of a change therefore finds the value from before it.
"""

from __future__ import annotations

import heapq
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Generic, TypeVar

from lictor_core.topics import Topic

__all__ = ["Copies", "Copy", "in_order"]

K = TypeVar("K")
V = TypeVar("V")
S = TypeVar("S", str, Topic)

_RUN_ROWS: Final = 1000
"""So many rows are sorted in one go: sorting many would hold up every other thread."""


class Copy(Generic[K, V]):
    """The values of some keys as of the moment when this was made; to be iterated once."""

    def __init__(self, keys: Iterable[K], read: Callable[[K], V | None]) -> None:
        """`read` gives what the table holds, None for nothing; it may be called from any thread."""
        self._keys = keys
        self._read = read
        self._kept: dict[K, V] = {}

    def keep(self, key: K) -> None:
        """The table is about to change what `key` holds; called by the writer."""
        if key not in self._kept:
            value = self._read(key)
            if value is not None:
                self._kept[key] = value

    def __iter__(self) -> Iterator[tuple[K, V]]:
        for key in self._keys:
            value = self._read(key)
            value = self._kept.get(key, value)
            assert value is not None, "what was there is in the table, or was kept"
            yield key, value


class Copies(Generic[K, V]):
    """The copies of one table that somebody still holds. All methods belong to the writer's thread."""

    def __init__(self) -> None:
        self.made: list[weakref.ref[Copy[K, V]]] = []
        """Empty when there is nobody to keep anything for: asked before each write, so it must cost next to nothing."""

    def __bool__(self) -> bool:
        """Whether somebody holds a copy."""
        self.made = [made for made in self.made if made() is not None]
        return bool(self.made)

    def make(self, keys: Iterable[K], read: Callable[[K], V | None]) -> Copy[K, V]:
        """A copy that is kept true for as long as somebody holds it, or its iterator."""
        copy = Copy(keys, read)
        self.made.append(weakref.ref(copy))
        return copy

    def keep(self, key: K) -> None:
        """Before the table changes what `key` holds."""
        if self:
            for made in self.made:
                copy = made()
                if copy is not None:
                    copy.keep(key)


def in_order(keys: Sequence[S]) -> Iterator[S]:
    """`keys` sorted, a run at a time; nothing is done before the first one is asked for."""
    yield from heapq.merge(*(sorted(keys[start : start + _RUN_ROWS]) for start in range(0, len(keys), _RUN_ROWS)))
