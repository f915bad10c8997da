"""JSON bodies: the first value counts, and what is wrong is said in Go's words."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_agent.http.bodies import decode_json
from lictor_core.errors import RequestError
from lictor_core.limits import NESTING_MAX

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_every_value_is_read_back(value: object) -> None:
    assert decode_json(json.dumps(value).encode()) == value


@given(JSON.filter(lambda value: isinstance(value, dict | list | str)), st.binary())
def test_what_follows_the_first_value_is_ignored(value: object, rest: bytes) -> None:
    assert decode_json(json.dumps(value).encode() + b"\n" + rest) == value


@given(st.binary())
def test_any_bytes_give_a_value_or_one_error(data: bytes) -> None:
    with contextlib.suppress(RequestError):
        decode_json(data)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "EOF"),
        (b" \n", "EOF"),
        (b"{", "unexpected EOF"),
        (b"[1,", "unexpected EOF"),
        (b'{"Name": "cut', "unexpected EOF"),
        (b'{"Node":', "unexpected EOF"),
        (b"tru", "unexpected EOF"),
        (b"Name=web", "invalid character 'N' looking for beginning of value"),
        (b"]", "invalid character ']' looking for beginning of value"),
        (b"{{", "invalid character '{' looking for beginning of object key string"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b'{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
        (b"[1 2]", "invalid character '2' after array element"),
        (b"nonsense", "invalid character 'o' in literal null (expecting 'u')"),
        (b"NaN", "invalid character 'N' looking for beginning of value"),
        (b'{"a":"\x01"}', "invalid character '\x01' in string literal"),
    ],
)
def test_go_would_say_the_same(body: bytes, words: str) -> None:
    with pytest.raises(RequestError) as caught:
        decode_json(body)
    assert str(caught.value) == words


def test_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    assert decode_json(b'{"Node": "\xff"}') == {"Node": "\ufffd"}


def test_the_last_of_two_members_counts() -> None:
    assert decode_json(b'{"Name":"one","Name":"two"}') == {"Name": "two"}


def test_nesting_without_end_is_one_error() -> None:
    with pytest.raises(RequestError):
        decode_json(b"[" * 100_000)


@pytest.mark.parametrize("tail", [b"", b" and more"])
def test_nesting_has_a_bound_whoever_reads_the_body(tail: bytes) -> None:
    assert decode_json(b"[" * NESTING_MAX + b"]" * NESTING_MAX + tail)
    assert decode_json(b"[" + b"[]," * 500 + b"0]" + tail)
    with pytest.raises(RequestError, match="nests more than 64"):
        decode_json(b"[" * (NESTING_MAX + 1) + b"]" * (NESTING_MAX + 1) + tail)
