"""A rolling upgrade: everybody was upgraded, and while one of several servers was, the others took changes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from lictor_jepsen.checker.judge import CHANGES
from lictor_jepsen.checker.telling import describe, told
from lictor_jepsen.checker.verdict import Finding, Problem, Verdict, finding
from lictor_jepsen.history import Call, calls
from lictor_jepsen.op import NEMESIS, Kind, Op

__all__ = ["GAP_MS_MAX", "judge_upgrade"]

GAP_MS_MAX: Final = 10_000.0
"""How long no change may go through while servers are upgraded one by one: an election, and a loaded host."""


def judge_upgrade(history: Sequence[Op]) -> Mapping[str, Finding]:
    """The findings `upgraded` and `served`. Raises `HistoryError` for what is no history."""
    found = calls(history)
    steps = [call for call in found if call.asked.f == "upgrade" and call.kind is not Kind.FAIL]
    return {"upgraded": _upgraded(steps), "served": _served(history, found, steps)}


def _upgraded(steps: Sequence[Call]) -> Finding:
    done = [call for call in steps if call.kind is Kind.OK and isinstance(call.value, tuple)]
    problems = [told(f"not upgraded: {describe(call)}", call) for call in steps if call.kind is Kind.INFO]
    for call in done:
        assert isinstance(call.value, tuple), "an upgrade tells who, and how many are left"
        if not call.value[2]:
            problems.append(told(f"it did not end when it was told to: {describe(call)}", call))
    if problems:
        return finding(len(done), problems)
    left = [call.value[1] for call in done if isinstance(call.value, tuple)]
    if not left or left[-1] != 0:
        text = f"{left[-1] if left else 'all'} are left: the run was too short"
        return Finding(Verdict.UNKNOWN, len(done), (Problem(text),))
    return finding(len(done), [])


def _served(history: Sequence[Op], found: Sequence[Call], steps: Sequence[Call]) -> Finding:
    """Told only where no other fault was at work: two of three servers down take no changes, and should not."""
    if not steps or any(op.process == NEMESIS and op.f != "heal" for op in history):
        return Finding(Verdict.VALID, 0)
    changes = [call for call in found if call.asked.f in CHANGES]
    load_ends_ms = max((call.time_ms for call in changes), default=0.0)
    well = sorted(history[call.ended].time_ms for call in changes if call.kind is Kind.OK and call.ended is not None)
    problems: list[Problem] = []
    for step in steps:
        ended_ms = load_ends_ms if step.ended is None else min(load_ends_ms, history[step.ended].time_ms)
        moments = [step.time_ms, *(at for at in well if step.time_ms < at < ended_ms), ended_ms]
        gap_ms = max(after - before for before, after in pairwise(moments))
        if gap_ms > GAP_MS_MAX:
            problems.append(told(f"no change went through for {gap_ms / 1000:.1f} s: {describe(step)}", step))
    return finding(len(steps), problems)
