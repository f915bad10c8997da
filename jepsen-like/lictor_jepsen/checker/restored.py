"""Snapshots: what was saved is a state that there was while it was saved, and a restore brings just that back.

Pure. What a snapshot holds is known from a restore of it that had the cluster for itself. So each save is a read of all
keys, and each restore a write of all keys, and a key with these among its calls must be linearizable. All keys were
saved at one moment: a snapshot with a later write and without an earlier one is torn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from lictor_jepsen.checker.judge import judge_calls
from lictor_jepsen.checker.telling import describe, told
from lictor_jepsen.checker.verdict import Finding, Problem, finding
from lictor_jepsen.history import Call, calls
from lictor_jepsen.op import ABSENT, Invocation, Kind, Op, Value

__all__ = ["SNAPSHOTS", "judge_snapshots"]

SNAPSHOTS: Final = "snapshots"
"""The key of everything that is done to all keys."""


class _Looked(NamedTuple):
    """What a restore that was alone found."""

    call: Call
    content: Mapping[str, Value]
    is_locked: bool
    is_held: bool
    """Whether the session that holds the lock is there."""


def judge_snapshots(history: Sequence[Op]) -> Mapping[str, Finding]:
    """The findings of the keys, and `restored`, `torn`, `sessions`. Raises `HistoryError` for what is no history."""
    found = calls(history)
    steps = [call for call in found if call.asked.key == SNAPSHOTS]
    others = [call for call in found if call.asked.key != SNAPSHOTS]
    looks = {number: look for number, look in map(_look, steps) if look is not None}
    keys = {call.asked.key for call in others}
    unknown = [call for call in steps if call.asked.f == "restore" and _snapshot(call) not in looks and _happened(call)]
    if unknown:  # nobody knows what was brought back: what follows cannot be judged by the keys' past
        last = unknown[0].invoked
        others = [call for call in others if (call.ended or call.invoked) < last]
        steps = [call for call in steps if call.invoked < last]
    effects = [effect for key in sorted(keys) for step in steps for effect in _effects(step, key, looks)]
    judged = judge_calls(sorted([*others, *effects], key=lambda call: call.invoked))
    return {
        **judged,
        "restored": _restored(steps, looks),
        "torn": _torn(steps, others, looks),
        "sessions": _sessions(steps),
    }


def _look(call: Call) -> tuple[int, _Looked | None]:
    """The snapshot that a restore brought back, and what was seen of it."""
    if call.asked.f != "restore" or call.kind is not Kind.OK or not isinstance(call.value, tuple):
        return 0, None
    if len(call.value) == 1:
        return 0, None
    number, rows, is_locked, is_held = call.value
    assert isinstance(rows, tuple), "keys with their values"
    content: dict[str, Value] = {}
    for row in rows:
        assert isinstance(row, tuple), "a key with its value"
        content[str(row[0])] = row[1]
    assert isinstance(number, int), "snapshots have numbers"
    return number, _Looked(call, content, bool(is_locked), bool(is_held))


def _snapshot(call: Call) -> int:
    number = call.asked.value[0] if isinstance(call.asked.value, tuple) else call.asked.value
    assert isinstance(number, int), "snapshots have numbers"
    return number


def _happened(call: Call) -> bool:
    return call.kind is not Kind.FAIL


def _effects(step: Call, key: str, looks: Mapping[int, _Looked]) -> Iterator[Call]:
    """What a save or restore is to one key."""
    if step.asked.f not in ("save", "restore") or (look := looks.get(_snapshot(step))) is None:
        return
    value = look.content.get(key, ABSENT)
    if step.asked.f == "restore" and _happened(step):
        yield step._replace(asked=Invocation("write", key, value), value=value, x_index=None)
    elif step.asked.f == "save" and step.kind is Kind.OK:
        yield step._replace(asked=Invocation("read", key), value=value, x_index=None)


def _restored(steps: Sequence[Call], looks: Mapping[int, _Looked]) -> Finding:
    """Every snapshot is the same whenever it is restored; how many restores are judged by what they hold."""
    problems: list[Problem] = []
    judged = 0
    for call in steps:
        if call.asked.f != "restore" or call.kind is not Kind.OK:
            continue
        judged += 1
        number, again = _look(call)
        if again is not None and again.content != looks[number].content:
            problems.append(told(f"snapshot {number} differs: {describe(call)}", looks[number].call, call))
    return finding(judged, problems)


def _torn(steps: Sequence[Call], others: Sequence[Call], looks: Mapping[int, _Looked]) -> Finding:
    """A snapshot that holds a write holds, or overwrites, every write that had ended before that one began."""
    writes = [call for call in others if call.asked.f == "write" and call.kind is not Kind.FAIL]
    by_value = {(call.asked.key, call.asked.value): call for call in writes}
    problems: list[Problem] = []
    judged = 0
    for save in steps:
        if save.asked.f != "save" or save.kind is not Kind.OK or (look := looks.get(_snapshot(save))) is None:
            continue
        before = [
            call for call in steps if call.asked.f == "restore" and _happened(call) and call.invoked < save.invoked
        ]
        if any(call.returned is None for call in before):
            continue  # one that may still take place explains everything
        since = max((call.returned or 0 for call in before), default=-1)
        judged += 1
        held = [by_value[item] for item in look.content.items() if item in by_value]
        newest = max((call for call in held if call.invoked > since), key=lambda call: call.invoked, default=None)
        if newest is None:
            continue
        for lost in writes:
            if lost.returned is None or not since < lost.invoked or lost.returned > newest.invoked:
                continue
            kept = by_value.get((lost.asked.key, look.content.get(lost.asked.key, ABSENT)))
            if kept is None or (kept.returned is not None and kept.returned < lost.invoked):
                problems.append(
                    told(f"it holds {describe(newest)}, but not the earlier {describe(lost)}", lost, newest, save)
                )
    return finding(judged, problems)


def _sessions(steps: Sequence[Call]) -> Finding:
    """A session that was held when a snapshot was saved is back with it, and holds its key; one that was not is not."""
    held: bool | None = False
    saved: dict[int, bool | None] = {}
    problems: list[Problem] = []
    judged = 0
    for call in steps:
        if call.kind is Kind.FAIL and call.asked.f in ("save", "restore"):
            continue
        if call.kind is not Kind.OK:
            held = None if call.asked.f != "save" else held
        elif call.asked.f in ("hold", "drop"):
            held = call.asked.f == "hold"
        elif call.asked.f == "save":
            saved[_snapshot(call)] = held
        elif call.asked.f == "restore":
            held = saved.get(_snapshot(call))
            _, look = _look(call)
            if look is None or held is None:
                continue
            judged += 1
            if (look.is_locked, look.is_held) != (held, held):
                was = "held" if held else "not held"
                problems.append(told(f"the lock was {was} when it was saved: {describe(call)}", call))
    return finding(judged, problems)
