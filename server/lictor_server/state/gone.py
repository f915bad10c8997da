"""Deleted keys, of which the oldest go first and those under a prefix are found.

The age is that of an ordered map, not of a plain one: taking the first entry of a plain one again and again steps over
all that were taken before, which at 100,000 keys cost a deletion more than everything else it does.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from sortedcontainers import SortedList

from lictor_server.state.prefixes import end_of

__all__ = ["GoneKeys"]


class GoneKeys:
    """Keys that were deleted, each with the index of that."""

    def __init__(self) -> None:
        self._index: OrderedDict[str, int] = OrderedDict()
        self._sorted: SortedList[str] = SortedList()

    def __len__(self) -> int:
        return len(self._index)

    def get(self, key: str, default: int) -> int:
        """When `key` was deleted; `default` when it was not."""
        return self._index.get(key, default)

    def add(self, key: str, index: int) -> None:
        """`key`, which must not be here, was deleted at `index`."""
        self._index[key] = index
        self._sorted.add(key)

    def add_many(self, keys: list[str], index: int, keys_max: int) -> int:
        """All of `keys`, none of which may be here, were deleted at `index`, in this order.

        At most `keys_max` are kept; the newest index of those that are forgotten for that, 0 when there is none.
        """
        newest = index if len(keys) > keys_max else 0
        kept = keys[max(len(keys) - keys_max, 0) :]
        over = min(len(self._index) + len(kept) - keys_max, len(self._index))
        for _ in range(over):
            _, forgotten = self._index.popitem(last=False)
            newest = max(newest, forgotten)
        self._index.update(dict.fromkeys(kept, index))
        if over > 0:
            self._sorted.clear()
            self._sorted.update(self._index)
        else:
            self._sorted.update(kept)
        return newest

    def discard(self, key: str) -> None:
        """`key` is there again, if it was gone at all."""
        if self._index.pop(key, None) is not None:
            self._sorted.remove(key)

    def drop_oldest(self) -> int:
        """Forget the one that was deleted first; its index. There must be one."""
        key, index = self._index.popitem(last=False)
        self._sorted.remove(key)
        return index

    def newest_under(self, prefix: str, default: int) -> int:
        """The newest index of a key that starts with `prefix`, or `default` when that is newer."""
        under = self._sorted.irange(prefix, end_of(prefix), (True, False))
        return max(default, max(map(self._index.__getitem__, under), default=default))

    def rows(self) -> Iterator[tuple[str, int]]:
        """Every key with its index as of this call, oldest first.

        Two lists are copied at once, without a pair for each row, which would hold up the event loop.
        """
        return zip(list(self._index), list(self._index.values()), strict=True)
