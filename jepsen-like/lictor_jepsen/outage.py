"""The faults of a history, and how long no change went through because of each. Pure; figures, and no verdict.

It is told as clients see it. Clients that wait for a dead server notice late, so an election itself may be shorter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise
from typing import NamedTuple

from lictor_jepsen.op import HEAL, NEMESIS, Kind, Op

__all__ = ["Hit", "Outage", "Spread", "hits", "outages", "spreads"]


class Hit(NamedTuple):
    """A fault as a history tells of it. Its lines are those with its name: one of its begin, then one of its end."""

    position: int
    """Which line of the history tells of its begin, from 0."""
    begun: Op
    ended: Op | None
    """None when the run broke off."""

    @property
    def began_ms(self) -> float:
        """When its begin began to be made: it may be felt from then on."""
        return self.begun.time_ms - self.begun.took_ms


class Outage(NamedTuple):
    """What a fault did to writers."""

    fault: str
    what: str
    begins_s: float
    lasts_s: float | None
    """From the fault's begin to the end of the first change that was asked for after it and went well; None when no
    change went through any more."""
    ends_s: float = 0.0
    """When the fault ended."""
    longest_s: float = 0.0
    """The longest time in which no change went well, of those that began while the fault lasted. One that only the end
    of the load ended counts up to that."""


class Spread(NamedTuple):
    """What one kind of fault did to writers, over many of it."""

    fault: str
    times: int
    never: int
    """How often no change went through any more."""
    median_s: float
    worst_s: float
    longest_s: float


def outages(history: Sequence[Op], changes: AbstractSet[str]) -> Iterator[Outage]:
    """One for each fault that has an end, in order; `changes` are the operations that change something."""
    tried = [op for op in history if op.f in changes and op.process != NEMESIS]
    wells = [op.time_ms for op in tried if op.kind is Kind.OK]
    for hit in hits(history):
        if hit.ended is None:
            continue
        begins_ms, ends_ms = hit.begun.time_ms, hit.ended.time_ms
        served = _next_change(history, hit.position, changes)
        marks = [begins_ms, *(moment for moment in wells if moment > begins_ms), *(op.time_ms for op in tried[-1:])]
        gaps = [end - begin for begin, end in pairwise(marks) if begin < ends_ms]
        yield Outage(
            fault=hit.begun.f,
            what=str(hit.begun.value),
            begins_s=begins_ms / 1000,
            lasts_s=None if served is None else (served.time_ms - begins_ms) / 1000,
            ends_s=ends_ms / 1000,
            longest_s=max([0.0, *gaps]) / 1000,
        )


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


def _next_change(history: Sequence[Op], position: int, changes: AbstractSet[str]) -> Op | None:
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


def spreads(found: Iterable[Outage]) -> Iterator[Spread]:
    """By the name of the fault: over one run, or over many. The median is of those that ended."""
    by_name: dict[str, list[Outage]] = {}
    for outage in found:
        by_name.setdefault(outage.fault, []).append(outage)
    for name, some in sorted(by_name.items()):
        lasts = sorted(outage.lasts_s for outage in some if outage.lasts_s is not None)
        yield Spread(
            fault=name,
            times=len(some),
            never=len(some) - len(lasts),
            median_s=lasts[(len(lasts) - 1) // 2] if lasts else 0.0,
            worst_s=lasts[-1] if lasts else 0.0,
            longest_s=max(outage.longest_s for outage in some),
        )
