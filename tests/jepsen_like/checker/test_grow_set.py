"""The checker of sets that only grow."""

import pytest

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.grow_set import grow_set
from tests.jepsen_like.build import history

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
