"""The bounds of keys, values and flags."""

from __future__ import annotations

from typing import Final

from lictor_core.errors import BodyTooLargeError, RequestError
from lictor_core.keys import bytes_of
from lictor_core.limits import KV_KEY_BYTES_MAX, KV_VALUE_BYTES_MAX

__all__ = ["check_key", "check_value"]

_FLAGS_MAX: Final = 2**64 - 1


def check_key(key: str) -> None:
    """Raise `RequestError` for a key that is empty or too long."""
    if not key:
        raise RequestError("the key is missing")
    try:
        size = len(bytes_of(key))
    except UnicodeEncodeError:
        raise RequestError("the key holds half a character, which no bytes stand for") from None
    if size > KV_KEY_BYTES_MAX:
        raise RequestError(f"the key has more than {KV_KEY_BYTES_MAX} bytes")


def check_value(key: str, value: bytes, flags: int) -> None:
    """Raise `RequestError` for what cannot be written under `key`, `BodyTooLargeError` for a value that is too long."""
    check_key(key)
    if len(value) > KV_VALUE_BYTES_MAX:
        raise BodyTooLargeError(
            f"the value of key {key[:64]!r} has {len(value)} bytes; at most {KV_VALUE_BYTES_MAX} are taken"
        )
    if not 0 <= flags <= _FLAGS_MAX:
        raise RequestError("flags must be an unsigned number of 64 bits")
