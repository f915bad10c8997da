"""The checker of sets that only grow."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.grow_set import grow_set
from lictor_jepsen.history import calls
from lictor_jepsen.op import Op
from tests.jepsen_like.build import history
from tests.jepsen_like.checker.orders import histories_of, some_growth_explains

GOOD = {
    "added, then read": ("0 invoke add 1", "0 ok add 1", "1 invoke read -", "1 ok read 1,"),
    "read beside an add": ("0 invoke add 1", "1 invoke read -", "1 ok read ,", "0 ok add 1"),
    "an unknown add took place": ("0 invoke add 1", "0 info add 1", "1 invoke read -", "1 ok read 1,"),
    "an unknown add did not": ("0 invoke add 1", "0 info add 1", "1 invoke read -", "1 ok read ,"),
}
BAD = {
    "lost": ("0 invoke add 1", "0 ok add 1", "1 invoke read -", "1 ok read ,"),
    "doubled": ("0 invoke add 1", "0 ok add 1", "1 invoke read -", "1 ok read 1,1"),
    "phantom": ("0 invoke add 1", "0 ok add 1", "1 invoke read -", "1 ok read 1,2"),
    "phantom: [1]": ("0 invoke add 1", "0 fail add 1", "1 invoke read -", "1 ok read 1,"),
    "lost or stale: 1": ("0 invoke add 1", "1 invoke read -", "1 ok read 1,", "2 invoke read -", "2 ok read ,"),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_history_is_valid(name: str) -> None:
    assert grow_set(history(*GOOD[name])).verdict is Verdict.VALID


@pytest.mark.parametrize("name", BAD)
def test_bad_history_is_invalid_and_says_why(name: str) -> None:
    found = grow_set(history(*BAD[name]))
    assert found.verdict is Verdict.INVALID
    assert any(problem.text.startswith(name) and problem.lines for problem in found.problems), found.problems


def test_two_reads_at_once_of_which_neither_has_what_the_other_has_have_no_order() -> None:
    found = grow_set(
        history(
            *("0 invoke add 1", "1 invoke add 2", "2 invoke read -", "3 invoke read -"),
            *("2 ok read 1,", "3 ok read 2,", "0 ok add 1", "1 ok add 2"),
        )
    )
    assert found.verdict is Verdict.INVALID
    [problem] = found.problems
    assert problem.text.startswith("no order: 4 calls")
    assert problem.lines == (1, 2, 3, 4, 5, 6, 7, 8)


@given(histories_of("add", st.sets(st.integers(1, 3), max_size=3).map(lambda numbers: tuple(sorted(numbers)))))
@settings(max_examples=300)
def test_the_checker_agrees_with_trying_every_order(found: list[Op]) -> None:
    judged = calls(found)
    expected = Verdict.VALID if some_growth_explains(judged, sorted) else Verdict.INVALID
    assert grow_set(judged).verdict is expected
