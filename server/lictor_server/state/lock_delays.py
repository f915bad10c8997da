"""Keys that nobody may lock yet, since the session that held them ended: whoever lost it may not know so far.

They are part of the state, so that a change of the leader forgets none of them. Times are those of `TimedCommand`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

__all__ = ["LockDelays"]


class LockDelays:
    """Until when each such key is barred. What is over is dropped when something new comes."""

    def __init__(self) -> None:
        self._until: dict[str, int] = {}
        self._ends: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._until)

    def bar(self, key: str, now_ms: int, delay_ms: int) -> None:
        """Nobody may lock `key` for `delay_ms` from now on."""
        self._drop_over(now_ms)
        until = max(self._until.get(key, 0), now_ms + delay_ms)
        self._until[key] = until
        heapq.heappush(self._ends, (until, key))

    def bars(self, key: str, now_ms: int) -> bool:
        """Whether `key` cannot be locked at `now_ms`."""
        return now_ms < self._until.get(key, 0)

    def _drop_over(self, now_ms: int) -> None:
        while self._ends and self._ends[0][0] <= now_ms:
            until, key = heapq.heappop(self._ends)
            if self._until.get(key) == until:
                del self._until[key]

    def rows(self) -> Iterator[tuple[str, int]]:
        """Every barred key as of this call with the end of its time, sorted: for snapshots. For any thread."""
        return iter(sorted(self._until.items()))

    def restore(self, rows: Iterable[tuple[str, int]]) -> None:
        """Take the rows of a snapshot."""
        for key, until in rows:
            self._until[key] = until
            heapq.heappush(self._ends, (until, key))
