"""Where the nodes stand in the network: written every few seconds, so it wakes nobody but who watches coordinates.

What is sorted by distance is stamped, not woken: a cached answer is made anew, a blocked query goes on sleeping, as in
Consul.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lictor_core import topics as on
from lictor_core.coordinates import Coordinate, NodeCoordinate
from lictor_server.state.indexes import Change

__all__ = ["SEGMENTS_PER_NODE_MAX", "CoordinateTable"]

SEGMENTS_PER_NODE_MAX = 64
"""Segments of one node that are kept: nobody has any, and a client must not fill the state with them."""


class CoordinateTable:
    """The coordinates of nodes, by name and segment; names ignore case."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, NodeCoordinate]] = {}
        self._plain: dict[str, Coordinate] = {}

    def all(self) -> list[NodeCoordinate]:
        """Every coordinate, by node and segment."""
        return [row for name in sorted(self._rows) for row in self.of(name)]

    def of(self, node: str) -> list[NodeCoordinate]:
        """The coordinates of one node, by segment."""
        rows = self._rows.get(node.lower(), {})
        return [rows[segment] for segment in sorted(rows)]

    @property
    def known(self) -> Mapping[str, Coordinate]:
        """The coordinates outside of segments, by node's name in lower case."""
        return self._plain

    def put(self, change: Change, row: NodeCoordinate) -> None:
        """Place a node."""
        self._put(row)
        change.wake(on.COORDINATES)
        change.stamp(on.DISTANCES)

    def drop(self, change: Change, node: str) -> None:
        """Forget a node."""
        if self._rows.pop(node.lower(), None) is not None:
            self._plain.pop(node.lower(), None)
            change.wake(on.COORDINATES)
            change.stamp(on.DISTANCES)

    def rows(self) -> Iterator[NodeCoordinate]:
        """Every coordinate as of this call: for snapshots. May be consumed in another thread."""
        return iter(self.all())

    def restore(self, rows: Iterable[NodeCoordinate]) -> None:
        """Take rows that `rows` gave."""
        for row in rows:
            self._put(row)

    def _put(self, row: NodeCoordinate) -> None:
        name = row.node.lower()
        segments = self._rows.setdefault(name, {})
        if row.segment in segments or len(segments) < SEGMENTS_PER_NODE_MAX:
            segments[row.segment] = row
            if not row.segment:
                self._plain[name] = row.coord
