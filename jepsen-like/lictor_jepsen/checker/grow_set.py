"""Sets that only grow: nothing lost, nothing made up, and no read from the past. Every number is added once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from lictor_jepsen.checker.graph import Edge, Graph, Why
from lictor_jepsen.checker.telling import describe, told
from lictor_jepsen.checker.verdict import Finding, Problem, finding
from lictor_jepsen.history import Call
from lictor_jepsen.op import Kind, Mode, Value

__all__ = ["grow_set"]

_TRIED_MAX: Final = 100
"""From how many calls of a circle a shortest way around is looked for."""


def grow_set(history: Sequence[Call]) -> Finding:
    """Judge the calls (`add`, `read`) to one key, in order of their invocation; stale reads are not judged here.

    A number is there for every read that begins after its `add` was acknowledged, or after another read saw it.
    """
    reads = [call for call in history if call.asked.f == "read" and call.kind is Kind.OK]
    reads = [call for call in reads if call.asked.mode is not Mode.STALE]
    adds = [call for call in history if call.asked.f == "add"]
    problems = [*_doubled(reads), *_phantoms(reads, adds), *_missing(reads, adds)]
    return finding(len(reads) + len(adds), problems or _circles(reads, adds), enough=0)


def _doubled(reads: Sequence[Call]) -> Iterator[Problem]:
    for read in reads:
        if len(set(read.numbers)) < len(read.numbers):
            yield told(f"doubled: a number stands twice in {describe(read)}", read)


def _phantoms(reads: Sequence[Call], adds: Sequence[Call]) -> Iterator[Problem]:
    begun = {add.value: add.invoked for add in adds if add.kind is not Kind.FAIL}
    for read in reads:
        assert read.returned is not None, "a read that is ok has ended"
        made_up = [number for number in read.numbers if begun.get(number, read.returned) >= read.returned]
        if made_up:
            yield told(f"phantom: {made_up} in {describe(read)}", read)


def _missing(reads: Sequence[Call], adds: Sequence[Call]) -> Iterator[Problem]:
    """Walk the history once; `known` holds what every read that begins now must see, and by which call."""
    events: list[tuple[int, int, Call]] = [(read.invoked, 1, read) for read in reads]
    events += [(call.returned, 0, call) for call in (*reads, *adds) if call.returned is not None]
    known: dict[Value, Call] = {}
    for _, begins, call in sorted(events, key=lambda event: event[:2]):
        if begins:
            missing = known.keys() - set(call.numbers)
            if missing:
                since = {number: known[number] for number in sorted(missing, key=str)}
                names = ", ".join(f"{one} (known since line {(by.returned or 0) + 1})" for one, by in since.items())
                yield told(f"lost or stale: {names} missing from {describe(call)}", call, *since.values())
        elif call.asked.f == "read":
            for number in call.numbers:
                known.setdefault(number, call)
        elif call.kind is Kind.OK and isinstance(call.value, int):
            known.setdefault(call.value, call)


def _circles(reads: Sequence[Call], adds: Sequence[Call]) -> list[Problem]:
    """What no two calls show: an add comes before who saw it, and behind who did not."""
    seen = {number for read in reads for number in read.numbers}
    happened = [add for add in adds if add.kind is Kind.OK or (add.kind is Kind.INFO and add.value in seen)]
    calls = [*happened, *reads]
    graph = Graph()
    for node, read in enumerate(reads, len(happened)):
        held = set(read.numbers)
        for place, add in enumerate(happened):
            if add.value in held:
                graph.add(Edge(place, node, Why.WR, f"added {add.value}, and the other saw that"))
            else:
                graph.add(Edge(node, place, Why.RW, f"did not see {add.value}, which the other added"))
    graph.add_times([(node, call.invoked, call.returned) for node, call in enumerate(calls)], len(calls))
    return [_told_circle(graph, component, calls) for component in graph.components(set(Why))]


def _told_circle(graph: Graph, component: frozenset[int], calls: Sequence[Call]) -> Problem:
    starts = sorted(node for node in component if node < len(calls))[:_TRIED_MAX]
    circles = [edges for node in starts if (edges := graph.path(node, node, set(Why), component))]
    edges = [edge for edge in min(circles, key=len) if edge.source < len(calls)]  # the others lead between moments
    lines = "".join(f"\n  {describe(calls[edge.source])}\n    {edge.text}" for edge in edges)
    text = f"no order: {len(edges)} calls, each before the next, and the last before the first:{lines}"
    return told(text, *(calls[edge.source] for edge in edges))
