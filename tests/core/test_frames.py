"""Frames come out whole whatever the pieces are in which their bytes arrive."""

import contextlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.errors import PeerError
from lictor_core.frames import FRAME_BYTES_MAX, Frame, FrameKind, FrameReader, encode_frame
from tests.support.strategies import values_of

FRAMES = st.lists(values_of(Frame), max_size=5)


@given(FRAMES, st.data())
def test_frames_are_read_from_any_split(frames: list[Frame], data: st.DataObject) -> None:
    stream = b"".join(encode_frame(frame) for frame in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    reader = FrameReader()
    read: list[Frame] = []
    for start, end in pairwise([0, *cuts, len(stream)]):
        read += reader.feed(stream[start:end])
    assert read == frames


@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_one_error(data: bytes) -> None:
    with contextlib.suppress(PeerError):
        FrameReader().feed(data)


def test_an_announced_size_over_the_bound_is_refused_before_it_arrives() -> None:
    with pytest.raises(PeerError, match=str(FRAME_BYTES_MAX)):
        FrameReader().feed((FRAME_BYTES_MAX + 1).to_bytes(4, "big"))


def test_a_frame_over_the_bound_is_not_sent() -> None:
    with pytest.raises(PeerError, match="bound"):
        encode_frame(Frame(FrameKind.REPLY, 1, "", b"x" * (FRAME_BYTES_MAX + 1)))


def test_a_frame_of_the_largest_size_passes() -> None:
    frame = Frame(FrameKind.REPLY, 1, "", b"x" * (FRAME_BYTES_MAX - 16))
    assert FrameReader().feed(encode_frame(frame)) == [frame]


def test_an_unknown_kind_of_frame_is_refused() -> None:
    body = b"\x94\x09\x01\xa0\xc4\x00"
    with pytest.raises(PeerError):
        FrameReader().feed(len(body).to_bytes(4, "big") + body)
