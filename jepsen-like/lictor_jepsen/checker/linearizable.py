"""Is the history of one register, or of one lock, linearizable? Wing and Gong's search, with Lowe's memory of it.

J. Wing, C. Gong: Testing and Verifying Concurrent Objects, 1993. G. Lowe: Testing for Linearizability, 2016. The search
takes the calls that could come first, one after another, and goes back when a call ended that nothing explains. What
was tried is remembered as (which calls were taken, value of the register): the same pair never needs a second look.

A call that ended in `info` may be taken at any time after its invocation, or never.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lictor_jepsen.checker.telling import describe, told
from lictor_jepsen.checker.verdict import Finding, Problem, Verdict
from lictor_jepsen.history import Call
from lictor_jepsen.op import ABSENT, REFUSED, Kind, Value

__all__ = ["STEPS_MAX", "linearizable"]

STEPS_MAX: Final = 1_000_000
"""How many (calls taken, value) pairs are tried for one key before the verdict is `unknown`: some seconds of work."""


@dataclass(eq=False, slots=True)
class _Event:
    """A call's begin or its end, in a list that is linked both ways, so that taking a call out and back is cheap."""

    call: Call | None
    number: int
    end: _Event | None = None
    """For a begin: the end of the same call, None when it never ended. For an end: None."""
    is_end: bool = False
    before: _Event | None = None
    after: _Event | None = None


def linearizable(history: Sequence[Call], *, initial: Value = ABSENT, steps_max: int = STEPS_MAX) -> Finding:
    """Judge the calls to one key, in order of their invocation: `read`, and `write`, `cas` or `acquire`, `release`."""
    judged = _relevant(history)
    head = _linked(judged)
    search = _Search(head, initial, sum(call.returned is not None for call in judged))
    if search.run(steps_max):
        return Finding(Verdict.VALID, len(judged))
    if search.steps >= steps_max:
        return Finding(Verdict.UNKNOWN, len(judged), (Problem(f"undecided after {steps_max} steps"),))
    return Finding(Verdict.INVALID, len(judged), (search.account(judged),))


def _relevant(history: Sequence[Call]) -> list[Call]:
    """Without calls that surely did not happen, and unknown ones that nobody could have noticed.

    An unknown write whose value no call ever saw may as well not have happened: between it and the next write nothing
    but writes can have taken place. Leaving it out keeps the search short and changes no verdict. An unknown end of
    `acquire` or `release` shows in who is refused, and stays.
    """
    seen: set[Value] = set()
    for call in history:
        if call.asked.f == "read" and call.kind is Kind.OK:
            seen.add(call.value)
        elif call.asked.f == "cas" and call.kind is not Kind.FAIL:
            seen.add(_old_and_new(call)[0])
    return [
        call
        for call in history
        if call.kind is Kind.OK or (call.kind is Kind.INFO and call.asked.f != "read" and _may_show(call, seen))
    ]


def _may_show(call: Call, seen: set[Value]) -> bool:
    if call.asked.f in ("acquire", "release"):
        return True
    return (_old_and_new(call)[1] if call.asked.f == "cas" else call.value) in seen


def _old_and_new(call: Call) -> tuple[Value, Value]:
    assert isinstance(call.value, tuple), "a compare-and-set has an old and a new value"
    old, new = call.value
    return old, new


def _linked(history: Sequence[Call]) -> _Event:
    """The events in order behind a head that is none."""
    placed: list[tuple[int, _Event]] = []
    for number, call in enumerate(history):
        end = None
        if call.returned is not None:
            end = _Event(call, number, is_end=True)
            placed.append((call.returned, end))
        placed.append((call.invoked, _Event(call, number, end)))
    head = last = _Event(None, -1)
    for _, event in sorted(placed, key=lambda place: place[0]):
        last.after, event.before = event, last
        last = event
    return head


class _Search:
    """The search, and how far it came."""

    def __init__(self, head: _Event, initial: Value, ends: int) -> None:
        self._head = head
        self._value = initial
        self._taken = 0
        self._ends_left = ends
        self._fewest_left = ends + 1
        self._stuck_at: Call | None = None
        self._stuck_values: set[Value] = set()
        self.steps = 0

    def run(self, steps_max: int) -> bool:
        """Whether an order was found. False also when `steps` reached `steps_max`."""
        tried: set[tuple[int, Value]] = {(0, self._value)}
        stack: list[tuple[_Event, Value]] = []
        event = self._head.after
        while self._ends_left:
            assert event is not None, "an end is still to come while calls are open"
            if not event.is_end:
                assert event.call is not None, "events behind the head belong to calls"
                possible, value = _step(self._value, event.call)
                if possible and (self._taken | 1 << event.number, value) not in tried:
                    self.steps += 1
                    if self.steps >= steps_max:
                        return False
                    stack.append((event, self._value))
                    self._take(event, value)
                    tried.add((self._taken, value))
                    event = self._head.after
                else:
                    event = event.after
                continue
            self._note(event)
            if not stack:
                return False
            event, value = stack.pop()
            self._put_back(event, value)
            event = event.after
        return True

    def _take(self, event: _Event, value: Value) -> None:
        self._value = value
        self._taken |= 1 << event.number
        _unlink(event)
        if event.end is not None:
            _unlink(event.end)
            self._ends_left -= 1

    def _put_back(self, event: _Event, value: Value) -> None:
        self._value = value
        self._taken &= ~(1 << event.number)
        if event.end is not None:
            _link(event.end)
            self._ends_left += 1
        _link(event)

    def _note(self, event: _Event) -> None:
        """Remember the end that the search could not get past where it came furthest."""
        if self._ends_left < self._fewest_left:
            self._fewest_left = self._ends_left
            self._stuck_at = event.call
            self._stuck_values = set()
        if self._ends_left == self._fewest_left:
            self._stuck_values.add(self._value)

    def account(self, history: Sequence[Call]) -> Problem:
        """What could not be explained, in one sentence."""
        call = self._stuck_at
        assert call is not None, "a search that failed was stuck somewhere"
        values = ", ".join(sorted(str(value) for value in self._stuck_values))
        text = (
            f"{describe(call)}: no order of the {len(history)} calls explains it; the key could hold {values} "
            "where the search came furthest"
        )
        return told(text, call)


def _step(value: Value, call: Call) -> tuple[bool, Value]:
    """Whether the call can happen to a register that holds `value`, and what it holds then."""
    match call.asked.f:
        case "read":
            return value == call.value, value
        case "write":
            return True, call.value
        case "cas":
            old, new = _old_and_new(call)
            return value == old, new
        case "acquire":
            who = call.asked.value
            if call.kind is Kind.OK and call.value == REFUSED:
                return value not in (ABSENT, who), value
            return value in (ABSENT, who), who
        case "release":
            if call.kind is Kind.OK and call.value == REFUSED:
                return value != call.asked.value, value
            return value == call.asked.value, ABSENT
        case other:
            raise ValueError(f"neither registers nor locks know {other!r}")


def _unlink(event: _Event) -> None:
    assert event.before is not None, "the head is never taken out"
    event.before.after = event.after
    if event.after is not None:
        event.after.before = event.before


def _link(event: _Event) -> None:
    assert event.before is not None, "the head is never taken out"
    event.before.after = event
    if event.after is not None:
        event.after.before = event
