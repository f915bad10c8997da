"""The tables fit the records: what can be selected is there, of that type, under that name."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping

import msgspec
import pytest

from lictor_core.filter.fields import Field, Fields, Kind, known_selectors
from lictor_core.filter.tables import BY_NAME, SERVICE
from lictor_core.queries import AnyQuery, FilterableQuery, Query
from lictor_core.records import CatalogService, Check, Intention, Node, Service, ServiceHealth

RECORDS: Mapping[str, type[msgspec.Struct]] = {
    "catalog_service": CatalogService,
    "check": Check,
    "health": ServiceHealth,
    "intention": Intention,
    "node": Node,
    "service": Service,
}


_HOLDERS: Mapping[object, Kind] = {None: Kind.RECORD, list: Kind.RECORDS, dict: Kind.RECORD_BY_KEY}
_LEAVES: Mapping[object, Kind] = {
    bool: Kind.TRUTH,
    int: Kind.NUMBER,
    list[str]: Kind.TEXTS,
    dict[str, str]: Kind.TEXT_BY_KEY,
}


def kind_of(hint: object) -> tuple[Kind, type[msgspec.Struct] | None]:
    """The kind that fits a type, and the type of the records inside."""
    if isinstance(hint, types.UnionType):
        hint = next(one for one in typing.get_args(hint) if one is not type(None))
    arguments: tuple[object, ...] = typing.get_args(hint)
    inner = arguments[-1] if arguments else hint
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
        return _HOLDERS[typing.get_origin(hint)], inner
    return _LEAVES.get(hint, Kind.TEXT), None


def check(fields: Fields, record: type[msgspec.Struct]) -> None:
    hints: Mapping[str, object] = typing.get_type_hints(record)
    named = {one.encode_name: one.name for one in msgspec.structs.fields(record)}
    for name, field in fields.items():
        assert named[name] == field.attribute
        kind, inner = kind_of(hints[field.attribute])
        assert kind is field.kind, name
        if field.inner is not None:
            assert inner is not None
            check(field.inner, inner)


@pytest.mark.parametrize("name", RECORDS)
def test_every_selector_stands_for_a_field_of_its_type(name: str) -> None:
    check(BY_NAME[name], RECORDS[name])


def test_every_filterable_query_names_a_table() -> None:
    kinds: tuple[type[Query[object]], ...] = typing.get_args(AnyQuery)
    named = {kind.listed for kind in kinds if issubclass(kind, FilterableQuery)}
    assert named == set(BY_NAME)


def test_known_selectors_go_through_records_lists_and_mappings() -> None:
    known = known_selectors(SERVICE)
    assert {"Meta", "Meta.<key>", "TaggedAddresses.<key>.Port", "Proxy.Upstreams.MeshGateway.Mode"} <= set(known)
    assert "Proxy" not in known


def test_a_field_has_inner_fields_exactly_when_it_holds_records() -> None:
    with pytest.raises(AssertionError):
        Field(Kind.RECORD, "proxy")
    with pytest.raises(AssertionError):
        Field(Kind.TEXT, "id", SERVICE)
