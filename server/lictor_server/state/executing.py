"""Running prepared queries: which instances one finds, and which of them are equally near. Pure.

A query looks in this datacenter alone: there is no other one that could be reached, and Consul, too, counts only those
that it reached as failovers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from lictor_core.coordinates import Coordinate, distance_s
from lictor_core.narrowing import has_pairs, has_tags
from lictor_core.prepared import NEAR_AGENT, NEAR_IP, Execution, PreparedQuery, QueryOrigin, QueryService
from lictor_core.query_templates import rendered
from lictor_core.records import CRITICAL, PASSING, ServiceHealth
from lictor_server.state.store import Store

__all__ = ["execute", "render"]

_NOT: Final = "!"


def render(store: Store, id_or_name: str) -> PreparedQuery | None:
    """The query that runs under an id or a name, filled in. Raises `RequestError` where that cannot be done."""
    query = store.prepared.resolve(id_or_name)
    return None if query is None else rendered(query, id_or_name)


def execute(store: Store, id_or_name: str, origin: QueryOrigin, *, connect: bool) -> Execution | None:
    """What the query that runs under an id or a name finds; None when there is none. Raises as `render` does."""
    query = render(store, id_or_name)
    if query is None:
        return None
    service = query.service
    found = store.health.of(service.service, connect=connect or service.connect)
    rows, runs = _by_distance(
        [row for row in found if _is_wanted(row, service)],
        _near(store, service.near, origin),
        store.coordinates.known,
    )
    return Execution(service=service.service, rows=rows, runs=runs, dns=query.dns, datacenter=store.datacenter)


def _is_wanted(row: ServiceHealth, service: QueryService) -> bool:
    return (
        _is_healthy(row, service)
        and _has_tags(row.service.tags, service.tags or ())
        and has_pairs(row.node.meta, tuple((service.node_meta or {}).items()))
        and has_pairs(row.service.meta, tuple((service.service_meta or {}).items()))
    )


def _is_healthy(row: ServiceHealth, service: QueryService) -> bool:
    ignored = service.ignore_check_ids or ()
    for check in row.checks:
        bad = check.status == CRITICAL or (service.only_passing and check.status != PASSING)
        if bad and check.check_id not in ignored:
            return False
    return True


def _has_tags(tags: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether it has all of the `wanted` tags, and none of those with a `!` before them; case does not count."""
    if not wanted:
        return True
    has = {tag.lower() for tag in tags}
    if any(tag[1:].lower() in has for tag in wanted if tag.startswith(_NOT)):
        return False
    return has_tags(tags, [tag for tag in wanted if not tag.startswith(_NOT)])


def _near(store: Store, named: str, origin: QueryOrigin) -> str:
    """The node that distances are measured from; empty for none. Who runs the query has the say before its author."""
    near = origin.near or named
    if near == NEAR_AGENT:
        return origin.agent
    if near == NEAR_IP:
        holders = store.addresses.nodes_at(origin.address) if origin.address else []
        return holders[0].node if holders else ""
    return near


def _by_distance(
    rows: list[ServiceHealth], near: str, known: Mapping[str, Coordinate]
) -> tuple[list[ServiceHealth], list[int]]:
    """`rows`, the nearest first, and the lengths of the runs that are equally near; what is on `near` itself leads."""
    if not near:
        return rows, [len(rows)] if rows else []
    origin = known.get(near.lower())
    runs: dict[tuple[int, float], list[ServiceHealth]] = {}
    for row in rows:
        node = row.node.node.lower()
        place = None if origin is None else known.get(node)
        far = (0, 0.0) if node == near.lower() else (2, 0.0)
        if far[0] and origin is not None and place is not None:
            far = (1, distance_s(origin, place))
        runs.setdefault(far, []).append(row)
    ordered = [runs[far] for far in sorted(runs)]
    return [row for run in ordered for row in run], [len(run) for run in ordered]
