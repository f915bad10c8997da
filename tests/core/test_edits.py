"""Edits make one list of rows into another, and tell no more than that."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.edits import Edit, edited, edits_between
from lictor_core.rows import Row

rows = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=10)


def key(row: Row) -> object:
    return cast("tuple[object, object]", row)[0]


@given(rows, rows)
def test_edits_make_any_list_into_any_other(old: list[Row], new: list[Row]) -> None:
    assert edited(old, edits_between(old, new, key)) == new


@given(rows, rows)
def test_rows_in_order_that_did_not_change_are_not_told(old: list[tuple[int, int]], new: list[tuple[int, int]]) -> None:
    before, after = sorted(dict(old).items()), sorted(dict(new).items())
    told = [row for edit in edits_between(before, after, key) for row in edit.rows]
    assert sorted(set(after) - set(before)) == told


@given(rows)
def test_equal_lists_have_no_edits(same: list[Row]) -> None:
    assert edits_between(same, list(same), key) == []


def test_rows_that_change_places_are_replaced_from_there_on() -> None:
    old: list[Row] = [("a", 1), ("b", 1), ("c", 1)]
    new: list[Row] = [("a", 1), ("c", 1), ("b", 1)]
    assert edits_between(old, new, key) == [Edit(1, 2, [("c", 1), ("b", 1)])]


@pytest.mark.parametrize("edit", [Edit(3, 0, ["x"]), Edit(1, 2, []), Edit(-1, 0, ["x"]), Edit(0, -1, [])])
def test_an_edit_beyond_the_end_is_refused(edit: Edit) -> None:
    with pytest.raises(ValueError, match="takes out"):
        edited(["a", "b"], [edit])
