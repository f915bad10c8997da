"""Entries from what clients write: any spelling of keys that Consul takes, values of the right types, all flaws named.

Consul decodes entries weakly (mapstructure of Go): a number may stand as text, one value for a list of one, a duration
as text or nanoseconds; keys ignore case and underscores. What an entry holds for somebody else (a proxy's `Config`) is
left as it is. The types say all there is to know about a kind: there is no second table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from itertools import islice
from typing import Final, cast

import msgspec

from lictor_core.durations import format_duration, parse_duration
from lictor_core.entries.access import ServiceIntentions
from lictor_core.entries.base import Entry, Flaw, as_json, key_place, place
from lictor_core.entries.defaults import Mesh, ProxyDefaults, ServiceDefaults
from lictor_core.entries.gateways import IngressGateway, TerminatingGateway
from lictor_core.entries.jwt_provider import JWTProvider
from lictor_core.entries.routing import Resolver, Router, Splitter
from lictor_core.errors import RequestError
from lictor_core.records import JsonObject

__all__ = ["KINDS", "EntryForm", "body_of", "check_entry", "entry_from", "kind_of", "read_entry"]

KINDS: Final[Mapping[str, type[Entry]]] = {
    one.kind: one
    for one in (
        ServiceDefaults,
        ProxyDefaults,
        Router,
        Splitter,
        Resolver,
        IngressGateway,
        TerminatingGateway,
        ServiceIntentions,
        Mesh,
        JWTProvider,
    )
}
"""The type of each kind."""

_REGISTRY_OWN: Final = frozenset({"createindex", "modifyindex", "hash"})
"""Keys at the top that the registry gives itself: clients send back what they read."""
_TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False", ""})
_SHOWN_CHARS_MAX: Final = 40
_KEY_CHARS_SHOWN_MAX: Final = 256
_FLAWS_MAX: Final = 100
"""So many flaws are told; a body of nothing but flaws must not become an answer of megabytes."""
_KIND: Final = ("Kind", "kind")


class EntryForm(RequestError):
    """What was written is no entry: keys nobody knows, values of a wrong type; `flaws` have their places."""

    def __init__(self, message: str, flaws: tuple[Flaw, ...] = ()) -> None:
        super().__init__(message)
        self.flaws = flaws


def kind_of(kind: str) -> type[Entry]:
    """The type of a kind. Raises `RequestError` for one that nobody knows."""
    found = KINDS.get(kind)
    if found is None:
        near = get_close_matches(kind[:_SHOWN_CHARS_MAX], KINDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(KINDS))}"
        raise RequestError(f"invalid config entry kind: {kind[:_SHOWN_CHARS_MAX]} ({hint})")
    return found


def read_entry(value: object) -> Entry:
    """The entry in what a client wrote, as it is kept, not judged yet. Raises `EntryForm` with every flaw."""
    if not isinstance(value, Mapping):
        raise EntryForm(f"an entry is a mapping with a Kind and a Name, not {_shown_kind(value)}")
    given = dict(cast("Mapping[str, object]", value))
    written = next((name for name in _KIND if name in given), None)
    if written is None:
        raise EntryForm("Payload does not contain a kind/Kind key at the top level")
    kind = given.pop(written)
    if not isinstance(kind, str):
        raise EntryForm("Kind: the value is no text")
    try:
        form = kind_of(kind)
    except RequestError as error:
        raise EntryForm(str(error)) from None
    given = {key: one for key, one in given.items() if _folded(key) not in _REGISTRY_OWN}
    reading = _Reading()
    fields = reading.fields(given, form, "")
    if reading.flaws:
        raise EntryForm(_told(reading.flaws, reading.flaws_more), tuple(reading.flaws))
    return msgspec.convert(fields, form).normal()


def check_entry(entry: Entry) -> None:
    """Raise `RequestError` with every flaw of an entry looked at alone."""
    found = entry.flaws()
    flaws = list(islice(found, _FLAWS_MAX))
    if flaws:
        raise RequestError(f"{entry.kind} {entry.name!r}: {_told(flaws, sum(1 for _ in found))}")


def entry_from(kind: str, name: str, body: JsonObject) -> Entry:
    """The entry that is kept as `body`. Raises `RequestError` for anything else."""
    try:
        return msgspec.convert({**body, "Name": name}, kind_of(kind))
    except (msgspec.ValidationError, RecursionError) as error:
        raise RequestError(f"{kind} {name!r} is not as entries are kept: {error}") from error


def body_of(entry: Entry) -> JsonObject:
    """What is kept of an entry besides its kind and name, in the form of its JSON."""
    body = as_json(entry)
    del body["Name"]
    return body


def _told(flaws: list[Flaw], more: int) -> str:
    return "; ".join(map(str, flaws)) + (f"; and {more} more" if more > 0 else "")


def _folded(key: str) -> str:
    return key.replace("_", "").lower()


def _shown_kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "a mapping"


@cache
def _fields_of(form: type[msgspec.Struct]) -> dict[str, tuple[str, msgspec.inspect.Type, bool]]:
    """By folded key: the name in JSON, the type, whether it is always there."""
    info = cast("msgspec.inspect.StructType", msgspec.inspect.type_info(form))
    return {_folded(one.encode_name): (one.encode_name, one.type, one.required) for one in info.fields}


def _items(value: object) -> list[object]:
    """What a list holds; nothing for any other value."""
    return cast("list[object]", value) if isinstance(value, list) else []


def _in_order(value: object) -> object:
    """`value` with the keys of all mappings in order, as Go writes them: equal entries are equal to the byte."""
    if isinstance(value, Mapping):
        return {key: _in_order(one) for key, one in sorted(cast("Mapping[str, object]", value).items())}
    return [_in_order(one) for one in _items(cast(object, value))] if isinstance(value, list) else value


def _is_optional(kind: msgspec.inspect.UnionType) -> bool:
    return any(isinstance(one, msgspec.inspect.NoneType) for one in kind.types)


def _wanted(kind: msgspec.inspect.UnionType) -> msgspec.inspect.Type:
    return next(one for one in kind.types if not isinstance(one, msgspec.inspect.NoneType))


class _Reading:
    """One entry being read: values turned to their types, the first `_FLAWS_MAX` flaws kept, the others counted."""

    def __init__(self) -> None:
        self.flaws: list[Flaw] = []
        self.flaws_more = 0

    def fields(self, given: Mapping[str, object], form: type[msgspec.Struct], where: str) -> JsonObject:
        """The fields of `form` in a mapping, and the zero of what must be there and is not."""
        known = _fields_of(form)
        found: JsonObject = {}
        for key, value in given.items():
            field = known.get(_folded(key))
            if field is None:
                self._unknown(key, known, where)
                continue
            here = place(where, key) if where else key
            if field[0] in found:
                self._note(here, f"is {field[0]} once more: keep one of them")
            elif value is not None:
                found[field[0]] = self.value(value, field[1], here)
        for name, kind, is_required in known.values():
            if is_required and name not in found:
                found[name] = self.zero(kind)
        return found

    def zero(self, kind: msgspec.inspect.Type) -> object:
        """What stands for nothing in a field that is always there."""
        match kind:
            case msgspec.inspect.UnionType():
                return None if _is_optional(kind) else self.zero(kind.types[0])
            case msgspec.inspect.StructType():
                return self.fields({}, kind.cls, "")
            case msgspec.inspect.ListType() | msgspec.inspect.VarTupleType():
                return []
            case msgspec.inspect.DictType():
                return {}
            case msgspec.inspect.IntType() | msgspec.inspect.FloatType():
                return 0
            case msgspec.inspect.BoolType():
                return False
            case _:
                return ""

    def value(self, value: object, kind: msgspec.inspect.Type, where: str) -> object:
        """`value` as a `kind`; what cannot be one is a flaw."""
        match kind:
            case msgspec.inspect.UnionType():
                # Either something that may be missing, or a number that is whole or not.
                inner = kind.types[-1] if not _is_optional(kind) else _wanted(kind)
                return self.value(value, inner, where)
            case msgspec.inspect.Metadata():  # durations are all that is marked
                return self._duration(value, where)
            case msgspec.inspect.StructType():
                mapping = self._mapping(value, where)
                return {} if mapping is None else self.fields(mapping, kind.cls, where)
            case msgspec.inspect.ListType() | msgspec.inspect.VarTupleType():
                return self._list(value, kind.item_type, where)
            case msgspec.inspect.DictType():
                return self._pairs(value, kind.value_type, where)
            case msgspec.inspect.BoolType():
                return self._boolean(value, where)
            case msgspec.inspect.IntType():
                return self._whole(value, where)
            case msgspec.inspect.FloatType():
                return self._number(value, where)
            case _:
                return self._text(value, where)

    def _flaw(self, where: str, wanted: str, value: object) -> None:
        shown = _shown_kind(value)
        if isinstance(value, str):
            shown = f"{value[:_SHOWN_CHARS_MAX]!r}"
        self._note(where, f"must be {wanted}, not {shown}")

    def _unknown(self, key: str, known: Mapping[str, tuple[str, msgspec.inspect.Type, bool]], where: str) -> None:
        if len(self.flaws) == _FLAWS_MAX:  # to look for what was meant takes its time
            self.flaws_more += 1
            return
        near = get_close_matches(_folded(key[:_SHOWN_CHARS_MAX]), known, n=1)
        reason = f"invalid config key; did you mean {known[near[0]][0]}?" if near else "invalid config key"
        if _folded(key) == "namespace":
            reason = "invalid config key; namespaces are a feature of Consul Enterprise: leave it out"
        shown = key[:_KEY_CHARS_SHOWN_MAX]
        self._note(place(where, shown) if where else shown, reason)

    def _note(self, where: str, reason: str) -> None:
        if len(self.flaws) < _FLAWS_MAX:
            self.flaws.append(Flaw(where, reason))
        else:
            self.flaws_more += 1

    def _mapping(self, value: object, where: str) -> Mapping[str, object] | None:
        items = _items(value)  # blocks of HCL come as a list, whose mappings are one
        if items and all(isinstance(one, Mapping) for one in items):
            return {key: one for item in items for key, one in cast("Mapping[str, object]", item).items()}
        if isinstance(value, Mapping):
            return cast("Mapping[str, object]", value)
        self._flaw(where, "a mapping", value)
        return None

    def _pairs(self, value: object, kind: msgspec.inspect.Type, where: str) -> JsonObject:
        mapping = self._mapping(value, where)
        if mapping is None:
            return {}
        if isinstance(kind, msgspec.inspect.AnyType | msgspec.inspect.CustomType):  # it is somebody else's
            return cast(JsonObject, _in_order(mapping))
        found: JsonObject = {}
        for key, one in sorted(mapping.items()):
            found[key] = self.zero(kind) if one is None else self.value(one, kind, f"{where}{key_place(key)}")
        return found

    def _list(self, value: object, kind: msgspec.inspect.Type, where: str) -> list[object]:
        if value == {}:
            return []
        items = [value] if not isinstance(value, list) else _items(cast("list[object]", value))
        return [
            self.zero(kind) if one is None else self.value(one, kind, place(where, number))
            for number, one in enumerate(items)
        ]

    def _text(self, value: object, where: str) -> str:
        match value:
            case str():
                return value
            case bool():
                return "1" if value else "0"
            case int():
                return str(value)
            case float():
                return str(int(value)) if value.is_integer() else str(value)
            case _:
                items = _items(value)
                if len(items) == 1:
                    return self._text(items[0], where)
                self._flaw(where, "text", value)
                return ""

    def _boolean(self, value: object, where: str) -> bool:
        match value:
            case bool():
                return value
            case int() | float():
                return value != 0
            case str() if value in _TRUE or value in _FALSE:
                return value in _TRUE
            case _:
                self._flaw(where, "true or false", value)
                return False

    def _number(self, value: object, where: str) -> float:
        match value:
            case bool():
                return float(value)
            case int() | float():
                try:
                    found = float(value)
                except OverflowError:
                    found = math.inf
                if math.isfinite(found):
                    return found
                self._note(where, "is too large")
                return 0.0
            case str():
                try:
                    found = float(value or 0)
                except ValueError:
                    found = math.nan
                if math.isfinite(found):
                    return found
            case _:
                pass
        self._flaw(where, "a number", value)
        return 0.0

    def _whole(self, value: object, where: str) -> int:
        found = 0
        match value:
            case bool() | int():
                found = int(value)
            case float() if value == value and abs(value) < _WHOLE_END:
                found = int(value)
            case str():
                try:
                    found = int(value or "0", 0)
                except ValueError:
                    self._flaw(where, "a whole number", value)
            case _:
                self._flaw(where, "a whole number", value)
        if not -_WHOLE_END <= found < _WHOLE_END:
            self._note(where, "is too large")
            return 0
        return found

    def _duration(self, value: object, where: str) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self._flaw(where, "a duration such as 5s", value)
            return ""
        try:
            return format_duration(parse_duration(value)) if value != "" else ""
        except RequestError as error:
            self._note(where, str(error))
            return ""


_WHOLE_END: Final = 2**63  # what a whole number of Go holds
