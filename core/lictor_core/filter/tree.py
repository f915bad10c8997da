"""What a filter says: matches of a selector, joined by `and`, `or`, `not`. Positions count for messages alone."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

__all__ = ["All", "Either", "Expression", "Match", "Not", "Operator", "Selector", "Value"]


class Operator(enum.StrEnum):
    """How a match judges what its selector finds, in the words of the language.

    `value in selector` and `selector contains value` are the same.
    """

    EQUAL = "=="
    NOT_EQUAL = "!="
    IN = "in"
    NOT_IN = "not in"
    IS_EMPTY = "is empty"
    IS_NOT_EMPTY = "is not empty"
    MATCHES = "matches"
    NOT_MATCHES = "not matches"


@dataclass(frozen=True, slots=True)
class Selector:
    """A path of names into a record: `Proxy.Upstreams.LocalBindPort`, `Meta["a-b"]`. `at` counts characters from 0."""

    names: tuple[str, ...]
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Value:
    """What is compared with; every value is written as text, and read as what the selector finds."""

    text: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Match:
    """One judgement; `value` is None where the operator takes none."""

    selector: Selector
    operator: Operator
    value: Value | None = None
    at: int = field(default=0, compare=False)
    """Where the operator stands."""


@dataclass(frozen=True, slots=True)
class Not:
    """True where `term` is not."""

    term: Expression


@dataclass(frozen=True, slots=True)
class All:
    """True where all `terms` are; two at least."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """True where one of `terms` is; two at least."""

    terms: tuple[Expression, ...]


Expression = Match | Not | All | Either
