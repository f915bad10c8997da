"""Figures in Prometheus's text form, by its own client library, which adds what it tells of every process."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from lictor_core.metrics import Gauge, Series, Total

__all__ = ["CONTENT_TYPE", "exposition"]

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
_GAUGE: Final = re.compile(rb"^(# TYPE \S+ )gauge$", re.MULTILINE)
_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9_:]")


def exposition(gauges: Iterable[Gauge], counters: Mapping[Series, Total], samples: Mapping[Series, Total]) -> bytes:
    """All of it as text; what a name may not hold becomes an underscore, as in Consul's."""
    as_gauges = [Gauge(series.name, total.sum, series.labels) for series, total in counters.items()]
    # The library ends the names of counters with `_total`; Consul's do not, and dashboards ask for Consul's.
    counted = _GAUGE.sub(rb"\1counter", _text(_Figures(as_gauges, {})))
    process = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=process)
    return _text(_Figures(gauges, samples)) + counted + generate_latest(process)


def _text(figures: _Figures) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(figures)
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, gauges: Iterable[Gauge], samples: Mapping[Series, Total]) -> None:
        self._gauges = list(gauges)
        self._samples = samples

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: what there is follows from what happened."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Each name with all its labels."""
        gauges: dict[str, GaugeMetricFamily] = {}
        for one in self._gauges:
            name, keys, values = _parts(Series(one.name, one.labels))
            gauges.setdefault(name, GaugeMetricFamily(name, name, labels=keys)).add_metric(values, one.value)
        yield from gauges.values()
        summaries: dict[str, SummaryMetricFamily] = {}
        for series, total in self._samples.items():
            name, keys, values = _parts(series)
            family = summaries.setdefault(name, SummaryMetricFamily(name, name, labels=keys))
            family.add_metric(values, total.count, total.sum)
        yield from summaries.values()


def _parts(series: Series) -> tuple[str, list[str], list[str]]:
    name = _NOT_IN_NAMES.sub("_", series.name)
    return name, [key for key, _ in series.labels], [value for _, value in series.labels]
