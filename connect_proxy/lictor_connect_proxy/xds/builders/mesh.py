"""What the Envoy of a mesh gateway is given: connections are passed on by the name that they ask for, unopened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lictor_connect_proxy.snapshot import Endpoint, ProxySnapshot
from lictor_connect_proxy.xds.builders.bound import add_bound
from lictor_connect_proxy.xds.builders.clusters import Reached, ReachedTier, outer_cluster
from lictor_connect_proxy.xds.builders.draft import Draft
from lictor_connect_proxy.xds.builders.listeners import by_server_name, filter_chain, tcp_proxy
from lictor_connect_proxy.xds.builders.logs import access_logs
from lictor_connect_proxy.xds.builders.settings import milliseconds, text
from lictor_connect_proxy.xds.forms import named_any

__all__ = ["add_mesh"]

_CONNECT_S: Final = 5.0
_STAT_PREFIX: Final = "mesh_gateway_local"


def add_mesh(draft: Draft, snapshot: ProxySnapshot) -> None:
    """A listener for each address, and a cluster for each name."""
    mesh = snapshot.mesh
    if mesh is None:
        return
    for name, endpoints in [*mesh.services.items(), *mesh.datacenters.items()]:
        _add_cluster(draft, snapshot, name, endpoints)
    logs = access_logs(snapshot.config)
    chains = [
        by_server_name(filter_chain([tcp_proxy(name, f"mesh_gateway_remote_{name}", access_log=logs)]), f"*.{name}")
        for name in sorted(mesh.datacenters)
    ]
    # The cluster is that of the name which is asked for; one that is not known ends the connection.
    by_name = named_any(
        "envoy.filters.network.sni_cluster", "envoy.extensions.filters.network.sni_cluster.v3.SniCluster"
    )
    chains.append(filter_chain([by_name, tcp_proxy("", _STAT_PREFIX, access_log=logs)]))
    add_bound(draft, snapshot, chains)


def _add_cluster(draft: Draft, snapshot: ProxySnapshot, name: str, endpoints: Sequence[Endpoint]) -> None:
    connect_s = milliseconds(snapshot.config, "connect_timeout_ms") or _CONNECT_S
    tier = ReachedTier(endpoints=endpoints, sni=name, expected=())
    reached = Reached(name=name, tiers=[tier], connect_timeout_s=connect_s, protocol="tcp")
    discovery = text(snapshot.config, "envoy_dns_discovery_type").upper()
    draft.cluster(*outer_cluster(reached, None, discovery))
