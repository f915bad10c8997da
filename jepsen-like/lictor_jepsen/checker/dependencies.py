"""Which transaction must come before which: what lists that were read tell of the order of appends.

After K. Kingsbury, P. Alvaro: Elle: Inferring Isolation Anomalies from Experimental Observations, 2020. A list shows
the order of all appends to it, so the longest list of a key is the order of its versions. An append that took place and
is in no list that anybody read came behind all that are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from lictor_jepsen.checker.graph import Edge, Graph, Why
from lictor_jepsen.checker.micro import Numbers, Txn
from lictor_jepsen.op import Kind

__all__ = ["Versions", "dependencies", "versions"]


class Versions(NamedTuple):
    """What is known of one key."""

    order: Numbers
    """The longest list that was read, without what is in it twice."""
    longest: Txn | None
    """Who read it."""
    writers: Mapping[int, Txn]
    """Who tried to append a number; of all numbers of the history."""
    unread: tuple[Txn, ...]
    """Who surely appended what is not in `order`."""


def versions(txns: Sequence[Txn]) -> dict[str, Versions]:
    """By key."""
    writers = {number: txn for txn in txns for numbers in txn.appends.values() for number in numbers}
    longest: dict[str, tuple[Numbers, Txn]] = {}
    for txn in txns:
        for read in txn.reads:
            if read.key not in longest or len(read.numbers) > len(longest[read.key][0]):
                longest[read.key] = (read.numbers, txn)
    shown = {number for numbers, _ in longest.values() for number in numbers}
    happened = [txn for txn in txns if txn.call.kind is Kind.OK or _is_shown(txn, shown)]
    keys = {key: None for txn in txns for key in (*txn.appends, *(read.key for read in txn.reads))}
    return {key: _versions(key, longest.get(key), writers, happened) for key in keys}


def _is_shown(txn: Txn, shown: set[int]) -> bool:
    return txn.may_have_happened and any(number in shown for numbers in txn.appends.values() for number in numbers)


def _versions(
    key: str, longest: tuple[Numbers, Txn] | None, writers: Mapping[int, Txn], happened: Sequence[Txn]
) -> Versions:
    order = () if longest is None else tuple(dict.fromkeys(longest[0]))
    held = set(order)
    unread = tuple(txn for txn in happened if any(number not in held for number in txn.appends.get(key, ())))
    return Versions(order, None if longest is None else longest[1], writers, unread)


def dependencies(txns: Sequence[Txn], of: Mapping[str, Versions], is_timely: Callable[[Txn], bool]) -> Graph:
    """All that is known of the order of transactions.

    `is_timely` says whose begin and end count: not those of reads that may show some past. Nodes with other numbers
    than those of transactions are moments.
    """
    graph = Graph()
    for key, known in of.items():
        _writes(graph, key, known)
    for txn in txns:
        for key, numbers in txn.begins.items():
            _reads(graph, txn, key, numbers, of[key])
    timely = (txn for txn in txns if is_timely(txn) and txn.may_have_happened)
    graph.add_times([(txn.number, txn.call.invoked, txn.call.returned) for txn in timely], len(txns))
    return graph


def _writes(graph: Graph, key: str, known: Versions) -> None:
    known_order = [number for number in known.order if number in known.writers]
    for before, after in pairwise(known_order):
        text = f"appended {before} to {key}, and the other {after} behind it"
        graph.add(Edge(known.writers[before].number, known.writers[after].number, Why.WW, text))
    for txn in known.unread if known_order else ():
        last = known_order[-1]
        text = f"appended {last} to {key}, behind which nobody saw anything, but the other appended there"
        graph.add(Edge(known.writers[last].number, txn.number, Why.WW, text))


def _reads(graph: Graph, txn: Txn, key: str, numbers: Numbers, known: Versions) -> None:
    if numbers != known.order[: len(numbers)]:
        return
    if numbers and numbers[-1] in known.writers:
        text = f"appended {numbers[-1]} to {key}, and the other read that"
        graph.add(Edge(known.writers[numbers[-1]].number, txn.number, Why.WR, text))
    others = (number for number in known.order[len(numbers) :] if number in known.writers)
    following = next((number for number in others if known.writers[number] is not txn), None)
    if following is not None:
        text = f"read {key} without {following}, which the other appended"
        graph.add(Edge(txn.number, known.writers[following].number, Why.RW, text))
    else:
        for writer in known.unread:
            text = f"read {key} without {_absent(writer, key, known)}, which the other appended"
            graph.add(Edge(txn.number, writer.number, Why.RW, text))


def _absent(writer: Txn, key: str, known: Versions) -> str:
    return ", ".join(str(number) for number in writer.appends[key] if number not in known.order)
