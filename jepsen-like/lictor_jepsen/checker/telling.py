"""Calls in words: what problems say of them, and which lines of the history they point at."""

from __future__ import annotations

from typing import Final

from lictor_jepsen.checker.verdict import Problem
from lictor_jepsen.history import Call

__all__ = ["describe", "lines_of", "told"]

_LETTERS_MAX: Final = 200


def describe(call: Call) -> str:
    """A call for people: where it stands in the history, who did what at which server."""
    mode = f" ({call.asked.mode})" if call.asked.mode else ""
    value = str(call.value)
    if len(value) > _LETTERS_MAX:  # the end of a long list tells most
        value = f"…{value[-_LETTERS_MAX:]}"
    return (
        f"line {call.invoked + 1}, {call.time_ms / 1000:.3f} s, process {call.process} at {call.node or '?'}: "
        f"{call.asked.f}{mode} of {call.asked.key} {call.kind} {value}"
    )


def told(text: str, *calls: Call) -> Problem:
    """A problem that these calls show: it points at the lines where they begin and end."""
    return Problem(text, lines_of(*calls))


def lines_of(*calls: Call) -> tuple[int, ...]:
    """The numbers, from 1, of the lines of the history where the calls begin and end, rising."""
    positions = {call.invoked for call in calls} | {call.ended for call in calls if call.ended is not None}
    return tuple(position + 1 for position in sorted(positions))
