"""Distances between coordinates, and sorting by them."""

from __future__ import annotations

import math

import pytest

from lictor_core.codec import from_json, to_json
from lictor_core.coordinates import (
    DIMENSIONS,
    Coordinate,
    CoordinateMap,
    NodeCoordinate,
    check_coordinate,
    distance_s,
    nearest_first,
)
from lictor_core.errors import RequestError


def at(x: float, *, height: float = 0.0, adjustment: float = 0.0, dimensions: int = DIMENSIONS) -> Coordinate:
    return Coordinate(vec=[x, *[0.0] * (dimensions - 1)], error=0.5, adjustment=adjustment, height=height)


def test_a_distance_is_that_of_the_positions_with_heights_and_adjustments() -> None:
    assert distance_s(at(0.0), at(0.03)) == pytest.approx(0.03)
    assert distance_s(at(0.0, height=0.001), at(0.03, height=0.002)) == pytest.approx(0.033)
    assert distance_s(at(0.0, adjustment=-0.01), at(0.03, adjustment=0.002)) == pytest.approx(0.022)


def test_adjustments_that_leave_nothing_are_not_used() -> None:
    assert distance_s(at(0.0, adjustment=-0.02), at(0.03, adjustment=-0.02)) == pytest.approx(0.03)


def test_the_nearest_comes_first_and_the_unknown_last_in_their_order() -> None:
    known = {"near": at(0.001), "far": at(0.1), "same": at(0.001)}
    rows = ["x", "FAR", "same", "Near", "y"]
    assert nearest_first(rows, str, at(0.0), known) == ["same", "Near", "FAR", "x", "y"]


@pytest.mark.parametrize("coordinate", [at(0.0, dimensions=7), at(math.nan), at(0.0, height=math.inf)])
def test_what_cannot_be_compared_is_refused(coordinate: Coordinate) -> None:
    with pytest.raises(RequestError, match="coordinate"):
        check_coordinate(coordinate)


def test_the_json_has_the_keys_of_consul() -> None:
    row = NodeCoordinate(node="n1", segment="", coord=at(1.0))
    shown = from_json(to_json(CoordinateMap(datacenter="dc1", area_id="wan", coordinates=[row])), dict[str, object])
    assert list(shown) == ["Datacenter", "AreaID", "Coordinates"]
    place = from_json(to_json(row), dict[str, object])
    assert place == {
        "Node": "n1",
        "Segment": "",
        "Coord": {"Vec": [1.0, *[0.0] * 7], "Error": 0.5, "Adjustment": 0.0, "Height": 0.0},
    }
