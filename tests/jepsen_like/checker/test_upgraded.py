"""A rolling upgrade, judged: good and bad histories by hand."""

from __future__ import annotations

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.upgraded import GAP_MS_MAX, judge_upgrade
from lictor_jepsen.op import NEMESIS, Kind, Op, Value


def _step(begins_s: float, ends_s: float, kind: Kind, value: Value) -> list[Op]:
    begun = Op(begins_s * 1000, 0, Kind.INVOKE, "upgrade", "upgrades")
    return [begun, begun._replace(time_ms=ends_s * 1000, kind=kind, value=value)]


def _writes(*moments_s: float) -> list[Op]:
    ops: list[Op] = []
    for number, moment in enumerate(moments_s):
        begun = Op(moment * 1000 - 1, 1, Kind.INVOKE, "write", "k", number)
        ops += [begun, begun._replace(time_ms=moment * 1000, kind=Kind.OK)]
    return ops


def _verdicts(*ops: Op) -> tuple[Verdict, Verdict]:
    found = judge_upgrade(sorted(ops, key=lambda op: op.time_ms))
    return found["upgraded"].verdict, found["served"].verdict


def _all(*, ended: bool = True) -> list[Op]:
    return [*_step(1, 5, Kind.OK, ("n1", 1, ended)), *_step(6, 9, Kind.OK, ("n2", 0, True))]


OFTEN = _writes(*range(1, 12))


def test_all_upgraded_and_served_meanwhile_is_valid() -> None:
    assert _verdicts(*_all(), *OFTEN) == (Verdict.VALID, Verdict.VALID)


def test_a_run_that_ends_before_all_are_upgraded_proves_nothing() -> None:
    assert _verdicts(*_step(1, 5, Kind.OK, ("n1", 1, True)), *OFTEN)[0] is Verdict.UNKNOWN
    assert _verdicts(*OFTEN)[0] is Verdict.UNKNOWN


def test_one_that_does_not_serve_as_the_new_version_or_does_not_end_as_the_old_one_is_invalid() -> None:
    assert _verdicts(*_step(1, 50, Kind.INFO, None), *OFTEN)[0] is Verdict.INVALID
    assert _verdicts(*_all(ended=False), *OFTEN)[0] is Verdict.INVALID


def test_a_gap_without_a_change_is_invalid_while_load_is_on_and_no_fault_at_work() -> None:
    gap_s = GAP_MS_MAX / 1000 + 1
    step = _step(1, 2 + gap_s, Kind.OK, ("n1", 0, True))
    assert _verdicts(*step, *_writes(0.5, 1 + gap_s + 0.5))[1] is Verdict.INVALID
    assert _verdicts(*step, *_writes(0.5, 3, 1 + gap_s + 0.5))[1] is Verdict.VALID
    assert _verdicts(*step, *_writes(0.5, 2))[1] is Verdict.VALID, "the load had ended"
    fault = Op(1500.0, NEMESIS, Kind.INFO, "kill-one", value="killed n2")
    assert _verdicts(*step, fault, *_writes(0.5, 1 + gap_s + 0.5))[1] is Verdict.VALID
