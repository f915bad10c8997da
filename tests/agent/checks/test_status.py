"""Thresholds and cut outputs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_agent.checks.status import (
    Result,
    Streak,
    TailBuffer,
    clipped_note,
    first_pause_s,
    judged,
    next_due,
    next_pause_s,
    require_status,
)
from lictor_core.errors import RequestError
from lictor_core.records import CRITICAL, PASSING, WARNING


def _counted(statuses: str, good_min: int, critical_min: int, warning_min: int = 0) -> str:
    """For each result (p, w, c) the letter of what counted, else a dot."""
    words = {"p": PASSING, "w": WARNING, "c": CRITICAL}
    streak, counted = Streak(), ""
    for letter in statuses:
        streak, result = judged(streak, Result(words[letter], ""), good_min, warning_min, critical_min)
        counted += "." if result is None else result.status[0]
    return counted


@pytest.mark.parametrize("least", [0, 1])
def test_without_thresholds_every_result_counts(least: int) -> None:
    assert _counted("pcwcp", least, least) == "pcwcp"


def test_a_status_changes_only_at_the_end_of_a_streak() -> None:
    assert _counted("pppccpcccp", 3, 3) == "..p.....c."


def test_warnings_and_passes_are_one_streak() -> None:
    assert _counted("pwpc", 3, 1) == "..pc"


def test_a_streak_too_short_to_be_critical_may_be_a_warning() -> None:
    assert _counted("pccccp", 1, 4, 2) == "p.wwcp"
    assert _counted("pccc", 1, 2, 0) == "p.cc"


def test_a_check_keeps_its_interval_whatever_a_run_takes() -> None:
    assert next_due(100.0, 100.2, 10.0) == 110.0
    assert next_due(100.0, 104.9, 10.0) == 110.0


def test_a_slow_check_rests_half_its_interval() -> None:
    assert next_due(100.0, 109.0, 10.0) == 114.0
    assert next_due(100.0, 500.0, 10.0) == 505.0


@given(st.text("pwc", max_size=30), st.integers(0, 4), st.integers(0, 4))
def test_a_result_counts_exactly_when_enough_of_its_sort_stand_in_a_row(statuses: str, good: int, bad: int) -> None:
    counted = _counted(statuses, good, bad)
    for end in range(len(statuses)):
        is_bad = statuses[end] == "c"
        row = 0
        while row <= end and (statuses[end - row] == "c") == is_bad:
            row += 1
        assert (counted[end] != ".") == (row >= (bad if is_bad else good))


@pytest.mark.parametrize("status", ["fine", "", "maintenance", "Passing"])
def test_a_status_that_is_none_is_refused(status: str) -> None:
    with pytest.raises(RequestError, match=f"Invalid check status: '{status}'"):
        require_status(status)


def test_a_long_note_keeps_its_beginning() -> None:
    assert clipped_note("abcdefghijklmnop", 10) == "abcdefghij ... (captured 10 of 16 bytes)"
    assert clipped_note("abcdefghij", 10) == "abcdefghij"


def test_a_note_is_not_cut_within_a_character() -> None:
    assert clipped_note("ää", 3) == "ä ... (captured 3 of 4 bytes)"


@given(st.lists(st.binary(max_size=20)), st.integers(1, 30))
def test_a_tail_is_the_end_of_all_that_was_written(chunks: list[bytes], bytes_max: int) -> None:
    tail = TailBuffer(bytes_max)
    for chunk in chunks:
        tail.write(chunk)
    whole = b"".join(chunks)
    assert tail.text() == whole[-bytes_max:].decode(errors="replace")
    assert tail.total == len(whole)


def test_a_cut_output_says_how_much_there_was() -> None:
    tail = TailBuffer(4)
    tail.write(b"123456")
    assert tail.account() == "Captured 4 of 6 bytes\n...\n3456"


def test_a_check_first_runs_within_a_second_whatever_its_interval() -> None:
    assert [first_pause_s(interval_s, checks=1) for interval_s in (0.5, 1.0, 10.0, 3600.0)] == [0.5, 1.0, 1.0, 1.0]


def test_many_checks_that_start_together_are_spread_by_a_hundred_a_second() -> None:
    assert first_pause_s(10.0, checks=500) == 5.0
    assert first_pause_s(10.0, checks=5_000) == 10.0


def test_a_check_that_never_was_good_is_asked_sooner_and_ever_less_so() -> None:
    assert [next_pause_s(10.0, runs) for runs in (1, 2, 3, 4, 5, 1_000_000)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_a_check_that_was_good_once_is_asked_at_its_interval() -> None:
    assert next_pause_s(10.0, 0) == 10.0
