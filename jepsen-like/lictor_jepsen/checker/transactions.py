"""Are transactions over lists strictly serializable? What is not: lost updates, G0, G1, read skew, write skew.

The names are those of A. Adya: Weak Consistency, 1999, and of Elle. Judged are reads of lists and appends of numbers,
of which none is appended twice: then every list shows who appended what in which order, and a history is serializable
just when no transactions come before each other in a circle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from lictor_jepsen.checker.dependencies import Versions, dependencies, versions
from lictor_jepsen.checker.graph import Edge, Graph, Why
from lictor_jepsen.checker.micro import Numbers, Txn, own_problems, shown, txn_of
from lictor_jepsen.checker.telling import told
from lictor_jepsen.checker.verdict import Finding, Problem, finding
from lictor_jepsen.history import Call
from lictor_jepsen.op import Kind

__all__ = ["transactions"]

_TRIED_MAX: Final = 200
"""From how many transactions of a circle, or edges, a shortest way around is looked for."""


class _Level(NamedTuple):
    """A kind of circle."""

    name: str
    whys: frozenset[Why]
    rw_edges: int | None
    """How many of its edges are `rw`; None for any number."""


_WRITES: Final = frozenset({Why.WW})
_FLOW: Final = frozenset({Why.WW, Why.WR})
_DATA: Final = frozenset({Why.WW, Why.WR, Why.RW})
_TIME: Final = frozenset({Why.RT})
_LEVELS: Final = (
    _Level("G0 (writes in a circle)", _WRITES, 0),
    _Level("G1c (information in a circle)", _FLOW, 0),
    _Level("G-single (read skew)", _DATA, 1),
    _Level("G2 (write skew)", _DATA, None),
    _Level("G0 in real time (writes in a circle)", _WRITES | _TIME, 0),
    _Level("G1c in real time (information in a circle)", _FLOW | _TIME, 0),
    _Level("G-single in real time (stale read)", _DATA | _TIME, 1),
    _Level("G2 in real time (write skew)", _DATA | _TIME, None),
)
"""From the worst to what only real time shows; a circle is told as the first that it is."""


def transactions(history: Sequence[Call], is_timely: Callable[[Call], bool]) -> Finding:
    """Judge the transactions over some keys that no others touch.

    `is_timely` says which must be in their place in real time; others, such as stale reads, must only be serializable.
    Raises `HistoryError` for a call that is no transaction.
    """
    txns = [txn_of(number, call) for number, call in enumerate(history)]
    of = versions(txns)
    lost = list(_lost_updates(txns, of))
    problems = [
        *own_problems(txns),
        *_doubled(txns, of),
        *_made_up(txns, of),
        *_intermediate(txns, of),
        *_diverging(txns, of),
        *_torn(of),
        *(problem for problem, _ in lost),
        *_circles(txns, dependencies(txns, of, lambda txn: is_timely(txn.call)), [who for _, who in lost]),
    ]
    return finding(sum(txn.call.kind is Kind.OK for txn in txns), problems, enough=0)


def _doubled(txns: Sequence[Txn], of: Mapping[str, Versions]) -> Iterator[Problem]:
    """Each number once, with the first read that has it twice and what appended it."""
    known: set[int] = set()
    for txn in txns:
        for read in txn.reads:
            twice = {number for number, count in Counter(read.numbers).items() if count > 1} - known
            known |= twice
            for number in sorted(twice):
                by = of[read.key].writers.get(number)
                yield _together(f"doubled: {number} stands twice in {read.key}:", *([] if by is None else [by]), txn)


def _made_up(txns: Sequence[Txn], of: Mapping[str, Versions]) -> Iterator[Problem]:
    """Numbers that nobody appended there, or one whose transaction surely did not happen. Each once."""
    known: set[tuple[str, int]] = set()
    for txn in txns:
        for read in txn.reads:
            for number in read.numbers:
                by = of[read.key].writers.get(number)
                if (read.key, number) in known:
                    continue
                if by is None or number not in by.appends.get(read.key, ()):
                    known.add((read.key, number))
                    yield _together(f"phantom: nobody appended {number} to {read.key}:", txn)
                elif not by.may_have_happened:
                    known.add((read.key, number))
                    text = f"G1a (aborted read): {number} of {read.key} was read, but what appended it failed:"
                    yield _together(text, by, txn)


def _intermediate(txns: Sequence[Txn], of: Mapping[str, Versions]) -> Iterator[Problem]:
    """A list that ends between two appends of one transaction to it."""
    for txn in txns:
        for key, numbers in txn.begins.items():
            by = of[key].writers.get(numbers[-1]) if numbers else None
            if by is not None and by is not txn and numbers[-1] != by.appends.get(key, (numbers[-1],))[-1]:
                text = f"G1b (intermediate read): {numbers[-1]} was not the last that was appended to {key} there:"
                yield _together(text, by, txn)


def _diverging(txns: Sequence[Txn], of: Mapping[str, Versions]) -> Iterator[Problem]:
    """Of each list the first one at each server that does not fit, and how many there are."""
    unlike: dict[tuple[str, str], list[Txn]] = {}
    for txn in txns:
        for read in txn.reads:
            seen = tuple(dict.fromkeys(read.numbers))
            if seen != of[read.key].order[: len(seen)]:
                unlike.setdefault((read.key, txn.call.node), []).append(txn)
    for (key, node), (first, *others) in unlike.items():
        longest = of[key].longest
        assert longest is not None, "without a longest list all fit"
        more = f" (and {len(others)} more at {node or '?'})" if others else ""
        text = f"incompatible order: one list of {key} is no beginning of the other{more}:"
        yield _together(text, longest, first)


def _torn(of: Mapping[str, Versions]) -> Iterator[Problem]:
    """What one transaction appended stands in another order, or its first is missing before its second."""
    for key, known in of.items():
        if known.longest is None:
            continue
        held: dict[int, list[int]] = {}
        for number in known.order:
            if number in known.writers:
                held.setdefault(known.writers[number].number, []).append(number)
        for numbers in held.values():
            by = known.writers[numbers[0]]
            if tuple(numbers) != by.appends.get(key, ())[: len(numbers)]:
                text = f"torn: {key} has {numbers} of what was appended to it at once:"
                yield _together(text, by, known.longest)


def _lost_updates(txns: Sequence[Txn], of: Mapping[str, Versions]) -> Iterator[tuple[Problem, frozenset[int]]]:
    """Two that found the same list and both appended to it: one did not see the other. With who they are."""
    found: dict[tuple[str, Numbers], Txn] = {}
    for txn in txns:
        for key, numbers in txn.begins.items():
            if key not in txn.appends or numbers != of[key].order[: len(numbers)]:
                continue
            other = found.setdefault((key, numbers), txn)
            if other is not txn:
                text = f"lost update: two appended to the same list of {key}, with {len(numbers)} numbers:"
                yield _together(text, other, txn), frozenset({other.number, txn.number})


def _circles(txns: Sequence[Txn], graph: Graph, told_before: Collection[frozenset[int]]) -> Iterator[Problem]:
    for component in graph.components(set(Why)):
        for level in _LEVELS:
            edges = _circle(graph, component, level, len(txns))
            if edges is None:
                continue
            who = frozenset(edge.source for edge in edges if edge.source < len(txns))
            if not any(who <= pair for pair in told_before):
                yield _told_circle(level, txns, edges)
            break


def _circle(graph: Graph, component: frozenset[int], level: _Level, moments: int) -> list[Edge] | None:
    """A short circle of that kind, from a transaction on."""
    found: list[list[Edge]] = []
    if level.rw_edges == 1:
        for edge in [*graph.edges(Why.RW, component)][:_TRIED_MAX]:
            back = graph.path(edge.target, edge.source, level.whys - {Why.RW}, component)
            found += [] if back is None else [[edge, *back]]
    else:
        for part in graph.components(level.whys, component):
            for node in sorted(part)[:_TRIED_MAX]:
                around = graph.path(node, node, level.whys, part) if node < moments else None
                found += [] if around is None else [around]
    return min(found, key=len, default=None)


def _told_circle(level: _Level, txns: Sequence[Txn], edges: Sequence[Edge]) -> Problem:
    ours = [edge for edge in edges if edge.source < len(txns)]  # what is left out leads from moment to moment
    lines = "".join(f"\n  {shown(txns[edge.source])}\n    {edge.why}: {edge.text}" for edge in ours)
    text = f"{level.name}: {len(ours)} transactions, each before the next, and the last before the first:{lines}"
    return told(text, *(txns[edge.source].call for edge in ours))


def _together(text: str, *txns: Txn) -> Problem:
    return told(text + "".join(f"\n  {shown(txn)}" for txn in txns), *(txn.call for txn in txns))
