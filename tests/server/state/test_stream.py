import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.errors import RequestError
from lictor_server.state.stream import CHUNK_BYTES_MAX, StreamReader, stream

CHUNKS = [b"one", b"two" * 100, b"3"]


def read(data: bytes, *, step: int = 7) -> list[bytes]:
    reader = StreamReader()
    found = [chunk for start in range(0, len(data), step) for chunk in reader.feed(data[start : start + step])]
    reader.finish()
    return found


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8), st.integers(min_value=1, max_value=60))
def test_chunks_come_back_however_the_stream_is_cut(chunks: list[bytes], step: int) -> None:
    assert read(b"".join(stream(chunks)), step=step) == chunks


def test_a_stream_that_ends_at_any_byte_is_refused() -> None:
    data = b"".join(stream(CHUNKS))
    for end in range(len(data)):
        with pytest.raises(RequestError, match="too soon"):
            read(data[:end])


def test_any_flipped_bit_is_refused() -> None:
    data = b"".join(stream(CHUNKS))
    for place, bit in itertools.product(range(len(data)), range(8)):
        changed = bytearray(data)
        changed[place] ^= 1 << bit
        with pytest.raises(RequestError):
            read(bytes(changed))


def test_bytes_behind_the_end_are_refused() -> None:
    data = b"".join(stream(CHUNKS))
    with pytest.raises(RequestError, match="behind the end"):
        read(data + b"x")
    reader = StreamReader()
    list(reader.feed(data))
    with pytest.raises(RequestError, match="behind the end"):
        list(reader.feed(b"x"))


def test_a_length_that_no_writer_writes_is_refused_before_its_bytes_are_waited_for() -> None:
    with pytest.raises(RequestError, match="wrong length"):
        list(StreamReader().feed((CHUNK_BYTES_MAX + 1).to_bytes(4, "big") + bytes(4)))
