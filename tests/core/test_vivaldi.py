"""Coordinates come to tell distances: nodes are planted, measure one another, and are judged by what they estimate."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_core.clock import SeededRng
from lictor_core.coordinates import DIMENSIONS, Coordinate, distance_s
from lictor_core.errors import RequestError
from lictor_core.vivaldi import ORIGIN, PEERS_MAX, Locator

RoundTrip = Callable[[int, int], float]


def settled(count: int, round_trip_s: RoundTrip, rounds: int, seed: int) -> list[Locator]:
    """`count` nodes, each of which measured another one `rounds` times."""
    rng = SeededRng(seed)
    nodes = [Locator(rng) for _ in range(count)]
    for _ in range(rounds):
        for one in range(count):
            other = (one + 1 + rng.below(count - 1)) % count
            nodes[one].observe(str(other), nodes[other].coordinate, round_trip_s(one, other))
    return nodes


def errors(nodes: list[Locator], round_trip_s: RoundTrip) -> list[float]:
    """How wrong the estimate of each pair is, relative to the truth."""
    pairs = [(one, other) for one in range(len(nodes)) for other in range(one)]
    return [
        abs(distance_s(nodes[one].coordinate, nodes[other].coordinate) / round_trip_s(one, other) - 1.0)
        for one, other in pairs
    ]


@pytest.mark.parametrize("seed", range(5))
def test_nodes_on_a_plane_find_their_distances_within_a_tenth(seed: int) -> None:
    rng = SeededRng(seed + 100)
    places = [(rng.uniform(0.0, 0.05), rng.uniform(0.0, 0.05)) for _ in range(15)]

    def round_trip_s(one: int, other: int) -> float:
        return 0.002 + math.dist(places[one], places[other])

    found = errors(settled(15, round_trip_s, 400, seed), round_trip_s)
    assert statistics.mean(found) < 0.10, found


@pytest.mark.parametrize("seed", range(5))
def test_two_sites_are_told_apart_though_samples_are_noisy(seed: int) -> None:
    """Within a site 1 ms, between the sites 40 ms, and one sample in ten takes five times as long."""
    noise = SeededRng(seed + 200)

    def true_s(one: int, other: int) -> float:
        return 0.001 if one % 2 == other % 2 else 0.040

    def measured_s(one: int, other: int) -> float:
        return true_s(one, other) * (5.0 if noise.below(10) == 0 else noise.uniform(0.9, 1.1))

    nodes = settled(10, measured_s, 300, seed)
    near = [distance_s(nodes[0].coordinate, nodes[other].coordinate) for other in range(2, 10, 2)]
    far = [distance_s(nodes[0].coordinate, nodes[other].coordinate) for other in range(1, 10, 2)]
    assert max(near) < min(far)
    assert statistics.mean(far) == pytest.approx(0.040, rel=0.25)


def test_the_error_falls_as_a_node_learns() -> None:
    nodes = settled(6, lambda one, other: 0.01 * (1 + abs(one - other)), 200, 1)
    assert all(node.coordinate.error < 0.5 < ORIGIN.error for node in nodes)


def test_one_outlier_among_steady_samples_moves_nothing_far() -> None:
    calm, shaken = Locator(SeededRng(1)), Locator(SeededRng(1))
    for step in range(30):
        calm.observe("peer", ORIGIN, 0.010)
        shaken.observe("peer", ORIGIN, 5.0 if step == 20 else 0.010)
    assert shaken.coordinate == calm.coordinate, "the median does not see it"


coordinates = st.builds(
    Coordinate,
    vec=st.lists(st.floats(-1.0, 1.0), min_size=DIMENSIONS, max_size=DIMENSIONS),
    error=st.floats(0.0, 1.5),
    adjustment=st.floats(-1.0, 1.0),
    height=st.floats(0.0, 1.0),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(coordinates, st.floats(0.0, 10.0)), max_size=30), st.integers(0, 1000))
def test_whatever_is_observed_leaves_a_sound_coordinate(samples: list[tuple[Coordinate, float]], seed: int) -> None:
    node = Locator(SeededRng(seed))
    for other, round_trip_s in samples:
        moved = node.observe("peer", other, round_trip_s)
        assert all(math.isfinite(part) for part in (*moved.vec, moved.adjustment))
        assert 0.0 <= moved.error <= 1.5
        assert moved.height >= 1e-5
        assert distance_s(moved, other) >= 0.0


@pytest.mark.parametrize("round_trip_s", [-0.001, 10.5, math.nan])
def test_a_round_trip_that_no_network_has_moves_nothing(round_trip_s: float) -> None:
    node = Locator(SeededRng(1))
    with pytest.raises(RequestError, match="round trip"):
        node.observe("peer", ORIGIN, round_trip_s)
    assert node.coordinate is ORIGIN


def test_the_peers_that_are_remembered_are_bounded() -> None:
    node = Locator(SeededRng(1))
    for number in range(PEERS_MAX + 50):
        node.observe(str(number), ORIGIN, 0.01)
    assert len(node.__dict__["_recent"]) == PEERS_MAX
    node.forget(str(PEERS_MAX + 49))
    assert len(node.__dict__["_recent"]) == PEERS_MAX - 1
