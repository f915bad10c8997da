"""Answers as rows: how an answer of each query is taken apart, told piece by piece, and put together again.

Between servers and agents an answer travels as a list of rows and as edits of such a list. Answers that are lists have
a row for each item, with a key by which a changed row is known from another one; all others are one row, the value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeVar, cast

from lictor_core.codec import unpacker
from lictor_core.config_records import ConfigEntry
from lictor_core.coordinates import NodeCoordinate
from lictor_core.prepared import PreparedQuery
from lictor_core.queries import (
    ChecksInStateQuery,
    ConfigEntriesQuery,
    CoordinatesQuery,
    IngressHealthQuery,
    IntentionMatchQuery,
    IntentionsQuery,
    KeysQuery,
    NodeChecksQuery,
    NodesQuery,
    PreparedQueriesQuery,
    Query,
    ServiceChecksQuery,
    ServiceHealthQuery,
    ServiceInstancesQuery,
    ServicesQuery,
    TreeQuery,
    VirtualAddressesQuery,
    answer_type,
)
from lictor_core.records import CatalogService, Check, Intention, KVEntry, Node, ServiceHealth
from lictor_core.virtual_addresses import VirtualAddress

__all__ = ["Row", "Shape", "shape_of"]

Row = object
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shape:
    """How answers of one kind of query become rows and back.

    `join(split(answer)) == answer`. `key` is what makes a row the same row after it changed; no two rows of an answer
    share one. `decode` reads a row from msgpack and raises `RequestError` for anything else. An answer that `is_sole`
    is one row, neither less nor more: `join` takes no other number.
    """

    split: Callable[[object], Sequence[Row]]
    join: Callable[[Sequence[Row]], object]
    key: Callable[[Row], object]
    decode: Callable[[bytes], Row]
    is_sole: bool = False


def shape_of(query: Query[T]) -> Shape:
    """The shape of the answers to `query`."""
    return _shape_of(cast("type[Query[object]]", type(query)))


@cache
def _shape_of(kind: type[Query[object]]) -> Shape:
    listed = _LISTS.get(kind)
    if listed is not None:
        return Shape(split=_items, join=list, key=listed[1], decode=unpacker(listed[0]))
    if kind is ServicesQuery:
        return Shape(split=_pairs, join=_mapping, key=_first, decode=unpacker(tuple[str, list[str]]))
    return Shape(split=_whole, join=_sole, key=_one, decode=unpacker(answer_type(kind)), is_sole=True)


def _items(answer: object) -> Sequence[Row]:
    return cast("list[Row]", answer)


def _pairs(answer: object) -> Sequence[Row]:
    return list(cast("Mapping[str, list[str]]", answer).items())


def _mapping(rows: Sequence[Row]) -> object:
    return dict(cast("Sequence[tuple[str, list[str]]]", rows))


def _first(row: Row) -> object:
    return cast("tuple[str, list[str]]", row)[0]


def _whole(answer: object) -> Sequence[Row]:
    return (answer,)


def _sole(rows: Sequence[Row]) -> object:
    return rows[0]


def _one(_row: Row) -> object:
    return None


def _itself(row: Row) -> object:
    return row


def _of_node(row: Row) -> object:
    return cast(Node, row).node.lower()


def _of_health(row: Row) -> object:
    one = cast(ServiceHealth, row)
    return one.node.node.lower(), one.service.id.lower()


def _of_instance(row: Row) -> object:
    one = cast(CatalogService, row)
    return one.node.lower(), one.service_id.lower()


def _of_check(row: Row) -> object:
    one = cast(Check, row)
    return one.node.lower(), one.check_id.lower()


def _of_entry(row: Row) -> object:
    return cast(KVEntry, row).key


def _of_config(row: Row) -> object:
    one = cast(ConfigEntry, row)
    return one.kind, one.name


def _of_intention(row: Row) -> object:
    return cast(Intention, row).id


def _of_prepared(row: Row) -> object:
    return cast(PreparedQuery, row).id.lower()


def _of_virtual(row: Row) -> object:
    return cast(VirtualAddress, row).service


def _of_place(row: Row) -> object:
    one = cast(NodeCoordinate, row)
    return one.node.lower(), one.segment


_LISTS: Final[Mapping[type[object], tuple[type[object], Callable[[Row], object]]]] = {
    NodesQuery: (Node, _of_node),
    ServiceInstancesQuery: (CatalogService, _of_instance),
    ServiceHealthQuery: (ServiceHealth, _of_health),
    NodeChecksQuery: (Check, _of_check),
    ServiceChecksQuery: (Check, _of_check),
    ChecksInStateQuery: (Check, _of_check),
    TreeQuery: (KVEntry, _of_entry),
    KeysQuery: (str, _itself),
    IngressHealthQuery: (ServiceHealth, _of_health),
    ConfigEntriesQuery: (ConfigEntry, _of_config),
    IntentionsQuery: (Intention, _of_intention),
    IntentionMatchQuery: (Intention, _of_intention),
    PreparedQueriesQuery: (PreparedQuery, _of_prepared),
    CoordinatesQuery: (NodeCoordinate, _of_place),
    VirtualAddressesQuery: (VirtualAddress, _of_virtual),
}
"""Queries whose answers are lists: the type of a row, and its key. Any other answer is one row."""
