"""What the entries say of the proxies of one service: proxy-defaults, and service-defaults over them.

Source: Consul's documents `docs/agent/config-entries/{proxy-defaults,service-defaults}`, and what Consul 1.8.7 does.
"""

from __future__ import annotations

from collections.abc import Iterable

from lictor_core.config_records import ServiceConfig
from lictor_core.entries.defaults import ServiceDefaults, protocol_in
from lictor_core.entries.entry_set import EntrySet
from lictor_core.entries.traffic import UpstreamsConfig
from lictor_core.records import Expose, JsonObject, MeshGateway

__all__ = ["resolved"]


def resolved(entries: EntrySet, service: str, upstreams: Iterable[str]) -> ServiceConfig:
    """The settings of the proxies of `service`, and of the `upstreams` that they lead to, as far as entries say any."""
    everyone = entries.proxy_defaults
    config: JsonObject | None = None
    gateway, expose = MeshGateway(), Expose()
    if everyone is not None:
        config, gateway, expose = everyone.proxy_config(), everyone.mesh_gateway, everyone.expose
    own = entries.find(ServiceDefaults, service)
    if own is not None:
        expose = Expose(checks=own.expose.checks or expose.checks, paths=own.expose.paths or expose.paths)
        gateway = own.mesh_gateway if own.mesh_gateway.mode else gateway
        if said := own.proxy_config():
            config = {**(config or {}), **said}
    asked = UpstreamsConfig() if own is None else own.upstream_config or UpstreamsConfig()
    common = "" if everyone is None else protocol_in(everyone.config)
    found: dict[str, JsonObject] = {}
    for name in upstreams:
        defaults = entries.find(ServiceDefaults, name)
        protocol = (defaults.protocol if defaults is not None else "") or common
        if said := {**({"protocol": protocol} if protocol else {}), **asked.proxy_config(name)}:
            found[name] = said
    return ServiceConfig(proxy_config=config, upstream_configs=found, mesh_gateway=gateway, expose=expose)
