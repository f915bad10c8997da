"""The figures of a proxy in the text form of Prometheus."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from lictor_connect_proxy.figures import DIAL_S_BOUNDS, Figures
from lictor_connect_proxy.layers.tally import Counted
from lictor_connect_proxy.observed import Observed, leaf_left_s
from lictor_core.clock import Clock

__all__ = ["CONTENT_TYPE", "exposed"]

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
_COUNTED: Final = {
    Counted.DENIED: ("rule", "Clients refused, by the rule that did it."),
    Counted.REVOKED: ("rule", "Live connections cut by a change of policy."),
    Counted.LIMITED: ("listener", "Connections refused at a limit."),
    Counted.HANDSHAKE_FAILED: ("cause", "Incoming handshakes that failed."),
    Counted.APPLICATION_FAILED: ("service", "Times the application was not reached."),
    Counted.INSTANCE_FAILED: ("upstream", "Instances that were not reached, or were somebody else."),
    Counted.EJECTED: ("upstream", "Instances put aside."),
    Counted.FAILED_OVER: ("upstream", "Connections served by a failover target."),
    Counted.PANICKED: ("upstream", "Instances dialed although they stood aside, since none was fit."),
    Counted.UNAVAILABLE: ("upstream", "Local connections cut since no instance was reached."),
}
_FLOW: Final = ("direction", "source", "destination", "upstream")


def exposed(observed: Observed, clock: Clock) -> bytes:
    """What a scrape answers."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(observed, clock))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, observed: Observed, clock: Clock) -> None:
        self._observed = observed
        self._clock = clock

    def collect(self) -> Iterable[Metric]:
        figures = self._observed.figures
        yield from _flows(figures)
        for counted, (label, help_text) in _COUNTED.items():
            yield _counter(counted, label, help_text, figures.tally.of(counted))
        yield _dials(figures)
        yield from self._state()

    def _state(self) -> Iterable[Metric]:
        snapshot = self._observed.snapshot
        left_s = leaf_left_s(snapshot, self._clock.now())
        if left_s is not None:
            yield _gauge("leaf_expires_seconds", "Until the certificate of the service expires.", left_s)
        if snapshot.policy is not None:
            yield _gauge("policy_index", "The index of the intentions that are judged by.", snapshot.policy.index)
            yield _gauge("policy_rules", "Intentions with the service as destination.", len(snapshot.policy.rules))
        ages = GaugeMetricFamily("lictor_proxy_source_age_seconds", "Since the agent answered.", labels=("source",))
        for source, age_s in self._observed.ages_s().items():
            ages.add_metric((source,), age_s)
        yield ages
        yield _gauge("configured", "1 when everything is known that the listeners need.", snapshot.is_complete())


def _flows(figures: Figures) -> Iterable[Metric]:
    live = GaugeMetricFamily("lictor_proxy_connections_open", "Connections that live.", labels=_FLOW)
    total = CounterMetricFamily("lictor_proxy_connections", "Connections that were relayed.", labels=_FLOW)
    broken = CounterMetricFamily("lictor_proxy_connections_broken", "Those that did not end in order.", labels=_FLOW)
    moved = CounterMetricFamily("lictor_proxy_bytes", "Bytes that were relayed.", labels=(*_FLOW, "to"))
    for key, flow in figures.flows.items():
        live.add_metric(key, flow.open)
        total.add_metric(key, flow.total)
        broken.add_metric(key, flow.broken)
        moved.add_metric((*key, "local"), flow.to_local)
        moved.add_metric((*key, "mesh"), flow.to_mesh)
    return live, total, broken, moved


def _dials(figures: Figures) -> Metric:
    family = HistogramMetricFamily(
        "lictor_proxy_dial_seconds", "Until an instance stood, TLS included.", labels=("upstream",)
    )
    for upstream, histogram in figures.dials.items():
        bounds = [*(str(bound) for bound in DIAL_S_BOUNDS), "+Inf"]
        buckets = list(zip(bounds, itertools.accumulate(histogram.counts), strict=True))
        family.add_metric((upstream,), buckets, histogram.sum_s)
    return family


def _counter(name: str, label: str, help_text: str, table: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"lictor_proxy_{name}", help_text, labels=(label,))
    for reason, count in table.items():
        family.add_metric((reason,), count)
    return family


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"lictor_proxy_{name}", help_text, value=value)
