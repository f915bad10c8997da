"""Verdicts, combined."""

from lictor_jepsen.checker.verdict import PROBLEMS_SHOWN_MAX, Problem, Verdict, combined, finding


def test_unknown_is_never_green() -> None:
    assert combined([Verdict.VALID, Verdict.UNKNOWN]) is Verdict.UNKNOWN
    assert combined([]) is Verdict.UNKNOWN


def test_invalid_outranks_unknown() -> None:
    assert combined([Verdict.UNKNOWN, Verdict.INVALID, Verdict.VALID]) is Verdict.INVALID
    assert combined([Verdict.VALID, Verdict.VALID]) is Verdict.VALID


def test_too_little_to_judge_is_unknown() -> None:
    assert finding(0, []).verdict is Verdict.UNKNOWN
    assert finding(1, []).verdict is Verdict.VALID


def test_problems_are_told_up_to_a_bound_and_counted() -> None:
    found = finding(100, [Problem(f"problem {number}") for number in range(100)])
    assert found.verdict is Verdict.INVALID
    assert len(found.problems) == PROBLEMS_SHOWN_MAX + 1
    assert found.problems[-1].text == f"and {100 - PROBLEMS_SHOWN_MAX} more"
