"""pprof's form, read back by a reader of protobuf that knows nothing of how it was written."""

from __future__ import annotations

import gzip

from hypothesis import given
from hypothesis import strategies as st

from lictor_agent.profiles.encoding import Frame, Kind, Profile, encode

INNER, OUTER = Frame("inner", "a.py", 3), Frame("outer", "b.py", 300)
KINDS = (Kind("samples", "count"), Kind("cpu", "nanoseconds"))


def fields(data: bytes) -> list[tuple[int, int | bytes]]:
    """The fields of a message in order: numbers, and bytes for all that has a length."""
    found: list[tuple[int, int | bytes]] = []
    at = 0

    def varint() -> int:
        nonlocal at
        number = shift = 0
        while True:
            number |= (data[at] & 0x7F) << shift
            shift += 7
            at += 1
            if not data[at - 1] & 0x80:
                return number

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            found.append((key >> 3, varint()))
            continue
        assert key & 7 == 2, "only numbers and what has a length are written"
        length = varint()
        found.append((key >> 3, data[at : at + length]))
        at += length
    return found


def blobs(data: bytes, number: int) -> list[bytes]:
    return [value for field, value in fields(data) if field == number and isinstance(value, bytes)]


def number(data: bytes, field: int) -> int:
    (value,) = [value for at, value in fields(data) if at == field]
    assert isinstance(value, int)
    return value


def numbers(data: bytes) -> list[int]:
    return [value for _, value in fields(b"".join(b"\x08" + one for one in _varints(data))) if isinstance(value, int)]


def _varints(data: bytes) -> list[bytes]:
    found = [b""]
    for byte in data:
        found[-1] += bytes((byte,))
        if not byte & 0x80:
            found.append(b"")
    return found[:-1]


def decoded(packed: bytes) -> dict[tuple[Frame, ...], list[int]]:
    data = gzip.decompress(packed)
    texts = [text.decode() for text in blobs(data, 6)]
    assert texts[0] == ""
    functions = {number(one, 1): (texts[number(one, 2)], texts[number(one, 4)]) for one in blobs(data, 5)}
    locations: dict[int, Frame] = {}
    for one in blobs(data, 4):
        (line,) = blobs(one, 4)
        locations[number(one, 1)] = Frame(*functions[number(line, 1)], number(line, 2))
    return {
        tuple(locations[each] for each in numbers(blobs(one, 1)[0])): numbers(blobs(one, 2)[0])
        for one in blobs(data, 2)
    }


def test_stacks_and_values_are_read_back() -> None:
    samples = {(INNER, OUTER): (3, 30_000_000), (OUTER,): (1, 300)}
    packed = encode(Profile(KINDS, samples, began_ns=10**18, duration_ns=10**9, period_ns=10**7))
    assert decoded(packed) == {stack: list(values) for stack, values in samples.items()}
    data = gzip.decompress(packed)
    assert [number(data, field) for field in (9, 10, 12)] == [10**18, 10**9, 10**7]
    texts = [text.decode() for text in blobs(data, 6)]
    kinds = [(texts[number(one, 1)], texts[number(one, 2)]) for one in blobs(data, 1)]
    assert kinds == [tuple(kind) for kind in KINDS]
    (period,) = blobs(data, 11)
    assert texts[number(period, 1)] == "cpu"


frames = st.builds(
    Frame, st.text(st.characters(codec="utf-8"), max_size=5), st.sampled_from(("", "a.py")), st.integers(0, 2**40)
)


@given(
    st.dictionaries(st.lists(frames, min_size=1, max_size=4).map(tuple), st.tuples(st.integers(0, 2**62)), max_size=6)
)
def test_whatever_is_sampled_is_read_back(samples: dict[tuple[Frame, ...], tuple[int]]) -> None:
    packed = encode(Profile((Kind("x", "count"),), dict(samples), began_ns=0))
    assert decoded(packed) == {stack: list(values) for stack, values in samples.items()}
