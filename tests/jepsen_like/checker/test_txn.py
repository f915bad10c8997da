"""Which transactions are judged by which promise."""

from __future__ import annotations

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.txn import judge_transactions
from lictor_jepsen.op import Kind, Mode, Op, Value

MODES = (Mode.DEFAULT, Mode.CONSISTENT, Mode.STALE)


def _pair(found: list[Op], process: int, f: str, micro: Value, mode: Mode = Mode.NONE, key: str = "g") -> None:
    for kind in (Kind.INVOKE, Kind.OK):
        found.append(Op(float(len(found)), process, kind, f, key, micro, mode, "n1"))


def _rounds(count: int = 10, **lag: int) -> list[Op]:
    """Appends one after another, each followed by a look in each mode, which lags by as many numbers as is said."""
    found: list[Op] = []
    for done in range(count):
        for number, f in ((2 * done, "guarded"), (2 * done + 1, "whole")):
            _pair(found, 0, f, (("append", "x", number), ("append", "y", number + 1000)))
        for mode in MODES:
            seen = tuple(range(max(0, 2 * done + 2 - lag.get(mode, 0))))
            _pair(found, 1, "look", (("r", "x", seen), ("r", "y", tuple(one + 1000 for one in seen))), mode)
    return found


def test_a_good_history_is_valid_throughout() -> None:
    found = judge_transactions(_rounds())
    assert {name: one.verdict for name, one in found.items()} == dict.fromkeys(found, Verdict.VALID)
    assert found["stale"].judged == 50


def test_old_default_looks_leave_consistent_ones_valid_and_stale_looks_may_be_old() -> None:
    found = judge_transactions(_rounds(default=1, stale=3))
    assert found["default"].verdict is Verdict.INVALID
    assert found["consistent"].verdict is Verdict.VALID
    found = judge_transactions(_rounds(stale=3))
    assert {one.verdict for one in found.values()} == {Verdict.VALID}


def test_a_stale_look_that_shows_half_of_a_transaction_is_invalid() -> None:
    history = _rounds()
    _pair(history, 2, "look", (("r", "x", (0,)), ("r", "y", ())), Mode.STALE)
    found = judge_transactions(history)
    assert found["stale"].verdict is Verdict.INVALID
    assert found["stale"].problems[0].text.startswith("g: G-single (read skew)")
    assert found["default"].verdict is Verdict.VALID


def test_groups_are_judged_apart() -> None:
    history = _rounds()
    _pair(history, 2, "look", (("r", "x", ()),), Mode.CONSISTENT, key="h")
    assert judge_transactions(history)["consistent"].verdict is Verdict.VALID


def test_too_few_of_a_kind_are_unknown() -> None:
    found = judge_transactions(_rounds(9))["enough"]
    assert found.verdict is Verdict.UNKNOWN
    assert [one.text.split(" of ")[1].split(maxsplit=1)[1].split(" went")[0] for one in found.problems] == [
        *("guarded", "whole", "default looks", "consistent looks", "stale looks")
    ]
