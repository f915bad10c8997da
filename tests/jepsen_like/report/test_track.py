"""What the page draws."""

from __future__ import annotations

import pytest

from lictor_jepsen.checker import Finding, Problem, Verdict
from lictor_jepsen.report import track as module
from lictor_jepsen.report.track import short, track
from tests.jepsen_like.report.build import HISTORY, RESULTS, long


def test_a_client_keeps_its_row_after_an_unknown_end() -> None:
    drawn = track(HISTORY, 3, RESULTS.findings)
    assert drawn.lanes == ["n1 client 0", "n1 client 1"], "process 4 is client 1 of 3"
    assert drawn.calls.lane == [0, 1, 1]
    assert drawn.calls.process == [0, 1, 4]


def test_every_call_is_there_with_its_lines_kind_and_time() -> None:
    drawn = track(HISTORY, 3, RESULTS.findings)
    assert drawn.calls.line == [1, 3, 5]
    assert drawn.calls.end_line == [2, 4, 6]
    assert [("ok", "fail", "info")[kind] for kind in drawn.calls.kind] == ["ok", "info", "ok"]
    assert drawn.calls.took == [1.0, 1.0, 1.0]
    assert [drawn.whats[what] for what in drawn.calls.what] == ["write", "write", "read default"]
    assert drawn.left_out == 0


def test_a_call_without_an_end_took_nobody_knows_how_long() -> None:
    drawn = track(HISTORY[:3], 3, {})
    assert drawn.calls.took == [1.0, None]
    assert drawn.calls.end_line == [2, 0]


def test_problems_lead_to_the_places_of_their_calls_in_the_order_of_the_findings() -> None:
    findings = {
        "a": Finding(Verdict.INVALID, 1, (Problem("none"), Problem("two", (2, 5)))),
        "b": Finding(Verdict.INVALID, 1, (Problem("one", (3,)),)),
    }
    assert track(HISTORY, 3, findings).problems == [[0, 2], [1]]


def test_of_more_calls_than_a_page_holds_those_stay_that_a_problem_points_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CALLS_SHOWN_MAX", 10)
    findings = {"a": Finding(Verdict.INVALID, 1, (Problem("two", (3, 199)),))}
    drawn = track(long(100), 1, findings)
    assert len(drawn.calls.line) == 10
    assert drawn.left_out == 90
    assert {3, 199} <= set(drawn.calls.line)
    assert [drawn.calls.line[place] for place in drawn.problems[0]] == [3, 199]
    assert max(b - a for a, b in zip(drawn.calls.line, drawn.calls.line[1:], strict=False)) < 50, "spread evenly"


def test_of_a_long_value_the_end_is_told() -> None:
    assert short(None) == ""
    assert short(tuple(range(1000))).endswith("998, 999)")
    assert len(short("x" * 1000)) < 110
