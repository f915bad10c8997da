"""The filters of queries: which records each kind of query lists, and what a filter leaves of an answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar, cast

import msgspec

from lictor_core.limits import FILTERS_KEPT_MAX
from lictor_core.queries import (
    FilterableQuery,
    NodeServiceListQuery,
    NodeServicesQuery,
    Query,
)
from lictor_core.records import NodeServiceList, NodeServices

__all__ = ["Predicate", "check_filter", "filtered", "predicate"]

Predicate = Callable[[object], bool]
T = TypeVar("T")


@lru_cache(maxsize=FILTERS_KEPT_MAX)
def predicate(text: str, listed: str) -> Predicate:
    """The filter `text` for records of the table named `listed` (`FilterableQuery.listed`), compiled once.

    Raises `FilterError`.
    """
    from lictor_core.filter import tables  # with the parser: most agents never see a filter
    from lictor_core.filter.compiling import compile_filter
    from lictor_core.filter.parsing import parse

    return compile_filter(parse(text), tables.BY_NAME[listed])


def check_filter(query: Query[T]) -> None:
    """Raise `FilterError` when the filter of `query`, if it has one, cannot be applied."""
    if isinstance(query, FilterableQuery) and query.filter:
        predicate(query.filter, query.listed)


def filtered(query: Query[T], answer: T) -> T:
    """What the filter of `query` leaves of `answer`; the same object where there is none. Raises `FilterError`."""
    if not isinstance(query, FilterableQuery) or not query.filter:
        return answer
    wanted = predicate(query.filter, query.listed)
    if isinstance(query, NodeServicesQuery):
        node = cast("NodeServices | None", answer)
        if node is None:
            return answer
        services = {key: service for key, service in node.services.items() if wanted(service)}
        return cast(T, msgspec.structs.replace(node, services=services))
    if isinstance(query, NodeServiceListQuery):
        listing = cast(NodeServiceList, answer)
        return cast(T, msgspec.structs.replace(listing, services=list(filter(wanted, listing.services))))
    return cast(T, list(filter(wanted, cast("list[object]", answer))))
