"""Network coordinates: where a node stands in a space whose distances estimate round trips. Pure.

A coordinate has a position in a few dimensions, a height (the node's own access link, which every path to it crosses)
and an adjustment (what the space cannot express). The estimate for two nodes is the distance of the positions plus both
heights; plus both adjustments, unless that leaves nothing. All in seconds. Source: Consul's document
`internals/coordinates`; `vivaldi` says how coordinates come about.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

import msgspec

from lictor_core.errors import RequestError
from lictor_core.records import Record

__all__ = [
    "COORDINATES_PER_COMMAND_MAX",
    "DIMENSIONS",
    "Coordinate",
    "CoordinateMap",
    "NodeCoordinate",
    "Position",
    "Report",
    "check_coordinate",
    "distance_s",
    "nearest_first",
]

T = TypeVar("T")

REPORT_ANYWAY_S: Final = 300.0
"""A place is reported so often at least: what it was reported to may have been restored, or have forgotten the node."""
MOVED_S: Final = 0.0002
"""Who moved by more reports it."""
ERROR_MOVED: Final = 0.2

DIMENSIONS: Final = 8
"""Of every coordinate; another number is refused, as by Consul."""
COORDINATES_PER_COMMAND_MAX: Final = 128
"""Nodes that one command places: Consul's `coordinate_update_batch_size`."""


class Coordinate(Record, frozen=True, kw_only=True):
    """Where a node stands. `vec`, `adjustment` and `height` are seconds; `error` is how little it is to be trusted."""

    vec: list[float]
    error: float
    adjustment: float
    height: float


class NodeCoordinate(Record, frozen=True, kw_only=True):
    """The coordinate of a node. There is one segment, the empty one; others are kept as they were reported."""

    node: str
    segment: str
    coord: Coordinate


class CoordinateMap(Record, frozen=True, kw_only=True):
    """The servers of one datacenter, as `/v1/coordinate/datacenters` shows them."""

    datacenter: str
    area_id: str = msgspec.field(name="AreaID")
    coordinates: list[NodeCoordinate]


class Position(Record, frozen=True, kw_only=True):
    """What a server answers to who measures the way to it: its name and where it stands."""

    node: str
    coord: Coordinate


class Report:
    """When a node's place is worth reporting: a cluster at rest has nothing to write."""

    def __init__(self) -> None:
        self._told: Coordinate | None = None
        self._told_at = 0.0

    def is_due(self, place: Coordinate, now: float) -> bool:
        """Whether the servers should be told; `now` is seconds of a monotonic clock."""
        told = self._told
        if told is None or now - self._told_at >= REPORT_ANYWAY_S:
            return True
        moved_s = math.dist(place.vec, told.vec) + abs(place.height - told.height)
        moved_s += abs(place.adjustment - told.adjustment)
        return moved_s > MOVED_S or abs(place.error - told.error) > ERROR_MOVED

    def note(self, place: Coordinate, now: float) -> None:
        """The servers were told."""
        self._told, self._told_at = place, now


def check_coordinate(coordinate: Coordinate) -> None:
    """Raise `RequestError` for a coordinate that cannot be compared with others; the words are Consul's."""
    numbers = (*coordinate.vec, coordinate.error, coordinate.adjustment, coordinate.height)
    if len(coordinate.vec) != DIMENSIONS:
        raise RequestError("incompatible coordinate")
    if not all(math.isfinite(number) for number in numbers):
        raise RequestError("invalid coordinate")


def distance_s(one: Coordinate, other: Coordinate) -> float:
    """The estimated round trip between two nodes, in seconds."""
    plain = math.dist(one.vec, other.vec) + one.height + other.height
    adjusted = plain + one.adjustment + other.adjustment
    return adjusted if adjusted > 0 else plain


def nearest_first(
    rows: Iterable[T], node_of: Callable[[T], str], origin: Coordinate, known: Mapping[str, Coordinate]
) -> list[T]:
    """`rows` by the distance of their nodes from `origin`; those of unknown nodes last; equals in their old order.

    `known` is by name in lower case.
    """

    def distance(row: T) -> float:
        found = known.get(node_of(row).lower())
        return math.inf if found is None else distance_s(origin, found)

    return sorted(rows, key=distance)
