"""The dumb twin of the search: every order of a few calls to a register or lock is tried. And such histories."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, permutations

from hypothesis import strategies as st

from lictor_jepsen.history import Call
from lictor_jepsen.op import REFUSED, Kind, Mode, Op, Value


def some_order_explains(found: Sequence[Call], initial: Value) -> bool:
    """Whether some order of the calls that took place, with any of the unknown ones, explains what was seen."""
    sure = [call for call in found if call.kind is Kind.OK]
    open_ = [call for call in found if call.kind is Kind.INFO and call.asked.f != "read"]
    return any(
        _explains(order, initial)
        for count in range(len(open_) + 1)
        for chosen in combinations(open_, count)
        for order in permutations([*sure, *chosen])
    )


def some_growth_explains(found: Sequence[Call], form: Callable[[Sequence[int]], Sequence[int]]) -> bool:
    """The same of a list or set that only grows; `form` makes of all numbers, in their order, what a read shows."""
    sure = [call for call in found if call.kind is Kind.OK]
    open_ = [call for call in found if call.kind is Kind.INFO and call.asked.f != "read"]
    return any(
        _grows(order, form)
        for count in range(len(open_) + 1)
        for chosen in combinations(open_, count)
        for order in permutations([*sure, *chosen])
    )


def _grows(order: Sequence[Call], form: Callable[[Sequence[int]], Sequence[int]]) -> bool:
    numbers: list[int] = []
    for place, call in enumerate(order):
        if any(later.returned is not None and later.returned < call.invoked for later in order[place + 1 :]):
            return False
        if isinstance(call.asked.value, int):
            numbers.append(call.asked.value)
        elif call.value != tuple(form(numbers)):
            return False
    return True


def _explains(order: Sequence[Call], value: Value) -> bool:
    for place, call in enumerate(order):
        if any(later.returned is not None and later.returned < call.invoked for later in order[place + 1 :]):
            return False
        match call.asked.f, call.value:
            case "read", seen:
                is_possible, after = seen == value, value
            case "cas", (old, new):
                is_possible, after = old == value, new
            case "acquire", 0:
                is_possible, after = value not in (None, call.asked.value), value
            case "acquire", who:
                is_possible, after = value in (None, call.asked.value), call.asked.value
            case "release", 0:
                is_possible, after = value != call.asked.value, value
            case "release", _:
                is_possible, after = value == call.asked.value, None
            case _, who:
                is_possible, after = True, who
        if not is_possible:
            return False
        value = after
    return True


@st.composite
def histories(draw: st.DrawFn) -> list[Op]:
    """Up to six calls of up to three clients over few values, so that most histories are nearly right."""
    opened: dict[int, Op] = {}
    found: list[Op] = []
    process_of = {thread: thread for thread in range(3)}
    verbs = draw(st.sampled_from((("read", "write", "cas"), ("read", "acquire", "release"))))
    begun = 0
    for thread in draw(st.lists(st.integers(0, 2), max_size=12)):
        if thread in opened:
            op = opened.pop(thread)
            kind = draw(st.sampled_from((Kind.OK, Kind.OK, Kind.OK, Kind.INFO, Kind.FAIL)))
            seen = draw(_answers(op)) if kind is Kind.OK else op.value
            found.append(op._replace(kind=kind, value=seen))
            process_of[thread] += 3 * (kind is Kind.INFO)
        elif begun < 6:
            begun += 1
            f = draw(st.sampled_from(verbs))
            mode = Mode.DEFAULT if f == "read" else Mode.NONE
            opened[thread] = Op(0.0, process_of[thread], Kind.INVOKE, f, "k", draw(_questions(f, thread)), mode)
            found.append(opened[thread])
    return found


def _questions(f: str, thread: int) -> st.SearchStrategy[Value]:
    some = st.sampled_from((1, 2))
    match f:
        case "read":
            return st.none()
        case "cas":
            return st.tuples(st.sampled_from((None, 1, 2)), some)
        case "write":
            return some
        case _:
            return st.just(thread + 1)


def _answers(op: Op) -> st.SearchStrategy[Value]:
    match op.f:
        case "read":
            return st.sampled_from((None, 1, 2))
        case "acquire":
            return st.sampled_from((op.value, op.value, REFUSED))
        case "release":
            return st.sampled_from((None, None, REFUSED))
        case _:
            return st.just(op.value)


@st.composite
def histories_of(draw: st.DrawFn, change: str, seen: st.SearchStrategy[tuple[int, ...]]) -> list[Op]:
    """Up to six calls of up to four clients that change something, each with a new number, or read."""
    opened: dict[int, Op] = {}
    found: list[Op] = []
    process_of = {thread: thread for thread in range(4)}
    begun, numbers = 0, 0
    for thread in draw(st.lists(st.integers(0, 3), max_size=12)):
        if thread in opened:
            op = opened.pop(thread)
            kind = draw(st.sampled_from((Kind.OK, Kind.OK, Kind.OK, Kind.OK, Kind.INFO, Kind.FAIL)))
            value: Value = draw(seen) if kind is Kind.OK and op.f == "read" else op.value
            found.append(op._replace(kind=kind, value=value))
            process_of[thread] += 4 * (kind is Kind.INFO)
        elif begun < 6:
            begun += 1
            f = draw(st.sampled_from(("read", change)))
            numbers += f == change
            mode = Mode.DEFAULT if f == "read" else Mode.NONE
            asked = numbers if f == change else None
            opened[thread] = Op(0.0, process_of[thread], Kind.INVOKE, f, "k", asked, mode)
            found.append(opened[thread])
    return found
