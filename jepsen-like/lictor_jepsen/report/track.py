"""What the page draws: calls, faults and what is wrong, in columns that a page holds as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from lictor_jepsen.checker import Finding
from lictor_jepsen.history import Call, calls
from lictor_jepsen.op import Kind, Op, Value
from lictor_jepsen.outage import hits
from lictor_jepsen.report.series import Series, series

__all__ = ["CALLS_SHOWN_MAX", "Columns", "Track", "short", "track"]

CALLS_SHOWN_MAX: Final = 100_000
"""How many calls the page has; the history has them all. Those that a problem points at are always there."""
_LETTERS_MAX: Final = 100
_KINDS: Final = (Kind.OK, Kind.FAIL, Kind.INFO)


class Columns(NamedTuple):
    """The calls by their invocation. Names are numbers into the lists of the track."""

    lane: list[int]
    process: list[int]
    what: list[int]
    key: list[int]
    kind: list[int]
    """0 ok, 1 fail, 2 info."""
    begin: list[float]
    """Milliseconds since the run began."""
    took: list[float | None]
    """Milliseconds; None for one that never ended."""
    line: list[int]
    """Of the invocation, from 1."""
    end_line: list[int]
    """0 for one that never ended."""
    value: list[str]
    error: list[str]


class Band(NamedTuple):
    """A fault from its begin to its end, or to that of the history."""

    name: str
    what: str
    """What was done, and to whom."""
    ended: str
    """What its end did; empty when it never ended by itself."""
    begins_ms: float
    ends_ms: float


class Track(NamedTuple):
    """All that is drawn."""

    last_ms: float
    lanes: list[str]
    """A client each: its server or agent, and its number."""
    whats: list[str]
    """Operations, with the mode of reads."""
    keys: list[str]
    calls: Columns
    left_out: int
    """How many calls are not here."""
    faults: list[Band]
    problems: list[list[int]]
    """Of each problem that points at calls: their places in the columns."""
    series: Series


def track(history: Sequence[Op], clients: int, findings: Mapping[str, Finding]) -> Track:
    """`clients` is how many there were: process ids of one client differ by multiples of it."""
    found = calls(history)
    last_ms = max((op.time_ms for op in history), default=0.0)
    pointed = [set(problem.lines) for finding in findings.values() for problem in finding.problems if problem.lines]
    shown = _shown(found, set[int]().union(*pointed))
    lanes = sorted({_lane(call, clients) for call in shown})
    whats, keys = sorted({_what(call) for call in shown}), sorted({call.asked.key for call in shown})
    places = {name: {value: at for at, value in enumerate(some)} for name, some in (("what", whats), ("key", keys))}
    lane_at = {lane: at for at, lane in enumerate(lanes)}
    ends = [None if call.ended is None else history[call.ended] for call in shown]
    columns = Columns(
        lane=[lane_at[_lane(call, clients)] for call in shown],
        process=[call.process for call in shown],
        what=[places["what"][_what(call)] for call in shown],
        key=[places["key"][call.asked.key] for call in shown],
        kind=[_KINDS.index(call.kind) for call in shown],
        begin=[round(call.time_ms, 2) for call in shown],
        took=[
            None if end is None else round(end.time_ms - call.time_ms, 2) for call, end in zip(shown, ends, strict=True)
        ],
        line=[call.invoked + 1 for call in shown],
        end_line=[0 if call.ended is None else call.ended + 1 for call in shown],
        value=[short(call.value) for call in shown],
        error=["" if end is None else end.error for end in ends],
    )
    return Track(
        last_ms=round(last_ms, 2),
        lanes=[f"{node} client {client}" for node, client in lanes],
        whats=whats,
        keys=keys,
        calls=columns,
        left_out=len(found) - len(shown),
        faults=list(_bands(history, last_ms)),
        problems=[_places(shown, lines) for lines in pointed],
        series=series(history, found),
    )


def _bands(history: Sequence[Op], last_ms: float) -> Iterator[Band]:
    for hit in hits(history):
        ended, ends_ms = ("", last_ms) if hit.ended is None else (str(hit.ended.value), hit.ended.time_ms)
        yield Band(hit.begun.f, str(hit.begun.value), ended, round(hit.began_ms, 2), round(ends_ms, 2))


def short(value: Value) -> str:
    """A value for people; of a long one the end, which tells most of a list."""
    text = "" if value is None else str(value)
    return text if len(text) <= _LETTERS_MAX else f"…{text[-_LETTERS_MAX:]}"


def _shown(found: Sequence[Call], pointed: set[int]) -> list[Call]:
    """All, or those that a problem points at and of the others as many as there is room for, spread evenly."""
    if len(found) <= CALLS_SHOWN_MAX:
        return list(found)
    always = [_points(call, pointed) for call in found]
    others = len(found) - sum(always)
    room = max(0, CALLS_SHOWN_MAX - sum(always))
    before = accumulate((not kept for kept in always), initial=0)
    return [
        call
        for call, kept, number in zip(found, always, before, strict=False)
        if kept or number * room // others != (number + 1) * room // others
    ]


def _points(call: Call, lines: set[int]) -> bool:
    return call.invoked + 1 in lines or (call.ended is not None and call.ended + 1 in lines)


def _places(shown: Iterable[Call], lines: set[int]) -> list[int]:
    return [place for place, call in enumerate(shown) if _points(call, lines)]


def _lane(call: Call, clients: int) -> tuple[str, int]:
    """A client's row: its server and its number."""
    return call.node, call.process % clients


def _what(call: Call) -> str:
    return f"{call.asked.f} {call.asked.mode}".strip()
