"""What one Envoy shall have while it is being put together, and for whom that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_connect_proxy.xds.kinds import CLUSTER, ENDPOINTS, EXTENSION, LISTENER, ROUTES, SECRET, Resources
from lictor_core.names import NAMESPACE, ServiceId
from lictor_core.records import JsonObject

__all__ = ["Draft", "Seat", "seat_of"]


class Seat(NamedTuple):
    """Where a proxy is in the mesh. A proxy without certificate or roots has no place in it."""

    trust_domain: str
    datacenter: str
    service: str

    def identity(self, service: str, datacenter: str = "") -> ServiceId:
        """Who an instance of `service` must prove to be; without a datacenter it is one of ours."""
        own = ServiceId(self.trust_domain, NAMESPACE, self.datacenter, service)
        return own._replace(datacenter=datacenter) if datacenter else own


def seat_of(snapshot: ProxySnapshot) -> Seat | None:
    """Where the proxy is; None while it cannot speak TLS."""
    identity = None if snapshot.leaf is None else snapshot.leaf.identity()
    if identity is None or snapshot.roots is None:
        return None
    return Seat(snapshot.roots.trust_domain.lower(), snapshot.datacenter or identity.datacenter, identity.service)


class Draft:
    """Resources by kind and name. A name that comes twice means the same thing twice; the first stays."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, JsonObject]] = {
            kind: {} for kind in (CLUSTER, ENDPOINTS, SECRET, LISTENER, ROUTES, EXTENSION)
        }

    def cluster(self, cluster: JsonObject, endpoints: JsonObject | None = None) -> None:
        """Add a cluster, with its instances where it asks for them."""
        self._found[CLUSTER].setdefault(str(cluster["name"]), cluster)
        if endpoints is not None:
            self._found[ENDPOINTS].setdefault(str(endpoints["cluster_name"]), endpoints)

    def has_cluster(self, name: str) -> bool:
        """Whether there is a cluster of this name."""
        return name in self._found[CLUSTER]

    def secret(self, secret: JsonObject) -> None:
        """Add a secret."""
        self._found[SECRET].setdefault(str(secret["name"]), secret)

    def listener(self, listener: JsonObject) -> None:
        """Add a listener."""
        self._found[LISTENER].setdefault(str(listener["name"]), listener)

    def routes(self, routes: JsonObject) -> None:
        """Add routes that a listener asks for."""
        self._found[ROUTES].setdefault(str(routes["name"]), routes)

    def extension(self, extension: JsonObject) -> None:
        """Add the configuration of a filter that a listener asks for."""
        self._found[EXTENSION].setdefault(str(extension["name"]), extension)

    def resources(self) -> Resources:
        """All of it, each kind in the order of names."""
        found: Mapping[str, dict[str, JsonObject]] = self._found
        return {kind: dict(sorted(named.items())) for kind, named in found.items() if named}
