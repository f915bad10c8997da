"""The filters of queries: which records each kind of query lists, and what a filter leaves of an answer."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import lru_cache
from typing import Final, TypeVar, cast

import msgspec

from lictor_core.limits import FILTERS_KEPT_MAX
from lictor_core.queries import (
    FilterableQuery,
    Query,
)
from lictor_core.records import NodeServiceList, NodeServices, Service

__all__ = ["Predicate", "check_filter", "filtered", "filtering", "predicate", "unfiltered"]

Predicate = Callable[[object], bool]
T = TypeVar("T")

_STEP: Final = 16


@lru_cache(maxsize=FILTERS_KEPT_MAX)
def predicate(text: str, listed: str) -> Predicate:
    """The filter `text` for records of the table named `listed` (`FilterableQuery.listed`), compiled once.

    Raises `FilterError`.
    """
    from lictor_core.filter import tables  # with the parser: most agents never see a filter
    from lictor_core.filter.compiling import compile_filter
    from lictor_core.filter.parsing import parse

    return compile_filter(parse(text), tables.BY_NAME[listed])


def check_filter(query: Query[T]) -> bool:
    """Whether `query` has a filter. Raises `FilterError` when it has one that cannot be applied."""
    if not isinstance(query, FilterableQuery) or not query.filter:
        return False
    predicate(query.filter, query.listed)
    return True


def unfiltered(query: Query[T]) -> Query[T]:
    """`query` without its filter; itself when it has none."""
    if not isinstance(query, FilterableQuery):
        return query
    return msgspec.structs.replace(query, filter="") if query.filter else query


def filtered(query: Query[T], answer: T) -> T:
    """What the filter of `query` leaves of `answer`; the same object where there is none. Raises `FilterError`."""
    if not isinstance(query, FilterableQuery) or not query.filter:
        return answer
    steps = filtering(query, answer)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return cast(T, done.value)


def filtering(query: Query[T], answer: T) -> Generator[None, None, T]:
    """As `filtered`, step by step, for who has other things to do meanwhile: the result is what is returned at the end.

    A step looks at `_STEP` records, which takes a millisecond or two where the filter is as long as can be.
    """
    assert isinstance(query, FilterableQuery), "only lists are filtered"
    wanted = predicate(query.filter, query.listed)
    rows, left = _rows(answer), list[object]()
    for start in range(0, len(rows), _STEP):
        left += filter(wanted, rows[start : start + _STEP])
        yield
    return cast(T, _with_rows(answer, left))


def _rows(answer: object) -> list[object]:
    match answer:
        case None:
            return []
        case NodeServices():
            return list[object](answer.services.values())
        case NodeServiceList():
            return cast("list[object]", answer.services)
        case _:
            return cast("list[object]", answer)


def _with_rows(answer: object, rows: list[object]) -> object:
    match answer:
        case None:
            return None
        case NodeServices():
            services = cast("list[Service]", rows)
            return msgspec.structs.replace(answer, services={one.id: one for one in services})
        case NodeServiceList():
            return msgspec.structs.replace(answer, services=rows)
        case _:
            return rows
