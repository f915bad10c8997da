"""Values are made of bytes: each byte a choice, and none too many."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.commands import KVSet
from lictor_core.records import Node
from tests.fuzz.shaping import Choices, anything, packed


@given(st.binary(max_size=300))
def test_any_bytes_make_a_value(data: bytes) -> None:
    anything(Choices(data))
    for kind in (KVSet, Node, list[str], int | None, tuple[str, int], dict[str, bytes]):
        packed(kind, Choices(data))


def test_without_bytes_the_first_choice_is_taken() -> None:
    choices = Choices(b"")
    assert choices.is_over
    assert (choices.byte(), choices.below(3), choices.text(), choices.whole(), choices.rest()) == (0, 0, "", 0, b"")


def test_a_record_is_mostly_one_that_its_decoder_takes() -> None:
    taken = 0
    for number in range(100):
        body = packed(KVSet, Choices(bytes((number * 7 + step * 13) % 200 for step in range(60))))
        try:
            msgspec.msgpack.decode(body or b"", type=KVSet)
            taken += 1
        except msgspec.MsgspecError:
            continue
    assert taken > 50
