"""The smallest piece of a history that no order explains: what is left when everything is gone that is not needed.

A piece proves something about the whole only if every step that made it smaller keeps this: had the whole an order,
then the piece would have one. To leave out any call does not; a read without its write is no wonder. These steps do:

* cut the end off: a change that had not ended there may have taken place or not;
* cut the begin off: nobody knows what the key held there, and what had begun before may have taken place or not;
* leave out what changes nothing: a read, or what was refused;
* leave out a change whose value no other call of the piece saw: between it and the next change was nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, NamedTuple

from lictor_jepsen.checker.model import ANYTHING, State, is_lock, is_look, leaves, needs
from lictor_jepsen.checker.search import Limits, search
from lictor_jepsen.history import Call
from lictor_jepsen.op import Kind

__all__ = ["STEPS_MAX", "Piece", "may_leave_out", "smallest_piece"]

STEPS_MAX: Final = 2_000_000
"""How many steps all searches for a smaller piece may take together; what was found until then is told."""
_TRIAL_STEPS_MAX: Final = STEPS_MAX // 20
"""How many of them one search may take, so that a hard one leaves some for the others."""


class Piece(NamedTuple):
    """Calls that no order explains, by their invocation."""

    calls: tuple[Call, ...]
    """One that was cut has become `info`."""
    initial: State
    """What the key held before, as far as it matters: `ANYTHING` when it does not."""
    smallest: bool
    """Whether surely nothing more can be left out; else a search for that took too long."""


def smallest_piece(history: Sequence[Call], initial: State, limits: Limits) -> Piece:
    """Make a history smaller that no order explains. None of its calls may have surely failed."""
    return _Shrinking(limits).shrink(history, initial)


def may_leave_out(call: Call, calls: Sequence[Call]) -> bool:
    """Whether the rest has an order if these calls have one."""
    if is_look(call):
        return True
    return not is_lock(call) and not any(needs(other) == leaves(call) for other in calls if other is not call)


class _Shrinking:
    """The searches, and how many steps are left for them."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._steps_left = min(limits.steps_max, STEPS_MAX)
        self._ran_out = False

    def shrink(self, history: Sequence[Call], initial: State) -> Piece:
        calls = self._window(history)
        if calls is None:
            calls = self._beginning(history, initial)
        else:
            initial = ANYTHING
        return Piece(tuple(self._thinned(calls, initial)), initial, not self._ran_out)

    def _window(self, history: Sequence[Call]) -> list[Call] | None:
        """A short stretch that nothing explains, whatever was before it. The shortest are tried first, being cheap."""
        ends = sorted(call.returned for call in history if call.returned is not None)
        begins = [call.invoked for call in history]
        size = 2
        while size < 2 * len(history):
            for end in ends:
                last = bisect_left(begins, end)
                calls = _cut(history, begins[max(0, last - size)], end)
                if self._fails(calls, ANYTHING):
                    return calls
            size *= 2
        return None

    def _beginning(self, history: Sequence[Call], initial: State) -> list[Call]:
        """The shortest beginning that nothing explains: what comes after it explains nothing either."""
        ends = sorted(call.returned for call in history if call.returned is not None)
        last = bisect_left(ends, True, key=lambda end: self._fails(_cut(history, 0, end), initial))
        return _cut(history, 0, ends[last]) if last < len(ends) else list(history)

    def _thinned(self, calls: list[Call], initial: State) -> list[Call]:
        """Leave out one call after another, until none can be."""
        again = True
        while again and self._steps_left > 0:
            again = False
            for call in list(calls):
                if may_leave_out(call, calls):
                    fewer = [other for other in calls if other is not call]
                    if self._fails(fewer, initial):
                        calls, again = fewer, True
        return calls

    def _fails(self, calls: Sequence[Call], initial: State) -> bool:
        """Whether surely no order explains them."""
        if self._steps_left <= 0:
            self._ran_out = True
            return False
        answer = search(calls, initial, self._limits._replace(steps_max=min(self._steps_left, _TRIAL_STEPS_MAX)))
        self._steps_left -= answer.steps + len(calls)
        self._ran_out = self._ran_out or answer.explained is None
        return answer.explained is False


def _cut(history: Sequence[Call], begin: int, end: int | None) -> list[Call]:
    """What of the history was there between two positions; to the last one when `end` is None."""
    kept: list[Call] = []
    for call in history:
        returned = call.returned
        if (end is not None and call.invoked > end) or (returned is not None and returned < begin):
            continue
        if call.invoked >= begin and returned is not None and (end is None or returned <= end):
            kept.append(call)
        elif not is_look(call):
            kept.append(call._replace(kind=Kind.INFO, returned=None, value=call.asked.value))
    return kept
