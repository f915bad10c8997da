"""Items of a feed: pieces within bounds, and one error for any bytes."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.codec import pack
from lictor_core.edits import Edit
from lictor_core.errors import PeerError
from lictor_core.feed import (
    PIECE_BYTES_MAX,
    Bookmark,
    ItemKind,
    Tick,
    decode_item,
    decode_tick,
    encode_change,
    encode_snapshot,
    encode_standing,
)
from lictor_core.queries import KeysQuery, ServiceHealthQuery
from lictor_core.rows import shape_of

HERE = Bookmark("c1", 7)
KEYS = shape_of(KeysQuery(prefix=""))


def test_a_change_survives_being_sent() -> None:
    item = decode_item(encode_change(HERE, 6, 5, [Edit(1, 2, ["a", "b"])]), KEYS)
    assert (item.kind, item.bookmark, item.index, item.since) == (ItemKind.CHANGE, HERE, 6, 5)
    assert item.edits == [Edit(1, 2, ["a", "b"])]


def test_a_large_answer_comes_in_pieces_of_which_the_last_is_marked() -> None:
    rows = ["k" * 1000 + str(number) for number in range(1000)]
    pieces = encode_snapshot(HERE, 7, rows)
    items = [decode_item(piece, KEYS) for piece in pieces]
    assert len(pieces) > 1
    assert max(map(len, pieces)) < PIECE_BYTES_MAX + 1024
    assert [item.is_last for item in items] == [False] * (len(items) - 1) + [True]
    assert [row for item in items for row in item.edits[0].rows] == rows


def test_an_empty_answer_is_one_piece() -> None:
    (piece,) = encode_snapshot(HERE, 7, [])
    assert decode_item(piece, KEYS).is_last


def test_a_standing_answer_names_its_position() -> None:
    item = decode_item(encode_standing(HERE, 7), KEYS)
    assert (item.kind, item.bookmark) == (ItemKind.STANDING, HERE)


def test_rows_of_another_kind_are_refused() -> None:
    with pytest.raises(PeerError, match="no item of a view"):
        decode_item(encode_change(HERE, 6, 5, [Edit(0, 0, ["a"])]), shape_of(ServiceHealthQuery(service="web")))


@given(st.binary(max_size=60))
def test_any_bytes_are_an_item_or_a_peer_error(data: bytes) -> None:
    for decode in (lambda: decode_item(data, KEYS), lambda: decode_tick(data)):
        with contextlib.suppress(PeerError):
            decode()


def test_a_tick_survives_being_sent() -> None:
    tick = Tick("c1", 9, 12, True)
    assert decode_tick(pack(tick)) == tick
