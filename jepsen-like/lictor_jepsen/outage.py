"""How long no change went through after a fault began. Pure; a figure, and no verdict.

It is told as clients see it: from the moment the fault was made to the end of the first change that was asked for
after it and went well. Clients that wait for a dead server notice late, so an election itself may be shorter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import NamedTuple

from lictor_jepsen.op import NEMESIS, Kind, Op

__all__ = ["Outage", "outages"]


class Outage(NamedTuple):
    """What a fault did to writers."""

    fault: str
    what: str
    begins_s: float
    lasts_s: float | None
    """None when no change went through any more."""


def outages(history: Sequence[Op], changes: Set[str]) -> Iterator[Outage]:
    """One for each fault that has an end, in order; `changes` are the operations that change something."""
    steps = [(position, op) for position, op in enumerate(history) if op.process == NEMESIS]
    for position, begun in steps[: len(steps) // 2 * 2 : 2]:
        served = _next_change(history, position, changes)
        lasts_s = None if served is None else (served.time_ms - begun.time_ms) / 1000
        yield Outage(begun.f, str(begun.value), begun.time_ms / 1000, lasts_s)


def _next_change(history: Sequence[Op], position: int, changes: Set[str]) -> Op | None:
    """The end of the first change that was asked for behind a line and went well."""
    asked: set[int] = set()
    for op in history[position:]:
        if op.process == NEMESIS or op.f not in changes:
            continue
        if op.kind is Kind.INVOKE:
            asked.add(op.process)
        elif op.kind is Kind.OK and op.process in asked:
            return op
    return None
