"""Token buckets: so many a second on average and so many at once, for one or for each of many. Pure."""

from __future__ import annotations

import math
from collections import OrderedDict

__all__ = ["Bucket", "Buckets"]


class Bucket:
    """Allows `rate` takes a second, and `burst` at once; full at first. Times are of one monotonic clock.

    An infinite `rate` allows all, one of 0 no more than the first `burst`; a `burst` below 1 allows nothing. Both may
    be changed at any time.
    """

    __slots__ = ("_at", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._tokens = float(burst)
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Whether one more is allowed now."""
        if self.rate == math.inf:
            return True
        elapsed_s = 0.0 if self._at is None else now - self._at
        self._tokens = min(self.burst, self._tokens + elapsed_s * self.rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    @property
    def wait_s(self) -> float:
        """After a take in vain: how long until one is allowed, if nobody else takes; infinite when none ever is."""
        if self.burst < 1 or self.rate <= 0:
            return math.inf
        return max(1 - self._tokens, 0.0) / self.rate


class Buckets:
    """A bucket for each of at most `names_max` names: the one not asked for longest goes, and begins anew, full."""

    def __init__(self, rate: float, burst: float, names_max: int) -> None:
        self._rate = rate
        self._burst = burst
        self._names_max = names_max
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def of(self, name: str) -> Bucket:
        """The bucket of `name`."""
        bucket = self._buckets.get(name)
        if bucket is not None:
            self._buckets.move_to_end(name)
            return bucket
        if len(self._buckets) >= self._names_max:
            self._buckets.popitem(last=False)
        bucket = self._buckets[name] = Bucket(self._rate, self._burst)
        return bucket
