"""Discovery chains: what the requests to a service go through until they reach instances, as a value for proxies.

A chain is a graph: a router leads to splitters and resolvers, a splitter to resolvers, and a resolver to a target with
further targets for the time when that one has no healthy instance. Nodes and targets have Consul's names. Source:
Consul's documents `docs/connect/l7-traffic/discovery-chain` and `api-docs/discovery-chain`.
"""

from __future__ import annotations

import msgspec

from lictor_core.entries.routing import Route, Split, Subset
from lictor_core.entries.traffic import LoadBalancer
from lictor_core.records import MeshGateway, Record

__all__ = [
    "Chain",
    "ChainFailover",
    "ChainNode",
    "ChainResolver",
    "ChainRoute",
    "ChainSplit",
    "Target",
]


class ChainRoute(Record, frozen=True, kw_only=True):
    """A rule of a router, and the name of the node to go on from. `mirror_target` is the id of who gets copies."""

    definition: Route
    next_node: str
    mirror_target: str = ""


class ChainSplit(Record, frozen=True, kw_only=True):
    """A share of the requests in percent, and the name of the node to go on from.

    `definition` is the split that was written where it changes headers, for that is all it says besides.
    """

    weight: int | float
    next_node: str
    definition: Split | None = None


class ChainFailover(Record, frozen=True, kw_only=True):
    """The ids of the targets to try, in order, when the resolver's own has no healthy instance."""

    targets: list[str]


class ChainResolver(Record, frozen=True, kw_only=True):
    """The id of a target, and how to connect to it. `default` says that no entry asked for this."""

    connect_timeout: str
    default: bool = False
    target: str
    failover: ChainFailover | None = None
    request_timeout: str = ""
    load_balancer: LoadBalancer | None = None


class ChainNode(Record, frozen=True, kw_only=True):
    """A router, a splitter or a resolver; the one of the three last fields that its type names is filled."""

    type: str
    name: str
    routes: tuple[ChainRoute, ...] = ()
    splits: tuple[ChainSplit, ...] = ()
    resolver: ChainResolver | None = None


class Target(Record, frozen=True, kw_only=True):
    """Instances to connect to: those of a service, or of its subset, in a datacenter.

    `sni` is the TLS server name to ask for; `external` says that it is one outside the mesh.
    """

    id: str = msgspec.field(name="ID")
    service: str
    service_subset: str = ""
    namespace: str
    datacenter: str
    mesh_gateway: MeshGateway
    subset: Subset
    external: bool = False
    sni: str = msgspec.field(name="SNI")
    name: str


class Chain(Record, frozen=True, kw_only=True):
    """The discovery chain of a service as it is seen from a datacenter.

    Nodes go by `<type>:<name>`, targets by their ids. `customization_hash` tells apart the chains of one service that
    an asker's own settings changed; it is empty when they changed nothing.
    """

    service_name: str
    namespace: str
    datacenter: str
    customization_hash: str = ""
    protocol: str
    start_node: str
    nodes: dict[str, ChainNode]
    targets: dict[str, Target]
