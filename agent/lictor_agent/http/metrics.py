"""`/v1/agent/metrics`, `/v1/agent/host`: figures about this agent and its machine.

Source: Consul's document `api-docs/agent/index`. Names, and which of them are wanted: `telemetry.names`.
"""

from __future__ import annotations

import datetime
import socket
from collections.abc import Mapping
from typing import Final

from lictor_agent.host import host_facts
from lictor_agent.http.described import Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.gauges import all_gauges
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_agent.telemetry.names import is_wanted, named_gauges, told_name
from lictor_config.sections import Telemetry
from lictor_core.metrics import INTERVAL_S, Aggregate, Gauge, Series, Total
from lictor_core.records import JsonObject

__all__ = ["ROUTES"]

_FORMAT: Final = Parameter("format", "`prometheus` for its text; anything else for JSON.")


@described(
    "Metrics", _FORMAT, media=("application/json", "text/plain"), also={415: "Figures are not kept for Prometheus."}
)
async def metrics(site: Site, request: Request) -> Answer:
    """The last interval in Consul's form, or all since the start in Prometheus's."""
    telemetry = site.agent.configuration.telemetry
    gauges = named_gauges(telemetry, await all_gauges(site), socket.gethostname())
    if request.parameters.get("format") != "prometheus":
        return site.answer_json(request, _shown(site, telemetry, gauges))
    if telemetry.prometheus_retention_time_s <= 0:
        raise Refusal("Prometheus is not enabled since its retention time is not positive", status=415)
    # Imported here: who does not use it does without it, in memory and in time to start.
    from lictor_agent.http.prometheus import CONTENT_TYPE, exposition

    since = site.clock.monotonic() - telemetry.prometheus_retention_time_s
    counters, samples = site.meter.counters, site.meter.samples
    body = exposition(gauges, _kept(telemetry, counters, since), _kept(telemetry, samples, since))
    return Answer(headers=(("Content-Type", CONTENT_TYPE),), body=body)


@described("Host")
async def host(site: Site, request: Request) -> Answer:
    """The machine that this agent runs on."""
    return site.answer_json(request, host_facts(site.clock))


def _shown(site: Site, telemetry: Telemetry, gauges: list[Gauge]) -> JsonObject:
    interval = site.meter.latest()
    began = datetime.datetime.fromtimestamp(interval.began, datetime.UTC)
    return {
        "Timestamp": f"{began:%Y-%m-%d %H:%M:%S} +0000 UTC",
        "Gauges": [{"Name": one.name, "Value": one.value, "Labels": dict(one.labels)} for one in gauges],
        "Points": [],
        "Counters": _rows(telemetry, interval.counters),
        "Samples": _rows(telemetry, interval.samples),
    }


def _rows(telemetry: Telemetry, found: Mapping[Series, Aggregate]) -> list[JsonObject]:
    named = [(told_name(telemetry, one.name), one.labels, figures) for one, figures in found.items()]
    return [
        {
            "Name": name,
            "Count": figures.count,
            "Rate": figures.sum / INTERVAL_S,
            "Sum": figures.sum,
            "Min": figures.min,
            "Max": figures.max,
            "Mean": figures.mean,
            "Stddev": figures.deviation,
            "Labels": dict(labels),
        }
        for name, labels, figures in sorted(named, key=lambda row: row[:2])
        if is_wanted(telemetry, name)
    ]


def _kept(telemetry: Telemetry, found: Mapping[Series, Total], since: float) -> dict[Series, Total]:
    """What was told at or after `since` (monotonic), by its names outside: Prometheus keeps the rest."""
    named = {
        one._replace(name=told_name(telemetry, one.name)): total
        for one, total in found.items()
        if total.told_at >= since
    }
    return {one: total for one, total in named.items() if is_wanted(telemetry, one.name)}


ROUTES: Final = (
    Route("/v1/agent/metrics", {"GET": metrics}),
    Route("/v1/agent/host", {"GET": host}),
)
