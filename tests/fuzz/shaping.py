"""Values made of an input's bytes: of the right form mostly, wrong in places, with names that meet one another.

Bytes that are changed one by one are seldom anything that a decoder of typed records takes; what is behind it would
never be reached. Here each byte is a choice, so that an input that is a little changed is a value that is a little
changed.
"""

from __future__ import annotations

import enum
import functools
import types
import typing
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

__all__ = ["Choices", "anything", "packed"]

T = TypeVar("T")

_NAMES: Final = (
    "", "web", "db", "n1", "n2", "consul", "dc1", "*", "default", "a", "Web", "\0", "\ud800", "\U0001f600", "x" * 300,
    "10.0.0.1", "::1", "5c1e2f30-0000-4000-8000-000000000001", "passing", "critical", "10s", "${name.full}", "global",
    "allow", "deny", "http", "tcp", "web-proxy", "connect-proxy", "ingress-gateway", "service-defaults", "a.b", "%",
    "/",
    "service-router", "service-splitter", "service-resolver", "service-intentions", "proxy-defaults", "mesh", "release",
    "name_prefix_match", "(.*)", "(" * 200, "1e999", "terminating-gateway", "jwt-provider", "delete", "set",
    "serfHealth",
)  # fmt: skip
_NUMBERS: Final = (0, 1, -1, 2, 8, 80, 443, 65535, 65536, 2**31, 2**53, 2**63 - 1, -(2**63), 2**63, 2**64 - 1, 10, 100)
_FLOATS: Final = (0.0, -0.0, 1.0, -1.0, 1e300, 1e-300, float("inf"), float("-inf"), float("nan"), 0.5)
_ITEMS_MAX: Final = 3
_DEPTH_MAX: Final = 6
_TEXT_BYTES_MAX: Final = 12
_NESTED_MAX: Final = 1100
"""Lists in one another: more than the interpreter lets functions call themselves."""
_WRONG: Final = 250
"""A byte from here on makes a value of another kind than belongs there."""


class Choices:
    """The bytes of an input, one after the other; zeros when there are no more."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_over(self) -> bool:
        """Whether every byte was used."""
        return self._at >= len(self._data)

    def byte(self) -> int:
        """The next byte."""
        if self._at >= len(self._data):
            return 0
        self._at += 1
        return self._data[self._at - 1]

    def below(self, count: int) -> int:
        """A number below `count`, which is at most 65,536."""
        number = self.byte()
        if count > 256:
            number = number << 8 | self.byte()
        return number % count

    def some(self, size: int) -> bytes:
        """The next `size` bytes, or what is left of them."""
        taken = self._data[self._at : self._at + size]
        self._at += size
        return taken

    def rest(self) -> bytes:
        """All that is left."""
        return self.some(len(self._data))

    def among(self, items: typing.Sequence[T]) -> T:
        """One of `items`."""
        return items[self.below(len(items))]

    def text(self) -> str:
        """A name that others have too, most of the time."""
        if self.byte() < 200:
            return self.among(_NAMES)
        return self.some(self.below(_TEXT_BYTES_MAX)).decode(
            "utf-8", "surrogateescape" if self.byte() & 1 else "replace"
        )

    def whole(self) -> int:
        """A number, one at a bound most of the time."""
        if self.byte() < 200:
            return self.among(_NUMBERS)
        return int.from_bytes(self.some(8), "big", signed=True)


def anything(choices: Choices, depth: int = 0) -> object:
    """Any value that JSON or msgpack can say."""
    kind = choices.below(10 if depth < _DEPTH_MAX else 6)
    match kind:
        case 0:
            return None
        case 1:
            return choices.byte() % 2 == 0
        case 2:
            return choices.whole()
        case 3:
            return choices.among(_FLOATS)
        case 4 | 5:
            return choices.text()
        case 6 | 7:
            return [anything(choices, depth + 1) for _ in range(choices.below(_ITEMS_MAX + 1))]
        case 8:
            return {choices.text(): anything(choices, depth + 1) for _ in range(choices.below(_ITEMS_MAX + 1))}
        case _:
            nested: object = choices.text()
            for _ in range(choices.below(_NESTED_MAX)):
                nested = [nested]
            return nested


def packed(kind: Any, choices: Choices) -> bytes | None:
    """msgpack of a value of `kind`, not judged in any way: what stands in it may be of a wrong type.

    None when no msgpack can say it, or the record lacks what it cannot be made without.
    """
    try:
        return msgspec.msgpack.encode(_value(kind, choices, 0))
    except (UnicodeEncodeError, OverflowError, TypeError, RecursionError):
        return None


def _value(kind: Any, choices: Choices, depth: int) -> Any:
    if choices.byte() >= _WRONG:
        return anything(choices)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind in _LEAVES:
        return _LEAVES[kind](choices)
    if origin in (typing.Union, types.UnionType):
        return _value(choices.among(arguments), choices, depth)
    if origin is typing.Annotated:
        return _value(arguments[0], choices, depth)
    count = choices.below(_ITEMS_MAX + 1) if depth < _DEPTH_MAX else 0
    if origin is list:
        return [_value(arguments[0], choices, depth + 1) for _ in range(count)]
    if origin in (dict, Mapping):
        return {_value(str, choices, depth): _value(arguments[1], choices, depth + 1) for _ in range(count)}
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_value(arguments[0], choices, depth + 1) for _ in range(count))
    if origin is tuple:
        return tuple(_value(argument, choices, depth + 1) for argument in arguments)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return choices.among(list(kind))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind(**{name: _value(form, choices, depth + 1) for name, form in _fields(kind) if _wanted(choices)})
    return anything(choices, depth)


def _wanted(choices: Choices) -> bool:
    return choices.byte() < 255


@functools.cache
def _fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, Any], ...]:
    hints = typing.get_type_hints(kind)
    return tuple((field.name, hints[field.name]) for field in msgspec.structs.fields(kind))


_LEAVES: Final[Mapping[object, typing.Callable[[Choices], object]]] = {
    str: Choices.text,
    int: Choices.whole,
    bool: lambda choices: choices.byte() % 2 == 0,
    bytes: lambda choices: choices.some(choices.below(24)),
    float: lambda choices: choices.among(_FLOATS),
    type(None): lambda _: None,
}
