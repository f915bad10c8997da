"""A catalog of which nothing is here before it was asked for, and brought when the test says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lictor_core.coordinates import Coordinate
from lictor_core.errors import OverloadedError
from lictor_core.prepared import PreparedQuery
from lictor_core.records import AddressHolders, Node, ServiceHealth
from lictor_core.registry import ColdViewError
from tests.support.catalog import PlainCatalog

__all__ = ["ColdCatalog"]


class ColdCatalog(PlainCatalog):
    """`bring` lets come what was asked for, `fail` tells that it cannot be had."""

    def __init__(self, instances: Sequence[ServiceHealth] = (), nodes: Sequence[Node] = ()) -> None:
        super().__init__(instances, nodes)
        self.here: set[str] = set()
        self.wanted: dict[str, list[Callable[[bool], None]]] = {}
        self.is_full = False

    def bring(self) -> None:
        """Everything that is wanted is here now."""
        self.here |= set(self.wanted)
        self._tell(is_there=True)

    def fail(self) -> None:
        """Nothing that is wanted can be had."""
        self._tell(is_there=False)

    def forget(self) -> None:
        """Nothing is here any more, and whoever looks at the version sees that something happened."""
        self.here.clear()
        self.version += 1

    def service_health(self, name: str, *, connect: bool = False) -> Sequence[ServiceHealth]:
        self._need(f"{name.lower()} {connect}")
        return super().service_health(name, connect=connect)

    def ingress_health(self, name: str) -> Sequence[ServiceHealth]:
        self._need(f"ingress {name.lower()}")
        return super().ingress_health(name)

    def prepared_query(self, id_or_name: str) -> PreparedQuery | None:
        self._need("queries")
        return super().prepared_query(id_or_name)

    def coordinates(self) -> Mapping[str, Coordinate]:
        self._need("coordinates")
        return super().coordinates()

    def virtual_address(self, service: str) -> str | None:
        self._need("virtual addresses")
        return super().virtual_address(service)

    def node(self, name: str) -> Node | None:
        self._need(f"node {name.lower()}")
        return super().node(name)

    def holders_at(self, address: str) -> AddressHolders:
        self._need(address)
        return super().holders_at(address)

    def _need(self, what: str) -> None:
        if what not in self.here:
            raise ColdViewError(lambda call: self._want(what, call))

    def _want(self, what: str, call: Callable[[bool], None]) -> None:
        if self.is_full:
            raise OverloadedError("too many wait")
        self.wanted.setdefault(what, []).append(call)

    def _tell(self, *, is_there: bool) -> None:
        wanted, self.wanted = self.wanted, {}
        for calls in wanted.values():
            for call in calls:
                call(is_there)
