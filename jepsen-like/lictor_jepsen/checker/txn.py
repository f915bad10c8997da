"""The judges of a history of transactions over lists: its groups of keys, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from typing import Final

from lictor_jepsen.checker.enough import enough
from lictor_jepsen.checker.transactions import transactions
from lictor_jepsen.checker.verdict import Finding, joined, named
from lictor_jepsen.history import Call, calls
from lictor_jepsen.op import Mode, Op

__all__ = ["CHANGES", "judge_transactions"]

CHANGES: Final = frozenset({"guarded", "whole"})
"""The transactions that append; `look` only reads."""
_STRICT: Final = {
    "consistent": frozenset({Mode.NONE, Mode.CONSISTENT}),
    "default": frozenset({Mode.NONE, Mode.CONSISTENT, Mode.DEFAULT}),
}


def judge_transactions(history: Iterable[Op]) -> dict[str, Finding]:
    """The findings, by what they are about. No transaction touches the keys of two groups.

    `consistent` judges whether what changes something and consistent reads are strictly serializable, `default` whether
    they are so together with default reads. `stale` judges all: stale reads, of several keys too, must show some past
    as a whole. Raises `HistoryError` for what is no history of transactions.
    """
    groups: dict[str, list[Call]] = {}
    for call in calls(history):
        groups.setdefault(call.asked.key, []).append(call)
    found = {name: _each(groups, modes, _always) for name, modes in _STRICT.items()}
    found["stale"] = _each(groups, frozenset(Mode), _is_timely)
    every = [call for group in groups.values() for call in group]
    return {**found, "enough": enough(_kinds(every))}


def _kinds(every: Sequence[Call]) -> dict[str, list[Call]]:
    kinds = {name: [call for call in every if call.asked.f == name] for name in sorted(CHANGES)}
    return kinds | {f"{mode} looks": [call for call in every if call.asked.mode is mode] for mode in Mode if mode}


def _always(call: Call) -> bool:
    del call
    return True


def _is_timely(call: Call) -> bool:
    return call.asked.mode is not Mode.STALE


def _each(groups: dict[str, list[Call]], modes: Set[Mode], is_timely: Callable[[Call], bool]) -> Finding:
    return joined(
        named(name, transactions([call for call in group if call.asked.mode in modes], is_timely))
        for name, group in groups.items()
    )
