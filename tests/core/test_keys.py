"""Keys are any bytes, and text that everything can hold."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from lictor_core.codec import pack, unpack
from lictor_core.keys import bytes_of, key_of, key_of_text, shown


@given(st.binary())
@example(b"\xff")
@example("\U0010ffff".encode())
@example(b"\xf4\x8f\xbe")
def test_bytes_become_whole_text_and_come_back(data: bytes) -> None:
    key = key_of(data)
    assert bytes_of(key) == data
    assert unpack(pack(key), str) == key


@given(st.binary(), st.binary())
def test_two_keys_have_two_forms(one: bytes, other: bytes) -> None:
    assert (key_of(one) == key_of(other)) == (one == other)


@given(st.text())
@example("\U0010ff80")
def test_text_names_the_key_of_its_bytes_and_is_shown_as_it_is(text: str) -> None:
    assert key_of_text(text) == key_of(text.encode())
    assert shown(key_of_text(text)) == text


@given(st.text(max_size=4), st.binary(max_size=4))
def test_a_prefix_of_whole_characters_is_a_prefix_of_the_key(prefix: str, rest: bytes) -> None:
    assert key_of(prefix.encode() + rest).startswith(key_of_text(prefix))


def test_each_stray_byte_is_shown_for_itself() -> None:
    assert shown(key_of(b"a\xffb")) == "a\ufffdb"
    assert shown(key_of(b"\xe2\x82")) == "\ufffd\ufffd"
    assert shown(key_of("ü".encode())) == "ü"


@given(st.lists(st.text(max_size=3)))
def test_keys_that_are_utf_8_are_in_the_order_of_their_bytes(texts: list[str]) -> None:
    assert sorted(map(key_of_text, texts)) == [key_of(data) for data in sorted(text.encode() for text in texts)]
