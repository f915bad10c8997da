"""A map from prefixes to values that finds all prefixes of a key quickly.

Used for the watches on KV prefixes and for their cached indexes. A key of n characters is looked up once for each
*length* that some prefix has, not once for each prefix: ten thousand watches on `app/<name>/` cost a few look-ups.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final, Generic, TypeVar

__all__ = ["PrefixMap", "end_of"]

V = TypeVar("V")

_LAST_CHARACTER: Final = chr(sys.maxunicode)


def end_of(prefix: str) -> str | None:
    """The first text after all those that start with `prefix`; None when there is none."""
    begun = prefix.rstrip(_LAST_CHARACTER)
    return begun[:-1] + chr(ord(begun[-1]) + 1) if begun else None


class PrefixMap(Generic[V]):
    """Prefixes with one value each, in the order in which they were first set."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, V] = OrderedDict()
        self._lengths: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def get(self, prefix: str) -> V | None:
        """The value of exactly this prefix."""
        return self._values.get(prefix)

    def set(self, prefix: str, value: V) -> None:
        """Give this prefix a value."""
        if prefix not in self._values:
            self._lengths[len(prefix)] = self._lengths.get(len(prefix), 0) + 1
        self._values[prefix] = value

    def drop(self, prefix: str) -> None:
        """Forget this prefix; it must be there."""
        del self._values[prefix]
        length = len(prefix)
        if self._lengths[length] == 1:
            del self._lengths[length]
        else:
            self._lengths[length] -= 1

    def drop_oldest(self) -> None:
        """Forget the prefix that was set first; there must be one."""
        self.drop(next(iter(self._values)))

    def prefixes_of(self, key: str) -> Iterator[str]:
        """The prefixes that `key` starts with, and so also `key` itself when it is one."""
        size = len(key)
        for length in self._lengths:
            if length <= size and (prefix := key[:length]) in self._values:
                yield prefix

    def touched_by(self, keys: Sequence[str]) -> list[str]:
        """The prefixes that any of `keys` starts with. `keys` are sorted, and rather many: each prefix is looked at."""
        found: list[str] = []
        for prefix in self._values:
            at = bisect_left(keys, prefix)
            if at < len(keys) and keys[at].startswith(prefix):
                found.append(prefix)
        return found
