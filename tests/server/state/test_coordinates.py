"""The table of coordinates, what it wakes, and answers sorted by distance."""

from __future__ import annotations

from lictor_core import topics as on
from lictor_core.commands import CoordinatesSet, Deregister
from lictor_core.queries import (
    ChecksInStateQuery,
    CoordinatesQuery,
    NodeCoordinatesQuery,
    NodesQuery,
    ServiceChecksQuery,
    ServiceHealthQuery,
    ServiceInstancesQuery,
)
from lictor_server.state import Store, answer, apply
from lictor_server.state.coordinates import SEGMENTS_PER_NODE_MAX
from tests.server.build import check, node, placed, register, service


def three_nodes() -> Store:
    """a, b and c, of which c is nearest to b, and nobody knows where d is."""
    store = Store("dc1")
    for index, name in enumerate("abcd", 10):
        checks = [check("alive", status="critical", node=name), check("web", service_id="web", node=name)]
        apply(store, index, register(node(name), service=service("web"), checks=checks))
    apply(store, 20, CoordinatesSet(updates=[placed("a", 0.001), placed("B", 0.090), placed("c", 0.080)]))
    return store


def test_lists_are_sorted_by_distance_and_the_unplaced_come_last() -> None:
    store = three_nodes()
    assert [one.node for one in answer(store, NodesQuery(near="b"))] == ["b", "c", "a", "d"]
    assert [one.node for one in answer(store, ServiceInstancesQuery(service="web", near="B"))] == ["b", "c", "a", "d"]
    assert [one.node.node for one in answer(store, ServiceHealthQuery(service="web", near="c"))] == list("cbad")
    assert [one.node for one in answer(store, ServiceChecksQuery(service="web", near="b"))] == list("bcad")
    assert [one.node for one in answer(store, ChecksInStateQuery(state="critical", near="b"))] == list("bcad")


def test_near_a_node_that_nobody_placed_the_order_stays() -> None:
    store = three_nodes()
    for near in ("", "d", "unknown"):
        assert [one.node for one in answer(store, NodesQuery(near=near))] == list("abcd")


def test_sorting_leaves_the_list_that_others_share_as_it_is() -> None:
    store = three_nodes()
    shared = answer(store, ServiceHealthQuery(service="web"))
    answer(store, ServiceHealthQuery(service="web", near="c"))
    assert [row.node.node for row in shared] == list("abcd")


def test_a_coordinate_wakes_who_watches_coordinates_and_nobody_else() -> None:
    store = three_nodes()
    catalog_index, rows = store.catalog_index, answer(store, ServiceHealthQuery(service="web"))
    before = {query: store.stamp(query.topics()) for query in (NodesQuery(), NodesQuery(near="b"))}
    _, change = apply(store, 30, CoordinatesSet(updates=[placed("a", 0.2)]))
    assert set(change.woken) == {on.COORDINATES}
    assert store.catalog_index == catalog_index
    assert answer(store, ServiceHealthQuery(service="web")) is rows
    assert store.wake_index(NodesQuery(near="b").topics()) == before[NodesQuery()]
    assert store.stamp(NodesQuery(near="b").topics()) == 30, "or a cached order would stay for ever"
    assert store.stamp(NodesQuery().topics()) == before[NodesQuery()]


def test_nodes_that_are_not_in_the_catalog_are_passed_over() -> None:
    store = three_nodes()
    outcome, change = apply(store, 30, CoordinatesSet(updates=[placed("gone", 0.2)]))
    assert (outcome.value, bool(change)) == (True, False)
    assert [row.node for row in answer(store, CoordinatesQuery())] == ["a", "B", "c"]


def test_a_coordinate_goes_with_its_node() -> None:
    store = three_nodes()
    _, change = apply(store, 30, Deregister(node="B"))
    assert on.COORDINATES in change.woken
    assert [row.node for row in answer(store, CoordinatesQuery())] == ["a", "c"]
    assert answer(store, NodeCoordinatesQuery(node="b")) == []


def test_a_renamed_node_leaves_no_coordinate_under_its_old_name() -> None:
    store = Store("dc1")
    id = "11111111-1111-4111-8111-111111111111"
    apply(store, 10, register(node("old", id=id)))
    apply(store, 11, CoordinatesSet(updates=[placed("old", 0.1)]))
    apply(store, 12, register(node("new", id=id)))
    assert answer(store, CoordinatesQuery()) == []


def test_segments_of_a_node_are_kept_apart_and_bounded() -> None:
    store = three_nodes()
    many = [placed("a", 0.5, segment=f"s{number}") for number in range(100)]
    apply(store, 30, CoordinatesSet(updates=many))
    found = answer(store, NodeCoordinatesQuery(node="A"))
    assert [row.segment for row in found] == sorted(row.segment for row in found)
    assert len(found) == SEGMENTS_PER_NODE_MAX
    assert store.coordinates.known["a"] == placed("a", 0.001).coord, "distances are those outside of segments"
