"""Graphs and their cycles."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lictor_jepsen.checker.graph import Edge, Graph, Why


def _graph(*edges: tuple[int, int, Why]) -> Graph:
    graph = Graph()
    for source, target, why in edges:
        graph.add(Edge(source, target, why, f"{source}-{target}"))
    return graph


def test_nodes_that_reach_each_other_are_a_component() -> None:
    graph = _graph((0, 1, Why.WW), (1, 2, Why.WR), (2, 0, Why.RW), (2, 3, Why.WW), (3, 4, Why.WW), (4, 3, Why.WW))
    assert sorted(map(sorted, graph.components(set(Why)))) == [[0, 1, 2], [3, 4]]
    assert list(map(sorted, graph.components({Why.WW}))) == [[3, 4]]
    assert graph.components(set(Why), {0, 1, 3}) == []


def test_the_shortest_path_is_found_also_from_a_node_to_itself() -> None:
    graph = _graph((0, 1, Why.WW), (1, 2, Why.WW), (2, 0, Why.WW), (1, 0, Why.RT))
    around = graph.path(0, 0, set(Why), {0, 1, 2})
    assert around is not None
    assert [edge.text for edge in around] == ["0-1", "1-0"]
    assert len(graph.path(0, 0, {Why.WW}, {0, 1, 2}) or ()) == 3
    assert graph.path(0, 0, {Why.WW}, {0, 1}) is None


def test_an_edge_to_itself_is_none_and_of_two_for_one_reason_the_first_stays() -> None:
    graph = _graph((0, 0, Why.WW), (0, 1, Why.WW))
    graph.add(Edge(0, 1, Why.WW, "another"))
    assert [edge.text for edge in graph.edges(Why.WW, {0, 1})] == ["0-1"]


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20))
def test_components_are_those_of_walking_from_everywhere(pairs: list[tuple[int, int]]) -> None:
    graph = _graph(*((source, target, Why.WW) for source, target in pairs))
    reach = {node: {node} for node in range(8)}
    for _ in range(8):
        for source, target in pairs:
            for known in reach.values():
                if source in known:
                    known.add(target)
    expected = {frozenset(m for m in reach[n] if n in reach[m]) for n in reach}
    assert set(graph.components({Why.WW})) == {one for one in expected if len(one) > 1}
