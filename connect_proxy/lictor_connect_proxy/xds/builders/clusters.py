"""Clusters: the application behind the proxy, and what upstreams lead to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from lictor_connect_proxy.snapshot import Endpoint, Limits, PassiveHealth, PublicListener
from lictor_connect_proxy.xds.builders.endpoints import Tier, are_addresses, assignment
from lictor_connect_proxy.xds.builders.tls import upstream_tls
from lictor_connect_proxy.xds.forms import ADS, any_of, lasting, pipe_address, socket_address
from lictor_connect_proxy.xds.naming import LOCAL_APP
from lictor_core.names import ServiceId
from lictor_core.records import JsonObject

__all__ = [
    "Reached",
    "ReachedTier",
    "local_cluster",
    "mesh_cluster",
    "outer_cluster",
    "plain_cluster",
    "protocol_options",
]

_HTTP2: Final = frozenset({"http2", "grpc"})
_OPTIONS: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_CAREFUL: Final[JsonObject] = {"healthy_panic_threshold": {"value": 0}, "update_merge_window": "0s"}
"""Never balance over instances that are known to be ill; see what changed at once (Envoy's default waits 1 s)."""
_KEEPALIVE: Final[JsonObject] = {"tcp_keepalive": {}}


class ReachedTier(msgspec.Struct, frozen=True, kw_only=True):
    """Instances of one target, the server name to ask them for, and who they must prove to be."""

    endpoints: Sequence[Endpoint]
    sni: str
    expected: tuple[ServiceId, ...]


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """What a cluster of the mesh leads to. Tiers after the first are used when those before have no healthy instance.

    `balance` are fields of the cluster that say how an instance is chosen.
    """

    name: str
    tiers: Sequence[ReachedTier]
    connect_timeout_s: float
    protocol: str
    limits: Limits = Limits()
    passive_health: PassiveHealth | None = None
    ejection: JsonObject = {}
    balance: JsonObject = {}


def mesh_cluster(reached: Reached) -> tuple[JsonObject, JsonObject | None]:
    """A cluster of services of the mesh, and its instances unless they are part of it."""
    sockets = [upstream_tls(one.sni, one.expected) for one in reached.tiers]
    tiers = [
        Tier(one.endpoints, one.sni if number and sockets[number] != sockets[0] else "")
        for number, one in enumerate(reached.tiers)
    ]
    cluster: JsonObject = {
        "name": reached.name,
        "alt_stat_name": reached.name,
        "connect_timeout": lasting(reached.connect_timeout_s),
        "common_lb_config": _CAREFUL,
        "outlier_detection": _outliers(reached.passive_health) | reached.ejection,
        "transport_socket": sockets[0],
        "upstream_connection_options": _KEEPALIVE,
        **protocol_options(reached.protocol),
        **_breakers(reached.limits),
        **reached.balance,
    }
    others = {tier.socket: socket for tier, socket in zip(tiers, sockets, strict=True) if tier.socket}
    if others:
        # Each tier proves to be who it is: one shared list of names would let the stand-in speak for the service.
        cluster["transport_socket_matches"] = [
            {"name": name, "match": {"target": name}, "transport_socket": socket} for name, socket in others.items()
        ]
    instances = assignment(reached.name, tiers)
    if all(are_addresses(one.endpoints) for one in reached.tiers):
        return cluster | {"type": "EDS", "eds_cluster_config": {"eds_config": ADS}}, instances
    return cluster | {"type": "STRICT_DNS", "load_assignment": instances}, None


def outer_cluster(
    reached: Reached, tls: JsonObject | None, discovery: str = ""
) -> tuple[JsonObject, JsonObject | None]:
    """A cluster of instances that are not of the mesh, with the TLS that they have, and its instances.

    `discovery` is how names of hosts are looked up, as Consul's `envoy_dns_discovery_type` says.
    """
    found, instances = mesh_cluster(reached)
    cluster = {key: value for key, value in found.items() if key != "transport_socket"}
    if tls is not None:
        cluster["transport_socket"] = tls
    if instances is None:
        # All instances of a name that is looked up are one to Envoy; with several names there is no logical one.
        lone = sum(len(one.endpoints) for one in reached.tiers) == 1
        cluster["type"] = "STRICT_DNS" if discovery == "STRICT_DNS" or not lone else "LOGICAL_DNS"
    return cluster, instances


def local_cluster(public: PublicListener, protocol: str) -> JsonObject:
    """The application behind a sidecar."""
    address = (
        pipe_address(public.application_path)
        if public.application_path
        else socket_address(public.application_host, public.application_port)
    )
    cluster = plain_cluster(LOCAL_APP, address, public.application_timeout_s, protocol)
    most = Limits(
        max_connections=public.connections_max,
        max_pending_requests=public.connections_max,
        max_concurrent_requests=public.connections_max,
    )
    return cluster | _breakers(most)


def plain_cluster(name: str, address: JsonObject, connect_timeout_s: float, protocol: str) -> JsonObject:
    """One address without TLS."""
    endpoint: JsonObject = {"endpoint": {"address": address}}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": lasting(connect_timeout_s),
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        **protocol_options(protocol),
    }


def protocol_options(protocol: str) -> JsonObject:
    """Which HTTP is spoken to the instances; nothing for connections."""
    if protocol in _HTTP2:
        form: JsonObject = {"http2_protocol_options": {}}
    elif protocol == "http":
        form = {"http_protocol_options": {}}
    else:
        return {}
    return {"typed_extension_protocol_options": {_OPTIONS: any_of(_OPTIONS, explicit_http_config=form)}}


def _outliers(passive: PassiveHealth | None) -> JsonObject:
    found: JsonObject = {}
    if passive is not None and passive.interval_s is not None:
        found["interval"] = lasting(passive.interval_s)
    if passive is not None and passive.failures_max is not None:
        found["consecutive_5xx"] = passive.failures_max
    return found


def _breakers(limits: Limits) -> JsonObject:
    wanted = {
        "max_connections": limits.max_connections,
        "max_pending_requests": limits.max_pending_requests,
        "max_requests": limits.max_concurrent_requests,
    }
    threshold = {name: value for name, value in wanted.items() if value is not None}
    return {"circuit_breakers": {"thresholds": [threshold]}} if threshold else {}
