"""Histories for tests of checkers that go by time: each call with the milliseconds of its begin and its end."""

from __future__ import annotations

from typing import NamedTuple

from lictor_jepsen.op import NEMESIS, Kind, Op, Value

__all__ = ["Span", "told"]


class Span(NamedTuple):
    """A call from its begin to its end; each is a process of its own."""

    begun_ms: float
    ended_ms: float
    f: str
    key: str
    asked: Value
    answer: Value = None
    kind: Kind = Kind.OK
    node: str = "n1"
    x_index: int | None = None


def told(*spans: Span, faults: tuple[tuple[float, str], ...] = ()) -> list[Op]:
    """The lines of these calls by time; of what ends and what begins at one time, the beginning comes first.

    So calls that touch overlap, as far as a checker can know. `faults` are words of the nemesis.
    """
    found: list[tuple[float, int, Op]] = []
    for process, span in enumerate(spans):
        begun = Op(span.begun_ms, process, Kind.INVOKE, span.f, span.key, span.asked, node=span.node)
        value = span.answer if span.kind is Kind.OK else span.asked
        ended = begun._replace(time_ms=span.ended_ms, kind=span.kind, value=value, x_index=span.x_index)
        found += [(span.begun_ms, 0, begun), (span.ended_ms, 1, ended)]
    found += [(time_ms, 0, Op(time_ms, NEMESIS, Kind.INFO, f, value=f)) for time_ms, f in faults]
    return [op for _, _, op in sorted(found, key=lambda one: one[:2])]
