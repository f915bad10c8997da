"""What a prepared query finds: which instances are wanted, and which of them are equally near. Pure.

A query looks in this datacenter alone: there is no other one that could be reached, and Consul, too, counts only those
that it reached as failovers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from lictor_core.coordinates import Coordinate, distance_s
from lictor_core.narrowing import has_pairs, has_tags
from lictor_core.prepared import QueryService
from lictor_core.records import CRITICAL, PASSING, ServiceHealth

__all__ = ["is_wanted", "runs_by_distance"]

_NOT: Final = "!"


def is_wanted(row: ServiceHealth, service: QueryService) -> bool:
    """Whether an instance is one that a query looks for: by its health, tags, and metadata."""
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


def runs_by_distance(
    rows: Sequence[ServiceHealth], near: str, known: Mapping[str, Coordinate]
) -> list[list[ServiceHealth]]:
    """`rows` in runs that are equally far from the node `near`, the nearest first; what is on it itself leads.

    Those of whom nobody knows how far they are come last. With no `near` all are one run. `known` is by a node's name
    in lower case.
    """
    if not near:
        return [list(rows)] if rows else []
    origin = known.get(near.lower())
    runs: dict[tuple[int, float], list[ServiceHealth]] = {}
    for row in rows:
        node = row.node.node.lower()
        place = None if origin is None else known.get(node)
        far = (0, 0.0) if node == near.lower() else (2, 0.0)
        if far[0] and origin is not None and place is not None:
            far = (1, distance_s(origin, place))
        runs.setdefault(far, []).append(row)
    return [runs[far] for far in sorted(runs)]
