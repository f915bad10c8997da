"""How long no change went through after a fault began. Pure; a figure, and no verdict.

It is told as clients see it: from the moment the fault was made to the end of the first change that was asked for
after it and went well. Clients that wait for a dead server notice late, so an election itself may be shorter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import NamedTuple

from lictor_jepsen.op import HEAL, NEMESIS, Kind, Op

__all__ = ["Hit", "Outage", "hits", "outages"]


class Hit(NamedTuple):
    """A fault as a history tells of it. Its lines are those with its name: one of its begin, then one of its end."""

    position: int
    """Which line of the history tells of its begin, from 0."""
    begun: Op
    ended: Op | None
    """None when the run broke off."""


class Outage(NamedTuple):
    """What a fault did to writers."""

    fault: str
    what: str
    begins_s: float
    lasts_s: float | None
    """None when no change went through any more."""


def outages(history: Sequence[Op], changes: Set[str]) -> Iterator[Outage]:
    """One for each fault that has an end, in order; `changes` are the operations that change something."""
    for hit in hits(history):
        if hit.ended is None:
            continue
        served = _next_change(history, hit.position, changes)
        lasts_s = None if served is None else (served.time_ms - hit.begun.time_ms) / 1000
        yield Outage(hit.begun.f, str(hit.begun.value), hit.begun.time_ms / 1000, lasts_s)


def hits(history: Sequence[Op]) -> list[Hit]:
    """The faults, in order of their begins; they may overlap. The end of all of them is none."""
    found: list[Hit] = []
    open_: dict[str, int] = {}
    for position, op in enumerate(history):
        if op.process != NEMESIS or op.f == HEAL:
            continue
        if op.f in open_:
            place = open_.pop(op.f)
            found[place] = found[place]._replace(ended=op)
        else:
            open_[op.f] = len(found)
            found.append(Hit(position, op, None))
    return found


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
