"""The store as DNS and local endpoints read it: a `CatalogView` (core)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lictor_core.coordinates import Coordinate
from lictor_core.prepared import PreparedQuery
from lictor_core.records import AddressHolders, Node, ServiceHealth
from lictor_core.topics import Topic
from lictor_server.state import Store

__all__ = ["StoreView"]


class StoreView:
    """The catalog of this server; reading never waits, and between two awaits sees one index."""

    def __init__(self, store: Store, age_s: Callable[[], float]) -> None:
        """`age_s`: how long ago the store was surely current."""
        self._store = store
        self._age_s = age_s

    @property
    def version(self) -> int:
        """The index of the last change to anything that is read here."""
        return self._store.view_index

    @property
    def age_s(self) -> float:
        """How long ago this server was surely current; 0 on the leader, infinite before it has caught up."""
        return self._age_s()

    def stamp(self, topics: Sequence[Topic]) -> int:
        """The newest change of any of `topics`."""
        return self._store.stamp(topics)

    def wake_index(self, topics: Sequence[Topic]) -> int:
        """The newest change of any of `topics` that wakes who watches them."""
        return self._store.wake_index(topics)

    def service_health(self, name: str, *, connect: bool = False) -> Sequence[ServiceHealth]:
        """The instances of a service (or its mesh-capable ones) with their checks, by node and id."""
        return self._store.health.of(name, connect=connect)

    def ingress_health(self, name: str) -> Sequence[ServiceHealth]:
        """The instances of the gateways that let traffic in to a service, by node and id."""
        return self._store.health.of_ingress(name)

    def node(self, name: str) -> Node | None:
        """A node by name."""
        return self._store.catalog.node(name)

    def prepared_query(self, id_or_name: str) -> PreparedQuery | None:
        """The prepared query that runs under an id or a name, a template filled in. Raises `RequestError`."""
        return self._store.prepared.render(id_or_name)

    def coordinates(self) -> Mapping[str, Coordinate]:
        """Where the nodes stand, by name in lower case."""
        return self._store.coordinates.known

    def virtual_address(self, service: str) -> str | None:
        """The virtual IP of a service of the mesh; None when it has none."""
        return self._store.virtual.of(service)

    def holders_at(self, address: str) -> AddressHolders:
        """Who has this IP."""
        return self._store.addresses.holders(address)
