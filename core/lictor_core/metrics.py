"""Figures about a process: how often, how long, how much. Pure but for the clock that is passed in.

Names are Consul's where the meaning is the same, with dots; `Meter` keeps two views of what it is told. Aggregates of
the last intervals are what `/v1/agent/metrics` shows (of ten seconds, as Consul's), totals since the start are what
Prometheus reads. Gauges are asked for when somebody looks, so that what nobody reads costs nothing.

Where every microsecond counts there are two ways that look at no clock and into no table: the `Aggregate` of a series
(`sampler`), and a number that somebody counts up anyway (`follow`). What they hold is taken over at each `turn`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from lictor_core.clock import Clock

__all__ = ["INTERVAL_S", "SERIES_MAX", "Aggregate", "Gauge", "Interval", "Meter", "Series", "Slice", "Total"]

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
    """What was told of one series within a while."""

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
        if value < self.min:
            self.min = value
        if value > self.max:
            self.max = value

    def add_even(self, count: int, total: float) -> None:
        """`count` more values, of which only the sum is known: each counts as their mean."""
        if count > 0:
            mean = total / count
            self.merge(Aggregate(count, total, total * mean, mean, mean))

    def merge(self, other: Aggregate) -> None:
        """All values of another one."""
        self.count += other.count
        self.sum += other.sum
        self.sum_of_squares += other.sum_of_squares
        self.min = min(self.min, other.min)
        self.max = max(self.max, other.max)

    def take(self) -> Aggregate:
        """What was told so far; nothing of it is left here."""
        taken = Aggregate(self.count, self.sum, self.sum_of_squares, self.min, self.max)
        self.count, self.sum, self.sum_of_squares, self.min, self.max = 0, 0.0, 0.0, math.inf, -math.inf
        return taken

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
    """How many values, and their sum, since the start; `told_at` is when (monotonic) the last was taken over."""

    count: int = 0
    sum: float = 0.0
    told_at: float = 0.0


@dataclass(slots=True)
class Interval:
    """Ten seconds: when they began (seconds since 1970, a multiple of the interval), and what was told in them."""

    began: float
    counters: dict[Series, Aggregate] = field(default_factory=dict[Series, Aggregate])
    samples: dict[Series, Aggregate] = field(default_factory=dict[Series, Aggregate])


class Slice(NamedTuple):
    """What was told since the last turn."""

    counters: list[tuple[Series, Aggregate]]
    samples: list[tuple[Series, Aggregate]]


@dataclass(slots=True)
class _Kind:
    """The series of one kind: what was told since the last turn, and all since the start."""

    told: dict[Series, Aggregate] = field(default_factory=dict[Series, Aggregate])
    totals: dict[Series, Total] = field(default_factory=dict[Series, Total])

    def take(self, into: dict[Series, Aggregate], now: float) -> list[tuple[Series, Aggregate]]:
        taken = [(series, told.take()) for series, told in self.told.items() if told.count]
        for series, found in taken:
            total = self.totals.setdefault(series, Total())
            total.count += found.count
            total.sum += found.sum
            total.told_at = now
            within = into.get(series)
            if within is None:
                within = into[series] = Aggregate()
            within.merge(found)
        return taken


@dataclass(slots=True)
class _Followed:
    """A number that grows elsewhere, and how far it was seen to have grown."""

    told: Aggregate
    read: Callable[[], int]
    seen: int


class Meter:
    """What the parts of one process tell of themselves. All methods belong to one thread.

    Whoever wants intervals to be true to a second calls `turn` that often.
    """

    def __init__(self, clock: Clock) -> None:
        self.lost = 0
        """Values of series beyond `SERIES_MAX`; handles to such series count once."""
        self._counters = _Kind()
        self._samples = _Kind()
        self._clock = clock
        self._now = Interval(self._beginning())
        self._ends_at = self._end()
        self._last: Interval | None = None
        self._gauges: list[Callable[[], Iterable[Gauge]]] = []
        self._followed: list[_Followed] = []
        self._on_slice: list[Callable[[Slice], None]] = []
        self._before_turn: list[Callable[[], None]] = []

    def count(self, name: str, labels: Labels = (), *, by: float = 1.0) -> None:
        """Something happened `by` times."""
        self._rotate()
        self._told(self._counters, Series(name, labels)).add(by)

    def sample(self, name: str, value: float, labels: Labels = ()) -> None:
        """Something took `value` milliseconds, or had this size."""
        self._rotate()
        self._told(self._samples, Series(name, labels)).add(value)

    def sampler(self, name: str, labels: Labels = ()) -> Aggregate:
        """Where samples of one series are added without any detour, for as long as the meter lives."""
        return self._told(self._samples, Series(name, labels))

    def follow(self, name: str, read: Callable[[], int], labels: Labels = ()) -> None:
        """Count what `read` counts: it never gets smaller, is quick and does not raise."""
        self._followed.append(_Followed(self._told(self._counters, Series(name, labels)), read, read()))

    def watch(self, gauges: Callable[[], Iterable[Gauge]]) -> None:
        """Ask `gauges` whenever somebody looks; they must not wait."""
        self._gauges.append(gauges)

    def on_slice(self, take: Callable[[Slice], None]) -> Callable[[], None]:
        """Have `take` get what was told at every turn; what is returned ends that."""
        self._on_slice.append(take)
        return lambda: self._on_slice.remove(take)

    def before_turn(self, look: Callable[[], None]) -> None:
        """Have `look` take its samples before every turn; it is quick and does not raise."""
        self._before_turn.append(look)

    def turn(self) -> None:
        """Take over what was told since the last time."""
        for look in self._before_turn:
            look()
        if not self._rotate():
            self._fold()

    @property
    def counters(self) -> Mapping[Series, Total]:
        """What was counted since the start."""
        self._fold()
        return self._counters.totals

    @property
    def samples(self) -> Mapping[Series, Total]:
        """What was sampled since the start."""
        self._fold()
        return self._samples.totals

    def gauges(self) -> list[Gauge]:
        """All gauges now, by name."""
        return sorted(one for ask in self._gauges for one in ask())

    def latest(self) -> Interval:
        """The last whole interval; the one under way while there is no other."""
        if not self._rotate():
            self._fold()
        return self._now if self._last is None else self._last

    def _told(self, kind: _Kind, series: Series) -> Aggregate:
        told = kind.told.get(series)
        if told is None:
            told = Aggregate()
            if len(self._counters.told) + len(self._samples.told) >= SERIES_MAX:
                self.lost += 1
            else:
                kind.told[series] = told
        return told

    def _fold(self) -> None:
        for one in self._followed:
            value = one.read()
            one.told.add_even(value - one.seen, value - one.seen)
            one.seen = value
        now = self._clock.monotonic()
        counters = self._counters.take(self._now.counters, now)
        samples = self._samples.take(self._now.samples, now)
        if counters or samples:
            found = Slice(counters, samples)
            for take in self._on_slice:
                take(found)

    def _rotate(self) -> bool:
        """Begin the next interval when that is due; what was told before is of the one that ends."""
        now = self._clock.monotonic()
        if now < self._ends_at:
            return False
        self._fold()
        # What lies further back than one interval is empty: nothing was told in it.
        is_next = now < self._ends_at + INTERVAL_S
        self._last = self._now if is_next else Interval(self._beginning() - INTERVAL_S)
        self._now = Interval(self._beginning())
        self._ends_at = self._end()
        return True

    def _beginning(self) -> float:
        return self._clock.now() // INTERVAL_S * INTERVAL_S

    def _end(self) -> float:
        return self._clock.monotonic() + INTERVAL_S - self._clock.now() % INTERVAL_S
