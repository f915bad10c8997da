"""What the cluster says of a proxy beside what its registration says: which question asks for it, and what becomes of
both. Pure, and without the entries themselves: agents ask for what follows from these.

What a registration says holds; the cluster's settings fill in what it leaves open. Source: Consul's documents
`docs/agent/config-entries/{proxy-defaults,service-defaults}`, and what Consul 1.8.7 shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import msgspec

from lictor_core.config_queries import ServiceConfigQuery
from lictor_core.config_records import ServiceConfig
from lictor_core.records import Expose, JsonObject, MeshGateway, Proxy, Service, ServiceKind, Upstream

__all__ = ["NOTHING_SAID", "completed", "question_about", "question_of"]

NOTHING_SAID: Final = ServiceConfig(proxy_config=None, upstream_configs={}, mesh_gateway=MeshGateway(), expose=Expose())
"""Where no entry speaks of a proxy."""
_GATEWAYS: Final = (ServiceKind.MESH_GATEWAY, ServiceKind.TERMINATING_GATEWAY, ServiceKind.INGRESS_GATEWAY)
_SERVICE: Final = ("", "service")
"""Types of upstreams that are services, and no prepared queries."""


def question_of(service: Service) -> ServiceConfigQuery | None:
    """What to ask the servers for an instance; None for one of which the cluster says nothing."""
    return question_about(service.kind, service.service, service.proxy)


def question_about(kind: ServiceKind, name: str, proxy: Proxy) -> ServiceConfigQuery | None:
    """As `question_of`, for an instance that is not made yet.

    Settings are those of the service behind a sidecar, and of a gateway itself. As in Consul a proxy of no particular
    instance is on its own.
    """
    if kind is ServiceKind.CONNECT_PROXY and proxy.destination_service_id:
        upstreams = {one.destination_name for one in proxy.upstreams if one.destination_type in _SERVICE}
        return ServiceConfigQuery(service=proxy.destination_service_name, upstreams=tuple(sorted(upstreams)))
    return ServiceConfigQuery(service=name) if kind in _GATEWAYS else None


def completed(service: Service, config: ServiceConfig) -> Service:
    """The instance with what `config` says where itself is silent; the very same one where that changes nothing."""
    proxy = service.proxy
    gateway = _gateway(proxy.mesh_gateway, config.mesh_gateway)
    found = msgspec.structs.replace(
        proxy,
        config=_merged(proxy.config, config.proxy_config),
        mesh_gateway=gateway,
        expose=_exposed(proxy.expose, config.expose),
        upstreams=[_upstream(one, config, gateway) for one in proxy.upstreams],
    )
    return service if found == proxy else msgspec.structs.replace(service, proxy=found)


def _upstream(one: Upstream, config: ServiceConfig, gateway: MeshGateway) -> Upstream:
    if one.destination_type not in _SERVICE:
        return one
    return msgspec.structs.replace(
        one,
        mesh_gateway=_gateway(one.mesh_gateway, gateway),
        config=_merged(one.config, config.upstream_configs.get(one.destination_name)),
    )


def _gateway(own: MeshGateway, other: MeshGateway) -> MeshGateway:
    return own if own.mode else other


def _exposed(own: Expose, other: Expose) -> Expose:
    return Expose(checks=own.checks or other.checks, paths=own.paths or other.paths)


def _merged(own: JsonObject | None, other: JsonObject | None) -> JsonObject | None:
    """Both mappings in one, also those within. Where both have a value `own` holds, be it 0 or false; null is none."""
    if not other:
        return own
    if not own:
        return other
    found: JsonObject = dict(own)
    for key, value in other.items():
        mine = found.get(key)
        if mine is None:
            found[key] = value
        elif isinstance(mine, Mapping) and isinstance(value, Mapping):
            found[key] = _merged(cast(JsonObject, mine), cast(JsonObject, value))
    return found
