"""Transactions over lists: a history for each thing that can be wrong, and a twin that tries every order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.micro import txn_of
from lictor_jepsen.checker.transactions import transactions
from lictor_jepsen.history import Call, HistoryError, calls
from lictor_jepsen.op import Kind, Op, Value
from tests.jepsen_like.build import txns


def _one(*txns: str) -> list[str]:
    """Transactions one after another."""
    return [line for number, txn in enumerate(txns) for line in (f"{number} invoke {txn}", f"{number} ok {txn}")]


def _at_once(*txns: str) -> list[str]:
    """Transactions that all run at the same time."""
    return [f"{number} {verb} {txn}" for verb in ("invoke", "ok") for number, txn in enumerate(txns)]


def _stale(call: Call) -> bool:
    return call.process < 9


GOOD = {
    "nothing": [],
    "one after another": _one("x: +x1", "x:1 +x2 +y3", "x:1,2 y:3"),
    "own appends are seen": _one("+x1 x:1 +x2 x:1,2", "x:1,2 +x3 x:1,2,3 x:1,2,3"),
    "at once, in some order": _at_once("x: +y1", "+x2", "y:1 x:2"),
    "an unknown one took place": ["0 invoke x? +x1", "0 info x? +x1", *_one("x:1")[0:2]],
    "an unknown one did not": ["0 invoke x? +x1", "0 info x? +x1", "1 invoke x?", "1 ok x:"],
    "a failed one did not": ["0 invoke +x1", "0 fail +x1", "1 invoke x?", "1 ok x:"],
    "nobody reads": _at_once("+x1", "+x2", "+x3 +y4"),
    "an old read that need not be timely": [*_one("+x1"), "9 invoke x?", "9 ok x:"],
}
BAD = {
    "internal: it appended": _one("+x1 x:"),
    "internal: it saw": _at_once("x: x:1", "+x1"),
    "internal: it read": _one("x:1 +x1"),
    "doubled": _one("+x1", "x:1,1"),
    "phantom": _one("+x1", "x:1,7"),
    "phantom: nobody appended 1 to y": _one("+x1", "y:1"),
    "G1a": ["0 invoke +x1", "0 fail +x1", "1 invoke x?", "1 ok x:1"],
    "G1b": _at_once("+x1 +x2", "x:1"),
    "torn": _at_once("+x1 +x2", "x:2,1"),
    "torn: x has [2]": _at_once("+x1 +x2", "x:2"),
    "incompatible order": _at_once("+x1", "+x2", "x:1,2", "x:2,1"),
    "incompatible order: one": _at_once("+x1", "+x2", "x:1", "x:2"),
    "lost update": _at_once("x: +x1", "x: +x2", "x:1,2"),
    "lost update: ": _at_once("x: +x1", "x: +x2"),
    "G0 (": _at_once("+x1 +y2", "+x3 +y4", "x:1,3", "y:4,2"),
    "G1c (": _at_once("+x1 y:2", "+y2 x:1"),
    "G-single (read skew)": _at_once("+x1 +y2", "x:1 y:"),
    "G-single (": _at_once("+x1 +y2", "x:1 y:", "y:2"),
    "G2 (write skew)": _at_once("x: y: +x1", "x: y: +y2"),
    "G2 (": _at_once("+x1", "+y2", "x:1 y:", "x: y:2"),
    "G0 in real time": [*_one("+x1", "+x2")[:4], "5 invoke x?", "5 ok x:2,1"],
    "G1c in real time": ["0 invoke x?", "0 ok x:1", "1 invoke +x1", "1 ok +x1"],
    "G-single in real time": _one("+x1", "x:"),
    "G2 in real time": [
        *("0 invoke +x1", "1 invoke x? y?", "2 invoke +y2", "0 ok +x1", "3 invoke y?", "3 ok y:"),
        *("1 ok x: y:2", "2 ok +y2"),
    ],
}


@pytest.mark.parametrize("name", GOOD)
def test_good_history_is_valid(name: str) -> None:
    found = transactions(txns(*GOOD[name]), _stale)
    assert found.verdict is Verdict.VALID, found
    assert found.judged == sum(" ok " in line for line in GOOD[name])


@pytest.mark.parametrize("name", BAD)
def test_bad_history_is_invalid_and_is_called_by_its_name(name: str) -> None:
    found = transactions(txns(*BAD[name]), _stale)
    assert found.verdict is Verdict.INVALID
    assert any(problem.text.startswith(name) and problem.lines for problem in found.problems), found.problems


def test_a_circle_is_told_with_every_reason_and_its_lines() -> None:
    [problem] = transactions(txns(*_one("+y9"), *_at_once("+x1 +y2", "x:1 y:9")), _stale).problems
    assert problem.text.splitlines() == [
        "G-single (read skew): 2 transactions, each before the next, and the last before the first:",
        "  line 4, 0.003 s, process 1 at n1: txn ok r x [1], r y [9]",
        "    rw: read y without 2, which the other appended",
        "  line 3, 0.002 s, process 0 at n1: txn ok append x 1, append y 2",
        "    wr: appended 1 to x, and the other read that",
    ]
    assert problem.lines == (3, 4, 5, 6)


def test_a_lost_update_is_not_told_again_as_a_circle() -> None:
    [problem] = transactions(txns(*_at_once("x: +x1", "x: +x2")), _stale).problems
    assert problem.text.startswith("lost update: two appended to the same list of x, with 0 numbers:")


def test_what_is_no_transaction_is_refused_with_its_line() -> None:
    for value in (7, (("r", "x"),), (("append", "x", "1"),), (("r", "x", (None,)),)):
        [call] = calls([Op(0.0, 0, Kind.INVOKE, "txn", "g", value), Op(1.0, 0, Kind.OK, "txn", "g", value)])
        with pytest.raises(HistoryError, match="line 1: "):
            transactions([call], _stale)


@pytest.mark.slow
def test_ten_thousand_transactions_are_judged_in_some_seconds() -> None:
    lists: dict[str, list[int]] = {}
    texts: list[str] = []
    for number in range(10_000):
        key = "abcdefghij"[number // 100 % 10] + "_"
        numbers = lists.setdefault(key[0], [])[-60:]
        lists[key[0]] = numbers
        told = ",".join(map(str, numbers)) if number < 1000 else ""
        read = f"{key[0]}:{told} " if number < 1000 else ""
        texts += [f"{number % 5} invoke {read}+{key[0]}{number}", f"{number % 5} ok {read}+{key[0]}{number}"]
        numbers.append(number)
    assert transactions(txns(*texts), _stale).judged == 10_000


def _serializable(found: Sequence[Call]) -> bool:
    """Whether some order of the transactions that took place, with any of the unknown ones, gives what was read."""
    sure = [call for call in found if call.kind is Kind.OK]
    open_ = [call for call in found if call.kind is Kind.INFO]
    return any(
        _explains(order)
        for count in range(len(open_) + 1)
        for chosen in combinations(open_, count)
        for order in permutations([*sure, *chosen])
    )


def _explains(order: Sequence[Call]) -> bool:
    lists: dict[str, Sequence[int]] = {}
    for place, call in enumerate(order):
        for later in order[place + 1 :]:
            timely = _stale(call) and _stale(later)
            if timely and later.returned is not None and later.returned < call.invoked:
                return False
        txn = txn_of(0, call)
        reads = iter(txn.reads)
        appends = {key: iter(numbers) for key, numbers in txn.appends.items()}
        assert isinstance(call.value, tuple)
        for micro in call.value:
            assert isinstance(micro, tuple)
            key = str(micro[1])
            if micro[0] == "append":
                lists[key] = (*lists.get(key, ()), next(appends[key]))
            elif call.kind is Kind.OK and next(reads).numbers != tuple(lists.get(key, ())):
                return False
    return True


@st.composite
def _histories(draw: st.DrawFn) -> list[Call]:
    """Up to five transactions over two keys, carried out one after another; then one read may be another.

    They begin and end at other times than they were carried out at, so that most are nearly right.
    """
    plans: list[tuple[list[tuple[str, str]], Kind, bool]] = draw(
        st.lists(
            st.tuples(
                st.lists(st.tuples(st.sampled_from(("r", "append")), st.sampled_from("xy")), min_size=1, max_size=3),
                st.sampled_from((Kind.OK, Kind.OK, Kind.OK, Kind.OK, Kind.INFO, Kind.FAIL)),
                st.booleans(),
            ),
            min_size=2,
            max_size=5,
        )
    )
    lists: dict[str, tuple[int, ...]] = {}
    done: list[tuple[Kind, tuple[Value, ...], bool]] = []
    fresh = 0
    for plan, kind, happens in plans:
        micro: list[Value] = []
        before = dict(lists)
        for f, key in plan:
            fresh += 1
            if f == "append":
                lists[key] = (*lists.get(key, ()), fresh)
                micro.append(("append", key, fresh))
            else:
                micro.append(("r", key, lists.get(key, ())))
        if kind is Kind.FAIL or (kind is Kind.INFO and not happens):
            lists = before
        done.append((kind, tuple(micro), happens and all(f == "r" for f, _ in plan)))
    if draw(st.booleans()):
        done = _perturbed(draw, done, fresh)
    return calls(_spread(draw, done))


def _perturbed(
    draw: st.DrawFn, done: list[tuple[Kind, tuple[Value, ...], bool]], fresh: int
) -> list[tuple[Kind, tuple[Value, ...], bool]]:
    which = draw(st.integers(0, len(done) - 1))
    kind, micro, stale = done[which]
    others = draw(st.lists(st.integers(1, fresh), max_size=3, unique=True))
    changed = tuple(
        ("r", one[1], draw(st.sampled_from((tuple(others), one[2][:-1]))))
        if isinstance(one, tuple) and one[0] == "r" and isinstance(one[2], tuple)
        else one
        for one in micro
    )
    return [*done[:which], (kind, changed, stale), *done[which + 1 :]]


def _spread(draw: st.DrawFn, done: list[tuple[Kind, tuple[Value, ...], bool]]) -> list[Op]:
    """Every begin and end of them in some order; reads that need not be timely come from process 9 on."""
    order = draw(st.permutations([number for number in range(len(done)) for _ in range(2)]))
    begun: set[int] = set()
    found: list[Op] = []
    for number in order:
        kind, micro, stale = done[number]
        process = number + (9 if stale and kind is Kind.OK else 0)
        told = Kind.INVOKE if number not in begun else kind
        begun.add(number)
        found.append(Op(float(len(found)), process, told, "txn", "g", micro))
    return found


@given(_histories())
@settings(max_examples=300)
def test_the_checker_agrees_with_trying_every_order(found: list[Call]) -> None:
    expected = Verdict.VALID if _serializable(found) else Verdict.INVALID
    told = transactions(found, _stale)
    assert told.verdict is expected, told


def test_what_is_wrong_with_a_number_is_told_once_with_what_appended_it() -> None:
    found = transactions(txns(*_one("+x1", "x:1,1", "x:1,1")), _stale).problems
    assert [problem.text.splitlines()[0] for problem in found] == ["doubled: 1 stands twice in x:"]
    assert found[0].lines == (1, 2, 3, 4)
