"""What is due when, by name: the earliest first, at a cost that does not grow with how much is planned."""

from __future__ import annotations

import heapq

__all__ = ["Agenda"]


class Agenda:
    """At most one moment for each key. A changed plan leaves its former entry behind, which is skipped later."""

    def __init__(self) -> None:
        self._moments: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def plan(self, key: str, moment: float) -> None:
        """`key` is due at `moment`, and no more at the one planned before."""
        self._moments[key] = moment
        heapq.heappush(self._heap, (moment, key))
        if len(self._heap) > 2 * len(self._moments) + 64:
            self._heap = [(moment, key) for key, moment in self._moments.items()]
            heapq.heapify(self._heap)

    def cancel(self, key: str) -> None:
        """Nothing is planned for `key`."""
        self._moments.pop(key, None)

    def moment(self, key: str) -> float | None:
        """When `key` is due."""
        return self._moments.get(key)

    def due(self, now: float) -> str | None:
        """Take the key that is due longest; None when nothing is."""
        next_moment = self.next()
        if next_moment is None or next_moment > now:
            return None
        _, key = heapq.heappop(self._heap)
        del self._moments[key]
        return key

    def next(self) -> float | None:
        """When something is due next."""
        while self._heap:
            moment, key = self._heap[0]
            if self._moments.get(key) == moment:
                return moment
            heapq.heappop(self._heap)
        return None

    def shift(self, by_s: float) -> None:
        """Everything is due so much later."""
        self._moments = {key: moment + by_s for key, moment in self._moments.items()}
        self._heap = [(moment, key) for key, moment in self._moments.items()]
        heapq.heapify(self._heap)

    def clear(self) -> None:
        """Plan nothing."""
        self._moments.clear()
        self._heap.clear()
