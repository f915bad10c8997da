"""The difference between two lists of rows, as edits that make the one into the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from lictor_core.rows import Row

__all__ = ["Edit", "edited", "edits_between"]


class Edit(NamedTuple):
    """At position `at` of the list as the edits before left it, take out `gone` rows and put in `rows`."""

    at: int
    gone: int
    rows: Sequence[Row]


def edits_between(old: Sequence[Row], new: Sequence[Row], key: Callable[[Row], object]) -> list[Edit]:
    """What makes `old` into `new`. Rows with equal keys are one row before and after.

    It takes time in proportion to the lists. Where rows that stay changed places, everything from there on is replaced.
    """
    i = j = _same_at_the_start(old, new)
    staying = {key(row) for row in old[i:]} & {key(row) for row in new[j:]}
    edits: list[Edit] = []
    while i < len(old) or j < len(new):
        gone_from, put_from = i, j
        while i < len(old) and key(old[i]) not in staying:
            i += 1
        while j < len(new) and key(new[j]) not in staying:
            j += 1
        # Both stand before a row that stays, or at the end. If it is the same row it may have changed.
        while i < len(old) and j < len(new) and key(old[i]) == key(new[j]) and not _same(old[i], new[j]):
            i, j = i + 1, j + 1
        if i > gone_from or j > put_from:
            edits.append(Edit(put_from, i - gone_from, new[put_from:j]))
        kept_from = j
        while i < len(old) and j < len(new) and _same(old[i], new[j]):
            i, j = i + 1, j + 1
        if (gone_from, put_from) == (i, j) and kept_from == j:
            edits.append(Edit(j, len(old) - i, new[j:]))  # rows that stay came in another order
            break
    return edits


def edited(rows: Sequence[Row], edits: Sequence[Edit]) -> list[Row]:
    """A new list: `rows` after `edits`. Raises `ValueError` for an edit beyond the end."""
    result = list(rows)
    for edit in edits:
        if not (0 <= edit.at <= edit.at + edit.gone <= len(result)):
            raise ValueError(f"an edit at {edit.at} takes out {edit.gone} of {len(result)} rows")
        result[edit.at : edit.at + edit.gone] = edit.rows
    return result


def _same_at_the_start(old: Sequence[Row], new: Sequence[Row]) -> int:
    count = 0
    for before, after in zip(old, new, strict=False):
        if not _same(before, after):
            break
        count += 1
    return count


def _same(before: Row, after: Row) -> bool:
    return before is after or before == after
