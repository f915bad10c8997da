"""What is asked of reported coordinates."""

from __future__ import annotations

import pytest

from lictor_core.commands import CoordinatesSet
from lictor_core.coordinates import COORDINATES_PER_COMMAND_MAX, Coordinate, NodeCoordinate
from lictor_core.errors import RequestError
from lictor_server.endpoints.coordinates import NAME_CHARS_MAX, checked_coordinates
from tests.server.build import placed


def test_a_command_places_a_bounded_number_of_nodes() -> None:
    full = CoordinatesSet(updates=[placed("n", 0.0)] * COORDINATES_PER_COMMAND_MAX)
    assert checked_coordinates(full) is full
    with pytest.raises(RequestError, match="128"):
        checked_coordinates(CoordinatesSet(updates=[*full.updates, placed("n", 0.0)]))


def test_coordinates_that_cannot_be_compared_are_refused() -> None:
    short = Coordinate(vec=[0.0], error=0.1, adjustment=0.0, height=0.0)
    with pytest.raises(RequestError, match="incompatible coordinate"):
        checked_coordinates(CoordinatesSet(updates=[NodeCoordinate(node="n", segment="", coord=short)]))


@pytest.mark.parametrize("update", [placed("n" * 513, 0.0), placed("n", 0.0, segment="s" * 513)])
def test_names_are_bounded(update: NodeCoordinate) -> None:
    assert NAME_CHARS_MAX == 512
    with pytest.raises(RequestError, match="512"):
        checked_coordinates(CoordinatesSet(updates=[update]))
