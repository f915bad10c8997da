"""Sorted sets of keys by name: the lists by which the catalog finds what belongs together."""

from __future__ import annotations

from collections.abc import Iterator

from sortedcontainers import SortedSet

__all__ = ["Groups"]

Key = tuple[str, str]


class Groups:
    """Names, each with a sorted set of keys; a name without keys is not there."""

    def __init__(self) -> None:
        self._members: dict[str, SortedSet[Key]] = {}

    def of(self, name: str) -> Iterator[Key]:
        """The keys of `name`, in order."""
        members = self._members.get(name)
        if members is not None:
            yield from members

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def names(self) -> list[str]:
        """All names, in no order that means anything."""
        return list(self._members)

    def add(self, name: str, key: Key) -> None:
        """Put `key` under `name`."""
        members = self._members.get(name)
        if members is None:
            members = SortedSet[Key]()
            self._members[name] = members
        members.add(key)

    def remove(self, name: str, key: Key) -> bool:
        """Take `key`, which must be there, from `name`; whether that was the last one."""
        members = self._members[name]
        members.remove(key)
        if members:
            return False
        del self._members[name]
        return True

    def dismantle(self) -> Iterator[None]:
        """Give up everything, a name a step: freeing a large table in one go would hold up every other thread."""
        while self._members:
            self._members.popitem()
            yield
