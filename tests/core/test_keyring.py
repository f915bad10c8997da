"""Rings of keys."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.errors import RequestError
from lictor_core.keyring import KEYS_MAX, Ring, fingerprint, fingerprints, key_text, parse_key

A, B, C = (bytes([number]) * 32 for number in (1, 2, 3))


def test_a_ring_is_installed_used_and_removed_as_by_consul() -> None:
    ring = Ring((A,)).installed(B)
    assert (ring.keys, ring.primary) == ((A, B), A)
    assert ring.installed(B) is ring
    used = ring.used(B)
    assert used.keys == (B, A)
    assert used.removed(A).keys == (B,)
    assert used.removed(C) == used


def test_the_primary_is_not_removed_and_an_unknown_key_not_used() -> None:
    with pytest.raises(RequestError, match="primary"):
        Ring((A, B)).removed(A)
    with pytest.raises(RequestError, match="not in the keyring"):
        Ring((A,)).used(B)


def test_a_ring_is_bounded() -> None:
    full = Ring(tuple(bytes([number]) * 16 for number in range(KEYS_MAX)))
    assert full.installed(full.keys[3]) is full
    with pytest.raises(RequestError, match="remove one"):
        full.installed(C)


@pytest.mark.parametrize("size", [16, 24, 32])
def test_keys_of_three_sizes_are_read(size: int) -> None:
    assert parse_key(base64.b64encode(b"k" * size).decode()) == b"k" * size


@pytest.mark.parametrize("text", ["", "x", "!!!!", base64.b64encode(b"k" * 17).decode(), "a2tra2tra2tra2tra2traw"])
def test_what_is_no_key_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_key(text)
    assert not text or text not in str(caught.value).replace("a key", "")


def test_the_text_of_a_ring_is_consuls_file() -> None:
    ring = Ring((B, A))
    assert json.loads(ring.text()) == [key_text(B), key_text(A)]
    assert Ring.parse('["AQEBAQEBAQEBAQEBAQEBAQ==",\n "AgICAgICAgICAgICAgICAg=="]').keys == (A[:16], B[:16])


@given(
    st.lists(
        st.sampled_from([16, 24, 32]).flatmap(lambda n: st.binary(min_size=n, max_size=n)),
        min_size=1,
        unique=True,
        max_size=KEYS_MAX,
    )
)
def test_what_is_written_is_read_again(keys: list[bytes]) -> None:
    assert Ring.parse(Ring(tuple(keys)).text()).keys == tuple(keys)


@given(st.text())
def test_any_other_text_is_refused_with_one_error(text: str) -> None:
    with pytest.raises(RequestError):
        Ring.parse(text)


@pytest.mark.parametrize("text", ["[]", "{}", "null", "[1]", '["x"]', "[" * 100_000])
def test_what_is_no_ring_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        Ring.parse(text)


def test_a_file_with_too_many_keys_is_refused() -> None:
    keys = [key_text(bytes([number]) * 16) for number in range(KEYS_MAX + 1)]
    with pytest.raises(RequestError, match=str(KEYS_MAX + 1)):
        Ring.parse(json.dumps(keys))


def test_a_ring_shows_no_key_of_itself() -> None:
    shown = f"{Ring((A,))!r} {Ring((A,))}"
    assert key_text(A) not in shown
    assert repr(A) not in shown


def test_fingerprints_tell_keys_apart_and_do_not_tell_them() -> None:
    assert fingerprints([A, B]) == (fingerprint(A), fingerprint(B))
    assert fingerprint(A) != fingerprint(B)
    assert len(fingerprint(A)) == 16
    assert A.hex()[:8] not in fingerprint(A)
