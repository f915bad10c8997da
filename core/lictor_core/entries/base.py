"""What all kinds of configuration entries share: the base of their types, durations, and flaws with their places.

A field without a default is always in the JSON; a field with a default is left out while it has it, as in Consul 1.8.7.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Final, NamedTuple, cast

import msgspec

from lictor_core.durations import parse_duration
from lictor_core.limits import META_KEY_CHARS_MAX, META_PAIRS_MAX, META_VALUE_CHARS_MAX
from lictor_core.records import JsonObject

__all__ = ["Duration", "Entry", "Flaw", "Part", "as_json", "key_place", "place", "seconds"]

_NAME_CHARS_MAX: Final = 1024
_KEY_CHARS_SHOWN_MAX: Final = 64
_HOLDING: Final[frozenset[type]] = frozenset((dict, list, tuple))

Duration = Annotated[str, msgspec.Meta(extra={"form": "duration"})]
"""A duration in Go's text form, `1m30s`; empty when none was given. Clients may write nanoseconds."""


class Flaw(NamedTuple):
    """What is wrong with an entry: where, by the names of its JSON, and why."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


def place(*parts: str | int) -> str:
    """The path of a field: names joined by dots, positions and keys of mappings in brackets."""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path and not part.startswith("[") else part
    return path


def key_place(key: str) -> str:
    """A key of a mapping as a part of a path. A long one is cut: it would be written out for each value below it."""
    return f"[{key}]" if len(key) <= _KEY_CHARS_SHOWN_MAX else f"[{key[:_KEY_CHARS_SHOWN_MAX]}...]"


def seconds(duration: str) -> float:
    """Seconds of a duration that was read before; 0 of an empty one."""
    return parse_duration(duration) if duration else 0.0


def as_json(value: msgspec.Struct) -> JsonObject:
    """A struct as what its JSON decodes to."""
    return cast(JsonObject, _plain(msgspec.to_builtins(value)))


def _plain(value: object) -> object:
    if isinstance(value, dict):
        # Most values are texts and numbers: not to call for each of these makes large entries three times as fast.
        items = cast("dict[str, object]", value).items()
        return {key: _plain(one) if type(one) in _HOLDING else one for key, one in items}
    if isinstance(value, list | tuple):
        return [_plain(one) if type(one) in _HOLDING else one for one in cast("tuple[object, ...]", value)]
    return value


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal", forbid_unknown_fields=True):
    """Base of everything inside entries."""


class Entry(Part, frozen=True, kw_only=True, omit_defaults=True, rename="pascal", forbid_unknown_fields=True):
    """Base of all entries. `name` is the service's, the gateway's, or the one name that the kind has."""

    kind: ClassVar[str]
    """The kind, as it stands in JSON."""
    only_name: ClassVar[str] = ""
    """The one name that entries of this kind may have, if there is one."""

    name: str
    meta: dict[str, str] | None = None

    def normal(self) -> Entry:
        """The entry as it is kept: defaults filled in, spellings made one."""
        return self

    def flaws(self) -> Iterator[Flaw]:
        """What forbids the entry, looked at alone."""
        if not self.name:
            yield Flaw("Name", "is required: name what the entry is for")
        elif len(self.name) > _NAME_CHARS_MAX:
            yield Flaw("Name", f"has {len(self.name)} characters; at most {_NAME_CHARS_MAX} are taken")
        elif self.only_name and self.name != self.only_name:
            yield Flaw("Name", f"is {self.name!r}: the one entry of kind {self.kind} is called {self.only_name!r}")
        meta = self.meta or {}
        if len(meta) > META_PAIRS_MAX:
            yield Flaw("Meta", f"has {len(meta)} pairs; at most {META_PAIRS_MAX} are taken")
        for key, value in meta.items():
            if len(key) > META_KEY_CHARS_MAX:
                yield Flaw(place("Meta", f"[{key[:32]}...]"), f"is a key of more than {META_KEY_CHARS_MAX} characters")
            if len(value) > META_VALUE_CHARS_MAX:
                yield Flaw(place("Meta", f"[{key[:32]}]"), f"has more than {META_VALUE_CHARS_MAX} characters")
