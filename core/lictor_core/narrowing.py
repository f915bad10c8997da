"""Questions that are narrower than others: by tags, metadata, health and filters, and what is asked for without them.

One view of all instances of a service answers every question about some of them. Servers filter by the same rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, cast

from lictor_core.filter import filtered, unfiltered
from lictor_core.queries import IngressHealthQuery, Query, ServiceHealthQuery, ServiceInstancesQuery
from lictor_core.records import PASSING, CatalogService, ServiceHealth

__all__ = ["base_of", "has_pairs", "has_tags", "narrowed", "narrowed_health", "narrowed_instances"]

T = TypeVar("T")


def base_of(query: Query[T]) -> Query[T]:
    """The widest question from whose answer `narrowed` gives that of `query`; both have the same topics.

    What is sorted by distance is a question of its own.
    """
    return cast("Query[T]", _wide(query))


def _wide(query: object) -> object:
    match query:
        case ServiceHealthQuery(near=""):
            return ServiceHealthQuery(service=query.service.lower(), connect=query.connect)
        case ServiceInstancesQuery(near=""):
            return ServiceInstancesQuery(service=query.service.lower(), connect=query.connect)
        case _:
            return unfiltered(cast("Query[object]", query))


def narrowed(query: Query[T], answer: T) -> T:
    """The answer to `query`, from that to `base_of(query)`. Lists are not copied where all of them is wanted.

    Raises `FilterError` for a filter that cannot be applied.
    """
    return filtered(query, cast(T, _chosen(query, answer)))


def _chosen(query: object, answer: object) -> object:
    if isinstance(query, ServiceHealthQuery):
        return narrowed_health(query, cast("list[ServiceHealth]", answer))
    if isinstance(query, ServiceInstancesQuery):
        return narrowed_instances(query, cast("list[CatalogService]", answer))
    return answer


def narrowed_health(query: ServiceHealthQuery | IngressHealthQuery, rows: list[ServiceHealth]) -> list[ServiceHealth]:
    """Those of `rows` that `query` asks for."""
    if not (query.tags or query.node_meta or query.passing):
        return rows
    return [
        row
        for row in rows
        if has_tags(row.service.tags, query.tags)
        and has_pairs(row.node.meta, query.node_meta)
        and not (query.passing and any(check.status != PASSING for check in row.checks))
    ]


def narrowed_instances(query: ServiceInstancesQuery, rows: list[CatalogService]) -> list[CatalogService]:
    """Those of `rows` that `query` asks for."""
    if not (query.tags or query.node_meta):
        return rows
    return [row for row in rows if has_tags(row.service_tags, query.tags) and has_pairs(row.node_meta, query.node_meta)]


def has_pairs(meta: dict[str, str] | None, pairs: Sequence[tuple[str, str]]) -> bool:
    """Whether the metadata has every one of `pairs`."""
    return not pairs or (meta is not None and all(meta.get(key) == value for key, value in pairs))


def has_tags(tags: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether `tags` has every one of `wanted`; case does not count."""
    if not wanted:
        return True
    has = {tag.lower() for tag in tags}
    return all(tag.lower() in has for tag in wanted)
