"""What readers of the catalog, of prepared queries, transactions and configuration entries ask a server, in figures.

Names and labels are Consul's (its document `docs/agent/telemetry`). Services are named in labels, so there is a bound:
who asks for ever new names must not take the place of other figures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lictor_core.config_queries import ConfigEntriesQuery, ConfigEntryQuery
from lictor_core.metrics import Aggregate, Meter
from lictor_core.prepared_queries import PreparedQueryExecutionQuery, PreparedQueryRenderedQuery
from lictor_core.queries import ServiceHealthQuery, ServiceInstancesQuery, TransactionQuery
from lictor_core.query import Query

__all__ = ["SERVICES_MAX", "ReadFigures"]

SERVICES_MAX: Final = 256
"""Services, with the tags that are asked for, that have a count of their own; the others are counted in none."""

_MS_PER_S: Final = 1000.0
_TIMED: Final[dict[type[Query[object]], str]] = {
    ConfigEntriesQuery: "config_entry.list",
    ConfigEntryQuery: "config_entry.get",
    PreparedQueryExecutionQuery: "prepared-query.execute",
    PreparedQueryRenderedQuery: "prepared-query.explain",
    TransactionQuery: "txn.read",
}
"""Reads whose making is measured."""
_AREAS: Final[dict[type[Query[object]], str]] = {ServiceHealthQuery: "health", ServiceInstancesQuery: "catalog"}
"""Reads of one service, by the first word of their counts."""


class _Asked:
    """How often one service was asked for in one way, and how often nothing was found; each a counter of a meter."""

    __slots__ = ("asked", "missed")

    def __init__(self) -> None:
        self.asked = 0
        self.missed = 0


class ReadFigures:
    """The reads of one server. `now` is monotonic, in seconds."""

    def __init__(self, meter: Meter, now: Callable[[], float]) -> None:
        self._meter = meter
        self.now = now
        self._timed: dict[type[object], Aggregate] = {type_: meter.sampler(name) for type_, name in _TIMED.items()}
        self._services: dict[tuple[type[object], str, tuple[str, ...], bool], _Asked] = {}

    def note(self, query: Query[object], value: object, began: float) -> None:
        """`query` was answered with `value`; making it began at `began`, as `now` told it."""
        type_ = type(query)
        timed = self._timed.get(type_)
        if timed is not None:
            timed.add((self.now() - began) * _MS_PER_S)
        elif isinstance(query, ServiceHealthQuery | ServiceInstancesQuery):
            asked = self._services.get((type_, query.service, query.tags, query.connect))
            if asked is None:
                asked = self._begin(query)
            asked.asked += 1
            if not value:
                asked.missed += 1

    def _begin(self, query: ServiceHealthQuery | ServiceInstancesQuery) -> _Asked:
        asked = _Asked()
        if len(self._services) >= SERVICES_MAX:
            return asked
        self._services[type(query), query.service, query.tags, query.connect] = asked
        under = f"{_AREAS[type(query)]}.{'connect' if query.connect else 'service'}"
        service = (("service", query.service),)
        self._meter.follow(f"{under}.query", lambda: asked.asked, service)
        self._meter.follow(f"{under}.not-found", lambda: asked.missed, service)
        if query.tags:
            # A label has one value in Prometheus: of several tags it holds all, where Consul shows one of them.
            tags = (*service, ("tag", ",".join(sorted(query.tags))))
            self._meter.follow(f"{under}.query-tags", lambda: asked.asked, tags)
        return asked
