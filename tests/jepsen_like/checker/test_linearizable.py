"""The linearizability checker: known histories, and a naive twin that tries every order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.linearizable import linearizable
from lictor_jepsen.history import Call, calls
from lictor_jepsen.op import Kind, Mode, Op, Value
from tests.jepsen_like.build import history

GOOD = {
    "a read sees the write before it": ("0 invoke write 1", "0 ok write 1", "1 invoke read -", "1 ok read 1"),
    "a read beside a write sees the old value": ("0 invoke write 1", "1 invoke read -", "1 ok read -", "0 ok write 1"),
    "a read beside a write sees the new value": ("0 invoke write 1", "1 invoke read -", "1 ok read 1", "0 ok write 1"),
    "an unknown write took place": ("0 invoke write 1", "0 info write 1", "1 invoke read -", "1 ok read 1"),
    "an unknown write did not take place": ("0 invoke write 1", "0 info write 1", "1 invoke read -", "1 ok read -"),
    "a failed write did not take place": ("0 invoke write 1", "0 fail write 1", "1 invoke read -", "1 ok read -"),
    "a write without an end took place": ("0 invoke write 1", "1 invoke read -", "1 ok read 1"),
    "an unknown write takes place late": (
        *("0 invoke write 1", "0 info write 1", "1 invoke write 2", "1 ok write 2"),
        *("2 invoke read -", "2 ok read 2", "2 invoke read -", "2 ok read 1"),
    ),
    "a compare-and-set finds the old value": (
        *("0 invoke write 1", "0 ok write 1", "1 invoke cas 1>2", "1 ok cas 1>2"),
        *("0 invoke read -", "0 ok read 2"),
    ),
    "a compare-and-set finds nothing": ("0 invoke cas ->1", "0 ok cas ->1", "1 invoke read -", "1 ok read 1"),
    "an unknown compare-and-set explains another": (
        *("0 invoke cas ->1", "0 info cas ->1", "1 invoke cas 1>2", "1 info cas 1>2"),
        *("2 invoke read -", "2 ok read 2"),
    ),
    "a lock goes from one to the other": (
        *("0 invoke acquire 1", "0 ok acquire 1", "0 invoke release 1", "0 ok release -"),
        *("1 invoke acquire 2", "1 ok acquire 2", "0 invoke read -", "0 ok read 2"),
    ),
    "who has a lock gets it again": ("0 invoke acquire 1", "0 ok acquire 1", "0 invoke acquire 1", "0 ok acquire 1"),
    "one who may have got a lock refuses another": (
        *("0 invoke acquire 1", "0 info acquire 1", "1 invoke acquire 2", "1 ok acquire 0"),
    ),
    "one who may have given a lock back makes room": (
        *("0 invoke acquire 1", "0 ok acquire 1", "0 invoke release 1", "0 info release 1"),
        *("1 invoke acquire 2", "1 ok acquire 0", "1 invoke acquire 2", "1 ok acquire 2"),
    ),
    "who has no lock gives none back": (
        *("0 invoke acquire 1", "0 ok acquire 1", "1 invoke release 2", "1 ok release 0"),
        *("0 invoke read -", "0 ok read 1"),
    ),
}
BAD = {
    "two have a lock": ("0 invoke acquire 1", "0 ok acquire 1", "1 invoke acquire 2", "1 ok acquire 2"),
    "two get a lock at the same time": (
        *("0 invoke acquire 1", "1 invoke acquire 2", "0 ok acquire 1", "1 ok acquire 2"),
    ),
    "a free lock is refused": ("0 invoke acquire 1", "0 ok acquire 0"),
    "a lock is refused to who has it": ("0 invoke acquire 1", "0 ok acquire 1", "0 invoke acquire 1", "0 ok acquire 0"),
    "a lock is lost": ("0 invoke acquire 1", "0 ok acquire 1", "0 invoke read -", "0 ok read -"),
    "a lock that nobody has is given back": ("0 invoke release 1", "0 ok release -"),
    "a lock is not given back by who has it": (
        *("0 invoke acquire 1", "0 ok acquire 1", "0 invoke release 1", "0 ok release 0"),
    ),
    "a lost write": ("0 invoke write 1", "0 ok write 1", "1 invoke read -", "1 ok read -"),
    "a value that nobody wrote": ("0 invoke write 1", "0 ok write 1", "1 invoke read -", "1 ok read 2"),
    "a failed write is seen": ("0 invoke write 1", "0 fail write 1", "1 invoke read -", "1 ok read 1"),
    "a value seen before it was written": ("1 invoke read -", "1 ok read 1", "0 invoke write 1", "0 ok write 1"),
    "a read goes back": (
        *("0 invoke write 1", "1 invoke read -", "1 ok read 1", "2 invoke read -", "2 ok read -"),
        "0 ok write 1",
    ),
    "an overwritten value comes back": (
        *("0 invoke write 1", "0 ok write 1", "0 invoke write 2", "0 ok write 2"),
        *("1 invoke read -", "1 ok read 1"),
    ),
    "a compare-and-set finds what is not there": ("0 invoke cas 1>2", "0 ok cas 1>2"),
    "two compare-and-sets find the same value": (
        *("0 invoke cas ->1", "1 invoke cas ->2", "0 ok cas ->1", "1 ok cas ->2"),
    ),
    "an unknown write is seen twice around another": (
        *("0 invoke write 1", "0 info write 1", "1 invoke read -", "1 ok read 1", "1 invoke write 2", "1 ok write 2"),
        *("1 invoke read -", "1 ok read 1"),
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_history_is_valid(name: str) -> None:
    assert linearizable(history(*GOOD[name])).verdict is Verdict.VALID


@pytest.mark.parametrize("name", BAD)
def test_bad_history_is_invalid(name: str) -> None:
    assert linearizable(history(*BAD[name])).verdict is Verdict.INVALID


def test_a_problem_names_the_line_the_server_and_the_call() -> None:
    [problem] = linearizable(history(*BAD["a lost write"])).problems
    assert problem.text.startswith("line 3, 0.002 s, process 1 at n1: read (default) of k ok None")


def test_a_search_that_is_too_long_is_unknown() -> None:
    writes = [f"{process} invoke write {process}" for process in range(12)]
    ends = [f"{process} ok write {process}" for process in range(12)]
    lost = ["0 invoke read -", "0 ok read 99"]
    assert linearizable(history(*writes, *ends, *lost), steps_max=200).verdict is Verdict.UNKNOWN
    assert linearizable(history(*writes, *ends), steps_max=200).verdict is Verdict.VALID


def test_many_unknown_writes_that_nobody_saw_cost_nothing() -> None:
    texts = [
        text for number in range(200) for text in (f"{number} invoke write {number}", f"{number} info write {number}")
    ]
    read = ["1000 invoke read -", "1000 ok read -"] * 50
    found = linearizable(history(*texts, *read), steps_max=500)
    assert found.verdict is Verdict.VALID


def _naive(found: Sequence[Call]) -> bool:
    """Whether some order of the calls that took place, with any of the unknown ones, explains what was seen."""
    sure = [call for call in found if call.kind is Kind.OK]
    open_ = [call for call in found if call.kind is Kind.INFO and call.asked.f != "read"]
    return any(
        _explains(order)
        for count in range(len(open_) + 1)
        for chosen in combinations(open_, count)
        for order in permutations([*sure, *chosen])
    )


def _explains(order: Sequence[Call]) -> bool:
    value: Value = None
    for place, call in enumerate(order):
        if any(later.returned is not None and later.returned < call.invoked for later in order[place + 1 :]):
            return False
        match call.asked.f, call.value:
            case "read", seen:
                if seen != value:
                    return False
            case "cas", (old, new):
                if old != value:
                    return False
                value = new
            case _, new:
                value = new
    return True


@st.composite
def _histories(draw: st.DrawFn) -> list[Op]:
    """Up to six calls of up to three clients over few values, so that most histories are nearly right."""
    opened: dict[int, Op] = {}
    found: list[Op] = []
    begun = 0
    process_of = {thread: thread for thread in range(3)}
    values = st.sampled_from((None, 1, 2))
    for thread in draw(st.lists(st.integers(0, 2), max_size=12)):
        if thread in opened:
            op = opened.pop(thread)
            kind = draw(st.sampled_from((Kind.OK, Kind.OK, Kind.OK, Kind.INFO, Kind.FAIL)))
            seen = draw(values) if op.f == "read" else op.value
            found.append(op._replace(kind=kind, value=seen))
            process_of[thread] += 3 * (kind is Kind.INFO)
        elif begun < 6:
            begun += 1
            f = draw(st.sampled_from(("read", "write", "cas")))
            value: Value = None
            if f == "write":
                value = draw(st.sampled_from((1, 2)))
            elif f == "cas":
                value = (draw(values), draw(st.sampled_from((1, 2))))
            mode = Mode.DEFAULT if f == "read" else Mode.NONE
            opened[thread] = Op(0.0, process_of[thread], Kind.INVOKE, f, "k", value, mode)
            found.append(opened[thread])
    return found


@given(_histories())
@settings(max_examples=400)
def test_the_checker_agrees_with_trying_every_order(found: list[Op]) -> None:
    judged = calls(found)
    expected = Verdict.VALID if _naive(judged) else Verdict.INVALID
    assert linearizable(judged).verdict is expected
