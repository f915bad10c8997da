"""What registers and locks do: whether a call can happen to a key that holds something, and what it holds then."""

from __future__ import annotations

from enum import Enum
from typing import Final, TypeAlias

from lictor_jepsen.history import Call
from lictor_jepsen.op import ABSENT, REFUSED, Kind, Value

__all__ = ["ANYTHING", "Anything", "State", "is_lock", "is_look", "leaves", "needs", "step"]


class Anything(Enum):
    """What a key holds when nobody knows what happened before."""

    ANYTHING = "anything"


ANYTHING: Final = Anything.ANYTHING
State: TypeAlias = "Value | Anything"


def step(state: State, call: Call) -> tuple[bool, State]:
    """Whether the call can happen to a key in this state, and its state then.

    Raises `ValueError` for a call that is none of a register or lock.
    """
    if call.asked.f in ("acquire", "release"):
        return _lock(state, call)
    if call.asked.f not in ("read", "write", "cas"):
        raise ValueError(f"neither registers nor locks know {call.asked.f!r}")
    needed, left = needs(call), leaves(call)
    possible = needed is ANYTHING or state is ANYTHING or state == needed
    return possible, needed if left is ANYTHING else left


def _lock(state: State, call: Call) -> tuple[bool, State]:
    who = call.asked.value
    if is_look(call):
        is_other = state not in (ABSENT, who) if call.asked.f == "acquire" else state != who
        return is_other or state is ANYTHING, state
    if call.asked.f == "acquire":
        return state in (ABSENT, who, ANYTHING), who
    return state in (who, ANYTHING), ABSENT


def is_lock(call: Call) -> bool:
    """Whether it takes a lock or gives it back."""
    return call.asked.f in ("acquire", "release")


def is_look(call: Call) -> bool:
    """Whether it changes nothing: a read, or what was asked of a lock and refused."""
    return call.asked.f == "read" or (is_lock(call) and call.kind is Kind.OK and call.value == REFUSED)


def needs(call: Call) -> State:
    """What a register must hold for this call; `ANYTHING` for a write."""
    if call.asked.f == "cas":
        return _old_and_new(call)[0]
    return call.value if call.asked.f == "read" else ANYTHING


def leaves(call: Call) -> State:
    """What a register holds after this call; `ANYTHING` when it leaves it as it is."""
    if call.asked.f == "cas":
        return _old_and_new(call)[1]
    return ANYTHING if call.asked.f == "read" else call.value


def _old_and_new(call: Call) -> tuple[Value, Value]:
    assert isinstance(call.value, tuple), "a compare-and-set has an old and a new value"
    old, new = call.value
    return old, new
