"""The measurement of views measures views."""

from __future__ import annotations

from lictor_bench.views import measure


def test_every_view_is_reached_by_every_change() -> None:
    rows = {row.name: row.ours for row in measure(views=20, changes=3)}
    assert rows["p99"] >= rows["p50, write to view"] > 0
    assert rows["processor time of a change, for each view"] > 0
