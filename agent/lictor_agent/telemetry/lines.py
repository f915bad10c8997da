"""Figures as lines of text: `name:value|type`, in the dialects of statsd (statsite's is the same) and DogStatsD. Pure.

A sample is not one line for each value: the smallest and the largest have a line each, and one more line with a sample
rate stands for all others by their mean, so that count, sum and bounds come out right at any load.

Sources: statsd's document `docs/metric_types`, DogStatsD's datagram format; names and values were compared with what
Consul 1.8.7 sends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from lictor_core.metrics import Aggregate, Gauge, Labels, Series

__all__ = [
    "DATAGRAM_BYTES_MAX",
    "Dialect",
    "DogStatsd",
    "Statsd",
    "counter_lines",
    "gauge_lines",
    "packed",
    "sample_lines",
]

DATAGRAM_BYTES_MAX: Final = 1400
"""Fits a packet of an Ethernet with room for tunnels."""
_NOT_IN_NAMES: Final = re.compile(r"[:|@#\s]")
_NOT_IN_TAGS: Final = re.compile(r"[|#,\s]")


class Statsd:
    """What labels say stands behind the name, after dots."""

    def line(self, name: str, labels: Labels, value: str) -> str:
        """One line; `value` says its type, too."""
        return f"{_NOT_IN_NAMES.sub('_', '.'.join((name, *(text for _, text in labels))))}:{value}"


class DogStatsd:
    """Labels are tags, and so are those of the settings. The host is nobody's part of a name: the receiver knows it."""

    def __init__(self, tags: Iterable[str], host: str) -> None:
        self._tags = tuple(_NOT_IN_TAGS.sub("_", tag) for tag in tags)
        self._host = host

    def line(self, name: str, labels: Labels, value: str) -> str:
        """One line; `value` says its type, too."""
        parts = name.replace(f".{self._host}.", ".", 1) if self._host else name
        tags = (*self._tags, *(_NOT_IN_TAGS.sub("_", f"{key}:{text}") for key, text in labels))
        return f"{_NOT_IN_NAMES.sub('_', parts)}:{value}" + (f"|#{','.join(tags)}" if tags else "")


Dialect = Statsd | DogStatsd


def gauge_lines(dialect: Dialect, gauges: Iterable[Gauge]) -> Iterator[str]:
    """A line for each."""
    for one in gauges:
        yield dialect.line(one.name, one.labels, f"{_number(one.value)}|g")


def counter_lines(dialect: Dialect, found: Iterable[tuple[Series, Aggregate]]) -> Iterator[str]:
    """A line for each."""
    for series, told in found:
        yield dialect.line(series.name, series.labels, f"{_number(told.sum)}|c")


def sample_lines(dialect: Dialect, found: Iterable[tuple[Series, Aggregate]]) -> Iterator[str]:
    """Up to three lines for each."""
    for series, told in found:
        for value, count in _values(told):
            rate = "" if count == 1 else f"|@{1 / count:.9f}"
            yield dialect.line(series.name, series.labels, f"{_number(value)}|ms{rate}")


def packed(lines: Iterable[str]) -> Iterator[bytes]:
    """Lines as datagrams. One that is longer than a datagram may be is left out: half of it would say another thing."""
    found: list[bytes] = []
    size = 0
    for line in lines:
        encoded = f"{line}\n".encode(errors="replace")
        if len(encoded) > DATAGRAM_BYTES_MAX:
            continue
        if size + len(encoded) > DATAGRAM_BYTES_MAX:
            yield b"".join(found)
            found, size = [], 0
        found.append(encoded)
        size += len(encoded)
    if found:
        yield b"".join(found)


def _values(told: Aggregate) -> Iterator[tuple[float, int]]:
    if told.count == 1:
        yield told.sum, 1
        return
    yield told.min, 1
    yield told.max, 1
    if told.count > 2:
        others = told.count - 2
        mean = (told.sum - told.min - told.max) / others
        yield min(max(mean, told.min), told.max), others


def _number(value: float) -> str:
    return f"{value:.6f}"
