"""`/v1/agent/metrics`, `/v1/agent/host`: figures about this agent and its machine.

Source: Consul's document `api-docs/agent/index`.

Names have the prefix of `telemetry.metrics_prefix`; gauges also the node's name, unless `disable_hostname` says no, as
Consul's. `prefix_filter` and `filter_default` leave out what their rules say.
"""

from __future__ import annotations

import datetime
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from lictor_agent.host import host_facts
from lictor_agent.http.described import Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_config.sections import Telemetry
from lictor_core.errors import LictorError
from lictor_core.metrics import INTERVAL_S, Aggregate, Gauge, Series, Total
from lictor_core.records import JsonObject

__all__ = ["ROUTES", "is_wanted"]

_FORMAT: Final = Parameter("format", "`prometheus` for its text; anything else for JSON.")
_MS_PER_S: Final = 1000.0


@described(
    "Metrics", _FORMAT, media=("application/json", "text/plain"), also={415: "Figures are not kept for Prometheus."}
)
async def metrics(site: Site, request: Request) -> Answer:
    """The last interval in Consul's form, or all since the start in Prometheus's."""
    telemetry = site.agent.configuration.telemetry
    gauges = await _gauges(site)
    if request.parameters.get("format") != "prometheus":
        return site.answer_json(request, _shown(site, telemetry, gauges))
    if telemetry.prometheus_retention_time_s <= 0:
        raise Refusal("Prometheus is not enabled since its retention time is not positive", status=415)
    # Imported here: who does not use it does without it, in memory and in time to start.
    from lictor_agent.http.prometheus import CONTENT_TYPE, exposition

    wanted = [one for one in gauges if is_wanted(telemetry, _gauge_name(telemetry, one.name))]
    body = exposition(
        [one._replace(name=_gauge_name(telemetry, one.name)) for one in wanted],
        _named(telemetry, site.meter.counters),
        _named(telemetry, site.meter.samples),
    )
    return Answer(headers=(("Content-Type", CONTENT_TYPE),), body=body)


@described("Host")
async def host(site: Site, request: Request) -> Answer:
    """The machine that this agent runs on."""
    return site.answer_json(request, host_facts(site.clock))


def is_wanted(telemetry: Telemetry, name: str) -> bool:
    """Whether the rules let a metric through: the longest prefix that fits decides."""
    rules = [(rule[1:], rule.startswith("+")) for rule in telemetry.prefix_filter if rule.startswith(("+", "-"))]
    fitting = [(len(prefix), allows) for prefix, allows in rules if name.startswith(prefix)]
    return max(fitting)[1] if fitting else telemetry.filter_default


async def _gauges(site: Site) -> list[Gauge]:
    found = [*site.meter.gauges(), *_local(site)]
    with suppress(LictorError):  # figures must be there above all when the cluster is not
        found += await _raft(site)
    return sorted(found)


def _local(site: Site) -> list[Gauge]:
    local = site.agent.local
    by_status: dict[str, int] = {"passing": 0, "warning": 0, "critical": 0}
    for one in local.checks.values():
        by_status[one.check.status] = by_status.get(one.check.status, 0) + 1
    checks = [Gauge("agent.checks", count, (("status", status),)) for status, count in by_status.items()]
    listeners = site.listeners
    return [
        *checks,
        Gauge("agent.services", len(local.services)),
        Gauge("agent.log_listeners", 0 if listeners is None else len(listeners)),
    ]


async def _raft(site: Site) -> list[Gauge]:
    if not site.agent.identity.server:
        return []
    status = await site.registry.leader_status()
    found = [
        Gauge("raft.applied_index", status.applied_index),
        Gauge("raft.commit_index", status.commit_index),
        Gauge("raft.last_index", status.last_index),
        Gauge("raft.is_leader", int(status.is_self)),
    ]
    if status.last_contact_s is not None:
        found.append(Gauge("raft.last_contact_ms", round(status.last_contact_s * _MS_PER_S, 3)))
    if status.is_self:
        health = await site.registry.autopilot_health()
        found.append(Gauge("autopilot.healthy", int(health.healthy)))
        found.append(Gauge("autopilot.failure_tolerance", health.failure_tolerance))
    return found


def _shown(site: Site, telemetry: Telemetry, gauges: list[Gauge]) -> JsonObject:
    interval = site.meter.latest()
    began = datetime.datetime.fromtimestamp(interval.began, datetime.UTC)
    shown = [(_gauge_name(telemetry, one.name), one) for one in gauges]
    return {
        "Timestamp": f"{began:%Y-%m-%d %H:%M:%S} +0000 UTC",
        "Gauges": [
            {"Name": name, "Value": one.value, "Labels": dict(one.labels)}
            for name, one in shown
            if is_wanted(telemetry, name)
        ],
        "Points": [],
        "Counters": _rows(telemetry, interval.counters),
        "Samples": _rows(telemetry, interval.samples),
    }


def _rows(telemetry: Telemetry, found: Mapping[Series, Aggregate]) -> list[JsonObject]:
    named = [(f"{telemetry.metrics_prefix}.{one.name}", one.labels, figures) for one, figures in found.items()]
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


def _named(telemetry: Telemetry, found: Mapping[Series, Total]) -> dict[Series, Total]:
    named = {one._replace(name=f"{telemetry.metrics_prefix}.{one.name}"): total for one, total in found.items()}
    return {one: total for one, total in named.items() if is_wanted(telemetry, one.name)}


def _gauge_name(telemetry: Telemetry, name: str) -> str:
    host = "" if telemetry.disable_hostname else f"{socket.gethostname()}."
    return f"{telemetry.metrics_prefix}.{host}{name}"


ROUTES: Final = (
    Route("/v1/agent/metrics", {"GET": metrics}),
    Route("/v1/agent/host", {"GET": host}),
)
