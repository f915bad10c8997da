"""A view takes what leads on from where it stands, and refuses everything else unchanged."""

from __future__ import annotations

import pytest

from lictor_core.edits import Edit
from lictor_core.errors import PeerError
from lictor_core.feed import Bookmark, ItemKind, encode_change, encode_snapshot, encode_standing
from lictor_core.queries import KeyQuery, KeysQuery
from lictor_core.view import View


def at(stamp: int, cluster: str = "c1") -> Bookmark:
    return Bookmark(cluster, stamp)


def view_of(*keys: str, stamp: int = 5) -> View[list[str]]:
    view = View(KeysQuery(prefix=""))
    for piece in encode_snapshot(at(stamp), stamp, keys):
        view.apply(piece)
    return view


def test_a_snapshot_makes_a_view_ready_when_its_last_piece_came() -> None:
    view = View(KeysQuery(prefix=""))
    first, *rest = encode_snapshot(at(5), 4, ["x" * 200_000, "y" * 200_000])
    assert not view.apply(first)
    assert not view.is_ready
    assert view.apply(rest[0])
    assert [key[0] for key in view.value] == ["x", "y"]
    assert (view.index, view.stamp) == (4, 5)


def test_a_change_leads_on() -> None:
    view = view_of("a", "c")
    former = view.value
    assert view.apply(encode_change(at(8), 7, 5, [Edit(1, 1, ["b", "d"])]))
    assert (view.value, view.index, view.stamp) == (["a", "b", "d"], 7, 8)
    assert former == ["a", "c"], "who read before keeps what was read"


def test_a_change_of_the_index_alone_keeps_the_value() -> None:
    view = view_of("a")
    former = view.value
    assert view.apply(encode_change(at(8), 8, 5, []))
    assert view.value is former
    assert view.index == 8


@pytest.mark.parametrize("rows", [[], [None, None]], ids=["none", "two"])
def test_an_answer_that_is_one_row_is_not_taken_with_another_number_of_them(rows: list[None]) -> None:
    view = View(KeyQuery(key="a"))
    (item,) = encode_snapshot(at(5), 5, rows)
    with pytest.raises(PeerError, match=f"in {len(rows)} rows"):
        view.apply(item)
    assert not view.is_ready
    view.apply(encode_snapshot(at(5), 5, [None])[0])
    with pytest.raises(PeerError, match="in 0 rows"):
        view.apply(encode_change(at(6), 6, 5, [Edit(0, 1, [])]))
    assert (view.value, view.stamp) == (None, 5)


def test_a_change_that_does_not_follow_is_refused() -> None:
    view = view_of("a")
    for item in (
        encode_change(at(9), 9, 8, [Edit(0, 1, [])]),
        encode_change(at(9, "c2"), 9, 5, [Edit(0, 1, [])]),
        encode_change(at(9), 9, 5, [Edit(4, 1, [])]),
    ):
        with pytest.raises(PeerError):
            view.apply(item)
    assert (view.value, view.stamp) == (["a"], 5)


def test_a_change_before_any_snapshot_is_refused() -> None:
    with pytest.raises(PeerError, match="does not follow"):
        View(KeysQuery(prefix="")).apply(encode_change(at(9), 9, 0, []))


def test_a_snapshot_from_the_past_is_refused_and_one_of_the_same_time_is_not() -> None:
    view = view_of("a")
    (past,) = encode_snapshot(at(4), 4, ["old"])
    with pytest.raises(PeerError, match="before"):
        view.apply(past)
    assert view.value == ["a"]
    (again,) = encode_snapshot(at(5), 5, ["a"])
    assert view.apply(again)


def test_another_cluster_and_a_reset_may_count_anew() -> None:
    view = view_of("a")
    (reset,) = encode_snapshot(at(2), 2, ["b"], kind=ItemKind.RESET)
    assert view.apply(reset)
    (other,) = encode_snapshot(at(1, "c2"), 1, ["c"])
    assert view.apply(other)
    assert (view.value, view.bookmark) == (["c"], at(1, "c2"))


def test_an_answer_that_does_not_lead_on_from_the_one_before_has_a_stamp_of_its_own() -> None:
    view = view_of("a", "b", stamp=5)
    before = view.stamp, view.wake_index
    for piece in encode_snapshot(at(5, "c1 as another sees it"), 5, ["a"]):
        view.apply(piece)
    assert view.value == ["a"]
    assert (view.stamp > before[0], view.wake_index > before[1]) == (True, True)
    assert view.index == 5, "what a blocking query hands back is the registry's"
    stamp = view.stamp
    view.apply(encode_change(at(6, "c1 as another sees it"), 6, 5, [Edit(0, 1, [])]))
    assert view.stamp == stamp + 1


def test_a_snapshot_with_a_piece_missing_is_refused() -> None:
    pieces = encode_snapshot(at(5), 5, ["x" * 200_000, "y" * 200_000, "z" * 200_000])
    view = View(KeysQuery(prefix=""))
    view.apply(pieces[0])
    with pytest.raises(PeerError, match="piece missing"):
        view.apply(pieces[2])
    view.apply(pieces[0])
    view.interrupt()
    with pytest.raises(PeerError, match="piece missing"):
        view.apply(pieces[1])
    assert not view.is_ready


def test_standing_is_believed_only_where_it_is_so() -> None:
    view = view_of("a")
    assert not view.apply(encode_standing(at(5), 5))
    with pytest.raises(PeerError, match="stands at"):
        view.apply(encode_standing(at(6), 6))
