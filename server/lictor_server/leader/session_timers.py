"""When each session ends unless it is renewed: pure bookkeeping of deadlines, cheap to move on.

A renewal costs one look into a table. The heap holds each session once, at a time that may be past by now, and finds
out when it gets there.
"""

from __future__ import annotations

import heapq
from typing import Final

__all__ = ["SessionTimers"]

_STALE_MAX: Final = 1024
"""So many entries of the heap may be of sessions that are gone, beyond as many as there are sessions."""


class SessionTimers:
    """Deadlines by session id. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._lasts_s: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._ending: set[str] = set()

    def __len__(self) -> int:
        return len(self._due)

    def clear(self) -> None:
        """Forget all."""
        self._due.clear()
        self._lasts_s.clear()
        self._heap.clear()
        self._ending.clear()

    def begin(self, session_id: str, lasts_s: float, now: float) -> None:
        """Count a session from `now` on: it lasts so long after each renewal."""
        self._lasts_s[session_id] = lasts_s
        self._ending.discard(session_id)
        self._set(session_id, now + lasts_s)

    def renew(self, session_id: str, now: float) -> bool:
        """Begin its time anew; False when it is ending already. One that is not counted never ends by itself."""
        if session_id in self._ending:
            return False
        if session_id in self._due:
            self._due[session_id] = max(self._due[session_id], now + self._lasts_s[session_id])
        return True

    def drop(self, session_id: str) -> None:
        """The session has ended."""
        self._due.pop(session_id, None)
        self._lasts_s.pop(session_id, None)
        self._ending.discard(session_id)
        if len(self._heap) > 2 * len(self._due) + _STALE_MAX:
            self._rebuild()

    def expired(self, now: float) -> list[str]:
        """The sessions whose time is over; each is ending from here on, until `drop` or `retry`."""
        found: list[str] = []
        while self._heap and self._heap[0][0] <= now:
            _, session_id = heapq.heappop(self._heap)
            due = self._due.get(session_id)
            if due is None:
                continue
            if due > now:
                heapq.heappush(self._heap, (due, session_id))
                continue
            del self._due[session_id]
            self._ending.add(session_id)
            found.append(session_id)
        return found

    def retry(self, session_id: str, at: float) -> None:
        """It could not be ended: `expired` names it again at `at`. It stays one that is ending."""
        if session_id in self._ending:
            self._set(session_id, at)

    def next_due(self) -> float | None:
        """When `expired` should be asked again; None while nothing is counted. May be too early, never too late."""
        return self._heap[0][0] if self._heap else None

    def extend(self, pause_s: float) -> None:
        """Nobody could renew for so long: all have that much more time."""
        for session_id in self._due:
            self._due[session_id] += pause_s
        self._rebuild()

    def _set(self, session_id: str, due: float) -> None:
        self._due[session_id] = due
        heapq.heappush(self._heap, (due, session_id))

    def _rebuild(self) -> None:
        self._heap = [(due, session_id) for session_id, due in self._due.items()]
        heapq.heapify(self._heap)
