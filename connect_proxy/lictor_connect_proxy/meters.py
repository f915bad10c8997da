"""Tells a `Meter` what a proxy counts, for those who are sent figures and do not ask for them, as statsd is."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterable
from typing import Final

from lictor_connect_proxy.figures import Flow
from lictor_connect_proxy.layers.tally import Counted
from lictor_connect_proxy.observed import Observed, leaf_left_s
from lictor_core.clock import Clock
from lictor_core.metrics import Gauge, Meter

__all__ = ["ProxyMeter"]

_TURN_S: Final = 1.0


class ProxyMeter:
    """The meter of one proxy; `run` keeps it turning."""

    def __init__(self, observed: Observed, clock: Clock) -> None:
        self.meter = meter = Meter(clock)
        self._observed = observed
        self._clock = clock
        figures = observed.figures
        figures.on_flow(self._follow)
        figures.on_dial(lambda upstream, seconds: meter.sample("proxy.dial", 1000 * seconds, (("upstream", upstream),)))
        for counted in Counted:
            meter.follow(f"proxy.{counted}", functools.partial(figures.tally.total, counted))
        meter.watch(self._gauges)

    async def run(self) -> None:
        """Turn until cancelled."""
        while True:
            await asyncio.sleep(_TURN_S)
            self.meter.turn()

    async def gauges(self) -> list[Gauge]:
        """How things stand."""
        return self.meter.gauges()

    def _follow(self, flow: Flow) -> None:
        labels = _labels(flow)
        self.meter.follow("proxy.connections", lambda: flow.total, labels)
        self.meter.follow("proxy.connections.broken", lambda: flow.broken, labels)
        self.meter.follow("proxy.bytes", lambda: flow.to_local, (*labels, ("to", "local")))
        self.meter.follow("proxy.bytes", lambda: flow.to_mesh, (*labels, ("to", "mesh")))

    def _gauges(self) -> Iterable[Gauge]:
        observed = self._observed
        yield Gauge("proxy.configured", observed.snapshot.is_complete())
        for flow in observed.figures.flows.values():
            yield Gauge("proxy.connections.open", flow.open, _labels(flow))
        left_s = leaf_left_s(observed.snapshot, self._clock.now())
        if left_s is not None:
            yield Gauge("proxy.leaf.expires_s", left_s)
        for source, age_s in observed.ages_s().items():
            yield Gauge("proxy.source.age_s", age_s, (("source", source),))


def _labels(flow: Flow) -> tuple[tuple[str, str], ...]:
    direction, source, destination, upstream = flow.key
    named = (("direction", direction), ("source", source), ("destination", destination))
    return (*named, ("upstream", upstream)) if upstream else named
