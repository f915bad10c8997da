"""What every query is: a value that names one read, with the topics on which the answer depends."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

import msgspec

from lictor_core.topics import Topic

__all__ = ["FilterableQuery", "Query"]

T_co = TypeVar("T_co", covariant=True)


class Query(msgspec.Struct, Generic[T_co], frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True):
    """Base of all queries. Two equal queries have the same answer at the same index."""

    takes_turns: ClassVar[bool] = False
    """Whether the answer is worked out anew for each who asks, so that many who are woken at once take turns."""

    def topics(self) -> tuple[Topic, ...]:
        """The topics that the answer depends on."""
        raise NotImplementedError(type(self).__name__)  # abstract: every query names its topics


class FilterableQuery(Query[T_co], frozen=True, kw_only=True):
    """A query whose answer lists records; `filter` is an expression that chooses among them (`lictor_core.filter`).

    A filter changes neither topics nor index. What cannot be judged is refused with `FilterError`.
    """

    listed: ClassVar[str]
    """What is listed: the name of a table of `lictor_core.filter.tables`."""
    filter: str = ""
