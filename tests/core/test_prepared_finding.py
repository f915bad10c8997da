"""Whom a prepared query finds, and who is equally near."""

import pytest
from msgspec.structs import replace

from lictor_core.coordinates import DIMENSIONS, Coordinate
from lictor_core.prepared import QueryService
from lictor_core.prepared_finding import is_wanted, runs_by_distance
from lictor_core.records import CRITICAL, PASSING, WARNING
from tests.support.catalog import make_instance, make_node, make_query, make_service

ANYBODY = make_query().service
ROWS = [make_instance(make_service(), make_node(name)) for name in ("a", "b", "c", "d")]


def at(seconds: float) -> Coordinate:
    return Coordinate(vec=[seconds, *[0.0] * (DIMENSIONS - 1)], error=0.0, adjustment=0.0, height=0.0)


@pytest.mark.parametrize(
    ("statuses", "wanted", "expected"),
    [
        ([], ANYBODY, True),
        ([PASSING, WARNING], ANYBODY, True),
        ([PASSING, CRITICAL], ANYBODY, False),
        ([PASSING, WARNING], replace(ANYBODY, only_passing=True), False),
        ([CRITICAL], replace(ANYBODY, ignore_check_ids=["check-web"]), True),
        ([CRITICAL], replace(ANYBODY, ignore_check_ids=["check"]), False),
    ],
)
def test_health_decides(statuses: list[str], wanted: QueryService, expected: bool) -> None:
    assert is_wanted(make_instance(statuses=statuses), wanted) is expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [(["A"], True), (["a", "b"], True), (["a", "x"], False), (["a", "!B"], False), (["!x"], True), ([], True)],
)
def test_tags_are_asked_for_and_forbidden(tags: list[str], expected: bool) -> None:
    assert is_wanted(make_instance(make_service(tags=["a", "b"])), replace(ANYBODY, tags=tags)) is expected


@pytest.mark.parametrize(("value", "expected"), [("r1", True), ("r2", False)])
def test_metadata_must_be_the_same(value: str, expected: bool) -> None:
    row = make_instance(replace(make_service(), meta={"rack": "r1"}), make_node(meta={"rack": "r1"}))
    assert is_wanted(row, replace(ANYBODY, node_meta={"rack": value})) is expected
    assert is_wanted(row, replace(ANYBODY, service_meta={"rack": value})) is expected


@pytest.mark.parametrize(
    ("near", "expected"),
    [
        ("", ["abcd"]),
        ("unknown", ["abcd"]),
        ("D", ["d", "abc"]),
        ("a", ["a", "c", "b", "d"]),
        ("b", ["b", "c", "a", "d"]),
    ],
)
def test_the_nearest_come_first_and_those_that_nobody_placed_last(near: str, expected: list[str]) -> None:
    known = {"a": at(0.0), "b": at(0.03), "c": at(0.01)}
    found = runs_by_distance(ROWS, near, known)
    assert ["".join(row.node.node for row in run) for run in found] == expected


def test_those_at_one_place_are_equally_near() -> None:
    found = runs_by_distance(ROWS, "a", {"a": at(0.0), "b": at(0.01), "c": at(-0.01), "d": at(0.01)})
    assert ["".join(row.node.node for row in run) for run in found] == ["a", "bcd"]


def test_nobody_is_no_run() -> None:
    assert runs_by_distance([], "", {}) == runs_by_distance([], "a", {}) == []


def test_the_node_itself_comes_before_others_at_its_place() -> None:
    found = runs_by_distance(ROWS, "b", {"a": at(0.0), "b": at(0.0)})
    assert ["".join(row.node.node for row in run) for run in found] == ["b", "a", "cd"]
