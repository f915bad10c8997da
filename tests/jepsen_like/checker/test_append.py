"""The checker of append-only lists: one bad history for each thing that can be wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.append import append_list
from lictor_jepsen.history import calls
from lictor_jepsen.op import Op
from tests.jepsen_like.build import history
from tests.jepsen_like.checker.orders import histories_of, some_growth_explains

GOOD = {
    "appended, then read": ("0 invoke append 1", "0 ok append 1", "1 invoke read -", "1 ok read 1,"),
    "nothing was appended": ("0 invoke read -", "0 ok read -"),
    "an unknown append took place": ("0 invoke append 1", "0 info append 1", "1 invoke read -", "1 ok read 1,"),
    "an unknown append did not": ("0 invoke append 1", "0 info append 1", "1 invoke read -", "1 ok read -"),
    "two at once, in either order": (
        *("0 invoke append 1", "1 invoke append 2", "0 ok append 1", "1 ok append 2"),
        *("0 invoke read -", "0 ok read 2,1"),
    ),
    "a stale read is not judged here": (
        *("0 invoke append 1", "0 ok append 1", "1 invoke read - stale", "1 ok read - stale"),
    ),
}
BAD = {
    "lost": ("0 invoke append 1", "0 ok append 1", "1 invoke read -", "1 ok read -"),
    "doubled": ("0 invoke append 1", "0 ok append 1", "1 invoke read -", "1 ok read 1,1"),
    "phantom": ("0 invoke append 1", "0 ok append 1", "1 invoke read -", "1 ok read 1,2"),
    "phantom: ": ("0 invoke append 1", "0 fail append 1", "1 invoke read -", "1 ok read 1,"),
    "reordered": (
        *("0 invoke append 1", "0 ok append 1", "0 invoke append 2", "0 ok append 2"),
        *("1 invoke read -", "1 ok read 2,1"),
    ),
    "reordered: no beginning of the list of line 5": (
        *(
            "0 invoke append 1",
            "1 invoke append 2",
            "2 invoke read -",
            "2 ok read 1,",
            "2 invoke read -",
            "2 ok read 2,1",
        ),
    ),
    "G0 in real time": (
        *("2 invoke read -", "0 invoke append 1", "0 ok append 1", "1 invoke append 2", "1 ok append 2"),
        "2 ok read 2,",
    ),
    "stale": (*("0 invoke append 1", "1 invoke read -", "1 ok read 1,", "2 invoke read -", "2 ok read -"),),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_history_is_valid(name: str) -> None:
    assert append_list(history(*GOOD[name])).verdict is Verdict.VALID


@pytest.mark.parametrize("name", BAD)
def test_bad_history_is_invalid_and_says_why(name: str) -> None:
    found = append_list(history(*BAD[name]))
    assert found.verdict is Verdict.INVALID
    assert any(problem.text.startswith(name) and problem.lines for problem in found.problems), found.problems


def test_what_is_wrong_with_a_number_is_told_once_and_what_does_not_fit_once_a_server() -> None:
    appends = ("0 invoke append 1", "0 ok append 1", "0 invoke append 3", "0 fail append 3")
    again = ("1 invoke read -", "1 ok read 3,1,1") * 3
    texts = [problem.text for problem in append_list(history(*appends, *again)).problems]
    assert [text.split(" in line ")[0] for text in texts] == ["doubled: [1]", "phantom: [3]"]
    lost = ("1 invoke read -", "1 ok read ,") * 3
    assert len(append_list(history(*appends, *lost)).problems) == 1
    longer = ("2 invoke append 2", "1 invoke read -", "1 ok read 1,2", "1 invoke read -", "1 ok read 2,1")
    other = ("1 invoke read -", "1 ok read 2,", "1 invoke read - default n2", "1 ok read 2,")
    texts = [problem.text for problem in append_list(history(*appends, *longer, *other)).problems]
    unlike = [text for text in texts if text.startswith("reordered: no beginning")]
    assert [text.endswith("(and 1 more there)") for text in unlike] == [True, False]
    assert all("no beginning of the list of line 6, nor" in text for text in unlike)


@given(histories_of("append", st.lists(st.integers(1, 3), unique=True, max_size=3).map(tuple)))
@settings(max_examples=300)
def test_the_checker_agrees_with_trying_every_order(found: list[Op]) -> None:
    judged = calls(found)
    expected = Verdict.VALID if some_growth_explains(judged, tuple) else Verdict.INVALID
    assert append_list(judged).verdict is expected
