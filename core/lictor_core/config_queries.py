"""Queries for configuration entries, and for what follows from them: discovery chains and gateways."""

from __future__ import annotations

from typing import ClassVar, Final

from lictor_core import topics as on
from lictor_core.config_records import ChainAnswer, ConfigEntry, GatewayService, ServiceConfig
from lictor_core.query import FilterableQuery, Query
from lictor_core.records import ServiceHealth
from lictor_core.topics import Topic

__all__ = [
    "ConfigEntriesQuery",
    "ConfigEntryQuery",
    "DiscoveryChainQuery",
    "GatewayServicesQuery",
    "IngressHealthQuery",
    "ServiceConfigQuery",
]

_SERVICE_DEFAULTS: Final = "service-defaults"
_PROXY_DEFAULTS: Final = "proxy-defaults"
_EVERY_PROXY: Final = "global"


class ConfigEntryQuery(Query[ConfigEntry | None], frozen=True, kw_only=True, tag="ConfigEntry"):
    """One configuration entry; None when there is none."""

    kind: str
    name: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.config_entry(self.kind, self.name),)


class ConfigEntriesQuery(Query[list[ConfigEntry]], frozen=True, kw_only=True, tag="ConfigEntries"):
    """The configuration entries of one kind by name; the empty kind is all of them."""

    kind: str = ""

    def topics(self) -> tuple[Topic, ...]:
        return (on.config_kind(self.kind),)


class DiscoveryChainQuery(Query[ChainAnswer], frozen=True, kw_only=True, tag="DiscoveryChain"):
    """The discovery chain of a service in a datacenter, empty for this one, as seen from this one.

    What is not empty of the last three takes the place of what the entries say.
    """

    takes_turns: ClassVar[bool] = True

    service: str
    datacenter: str = ""
    protocol: str = ""
    connect_timeout: str = ""
    mesh_gateway: str = ""

    def topics(self) -> tuple[Topic, ...]:
        return (on.chain(self.service), on.CHAINS, on.CA_ROOTS)


class ServiceConfigQuery(Query[ServiceConfig], frozen=True, kw_only=True, tag="ServiceConfig"):
    """What the entries say of the proxies of a service, and of the upstreams that they lead to."""

    service: str
    upstreams: tuple[str, ...] = ()

    def topics(self) -> tuple[Topic, ...]:
        services = (on.config_entry(_SERVICE_DEFAULTS, one) for one in (self.service, *self.upstreams))
        return (on.config_entry(_PROXY_DEFAULTS, _EVERY_PROXY), *services)


class GatewayServicesQuery(Query[list[GatewayService]], frozen=True, kw_only=True, tag="GatewayServices"):
    """The services behind a gateway, by name and port."""

    gateway: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.gateway(self.gateway),)


class IngressHealthQuery(FilterableQuery[list[ServiceHealth]], frozen=True, kw_only=True, tag="IngressHealth"):
    """The instances of the gateways that let traffic in to a service, with their checks."""

    listed: ClassVar[str] = "health"
    service: str
    tags: tuple[str, ...] = ()
    node_meta: tuple[tuple[str, str], ...] = ()
    near: str = ""
    passing: bool = False

    def topics(self) -> tuple[Topic, ...]:
        found = (on.ingress(self.service),)
        return (*found, on.DISTANCES) if self.near else found
