"""A directed graph whose edges say why they are there, and its cycles."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

__all__ = ["Edge", "Graph", "Why"]


class Why(StrEnum):
    """Why one thing must come before another."""

    WW = "ww"
    """It wrote what the other wrote over."""
    WR = "wr"
    """It wrote what the other read."""
    RW = "rw"
    """It read what the other wrote over."""
    RT = "rt"
    """It ended before the other began."""


class Edge(NamedTuple):
    """One node comes before another."""

    source: int
    target: int
    why: Why
    text: str


class Graph:
    """Nodes are numbers. Of several edges between the same nodes for the same reason the first is kept."""

    def __init__(self) -> None:
        self._out: dict[int, dict[tuple[int, Why], Edge]] = {}

    def add(self, edge: Edge) -> None:
        """Add an edge; one from a node to itself says nothing, and is left out."""
        if edge.source != edge.target:
            self._out.setdefault(edge.source, {}).setdefault((edge.target, edge.why), edge)

    def add_times(self, spans: Iterable[tuple[int, int, int | None]], first: int) -> None:
        """Add who ended before who began; `spans` has nodes, their begin, and their end where it is known.

        The nodes from `first` on are taken for the moments of the ends, of which each comes before the next: so there
        are few edges, however many nodes come before however many others.
        """
        every = list(spans)
        ended = sorted((end, node) for node, _, end in every if end is not None)
        moments = [moment for moment, _ in ended]
        for place, (_, node) in enumerate(ended):
            self.add(Edge(node, first + place, Why.RT, "ended before the other began"))
            if place:
                self.add(Edge(first + place - 1, first + place, Why.RT, ""))
        for node, begin, _ in every:
            before = bisect_left(moments, begin)
            if before:
                self.add(Edge(first + before - 1, node, Why.RT, ""))

    def edges(self, why: Why, within: Collection[int]) -> Iterator[Edge]:
        """The edges for a reason between some nodes."""
        for source in sorted(within):
            yield from (edge for edge in self._from(source, {why}) if edge.target in within)

    def components(self, whys: Collection[Why], within: Collection[int] | None = None) -> list[frozenset[int]]:
        """The largest sets of two nodes or more that all reach each other by such edges, and between some nodes."""
        # R. Tarjan: Depth-first search and linear graph algorithms, 1972; with a stack of its own instead of recursion.
        nodes = sorted(self._out if within is None else within)
        order: dict[int, int] = {}
        low: dict[int, int] = {}
        open_: dict[int, None] = {}
        found: list[frozenset[int]] = []
        for root in nodes:
            if root in order:
                continue
            work = [(root, self._from(root, whys))]
            order[root] = low[root] = len(order)
            open_[root] = None
            while work:
                node, out = work[-1]
                target = next((edge.target for edge in out if within is None or edge.target in within), None)
                if target is None:
                    work.pop()
                    if work:
                        low[work[-1][0]] = min(low[work[-1][0]], low[node])
                    if low[node] == order[node]:
                        found.append(_popped(open_, node))
                elif target not in order:
                    order[target] = low[target] = len(order)
                    open_[target] = None
                    work.append((target, self._from(target, whys)))
                elif target in open_:
                    low[node] = min(low[node], order[target])
        return [component for component in found if len(component) > 1]

    def path(self, source: int, target: int, whys: Collection[Why], within: Collection[int]) -> list[Edge] | None:
        """A shortest path by such edges between some nodes; of one edge at least, also from a node to itself."""
        came_by: dict[int, Edge] = {}
        ahead = deque([source])
        while ahead:
            for edge in self._from(ahead.popleft(), whys):
                if edge.target not in within or edge.target in came_by:
                    continue
                came_by[edge.target] = edge
                if edge.target == target:
                    return _walked(came_by, source, target)
                ahead.append(edge.target)
        return None

    def _from(self, source: int, whys: Collection[Why]) -> Iterator[Edge]:
        out: Mapping[tuple[int, Why], Edge] = self._out.get(source, {})
        return (edge for edge in out.values() if edge.why in whys)


def _popped(open_: dict[int, None], node: int) -> frozenset[int]:
    component: set[int] = set()
    while node not in component:
        component.add(open_.popitem()[0])
    return frozenset(component)


def _walked(came_by: Mapping[int, Edge], source: int, target: int) -> list[Edge]:
    edges = [came_by[target]]
    while edges[-1].source != source:
        edges.append(came_by[edges[-1].source])
    return edges[::-1]
