"""UUIDs in their text form, checked with the words of Consul 1.8.7."""

from __future__ import annotations

from typing import Final

__all__ = ["UUID_CHARS", "first_bad_digit", "uuid_flaw"]

UUID_CHARS: Final = 36
_HEXADECIMAL: Final = frozenset("0123456789abcdefABCDEF")


def uuid_flaw(text: str) -> str | None:
    """Why `text` cannot name an intention; None when it can."""
    if len(text) != UUID_CHARS:
        return f"UUID must be {UUID_CHARS} characters"
    digits = text.replace("-", "")
    if len(digits) != UUID_CHARS - 4:
        return "UUID must have four dashes"
    bad = first_bad_digit(digits)
    return None if bad is None else f"Invalid UUID: {bad}"


def first_bad_digit(digits: str) -> str | None:
    """What is wrong with the first character that is no hexadecimal digit; None when all are."""
    for character in digits:
        if character not in _HEXADECIMAL:
            return f"encoding/hex: invalid byte: U+{ord(character):04X} '{character}'"
    return None
