"""Hypothesis strategies made from types: any value that a record, command or query can hold."""

import enum
import functools
import types
import typing
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec
from hypothesis import strategies as st

__all__ = ["json_values", "values_of"]

T = TypeVar("T")

_TEXT: Final = st.text(max_size=12)
_INTEGERS: Final = st.integers(min_value=-(2**63), max_value=2**63 - 1)
_LEAVES: Final[Mapping[object, st.SearchStrategy[Any]]] = {
    str: _TEXT,
    int: _INTEGERS,
    bool: st.booleans(),
    bytes: st.binary(max_size=24),
    float: st.floats(allow_nan=False, allow_infinity=False),
    type(None): st.none(),
}


def json_values() -> st.SearchStrategy[object]:
    """Anything JSON can say, small."""
    leaves = st.none() | st.booleans() | _INTEGERS | _TEXT
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3), max_leaves=6
    )


def values_of(kind: type[T]) -> st.SearchStrategy[T]:
    """Any value of a type made of records, enums, lists, mappings and plain values."""
    return _values(kind)


def _values(kind: Any) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind in _LEAVES:
        return _LEAVES[kind]
    if kind is object:
        return json_values()
    if origin in (typing.Union, types.UnionType):
        return st.one_of([_values(argument) for argument in arguments])
    if origin is list:
        return st.lists(_values(arguments[0]), max_size=3)
    if origin is dict:
        return st.dictionaries(_values(arguments[0]), _values(arguments[1]), max_size=3)
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return st.lists(_values(arguments[0]), max_size=3).map(tuple)
        return st.tuples(*(_values(argument) for argument in arguments))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return st.sampled_from(list(kind))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _structs(kind)
    raise TypeError(f"no strategy for {kind!r}")


@functools.cache
def _structs(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{field.name: _values(hints[field.name]) for field in msgspec.structs.fields(kind)})
