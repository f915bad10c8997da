"""Enough of every sort must have gone well."""

from __future__ import annotations

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.enough import ENOUGH, enough
from lictor_jepsen.history import Call
from tests.jepsen_like.build import history


def reads(count: int, kind: str = "ok") -> list[Call]:
    return history(
        *(line for process in range(count) for line in (f"{process} invoke read -", f"{process} {kind} read 1"))
    )


def test_many_of_each_are_enough() -> None:
    found = enough({"reads": reads(ENOUGH), "writes": reads(ENOUGH + 1)})
    assert (found.verdict, found.judged, found.problems) == (Verdict.VALID, 2 * ENOUGH + 1, ())


def test_too_few_of_one_sort_are_unknown_and_told() -> None:
    found = enough({"reads": reads(ENOUGH), "writes": [*reads(ENOUGH - 1), *reads(3, "fail")]})
    assert found.verdict is Verdict.UNKNOWN
    assert [problem.text for problem in found.problems] == ["only 9 of 12 writes went well: too few to judge"]
