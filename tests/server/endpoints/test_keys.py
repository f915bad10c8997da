"""The bounds of keys, values and flags."""

from __future__ import annotations

import pytest

from lictor_core.errors import BodyTooLargeError, RequestError
from lictor_core.keys import key_of
from lictor_core.limits import KV_KEY_BYTES_MAX, KV_VALUE_BYTES_MAX
from lictor_server.endpoints.keys import check_key, check_value


def test_a_key_has_one_byte_at_least_and_8_kib_at_most() -> None:
    check_key("k" * KV_KEY_BYTES_MAX)
    with pytest.raises(RequestError, match="missing"):
        check_key("")
    with pytest.raises(RequestError, match="more than 8192 bytes"):
        check_key("\u00fc" * (KV_KEY_BYTES_MAX // 2 + 1))
    check_key(key_of(b"\xff" * KV_KEY_BYTES_MAX))
    with pytest.raises(RequestError, match="half a character"):
        check_key("\ud800")


def test_a_value_has_512_kib_at_most_and_flags_64_bits() -> None:
    check_value("k", b"v" * KV_VALUE_BYTES_MAX, 2**64 - 1)
    with pytest.raises(BodyTooLargeError, match="524289 bytes"):
        check_value("k", b"v" * (KV_VALUE_BYTES_MAX + 1), 0)
    for flags in (-1, 2**64):
        with pytest.raises(RequestError, match="64 bits"):
            check_value("k", b"", flags)
