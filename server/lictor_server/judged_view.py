"""The store as the holder of one token sees it: a `CatalogView` (core), for DNS where there is access control.

Each change of what the token comes to moves all stamps a step up, so that whoever kept something by them looks again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from lictor_core import topics as on
from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.caller import Caller
from lictor_core.acl.granted import DefaultPolicy, Grants
from lictor_core.acl.rules import Resource
from lictor_core.clock import Clock
from lictor_core.coordinates import Coordinate
from lictor_core.errors import PermissionDeniedError
from lictor_core.prepared import PreparedQuery
from lictor_core.records import AddressHolders, Node, ServiceHealth
from lictor_core.topics import Topic
from lictor_server.acl.callers import Callers
from lictor_server.acl.visible import holders_left, rows_left, sees_health, sees_node
from lictor_server.state import Store
from lictor_server.view import StoreView

__all__ = ["JudgedView"]

_STEP: Final = 2**48
"""More than any index that a log reaches."""
_TOPICS: Final = (on.ACL_TOKENS, on.ACL_POLICIES, on.ACL_ROLES)
_NOBODY: Final = Caller(authorizer=Authorizer(Grants(accessor_id="", default=DefaultPolicy.DENY)))
"""Who shows a token that is unknown, or was, sees nothing."""


class JudgedView:
    """What a token sees of the catalog; reading never waits. Prepared queries are run by whoever knows their names."""

    def __init__(self, view: StoreView, store: Store, callers: Callers, clock: Clock) -> None:
        self._view = view
        self._store = store
        self._callers = callers
        self._clock = clock
        self._token = ""
        self._caller: Caller | None = None
        self._looked_at = -1
        self._steps = 0

    def use_token(self, token: str) -> None:
        """Show what the holder of another token sees, from now on."""
        if token != self._token:
            self._token, self._looked_at = token, -1

    @property
    def version(self) -> int:
        """Grows with every change of anything that is read here, and of the token's rights."""
        self._judge()
        return self._view.version + self._steps * _STEP

    @property
    def age_s(self) -> float:
        """As of the whole view."""
        return self._view.age_s

    def stamp(self, topics: Sequence[Topic]) -> int:
        """The newest change of any of `topics`, and of the token's rights."""
        self._judge()
        return self._view.stamp(topics) + self._steps * _STEP

    def wake_index(self, topics: Sequence[Topic]) -> int:
        """The same for changes that wake who watches `topics`."""
        self._judge()
        return self._view.wake_index(topics) + self._steps * _STEP

    def service_health(self, name: str, *, connect: bool = False) -> Sequence[ServiceHealth]:
        """The instances of a service that are seen."""
        return self._seen(self._view.service_health(name, connect=connect))

    def ingress_health(self, name: str) -> Sequence[ServiceHealth]:
        """The instances of its gateways that are seen."""
        return self._seen(self._view.ingress_health(name))

    def node(self, name: str) -> Node | None:
        """A node that is seen, by name."""
        found = self._view.node(name)
        return found if found is not None and sees_node(self._judge(), found) else None

    def prepared_query(self, id_or_name: str) -> PreparedQuery | None:
        """The prepared query that runs under an id or a name. Raises `RequestError`."""
        return self._view.prepared_query(id_or_name)

    def coordinates(self) -> Mapping[str, Coordinate]:
        """Where the nodes stand: by that others are sorted, and it is shown nowhere."""
        return self._view.coordinates()

    def virtual_address(self, service: str) -> str | None:
        """The virtual IP of a service that is seen."""
        return self._view.virtual_address(service) if self._judge().allows(Resource.SERVICE, service) else None

    def holders_at(self, address: str) -> AddressHolders:
        """Who has this IP, of those who are seen."""
        return holders_left(self._judge(), self._view.holders_at(address))

    def _seen(self, rows: Sequence[ServiceHealth]) -> Sequence[ServiceHealth]:
        judge = self._judge()
        if judge.sees_all(Resource.NODE) and judge.sees_all(Resource.SERVICE):
            return rows
        return rows_left(judge, rows, sees_health)

    def _judge(self) -> Authorizer:
        at, known = self._store.stamp(_TOPICS), self._caller
        is_over = known is not None and known.expires_at_s is not None and self._clock.now() >= known.expires_at_s
        if known is not None and at == self._looked_at and not is_over:
            return known.authorizer
        try:
            found = self._callers.caller(self._token)
        except PermissionDeniedError:
            found = _NOBODY
        if known is not None and found.authorizer is not known.authorizer:
            self._steps += 1
        self._caller, self._looked_at = found, at
        return found.authorizer
