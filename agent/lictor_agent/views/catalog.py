"""The catalog as DNS reads it on an agent without a server: over views, each at an index of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from lictor_agent.views.addresses import AddressBook
from lictor_agent.views.store import ViewStore
from lictor_core.coordinates import Coordinate, NodeCoordinate
from lictor_core.prepared import PreparedQuery
from lictor_core.prepared_names import PreparedNames
from lictor_core.queries import (
    CoordinatesQuery,
    IngressHealthQuery,
    NodeQuery,
    PreparedQueriesQuery,
    PreparedQueryRenderedQuery,
    Query,
    ServiceHealthQuery,
    VirtualAddressesQuery,
)
from lictor_core.records import AddressHolders, Node, ServiceHealth
from lictor_core.registry import ColdViewError
from lictor_core.topics import Topic
from lictor_core.view import View
from lictor_core.virtual_addresses import VirtualAddress

__all__ = ["BRING_S_MAX", "ViewCatalog"]

T = TypeVar("T")

_PREPARED_QUERIES: Final = PreparedQueriesQuery()
_COORDINATES: Final = CoordinatesQuery()
_VIRTUAL_ADDRESSES: Final = VirtualAddressesQuery()

_TOKEN_STEP: Final = 2**80
"""Stamps of one token never come near those of the next one, which may see other things at the same index."""
BRING_S_MAX: Final = 3.0
"""How long a question waits for a view to come: clients of DNS ask again after five seconds."""


class ViewCatalog:
    """A `CatalogView` (core). Reading follows what is read from then on."""

    def __init__(self, store: ViewStore, addresses: AddressBook, *, is_judged: bool = False) -> None:
        """`is_judged`: there is access control, and not every token may see all prepared queries."""
        self._is_judged = is_judged
        self._store = store
        self._addresses = addresses
        self._token = ""
        self._tokens = 0
        self._prepared: tuple[list[PreparedQuery], PreparedNames] | None = None
        self._places: tuple[list[NodeCoordinate], dict[str, Coordinate]] | None = None
        self._virtual: tuple[list[VirtualAddress], dict[str, str]] | None = None

    @property
    def version(self) -> int:
        """Grows with every change of any view, and every few seconds, so that what is in use is looked at."""
        return self._store.version + self._addresses.epoch + self._tokens * _TOKEN_STEP

    def use_token(self, token: str) -> None:
        """See what the holder of another token sees, from now on."""
        if token != self._token:
            self._token = token
            self._tokens += 1
            self._prepared = self._places = self._virtual = None
            self._addresses.use_token(token)

    @property
    def age_s(self) -> float:
        """Seconds since the servers were known to be current."""
        return self._store.age_s

    def stamp(self, topics: Sequence[Topic]) -> int:
        """Grows with every change of any of `topics`; -1 while one of them is not followed."""
        total = self._tokens * _TOKEN_STEP
        for topic in topics:
            view = self._store.peek(_query_of(topic), self._token)
            if view is None:
                return -1
            total += view.stamp
        return total

    def wake_index(self, topics: Sequence[Topic]) -> int:
        """The same for changes that wake. Views move one by one, so the newest index of them would not do."""
        total = self._tokens * _TOKEN_STEP
        for topic in topics:
            view = self._store.peek(_query_of(topic), self._token)
            if view is None:
                return -1
            total += view.wake_index
        return total

    def service_health(self, name: str, *, connect: bool = False) -> Sequence[ServiceHealth]:
        """The instances of a service (or its mesh-capable ones) with their checks, by node and id."""
        if not _is_text(name):
            return ()
        return self._view(ServiceHealthQuery(service=name.lower(), connect=connect)).value

    def ingress_health(self, name: str) -> Sequence[ServiceHealth]:
        """The instances of the gateways that let traffic in to a service, by node and id."""
        if not _is_text(name):
            return ()
        return self._view(IngressHealthQuery(service=name.lower())).value

    def node(self, name: str) -> Node | None:
        """A node by name."""
        return self._view(NodeQuery(node=name.lower())).value if _is_text(name) else None

    def prepared_query(self, id_or_name: str) -> PreparedQuery | None:
        """The prepared query that runs under an id or a name, a template filled in. Raises `RequestError`.

        All queries that the token may see are followed together: a name that nothing has needs no view of its own then.
        Others may be run by who knows their names, so where there may be any each name has a view.
        """
        view = self._view(_PREPARED_QUERIES)
        if self._prepared is None or self._prepared[0] is not view.value:
            self._prepared = (view.value, PreparedNames(view.value))
        found = self._prepared[1].render(id_or_name)
        if found is not None or not self._is_judged or not _is_text(id_or_name):
            return found
        return self._view(PreparedQueryRenderedQuery(id_or_name=id_or_name, to_run=True)).value

    def coordinates(self) -> Mapping[str, Coordinate]:
        """Where the nodes stand, by name in lower case."""
        view = self._view(_COORDINATES)
        if self._places is None or self._places[0] is not view.value:
            self._places = (view.value, {row.node.lower(): row.coord for row in view.value if not row.segment})
        return self._places[1]

    def virtual_address(self, service: str) -> str | None:
        """The virtual IP of a service of the mesh; None when it has none. All are followed together, as queries are."""
        view = self._view(_VIRTUAL_ADDRESSES)
        if self._virtual is None or self._virtual[0] is not view.value:
            self._virtual = (view.value, {row.service: row.address for row in view.value})
        return self._virtual[1].get(service.lower())

    def holders_at(self, address: str) -> AddressHolders:
        """Who has this IP, as of a few seconds ago."""
        return self._addresses.holders_at(address)

    def _view(self, query: Query[T]) -> View[T]:
        view = self._store.peek(query, self._token)
        if view is None:
            raise ColdViewError(self._bring(query))
        return view

    def _bring(self, query: Query[T]) -> Callable[[Callable[[bool], None]], None]:
        return lambda call: self._store.when_here(query, call, BRING_S_MAX, self._token)


def _is_text(name: str) -> bool:
    """Whether anything can have this name. Labels of DNS may be any bytes, here as lone surrogates, which no server can
    be asked for; what is registered is text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _query_of(topic: Topic) -> Query[object]:
    match topic.kind:
        case "service":
            return ServiceHealthQuery(service=topic.name)
        case "connect":
            return ServiceHealthQuery(service=topic.name, connect=True)
        case "node":
            return NodeQuery(node=topic.name)
        case "ingress":
            return IngressHealthQuery(service=topic.name)
        case "prepared-queries":
            return _PREPARED_QUERIES
        case "coordinates":
            return _COORDINATES
        case "virtual-addresses":
            return _VIRTUAL_ADDRESSES
        case _:
            raise AssertionError(f"no answer of this view depends on {topic.kind}")
