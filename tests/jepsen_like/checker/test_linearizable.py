"""The linearizability checker: known histories, and a naive twin that tries every order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.linearizable import linearizable
from lictor_jepsen.checker.search import Limits
from lictor_jepsen.history import calls
from lictor_jepsen.op import Op
from tests.jepsen_like.build import history
from tests.jepsen_like.checker.orders import histories, some_order_explains

GOOD = {
    "a read sees the write before it": ("0 invoke write 1", "0 ok write 1", "1 invoke read -", "1 ok read 1"),
    "a read beside a write sees the old value": ("0 invoke write 1", "1 invoke read -", "1 ok read -", "0 ok write 1"),
    "a read beside a write sees the new value": ("0 invoke write 1", "1 invoke read -", "1 ok read 1", "0 ok write 1"),
    "an unknown write took place": ("0 invoke write 1", "0 info write 1", "1 invoke read -", "1 ok read 1"),
    "an unknown write did not take place": ("0 invoke write 1", "0 info write 1", "1 invoke read -", "1 ok read -"),
    "a failed write did not take place": ("0 invoke write 1", "0 fail write 1", "1 invoke read -", "1 ok read -"),
    "a write without an end took place": ("0 invoke write 1", "1 invoke read -", "1 ok read 1"),
    "a write of what is there already takes place later": (
        *("0 invoke write 1", "0 ok write 1", "1 invoke write 1", "2 invoke write 2", "2 ok write 2"),
        *("2 invoke read -", "2 ok read 1", "1 ok write 1"),
    ),
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
    assert problem.lines == (1, 2, 3, 4)


def test_a_problem_tells_the_smallest_piece_a_line_a_call() -> None:
    rounds = [
        text.format(number)
        for number in range(1, 40)
        for text in ("0 invoke write {}", "0 ok write {}", "1 invoke read -", "1 ok read {}")
    ]
    rounds[4 * 20 + 3] = "1 ok read 5"
    [problem] = linearizable(history(*rounds)).problems
    first, *lines = problem.text.splitlines()
    assert first.endswith("The smallest piece that no order explains, whatever the key held before:")
    assert [line.split(" at n1: ")[1] for line in lines] == ["write of k ok 21", "read (default) of k ok 5"]
    assert problem.lines == (81, 82, 83, 84)


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (Limits(steps_max=200), "200 steps"),
        (Limits(bytes_max=100_000), "0.1 MiB"),
        (Limits(seconds_max=1.0, monotonic=iter(range(100)).__next__), "1.0 s"),
    ],
)
def test_every_limit_of_a_search_ends_in_unknown_and_is_named(limits: Limits, told: str) -> None:
    writes = [f"{process} invoke write {process % 3}" for process in range(14)]
    ends = [f"{process} ok write {process % 3}" for process in range(14)]
    found = linearizable(history(*writes, *ends, "0 invoke read -", "0 ok read 99"), limits=limits)
    assert found.verdict is Verdict.UNKNOWN
    assert told in found.problems[0].text


def test_many_unknown_writes_that_nobody_saw_cost_nothing() -> None:
    texts = [
        text for number in range(200) for text in (f"{number} invoke write {number}", f"{number} info write {number}")
    ]
    read = ["1000 invoke read -", "1000 ok read -"] * 50
    found = linearizable(history(*texts, *read), limits=Limits(steps_max=500))
    assert found.verdict is Verdict.VALID


@given(histories())
@settings(max_examples=300)
def test_the_checker_agrees_with_trying_every_order(found: list[Op]) -> None:
    judged = calls(found)
    expected = Verdict.VALID if some_order_explains(judged, None) else Verdict.INVALID
    assert linearizable(judged).verdict is expected
