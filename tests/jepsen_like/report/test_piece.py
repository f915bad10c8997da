"""The drawing of a problem's own calls."""

from __future__ import annotations

import re

from lictor_jepsen.history import calls
from lictor_jepsen.report.piece import CALLS_DRAWN_MAX, piece
from tests.jepsen_like.report.build import HISTORY, long

FOUND = calls(HISTORY)


def _bars(text: str) -> list[tuple[float, float]]:
    return [(float(x), float(w)) for x, w in re.findall(r"<rect class=\w+ x=([\d.]+) y=\d+ width=([\d.]+)", text)]


def test_only_the_calls_of_the_lines_are_drawn_and_each_leads_to_its_line() -> None:
    text = piece(FOUND, [2, 5])
    assert re.findall(r"href='#line=(\d+)'", text) == ["1", "5"]
    assert "line 5: read default 1 (ok, process 4 at n1)" in text


def test_a_call_that_ended_before_another_began_stands_left_of_it() -> None:
    [(first, wide), (second, _)] = _bars(piece(FOUND, [1, 5]))
    assert first + wide <= second


def test_a_call_of_which_nobody_knows_reaches_to_the_end() -> None:
    [(_, _), (x, wide), (third, third_wide)] = _bars(piece(FOUND, [1, 3, 5]))
    assert x + wide >= third + third_wide


def test_of_too_many_calls_the_first_are_drawn_and_the_rest_is_told() -> None:
    text = piece(calls(long(CALLS_DRAWN_MAX + 3)), range(1, 1000))
    assert len(_bars(text)) == CALLS_DRAWN_MAX
    assert "3 more are not drawn" in text


def test_lines_without_calls_have_no_drawing() -> None:
    assert piece(FOUND, [77]) == ""
