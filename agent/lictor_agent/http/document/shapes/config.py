"""Configuration entries, as they are sent and shown, and discovery chains."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

from lictor_agent.http.document.shapes.registrations import Duration
from lictor_core.entries import access, chains, defaults, gateways, jwt_provider, routing

__all__ = ["ChainOverrides", "ChainShown", "EntriesShown", "Entry", "ModeOverride"]


class ServiceDefaults(defaults.ServiceDefaults, frozen=True, tag_field="Kind", tag="service-defaults"):
    """An entry with the settings of a service."""

    create_index: int = 0
    modify_index: int = 0


class ProxyDefaults(defaults.ProxyDefaults, frozen=True, tag_field="Kind", tag="proxy-defaults"):
    """The entry with the settings of all proxies."""

    create_index: int = 0
    modify_index: int = 0


class Mesh(defaults.Mesh, frozen=True, tag_field="Kind", tag="mesh"):
    """The entry with the settings of the mesh."""

    create_index: int = 0
    modify_index: int = 0


class ServiceRouter(routing.Router, frozen=True, tag_field="Kind", tag="service-router"):
    """An entry with the routes of a service."""

    create_index: int = 0
    modify_index: int = 0


class ServiceSplitter(routing.Splitter, frozen=True, tag_field="Kind", tag="service-splitter"):
    """An entry with the shares of a service."""

    create_index: int = 0
    modify_index: int = 0


class ServiceResolver(routing.Resolver, frozen=True, tag_field="Kind", tag="service-resolver"):
    """An entry that says which instances a service is."""

    create_index: int = 0
    modify_index: int = 0


class IngressGateway(gateways.IngressGateway, frozen=True, tag_field="Kind", tag="ingress-gateway"):
    """An entry with the listeners of a gateway into the mesh."""

    create_index: int = 0
    modify_index: int = 0


class TerminatingGateway(gateways.TerminatingGateway, frozen=True, tag_field="Kind", tag="terminating-gateway"):
    """An entry with the services behind a gateway out of the mesh."""

    create_index: int = 0
    modify_index: int = 0


class ServiceIntentions(access.ServiceIntentions, frozen=True, tag_field="Kind", tag="service-intentions"):
    """An entry that says who may connect to a service."""

    create_index: int = 0
    modify_index: int = 0


class JWTProvider(jwt_provider.JWTProvider, frozen=True, tag_field="Kind", tag="jwt-provider"):
    """An entry that says how tokens of one issuer are verified."""

    create_index: int = 0
    modify_index: int = 0


Entry: TypeAlias = (
    ServiceDefaults
    | ProxyDefaults
    | Mesh
    | ServiceRouter
    | ServiceSplitter
    | ServiceResolver
    | IngressGateway
    | TerminatingGateway
    | ServiceIntentions
    | JWTProvider
)
"""An entry of any kind. The indexes are the registry's own, and may be sent back with it."""

EntriesShown: TypeAlias = Entry | list[Entry]
"""One entry, or the list of those of a kind."""


class ModeOverride(TypedDict, total=False):
    """By which gateways other datacenters are reached."""

    Mode: Literal["", "none", "local", "remote"]


class ChainOverrides(TypedDict, total=False):
    """What takes the place of what the entries say."""

    OverrideConnectTimeout: Duration
    OverrideProtocol: str
    OverrideMeshGateway: ModeOverride


class ChainShown(TypedDict):
    """A discovery chain."""

    Chain: chains.Chain
