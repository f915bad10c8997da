"""Names of what an Envoy is given: clusters, listeners, routes, secrets, figures. Those that Consul shows are its own.

Dashboards and statistics tags go by them, so they follow Consul 1.8.7 where it has such a thing (seen in the
configuration dumps of Envoys that it drives).
"""

from __future__ import annotations

from typing import Final

from lictor_connect_proxy.snapshot import ExposedPath, UpstreamListener
from lictor_core.addresses import join_host_port
from lictor_core.entries.chains import Chain, Target
from lictor_core.names import NAMESPACE

__all__ = [
    "LEAF",
    "LOCAL_APP",
    "ROOTS",
    "exposed_cluster",
    "exposed_listener",
    "gateway_listener",
    "intentions_of",
    "leaf_of",
    "public_listener",
    "query_cluster",
    "target_cluster",
    "upstream_id",
    "upstream_listener",
]

LEAF: Final = "leaf"
"""The secret with the certificate and key of the proxy's own service."""
ROOTS: Final = "roots"
"""The secret with the CA certificates that other services must chain to."""
LOCAL_APP: Final = "local_app"
"""The cluster of the application behind a sidecar."""


def intentions_of(service: str) -> str:
    """The secret that says who may connect to `service`, and the extension that says it once more."""
    return f"intentions:{service}"


def public_listener(address: str, port: int, name: str = "public_listener") -> str:
    """The listener for the mesh. A listener cannot change its address: another address is another name."""
    return f"{name}:{join_host_port(address, port)}"


def upstream_id(upstream: UpstreamListener) -> str:
    """What the listener, the routes and the figures of an upstream are called by."""
    name = f"{upstream.service}?dc={upstream.datacenter}" if upstream.datacenter else upstream.service
    return f"prepared_query:{name}" if upstream.is_query else name


def upstream_listener(upstream: UpstreamListener) -> str:
    """The local listener of an upstream."""
    where = upstream.socket_path or join_host_port(upstream.bind_address, upstream.bind_port)
    return f"{upstream_id(upstream)}:{where}"


def leaf_of(service: str) -> str:
    """The secret with the certificate and key of a service that a gateway speaks for."""
    return f"{LEAF}:{service}"


def gateway_listener(name: str, address: str, port: int) -> str:
    """One listener of a gateway, by the name of the address or protocol."""
    return f"{name}:{join_host_port(address, port)}"


def exposed_listener(path: ExposedPath, address: str) -> str:
    """The listener that serves one path without mTLS."""
    plain = "".join(one if one.isalnum() else "_" for one in path.path).strip("_")
    return f"exposed_path_{plain}:{join_host_port(address, path.listener_port)}"


def exposed_cluster(port: int) -> str:
    """The cluster of an application's port that is exposed."""
    return f"exposed_cluster_{port}"


def target_cluster(chain: Chain, target: Target) -> str:
    """The cluster of a target; a chain that an asker's own demands changed has clusters of its own."""
    return f"{chain.customization_hash}~{target.name}" if chain.customization_hash else target.name


def query_cluster(query: str, datacenter: str, trust_domain: str) -> str:
    """The cluster of what a prepared query finds."""
    return f"{query}.{NAMESPACE}.{datacenter}.query.{trust_domain}"
