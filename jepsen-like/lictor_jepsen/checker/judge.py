"""All checkers over one history: which of them judge it, and their findings by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from lictor_jepsen.checker.append import append_list
from lictor_jepsen.checker.grow_set import grow_set
from lictor_jepsen.checker.linearizable import linearizable
from lictor_jepsen.checker.stale import index_monotonic, stale_reads
from lictor_jepsen.checker.verdict import Finding, Problem, Verdict, joined, named
from lictor_jepsen.history import Call, calls
from lictor_jepsen.op import Kind, Mode, Op

__all__ = ["CHANGES", "judge", "judge_calls"]

CHANGES: Final = frozenset({"write", "cas", "append", "add", "acquire", "release"})
"""The operations that change a key."""
_ENOUGH: Final = 10
"""Fewer reads or changes that went well than this say nothing about the system under test."""
_Check = Callable[[Sequence[Call]], Finding]
_BY_CHANGE: Final[dict[str, _Check]] = {
    "write": linearizable,
    "cas": linearizable,
    "append": append_list,
    "add": grow_set,
    "acquire": linearizable,
    "release": linearizable,
}


def judge(history: Iterable[Op]) -> dict[str, Finding]:
    """The findings, by what they are about.

    `consistent` judges changes and consistent reads, `default` those and default reads: when only `default` is
    invalid, consistent reads kept their promise. Raises `HistoryError` for what is no history.
    """
    return judge_calls(calls(history))


def judge_calls(history: Iterable[Call]) -> dict[str, Finding]:
    """The same of calls, in order of their invocation for each key."""
    keys: dict[str, list[Call]] = {}
    for call in history:
        keys.setdefault(call.asked.key, []).append(call)
    usual = _checker([call for key in keys.values() for call in key], linearizable)
    found = {
        "consistent": _each(keys, lambda key: _strict(key, {Mode.NONE, Mode.CONSISTENT}, usual)),
        "default": _each(keys, lambda key: _strict(key, {Mode.NONE, Mode.CONSISTENT, Mode.DEFAULT}, usual)),
        "stale": _each(keys, stale_reads),
        "index": _each(keys, index_monotonic),
    }
    return {**found, "enough": _enough([call for key in keys.values() for call in key])}


def _strict(history: Sequence[Call], modes: set[Mode], usual: _Check) -> Finding:
    check = _checker(history, usual)
    return check([call for call in history if call.asked.mode in modes])


def _checker(history: Sequence[Call], usual: _Check) -> _Check:
    """Who judges a key, by what changes it. One that is only read is judged as the others of its history."""
    names = {call.asked.f for call in history} & CHANGES
    return next((_BY_CHANGE[name] for name in sorted(names)), usual)


def _each(keys: dict[str, list[Call]], check: Callable[[Sequence[Call]], Finding]) -> Finding:
    return joined(named(key, check(history)) for key, history in keys.items())


def _enough(history: Sequence[Call]) -> Finding:
    """Whether enough went well, for changes and for every mode of reading that was asked for."""
    lacking: list[Problem] = []
    groups = {"changes": [call for call in history if call.asked.f in CHANGES]}
    groups |= {f"{mode} reads": [call for call in history if call.asked.mode is mode] for mode in Mode if mode}
    for name, asked in groups.items():
        well = sum(call.kind is Kind.OK for call in asked)
        if well < _ENOUGH:
            lacking.append(Problem(f"only {well} of {len(asked)} {name} went well: too few to judge"))
    judged = sum(call.kind is Kind.OK for call in history)
    return Finding(Verdict.UNKNOWN, judged, tuple(lacking)) if lacking else Finding(Verdict.VALID, judged)
