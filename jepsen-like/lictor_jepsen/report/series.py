"""What a run was like over time: how much went well a second, and how long it took. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from lictor_jepsen.history import Call
from lictor_jepsen.op import Kind, Op

__all__ = ["Series", "quantile", "series"]

_BUCKETS_MAX: Final = 120
"""Into how many parts a run is divided at most: more would be finer than a page is wide."""
_WIDTHS_MS: Final = (250, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000)
QUANTILES: Final = (0.5, 0.95, 0.99)


class Series(NamedTuple):
    """A run in parts of equal length; every list has an entry for each."""

    bucket_ms: int
    ok: list[float]
    """Calls that ended well in that part, a second."""
    fail: list[float]
    info: list[float]
    quantiles_ms: list[list[float | None]]
    """How long those that ended well took: for each of `QUANTILES` a list; None where nothing ended well."""


def series(history: Sequence[Op], calls: Sequence[Call]) -> Series:
    """Sum up the calls of a history; one without an end counts at its last line."""
    last_ms = max((op.time_ms for op in history), default=0.0)
    widths = [width for width in _WIDTHS_MS if last_ms / width <= _BUCKETS_MAX]
    width = widths[0] if widths else math.ceil(last_ms / _BUCKETS_MAX / 60_000) * 60_000
    count = int(last_ms // width) + 1
    ended: dict[Kind, list[int]] = {kind: [0] * count for kind in Kind}
    took: list[list[float]] = [[] for _ in range(count)]
    for call in calls:
        end_ms = last_ms if call.ended is None else history[call.ended].time_ms
        bucket = int(end_ms // width)
        ended[call.kind][bucket] += 1
        if call.kind is Kind.OK:
            took[bucket].append(end_ms - call.time_ms)
    for some in took:
        some.sort()
    return Series(
        bucket_ms=width,
        ok=[number * 1000 / width for number in ended[Kind.OK]],
        fail=[number * 1000 / width for number in ended[Kind.FAIL]],
        info=[number * 1000 / width for number in ended[Kind.INFO]],
        quantiles_ms=[[quantile(some, share) for some in took] for share in QUANTILES],
    )


def quantile(rising: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share of all does not exceed; None of nothing."""
    if not rising:
        return None
    place = max(0, math.ceil(share * len(rising)) - 1)
    return rising[place]
