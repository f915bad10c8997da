"""Filters of queries."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator

import pytest

from lictor_core.errors import FilterError
from lictor_core.filter import check_filter, filtered, filtering, predicate, unfiltered
from lictor_core.queries import (
    IntentionsQuery,
    KeyQuery,
    NodeServiceListQuery,
    NodeServicesQuery,
    NodesQuery,
    ServiceHealthQuery,
)
from lictor_core.records import Node, NodeServiceList, NodeServices
from tests.server import build

NODES = [build.node("n1", meta={"rack": "1"}), build.node("n2")]
WEB, DB = build.service("web"), build.service("db")


def test_a_list_keeps_what_the_filter_finds_in_order() -> None:
    assert filtered(NodesQuery(filter="Meta.rack == 1"), NODES) == NODES[:1]
    assert filtered(NodesQuery(filter='Node matches "^n"'), NODES) == NODES
    assert filtered(NodesQuery(filter="Node == n3"), NODES) == []


def test_without_a_filter_the_answer_is_the_same_object() -> None:
    assert filtered(NodesQuery(), NODES) is NODES
    assert filtered(KeyQuery(key="a"), None) is None


def test_of_a_node_its_instances_are_filtered() -> None:
    node = NodeServices(node=NODES[0], services={"web": WEB, "db": DB})
    query = NodeServicesQuery(node="n1", filter="Service == db")
    found = filtered(query, node)
    assert found is not None
    assert found.services == {"db": DB}
    assert found.node is node.node
    assert node.services == {"web": WEB, "db": DB}
    assert filtered(query, None) is None


def test_of_a_nodes_list_its_instances_are_filtered() -> None:
    query = NodeServiceListQuery(node="n1", filter="Service == db")
    assert filtered(query, NodeServiceList(node=NODES[0], services=[WEB, DB])).services == [DB]
    assert filtered(query, NodeServiceList(node=None, services=[])).node is None


def test_a_filter_is_checked_without_an_answer() -> None:
    assert check_filter(NodesQuery(filter="Node == n1"))
    assert not check_filter(NodesQuery())
    assert not check_filter(KeyQuery(key="a"))
    with pytest.raises(FilterError):
        check_filter(NodesQuery(filter="Service == web"))
    with pytest.raises(FilterError):
        check_filter(IntentionsQuery(filter="("))


def test_a_filter_changes_no_topic() -> None:
    assert ServiceHealthQuery(service="web", filter="x").topics() == ServiceHealthQuery(service="web").topics()


def test_a_filter_is_compiled_once_for_each_kind_of_record() -> None:
    assert predicate("Address == a", "node") is predicate("Address == a", "node")
    assert predicate("Address == a", "node") is not predicate("Address == a", "service")


def test_the_parser_comes_with_the_first_filter() -> None:
    told = (
        "import sys; from lictor_core.filter import check_filter; from lictor_core.queries import NodesQuery\n"
        "check_filter(NodesQuery()); before = 'lark' in sys.modules\n"
        "check_filter(NodesQuery(filter='Node == a')); print(before, 'lark' in sys.modules, 're2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["False", "True", "False"]


def test_steps_come_to_the_same_and_each_is_short() -> None:
    nodes = [build.node(f"n{number}") for number in range(100)]
    query, found = NodesQuery(filter="Node contains `9`"), list[list[Node]]()

    def walk() -> Generator[None]:
        found.append((yield from filtering(query, nodes)))

    assert sum(1 for _ in walk()) >= len(nodes) // 16
    assert found == [filtered(query, nodes)]


def test_a_query_without_its_filter() -> None:
    assert unfiltered(NodesQuery(near="n1", filter="x")) == NodesQuery(near="n1")
    for query in (NodesQuery(near="n1"), KeyQuery(key="a")):
        assert unfiltered(query) is query
