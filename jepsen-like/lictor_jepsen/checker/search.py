"""Is there an order of calls that explains what was seen? Wing and Gong's search, with Lowe's memory of it.

J. Wing, C. Gong: Testing and Verifying Concurrent Objects, 1993. G. Lowe: Testing for Linearizability, 2016. The search
takes the calls that could come first, one after another, and goes back when a call ended that nothing explains. What
was tried is remembered as (which calls were taken, state of the key): the same pair never needs a second look.

A call that ended in `info` may be taken at any time after its invocation, or never; of several that ask for the same,
the earliest first, since they do the same. What never changes anything is taken for good as soon as it can be: whatever
order has it later has one with it here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from lictor_jepsen.checker.model import ANYTHING, State, is_lock, is_look, leaves, needs, step
from lictor_jepsen.history import Call
from lictor_jepsen.op import Value

__all__ = ["BYTES_MAX", "STEPS_MAX", "Answer", "Limits", "search"]

STEPS_MAX: Final = 2_000_000
"""How many calls the search looks at for one key before the verdict is `unknown`: some seconds of work."""
BYTES_MAX: Final = 512 * 1024 * 1024
"""How much memory, by estimate, what was tried for one key may take before the verdict is `unknown`."""
_CLOCK_STEPS: Final = 4096
"""How many steps pass between two looks at the clock."""


class Limits(NamedTuple):
    """How much work one search may be."""

    steps_max: int = STEPS_MAX
    bytes_max: int = BYTES_MAX
    seconds_max: float = 0.0
    """By `monotonic`; without one, steps alone bound the time."""
    monotonic: Callable[[], float] | None = None


class Answer(NamedTuple):
    """What a search found."""

    explained: bool | None
    """None when a limit was reached."""
    steps: int
    reached: str = ""
    """Which limit, in words."""


@dataclass(eq=False, slots=True)
class _Event:
    """A call's begin or its end, in a list that is linked both ways, so that taking a call out and back is cheap."""

    call: Call
    number: int
    end: _Event | None = None
    """For a begin: the end of the same call, None when it never ended. For an end: None."""
    is_end: bool = False
    before: _Event | None = None
    after: _Event | None = None


def search(history: Sequence[Call], initial: State, limits: Limits) -> Answer:
    """Look for an order of the calls to one key, which held `initial` before. None of them may have surely failed."""
    return _Search(history, initial).run(limits)


def _linked(history: Sequence[Call]) -> _Event | None:
    """The events in order; the first of them."""
    placed: list[tuple[int, _Event]] = []
    for number, call in enumerate(history):
        end = None
        if call.returned is not None:
            end = _Event(call, number, is_end=True)
            placed.append((call.returned, end))
        placed.append((call.invoked, _Event(call, number, end)))
    events = [event for _, event in sorted(placed, key=lambda place: place[0])]
    for event, after in pairwise(events):
        event.after, after.before = after, event
    return events[0] if events else None


def _twins(history: Sequence[Call]) -> dict[int, int]:
    """By the number of an unknown call: the bit of the unknown call before it that asks for the same."""
    found: dict[int, int] = {}
    latest: dict[tuple[str, Value], int] = {}
    for number, call in enumerate(history):
        if call.returned is None:
            asked = (call.asked.f, call.asked.value)
            if asked in latest:
                found[number] = 1 << latest[asked]
            latest[asked] = number
    return found


@dataclass(slots=True)
class _Demand:
    """Of a register: how many calls still have to see a value, and how many can still make it."""

    seers: Counter[State] = field(default_factory=Counter[State])
    """By value: calls not taken that surely took place and need it."""
    makers: Counter[State] = field(default_factory=Counter[State])
    """By value: calls not taken that leave it."""

    def add(self, call: Call, count: int) -> None:
        """A call is there (1), or taken (-1)."""
        if call.returned is not None:
            self.seers[needs(call)] += count
        self.makers[leaves(call)] += count

    def is_hopeless(self, state: State, call: Call) -> bool:
        """Whether a call that ends a state leads nowhere: somebody is left who saw it, nobody who makes it again."""
        still = self.seers[state] - (needs(call) == state and call.returned is not None)
        return state is not ANYTHING and still > 0 and not self.makers[state]


class _Search:
    """The search: what is taken, and what was tried."""

    def __init__(self, history: Sequence[Call], initial: State) -> None:
        self._first = _linked(history)
        self._state = initial
        self._taken = 0
        self._ends_left = sum(call.returned is not None for call in history)
        self._demand: _Demand | None = None
        if not any(is_lock(call) for call in history):
            self._demand = _Demand()
            for call in history:
                self._demand.add(call, 1)
        self._twins = _twins(history)
        self._tried: set[tuple[int, State]] = {(0, initial)}
        self._tried_bytes = 200 + len(history) // 7
        """Of one pair, by estimate: a tuple, a number with a bit for each call, its place in the set."""
        self._stack: list[tuple[_Event, State, bool]] = []
        """What was taken, the state before it, and whether for good."""

    def run(self, limits: Limits) -> Answer:
        """The answer, within the limits."""
        began = limits.monotonic() if limits.monotonic is not None else 0.0
        tried_max = limits.bytes_max // self._tried_bytes
        event = self._first
        steps = 0
        while self._ends_left:
            assert event is not None, "an end is still to come while calls are open"
            steps += 1
            if steps > limits.steps_max:
                return Answer(None, steps, f"{limits.steps_max} steps")
            if len(self._tried) > tried_max:
                return Answer(None, steps, f"{limits.bytes_max / 2**20:.1f} MiB of memory")
            if limits.monotonic is not None and steps % _CLOCK_STEPS == 0:
                elapsed_s = limits.monotonic() - began
                if elapsed_s > limits.seconds_max:
                    return Answer(None, steps, f"{limits.seconds_max} s")
            if not event.is_end:
                event = self._first if self._tries(event) else event.after
                continue
            event = self._gone_back()
            if event is None:
                return Answer(False, steps)
        return Answer(True, steps)

    def _tries(self, event: _Event) -> bool:
        """Take a call that was begun, if that is possible, new and may lead somewhere."""
        possible, after = step(self._state, event.call)
        if not possible or self._twins.get(event.number, 0) & ~self._taken:
            return False
        if after == self._state and is_look(event.call):
            self._take(event, after, for_good=True)
            return True
        if after == self._state and event.end is None:  # it would change nothing now, and may do so later
            return False
        if self._demand is not None and self._demand.is_hopeless(self._state, event.call):
            return False
        pair = (self._taken | 1 << event.number, after)
        if pair in self._tried:
            return False
        self._tried.add(pair)
        self._take(event, after, for_good=False)
        return True

    def _gone_back(self) -> _Event | None:
        """Put back what was taken last by choice; what to try next instead. None when there was no choice left."""
        while self._stack:
            event, state, for_good = self._stack.pop()
            self._put_back(event, state)
            if not for_good:
                return event.after
        return None

    def _take(self, event: _Event, after: State, *, for_good: bool) -> None:
        self._stack.append((event, self._state, for_good))
        self._state = after
        self._taken |= 1 << event.number
        if self._demand is not None:
            self._demand.add(event.call, -1)
        self._unlink(event)
        if event.end is not None:
            self._unlink(event.end)
            self._ends_left -= 1

    def _put_back(self, event: _Event, state: State) -> None:
        self._state = state
        self._taken &= ~(1 << event.number)
        if self._demand is not None:
            self._demand.add(event.call, 1)
        if event.end is not None:
            self._link(event.end)
            self._ends_left += 1
        self._link(event)

    def _unlink(self, event: _Event) -> None:
        if event.before is None:
            self._first = event.after
        else:
            event.before.after = event.after
        if event.after is not None:
            event.after.before = event.before

    def _link(self, event: _Event) -> None:
        if event.before is None:
            self._first = event
        else:
            event.before.after = event
        if event.after is not None:
            event.after.before = event
