"""Rules of one resource by name: the exact one, else the longest prefix. Immutable once made, and fast."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping

from lictor_core.acl.rules import Access

__all__ = ["Places", "outranks"]


def outranks(one: Access, other: Access) -> bool:
    """Whether of two rules about the same place `one` counts: deny, then write, list, read."""
    if other is Access.DENY:
        return False
    return one is Access.DENY or one > other


class Places:
    """What is granted where, of one resource; case counts.

    The prefixes stand sorted, each knowing the longest one that it begins with itself. The last prefix that is not
    behind a name leads to the longest that fits by that chain, however many prefixes there are.
    """

    __slots__ = ("_above", "_at", "_exact", "_levels", "_prefixes")

    def __init__(self, exact: Mapping[str, Access], prefixes: Mapping[str, Access]) -> None:
        self._exact = dict(exact)
        self._at = dict(prefixes)
        self._prefixes = sorted(prefixes)
        self._levels = [prefixes[prefix] for prefix in self._prefixes]
        self._above: list[int] = []
        for at, prefix in enumerate(self._prefixes):
            above = at - 1
            while above >= 0 and not prefix.startswith(self._prefixes[above]):
                above = self._above[above]
            self._above.append(above)

    def __len__(self) -> int:
        return len(self._exact) + len(self._prefixes)

    def level(self, name: str) -> Access | None:
        """What the rule that counts for `name` grants; None when none speaks of it."""
        level = self._exact.get(name)
        return self.prefix_level(name) if level is None else level

    def prefix_level(self, name: str) -> Access | None:
        """The same by prefixes alone: what counts for whatever begins with `name`, but for rules below it."""
        at = bisect_right(self._prefixes, name) - 1
        while at >= 0 and not name.startswith(self._prefixes[at]):
            at = self._above[at]
        return self._levels[at] if at >= 0 else None

    def levels_below(self, prefix: str) -> Iterable[Access]:
        """What every rule grants that speaks of `prefix` itself or of something that begins with it."""
        yield from (level for name, level in self._exact.items() if name.startswith(prefix))
        yield from (level for name, level in self._at.items() if name.startswith(prefix))
