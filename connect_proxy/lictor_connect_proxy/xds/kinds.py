"""The kinds of resources that Envoy asks for, by their type URLs, and what is said when their extra is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lictor_core.records import JsonObject

__all__ = [
    "CLUSTER",
    "ENDPOINTS",
    "EXTENSION",
    "LISTENER",
    "ORDER",
    "ROUTES",
    "SECRET",
    "XDS_EXTRA",
    "Resources",
]

CLUSTER: Final = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
ENDPOINTS: Final = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
SECRET: Final = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
LISTENER: Final = "type.googleapis.com/envoy.config.listener.v3.Listener"
ROUTES: Final = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
EXTENSION: Final = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"

ORDER: Final = (CLUSTER, ENDPOINTS, SECRET, LISTENER, ROUTES, EXTENSION)
"""What must be there first, first: a listener that names a cluster comes after it."""

Resources = Mapping[str, Mapping[str, JsonObject]]
"""What one Envoy shall have: for each type URL its resources by name, in proto3 JSON form (fields' own names).

An endpoint assignment is named after its cluster's `eds_cluster_config.service_name`, else after the cluster. Every
name that a cluster or listener refers to must be there. A secret is never taken away from an Envoy that holds it:
who must be closed needs a secret that lets nobody in, or no listener.
"""

XDS_EXTRA: Final = "install lictor[xds], or lictor[envoy] where Envoy runs"
