"""Sections read by their fields: a field has the name of its key, and the table of keys says what that takes.

A duration's field ends in `_s` besides. Keys without a field are checked for their type; a field without a key, or with
one that is a section of its own, stays as it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Container
from typing import TYPE_CHECKING, Final, TypeVar, cast

from lictor_config.keys import KeyKind, keys_of
from lictor_config.reading import Reader
from lictor_config.unused import check_rest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["read_fields", "read_section"]

S = TypeVar("S", bound="DataclassInstance")


def read_section(reader: Reader, section: str, base: S) -> S:
    """The section of this path, `base` where it is silent. `reader` reads the mapping that it stands in."""
    child = reader.child(section.rpartition(".")[2])
    if child is None:
        return base
    found = read_fields(child, section, base)
    check_rest(child, section)
    child.done()
    return found


def read_fields(reader: Reader, section: str, base: S, *, but: Container[str] = ()) -> S:
    """What a section has for the fields of `base`, in which others come besides; `but` are fields to leave alone.

    `reader` reads the section itself, and is not done.
    """
    specs = keys_of(section)
    found: dict[str, object] = {}
    for field in dataclasses.fields(base):
        spec = specs.get(field.name.removesuffix("_s"))
        if field.name not in but and spec is not None and spec.kind in _READ:
            found[field.name] = _READ[spec.kind](reader, spec.name, cast(object, getattr(base, field.name)))
    return dataclasses.replace(base, **found)


_READ: Final[dict[KeyKind, Callable[[Reader, str, object], object]]] = {
    KeyKind.TEXT: lambda reader, name, base: reader.text(name, cast(str, base)),
    KeyKind.BOOLEAN: lambda reader, name, base: reader.boolean(name, cast(bool, base)),
    KeyKind.WHOLE: lambda reader, name, base: reader.integer(name, cast(int, base)),
    KeyKind.NUMBER: lambda reader, name, base: reader.number(name, cast(float, base)),
    KeyKind.DURATION: lambda reader, name, base: reader.duration(name, cast(float, base)),
    KeyKind.TEXTS: lambda reader, name, base: reader.texts(name) or base,
    KeyKind.TEXT_MAP: lambda reader, name, base: reader.text_map(name) or base,
    KeyKind.DURATION_MAP: lambda reader, name, base: reader.duration_map(name) or base,
    KeyKind.FREE: lambda reader, name, base: reader.free(name) or base,
}
