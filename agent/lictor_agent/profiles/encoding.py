"""pprof's form: stacks with values, as protobuf, packed with gzip. Pure.

Source: `proto/profile.proto` of github.com/google/pprof. Each function is a location of its own line; addresses and
mappings, which other languages have, are left out.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

__all__ = ["Frame", "Kind", "Profile", "Stack", "encode"]

_LEVEL: Final = 6


class Frame(NamedTuple):
    """One function on a stack, and the line that it is at."""

    name: str
    file: str
    line: int


Stack = tuple[Frame, ...]
"""Innermost first."""


class Kind(NamedTuple):
    """What a value counts, and in what: `cpu` in `nanoseconds`."""

    what: str
    unit: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What was seen: for each stack one value of each kind. Times are nanoseconds."""

    kinds: tuple[Kind, ...]
    samples: Mapping[Stack, tuple[int, ...]]
    began_ns: int
    duration_ns: int = 0
    period_ns: int = 0


def encode(profile: Profile) -> bytes:
    """The profile's bytes."""
    return gzip.compress(_Encoder().encoded(profile), _LEVEL, mtime=0)


class _Encoder:
    """The tables of one profile: texts, functions and locations by number."""

    def __init__(self) -> None:
        self._texts: dict[str, int] = {"": 0}
        self._functions: dict[tuple[str, str], int] = {}
        self._locations: dict[Frame, int] = {}

    def encoded(self, profile: Profile) -> bytes:
        """Everything, the tables last: by then they are whole."""
        parts = [_message(1, self._kind(kind)) for kind in profile.kinds]
        for stack, values in profile.samples.items():
            numbers = [self._location(frame) for frame in stack]
            parts.append(_message(2, _packed(1, numbers) + _packed(2, values)))
        period = self._kind(profile.kinds[-1])
        for frame, number in self._locations.items():
            line = _number(1, self._function(frame)) + _number(2, frame.line)
            parts.append(_message(4, _number(1, number) + _message(4, line)))
        for (name, file), number in self._functions.items():
            named = _number(2, self._text(name)) + _number(3, self._text(name)) + _number(4, self._text(file))
            parts.append(_message(5, _number(1, number) + named))
        parts += [_message(6, text.encode(errors="replace")) for text in self._texts]
        parts += [_number(9, profile.began_ns), _number(10, profile.duration_ns)]
        if profile.period_ns:
            parts += [_message(11, period), _number(12, profile.period_ns)]
        return b"".join(parts)

    def _kind(self, kind: Kind) -> bytes:
        return _number(1, self._text(kind.what)) + _number(2, self._text(kind.unit))

    def _text(self, text: str) -> int:
        return self._texts.setdefault(text, len(self._texts))

    def _location(self, frame: Frame) -> int:
        return self._locations.setdefault(frame, len(self._locations) + 1)

    def _function(self, frame: Frame) -> int:
        return self._functions.setdefault((frame.name, frame.file), len(self._functions) + 1)


def _varint(number: int) -> bytes:
    if number < 0:
        number += 1 << 64
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _message(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _packed(field: int, numbers: Iterable[int]) -> bytes:
    return _message(field, b"".join(map(_varint, numbers)))
