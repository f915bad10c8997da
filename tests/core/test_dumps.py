"""The catalog by the armful; the answers are tested with the other questions of the state."""

from __future__ import annotations

from lictor_core import topics as on
from lictor_core.dumps import AllServiceHealthQuery, NodeInFullQuery, NodesInFullQuery


def test_what_is_whole_depends_on_every_node_instance_and_check() -> None:
    assert NodesInFullQuery().topics() == AllServiceHealthQuery().topics()
    assert on.checks_in_state("any") in NodesInFullQuery().topics()


def test_a_node_depends_on_itself_alone() -> None:
    assert set(NodeInFullQuery(node="A").topics()) == {on.node("a"), on.node_services("a"), on.node_checks("a")}
