"""Where instances are, with their weights and health, as Envoy balances over them."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final, NamedTuple

from lictor_connect_proxy.snapshot import Endpoint
from lictor_connect_proxy.xds.forms import socket_address
from lictor_core.records import JsonObject

__all__ = ["SOCKET_MATCH", "Tier", "are_addresses", "assignment"]

SOCKET_MATCH: Final = "envoy.transport_socket_match"
"""Where Envoy looks in an endpoint's metadata for the TLS to use with it."""
_WEIGHT_MAX: Final = 128
"""What Envoy takes: larger weights make its tables large."""
_OVERPROVISIONED: Final = 100_000
"""In percent: the next tier is used when nothing of this one is healthy, and not before."""


class Tier(NamedTuple):
    """Instances of one target; tiers after the first are for the time when those before have no healthy one.

    `socket` names the TLS of this tier where tiers have different ones.
    """

    endpoints: Sequence[Endpoint]
    socket: str = ""


def assignment(cluster: str, tiers: Sequence[Tier]) -> JsonObject:
    """All instances of a cluster. An empty assignment is an answer, too: without one Envoy waits."""
    found: JsonObject = {
        "cluster_name": cluster,
        "endpoints": [_locality(tier, priority) for priority, tier in enumerate(tiers)],
    }
    if len(tiers) > 1:
        found["policy"] = {"overprovisioning_factor": _OVERPROVISIONED}
    return found


def are_addresses(endpoints: Sequence[Endpoint]) -> bool:
    """Whether all of these can be told to Envoy; names of hosts have to be looked up by it instead."""
    return all(_is_address(one.host) for one in endpoints)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _locality(tier: Tier, priority: int) -> JsonObject:
    locality: JsonObject = {"lb_endpoints": [_endpoint(one, tier.socket) for one in tier.endpoints]}
    if priority:
        locality["priority"] = priority
    return locality


def _endpoint(one: Endpoint, socket: str) -> JsonObject:
    usable = one.healthy and one.weight >= 1
    found: JsonObject = {
        "endpoint": {"address": socket_address(one.host, one.port)},
        "health_status": "HEALTHY" if usable else "UNHEALTHY",
        "load_balancing_weight": min(max(one.weight, 1), _WEIGHT_MAX),
    }
    if socket:
        found["metadata"] = {"filter_metadata": {SOCKET_MATCH: {"target": socket}}}
    return found
