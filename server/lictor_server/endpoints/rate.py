"""A token bucket: so many a second on average, and as many at once."""

from __future__ import annotations

__all__ = ["Rate"]


class Rate:
    """Allows `per_second` takes a second; 0 allows all. Times are seconds of one monotonic clock."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._tokens = per_second
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Whether one more is allowed now."""
        if self._per_second <= 0:
            return True
        if self._at is not None:
            self._tokens = min(self._per_second, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
