"""Figures about a process: how often, how long, how much. Pure but for the clock that is passed in.

Names are Consul's where the meaning is the same, with dots; `Meter` keeps two views of what it is told. Aggregates of
the last intervals are what `/v1/agent/metrics` shows (of ten seconds, as Consul's), totals since the start are what
Prometheus reads. Gauges are asked for when somebody looks, so that what nobody reads costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from lictor_core.clock import Clock

__all__ = ["INTERVAL_S", "SERIES_MAX", "Aggregate", "Gauge", "Interval", "Meter", "Series", "Total"]

INTERVAL_S: Final = 10.0
SERIES_MAX: Final = 2048
"""Names with labels that are kept; what comes beyond them is counted in `Meter.lost` alone."""

Labels = tuple[tuple[str, str], ...]


class Series(NamedTuple):
    """A name with labels."""

    name: str
    labels: Labels = ()


class Gauge(NamedTuple):
    """How much there is of something now."""

    name: str
    value: float
    labels: Labels = ()


@dataclass(slots=True)
class Aggregate:
    """What was told of one series within an interval."""

    count: int = 0
    sum: float = 0.0
    sum_of_squares: float = 0.0
    min: float = math.inf
    max: float = -math.inf

    def add(self, value: float) -> None:
        """One more value."""
        self.count += 1
        self.sum += value
        self.sum_of_squares += value * value
        self.min = min(self.min, value)
        self.max = max(self.max, value)

    @property
    def mean(self) -> float:
        """The mean; 0 of nothing."""
        return self.sum / self.count if self.count else 0.0

    @property
    def deviation(self) -> float:
        """The standard deviation of the values, as of a sample of them; 0 of fewer than two."""
        if self.count < 2:
            return 0.0
        squares = self.count * self.sum_of_squares - self.sum * self.sum
        return math.sqrt(max(squares, 0.0) / (self.count * (self.count - 1)))


@dataclass(slots=True)
class Total:
    """How many values, and their sum, since the start."""

    count: int = 0
    sum: float = 0.0


@dataclass(slots=True)
class Interval:
    """Ten seconds: when they began (seconds since 1970, a multiple of the interval), and what was told in them."""

    began: float
    counters: dict[Series, Aggregate] = field(default_factory=dict[Series, Aggregate])
    samples: dict[Series, Aggregate] = field(default_factory=dict[Series, Aggregate])


class Meter:
    """What the parts of one process tell of themselves. All methods belong to one thread."""

    def __init__(self, clock: Clock) -> None:
        self.counters: dict[Series, Total] = {}
        self.samples: dict[Series, Total] = {}
        self.lost = 0
        """Values of series beyond `SERIES_MAX`."""
        self._clock = clock
        self._now = Interval(self._beginning())
        self._ends_at = self._end()
        self._last: Interval | None = None
        self._gauges: list[Callable[[], Iterable[Gauge]]] = []

    def count(self, name: str, labels: Labels = (), *, by: float = 1.0) -> None:
        """Something happened `by` times."""
        self._add(self.counters, self._current().counters, Series(name, labels), by)

    def sample(self, name: str, value: float, labels: Labels = ()) -> None:
        """Something took `value` milliseconds, or had this size."""
        self._add(self.samples, self._current().samples, Series(name, labels), value)

    def watch(self, gauges: Callable[[], Iterable[Gauge]]) -> None:
        """Ask `gauges` whenever somebody looks; they must not wait."""
        self._gauges.append(gauges)

    def gauges(self) -> list[Gauge]:
        """All gauges now, by name."""
        return sorted(one for ask in self._gauges for one in ask())

    def latest(self) -> Interval:
        """The last whole interval; the one under way while there is no other."""
        current = self._current()
        return current if self._last is None else self._last

    def _add(self, totals: dict[Series, Total], within: dict[Series, Aggregate], series: Series, value: float) -> None:
        total = totals.get(series)
        if total is None:
            if len(self.counters) + len(self.samples) >= SERIES_MAX:
                self.lost += 1
                return
            total = totals[series] = Total()
        total.count += 1
        total.sum += value
        aggregate = within.get(series)
        if aggregate is None:
            aggregate = within[series] = Aggregate()
        aggregate.add(value)

    def _current(self) -> Interval:
        now = self._clock.monotonic()
        if now >= self._ends_at:
            # What lies further back than one interval is empty: nothing was told in it.
            is_next = now < self._ends_at + INTERVAL_S
            self._last = self._now if is_next else Interval(self._beginning() - INTERVAL_S)
            self._now = Interval(self._beginning())
            self._ends_at = self._end()
        return self._now

    def _beginning(self) -> float:
        return self._clock.now() // INTERVAL_S * INTERVAL_S

    def _end(self) -> float:
        return self._clock.monotonic() + INTERVAL_S - self._clock.now() % INTERVAL_S
