"""Raft messages on a byte stream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.errors import PeerError
from lictor_server.raft.framing import MESSAGE_BYTES_MAX, BodyReader, decode_message, encode_message, framed

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.binary(max_size=20) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=10), PLAIN, max_size=5))
def test_what_is_encoded_is_decoded_again(message: dict[str, object]) -> None:
    assert decode_message(encode_message(message)) == message


@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(1, 50))
def test_any_split_of_the_stream_gives_the_same_bodies(bodies: list[bytes], size: int) -> None:
    stream = b"".join(map(framed, bodies))
    reader, found = BodyReader(64), list[bytes]()
    for start in range(0, len(stream), size):
        found += [bytes(body) for body in reader.feed(stream[start : start + size])]
    assert found == bodies
    assert reader.is_empty


@given(st.binary(max_size=300))
def test_any_bytes_give_a_message_or_one_error(data: bytes) -> None:
    try:
        message = decode_message(data)
    except PeerError:
        return
    assert all(isinstance(key, str) for key in message)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x91" * 100_000,
        b"\x81\xa1a" * 100_000,
        b"\x81\xa1\xff\x01",
        b"\x80\x80",
        b"\x81\xa1a\xdd\xff\xff\xff\xff",
    ],
    ids=["nothing", "no msgpack", "deep lists", "deep maps", "no Unicode", "two maps", "a huge list"],
)
def test_what_is_no_map_is_an_error(data: bytes) -> None:
    with pytest.raises(PeerError, match="no Raft message"):
        decode_message(data)


def test_a_body_over_the_bound_is_refused_before_it_is_collected() -> None:
    reader = BodyReader(MESSAGE_BYTES_MAX)
    assert len(reader.feed(framed(bytes(MESSAGE_BYTES_MAX)))) == 1
    with pytest.raises(PeerError, match="announced"):
        reader.feed((MESSAGE_BYTES_MAX + 1).to_bytes(4, "big"))
