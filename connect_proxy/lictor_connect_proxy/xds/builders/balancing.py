"""How one of several instances is chosen: settings of clusters, and what of a request or connection is hashed."""

from __future__ import annotations

from typing import Final

from lictor_connect_proxy.xds.forms import lasting
from lictor_core.entries.base import seconds
from lictor_core.entries.traffic import HashPolicy, LoadBalancer
from lictor_core.records import JsonObject

__all__ = ["cluster_balance", "connection_hashes", "request_hashes"]

_POLICIES: Final = {
    "random": "RANDOM",
    "round_robin": "ROUND_ROBIN",
    "least_request": "LEAST_REQUEST",
    "ring_hash": "RING_HASH",
    "maglev": "MAGLEV",
}


def cluster_balance(balancer: LoadBalancer | None) -> JsonObject:
    """Fields of a cluster; none where Envoy's own choice, round robin, holds."""
    if balancer is None or balancer.policy not in _POLICIES:
        return {}
    found: JsonObject = {"lb_policy": _POLICIES[balancer.policy]}
    ring, least = balancer.ring_hash_config, balancer.least_request_config
    if balancer.policy == "ring_hash" and ring is not None:
        sizes = {"minimum_ring_size": ring.minimum_ring_size, "maximum_ring_size": ring.maximum_ring_size}
        given = {name: size for name, size in sizes.items() if size}
        if given:
            found["ring_hash_lb_config"] = given
    if balancer.policy == "least_request" and least is not None and least.choice_count:
        found["least_request_lb_config"] = {"choice_count": least.choice_count}
    return found


def request_hashes(balancer: LoadBalancer | None) -> list[JsonObject]:
    """What of a request is hashed, in order."""
    return [] if balancer is None else [_request_hash(one) for one in balancer.hash_policies]


def connection_hashes(balancer: LoadBalancer | None) -> list[JsonObject]:
    """What of a connection is hashed: there is nothing but the client's address. Envoy takes one policy."""
    if balancer is None or not any(one.source_ip for one in balancer.hash_policies):
        return []
    return [{"source_ip": {}}]


def _request_hash(policy: HashPolicy) -> JsonObject:
    if policy.source_ip:
        found: JsonObject = {"connection_properties": {"source_ip": True}}
    elif policy.field == "header":
        found = {"header": {"header_name": policy.field_value}}
    elif policy.field == "query_parameter":
        found = {"query_parameter": {"name": policy.field_value}}
    else:
        found = {"cookie": _cookie(policy)}
    return found | {"terminal": True} if policy.terminal else found


def _cookie(policy: HashPolicy) -> JsonObject:
    cookie: JsonObject = {"name": policy.field_value}
    config = policy.cookie_config
    if config is None:
        return cookie
    if config.session:
        cookie["ttl"] = "0s"
    elif seconds(config.ttl):
        cookie["ttl"] = lasting(seconds(config.ttl))
    if config.path:
        cookie["path"] = config.path
    return cookie
