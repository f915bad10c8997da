"""Values as Go reads them: quoted text, whole numbers, truth. Source: the documents of Go's package `strconv`."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["parse_bool", "parse_int", "quote", "unquote"]

_TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_INT_BITS: Final = 64
_INT: Final = re.compile(r"[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])+|0|[1-9](?:_?[0-9])*)")
_INT_CHARS_MAX: Final = 80
"""More characters than any number of 64 bits has, in any base with any underscores but leading zeros."""
_ESCAPE: Final = re.compile(
    r"""\\(?:(?P<letter>[abfnrtv\\"])|x(?P<hex>[0-9a-fA-F]{2})|(?P<octal>[0-7]{3})"""
    r"""|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8}))"""
)
_LETTERS: Final = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, '"': 34}
_BYTE_MAX: Final = 0xFF
_RUNE_MAX: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def parse_bool(text: str) -> bool | None:
    """A truth value in one of Go's spellings (`strconv.ParseBool`), else None."""
    return True if text in _TRUE else False if text in _FALSE else None


def parse_int(text: str) -> int | None:
    """A whole number of 64 bits in any of Go's bases, such as `80`, `0x50`, `0120` (octal), `8_0`; else None."""
    if len(text) > _INT_CHARS_MAX or _INT.fullmatch(text) is None:
        return None
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    if len(digits) > 1 and digits[0] == "0" and (digits[1].isdigit() or digits[1] == "_"):
        digits = f"0o{digits[1:]}"
    number = int(f"{sign}{digits}", 0)
    return number if -(2 ** (_INT_BITS - 1)) <= number < 2 ** (_INT_BITS - 1) else None


def unquote(literal: str) -> str | None:
    """The text of a literal in double quotes, with its escapes, or in backticks, as it is; None when it has a flaw.

    A byte that is no UTF-8 becomes a lone surrogate, which equals nothing that is stored.
    """
    inner = literal[1:-1]
    if literal[0] == "`":
        return inner.replace("\r", "")
    if "\n" in inner:
        return None
    parts, place = bytearray(), 0
    while (start := inner.find("\\", place)) >= 0:
        found = _ESCAPE.match(inner, start)
        escaped = None if found is None else _escaped(found)
        if found is None or escaped is None:
            return None
        parts += inner[place:start].encode("utf-8", "surrogatepass") + escaped
        place = found.end()
    if not parts and not place:
        return inner
    parts += inner[place:].encode("utf-8", "surrogatepass")
    return parts.decode("utf-8", "surrogateescape")


def quote(text: str) -> str:
    """A literal in double quotes for `text`, which has no lone surrogates."""
    return '"' + "".join(_ESCAPED.get(char, char) for char in text) + '"'


_ESCAPED: Final = {chr(code): f"\\x{code:02x}" for code in range(0x20)} | {'"': "\\x22", "\\": "\\\\"}
"""A quotation mark has no escape of its own in the language: the one after the backslash would end the text."""


def _escaped(found: re.Match[str]) -> bytes | None:
    kind, digits = found.lastgroup, found.group(found.lastgroup or 0)
    if kind == "letter":
        return bytes((_LETTERS[digits],))
    number = int(digits, 8 if kind == "octal" else 16)
    if kind in ("hex", "octal"):
        return bytes((number,)) if number <= _BYTE_MAX else None
    if number > _RUNE_MAX:
        return None
    return (_REPLACEMENT if number in _SURROGATES else chr(number)).encode()
