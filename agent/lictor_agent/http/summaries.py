"""Services in brief, for user interfaces: how many instances, where, and how their checks do. Pure.

The form is that of Consul 1.8's `/v1/internal/ui/services`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from lictor_core.dumps import BehindGateway
from lictor_core.records import CRITICAL, PASSING, WARNING, JsonObject, Record, ServiceHealth, ServiceKind

__all__ = ["ServiceSummary", "behind_gateway", "summaries"]

_SOURCE: Final = "external-source"
"""The key of an instance's metadata that says what registered it, such as `nomad` or `kubernetes`."""


class ServiceSummary(Record, frozen=True, kw_only=True):
    """One service. `nodes` has one name for each instance; checks of a node count for each instance on it."""

    kind: ServiceKind = ServiceKind.TYPICAL
    name: str
    tags: list[str] | None
    nodes: list[str] | None
    instance_count: int
    proxy_for: list[str] | msgspec.UnsetType = msgspec.UNSET
    checks_passing: int
    checks_warning: int
    checks_critical: int
    external_sources: list[str] | None
    gateway_config: JsonObject


def summaries(rows: Iterable[ServiceHealth]) -> list[ServiceSummary]:
    """The services that `rows` are instances of, by name; names are as the first instance writes them."""
    services: dict[str, list[ServiceHealth]] = {}
    for row in rows:
        services.setdefault(row.service.service.lower(), []).append(row)
    return [_summary(found[0].service.service, found) for _, found in sorted(services.items())]


def behind_gateway(services: Iterable[BehindGateway], suffix: str) -> list[ServiceSummary]:
    """The services behind a gateway, by name; those behind an ingress with the addresses where it takes their traffic.

    `suffix` follows the name of a service for which the gateway names no hosts: `.ingress.dc1.consul.`.
    """
    named: dict[str, list[BehindGateway]] = {}
    for one in services:
        named.setdefault(one.service.service.name, []).append(one)
    return [
        msgspec.structs.replace(_summary(name, several[0].instances), gateway_config=_reached(several, suffix))
        for name, several in sorted(named.items())
    ]


def _reached(services: list[BehindGateway], suffix: str) -> JsonObject:
    addresses = [
        f"{host}:{one.service.port}"
        for one in services
        if one.service.gateway_kind == ServiceKind.INGRESS_GATEWAY
        for host in one.service.hosts or (f"{one.service.service.name}{suffix}",)
    ]
    return {"Addresses": addresses} if addresses else {}


def _summary(name: str, rows: list[ServiceHealth]) -> ServiceSummary:
    statuses = [check.status for row in rows for check in row.checks]
    proxied = {row.service.proxy.destination_service_name: None for row in rows}
    sources = {(row.service.meta or {}).get(_SOURCE, ""): None for row in rows}
    names = [each for each in proxied if each]
    return ServiceSummary(
        kind=rows[-1].service.kind if rows else ServiceKind.TYPICAL,
        name=name,
        tags=sorted({tag for row in rows for tag in row.service.tags}) or None,
        nodes=[row.node.node for row in rows] or None,
        instance_count=len(rows),
        proxy_for=names or msgspec.UNSET,
        checks_passing=statuses.count(PASSING),
        checks_warning=statuses.count(WARNING),
        checks_critical=statuses.count(CRITICAL),
        external_sources=[source for source in sources if source] or None,
        gateway_config={},
    )
