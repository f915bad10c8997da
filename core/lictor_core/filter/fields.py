"""What can be selected of a record, and by which operators: the tables that filters are checked against."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lictor_core.filter.tree import Operator

__all__ = ["OPERATORS", "Field", "Fields", "Kind", "known_selectors"]


class Kind(enum.Enum):
    """What a selector finds, as messages name it."""

    TEXT = "a text"
    NUMBER = "a number"
    TRUTH = "true or false"
    TEXTS = "a list of texts"
    TEXT_BY_KEY = "a mapping"
    RECORD_BY_KEY = "a mapping of records"
    RECORD = "a record"
    RECORDS = "a list of records"


_EQUALITY: Final = (Operator.EQUAL, Operator.NOT_EQUAL)
_EMPTINESS: Final = (Operator.IS_EMPTY, Operator.IS_NOT_EMPTY)
_MEMBERSHIP: Final = (Operator.IN, Operator.NOT_IN)

OPERATORS: Final[Mapping[Kind, tuple[Operator, ...]]] = {
    Kind.TEXT: (*_EQUALITY, *_MEMBERSHIP, Operator.MATCHES, Operator.NOT_MATCHES),
    Kind.NUMBER: _EQUALITY,
    Kind.TRUTH: _EQUALITY,
    Kind.TEXTS: (*_MEMBERSHIP, *_EMPTINESS),
    Kind.TEXT_BY_KEY: (*_MEMBERSHIP, *_EMPTINESS),
    Kind.RECORD_BY_KEY: (*_MEMBERSHIP, *_EMPTINESS),
    Kind.RECORD: (),
    Kind.RECORDS: _EMPTINESS,
}
"""The operators of each kind, as Consul 1.8.7 has them: a text is no list of characters and is never empty, only equal
to `""`; `in` a text looks for a part of it."""


@dataclass(frozen=True, slots=True)
class Field:
    """One name: what stands there, in which attribute, and the fields of the records that are there."""

    kind: Kind
    attribute: str
    inner: Fields | None = None

    def __post_init__(self) -> None:
        assert (self.inner is None) == (self.kind not in (Kind.RECORD, Kind.RECORDS, Kind.RECORD_BY_KEY))


Fields = Mapping[str, Field]


def known_selectors(fields: Fields, before: str = "") -> list[str]:
    """Every selector that `fields` know, `<key>` standing for any key of a mapping."""
    found: list[str] = []
    for name, field in fields.items():
        path = before + name
        if OPERATORS[field.kind]:
            found.append(path)
        if field.kind is Kind.TEXT_BY_KEY:
            found.append(f"{path}.<key>")
        if field.inner is not None:
            found += known_selectors(field.inner, f"{path}.<key>." if field.kind is Kind.RECORD_BY_KEY else f"{path}.")
    return found
