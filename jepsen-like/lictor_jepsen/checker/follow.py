"""Does what is seen of a thing follow what its one writer did to it?

A thing is changed by one writer, one change after another: it is set to a value that is used once, or removed. Others
see it, directly or in a copy that comes later. The states that it went through have numbers: 0 before the first change,
then one for each change. A sight fits when it can be given such a number so that

* its state has the value that was seen, and the change that made it had begun before the sight was over,
* it is not before a change that this sight must show (`must_show`: what has been done for longer than is allowed),
* where order is kept: it is not before that of a sight that was over when this one began.

A change of which nobody knows whether it took place may show from its invocation on, once more after later ones, until
it is over for good (`gone_ms`). Giving each sight the lowest number that is possible is never worse than another
choice.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from lictor_jepsen.checker.verdict import Problem
from lictor_jepsen.history import Call
from lictor_jepsen.op import ABSENT, Kind, Op, Value

__all__ = ["Change", "Sight", "change_of", "follow"]


class Change(NamedTuple):
    """What the writer did. Positions are line numbers of the history, from 0."""

    value: Value
    """What the thing is then; `ABSENT` when it was removed."""
    invoked: int
    invoked_ms: float
    ended_ms: float
    """When it was acknowledged; infinite when nobody knows whether it took place."""
    gone_ms: float = float("inf")
    """Of one that nobody knows of: after this moment it will not take place any more."""

    @property
    def is_known(self) -> bool:
        """Whether it surely took place."""
        return self.ended_ms < float("inf")


class Sight(NamedTuple):
    """What somebody saw. Positions are line numbers of the history, from 0."""

    value: Value
    invoked: int
    returned: int
    invoked_ms: float
    returned_ms: float
    where: str
    """For the message: how it was seen."""

    def __str__(self) -> str:
        return f"{self.value!r} seen at lines {self.invoked + 1}-{self.returned + 1} ({self.where})"


def change_of(call: Call, history: Sequence[Op], value: Value) -> Change | None:
    """The change that a call made; None when it surely did nothing."""
    if call.kind is Kind.FAIL:
        return None
    ended_ms = float("inf")
    if call.returned is not None:
        ended_ms = history[call.returned].time_ms
    return Change(value, call.invoked, call.time_ms, ended_ms)


def follow(
    changes: Sequence[Change],
    sights: Sequence[Sight],
    *,
    must_show: Callable[[Change, Sight], bool],
    keeps_order: bool,
) -> Iterator[Problem]:
    """What does not fit, as sentences. `changes` are in the writer's order; those that surely failed are left out."""
    ends = sorted(
        [(sight.invoked, 1, number) for number, sight in enumerate(sights)]
        + [(sight.returned, 0, number) for number, sight in enumerate(sights)]
    )
    states = _States(changes)
    latest = 0
    seen: Sight | None = None
    floors: dict[int, tuple[int, Sight | None]] = {}
    for _, begins, number in ends:
        sight = sights[number]
        if begins:
            floors[number] = (latest, seen)
            continue
        floor, by = floors.pop(number)
        place = states.place(sight, floor, must_show)
        if place.problem == _BACKWARDS and by is not None:
            yield Problem(f"{place.problem}: {sight}, after {by}", (*_lines(by), *_lines(sight)))
        elif place.problem:
            yield Problem(f"{place.problem}: {sight}", _lines(sight))
        elif keeps_order and place.number > latest:
            latest, seen = place.number, sight


def _lines(sight: Sight) -> tuple[int, int]:
    return sight.invoked + 1, sight.returned + 1


_BACKWARDS: Final = "backwards"


class _Place(NamedTuple):
    """The lowest number that a sight can have, 0 also where an unknown change explains it; or what is wrong."""

    number: int
    problem: str = ""


class _States:
    """The states of a thing, to be looked up."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._changes = changes
        self._invoked = [change.invoked for change in changes]
        self._by_value: dict[Value, list[int]] = {ABSENT: [0]}
        for number, change in enumerate(changes, 1):
            self._by_value.setdefault(change.value, []).append(number)

    def place(self, sight: Sight, floor: int, must_show: Callable[[Change, Sight], bool]) -> _Place:
        """The lowest number from `floor` on that fits."""
        begun = bisect_left(self._invoked, sight.returned)
        having = self._by_value.get(sight.value, [])
        having = having[: bisect_right(having, begun)]
        if any(number and self._lingers(number, sight) for number in having):
            return _Place(0)
        if not having:
            return _Place(0, "phantom")
        due = next((number for number in range(begun, 0, -1) if self._is_due(number, sight, must_show)), 0)
        if having[-1] < due:
            change = self._changes[due - 1]
            return _Place(0, f"stale: {_told(change)} at line {change.invoked + 1} and long done, does not show")
        fitting = bisect_left(having, max(due, floor))
        return _Place(having[fitting]) if fitting < len(having) else _Place(0, _BACKWARDS)

    def _lingers(self, number: int, sight: Sight) -> bool:
        change = self._changes[number - 1]
        return not change.is_known and sight.invoked_ms <= change.gone_ms

    def _is_due(self, number: int, sight: Sight, must_show: Callable[[Change, Sight], bool]) -> bool:
        change = self._changes[number - 1]
        return change.is_known and must_show(change, sight)


def _told(change: Change) -> str:
    return "the removal" if change.value == ABSENT else f"{change.value!r}, set"
