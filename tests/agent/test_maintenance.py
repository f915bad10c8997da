"""Maintenance checks look as Consul's clients expect them."""

from __future__ import annotations

from lictor_agent.maintenance import is_maintenance, node_check, service_check
from tests.agent.builders import NODE, service


def test_a_node_in_maintenance_has_a_critical_check_with_the_reason() -> None:
    check = node_check(NODE, "moving").check
    assert (check.check_id, check.name) == ("_node_maintenance", "Node Maintenance Mode")
    assert (check.status, check.notes, check.type, check.service_id) == ("critical", "moving", "maintenance", "")


def test_without_a_reason_it_says_so() -> None:
    assert node_check(NODE, "").check.notes.startswith("Maintenance mode is enabled for this node, but no reason")
    assert "for this service" in service_check(NODE, service(), "").check.notes


def test_a_service_in_maintenance_has_the_check_itself() -> None:
    check = service_check(NODE, service("web-1", name="web", tags=("t",)), "disks").check
    assert (check.check_id, check.name) == ("_service_maintenance:web-1", "Service Maintenance Mode")
    assert (check.service_id, check.service_name, check.service_tags) == ("web-1", "web", ["t"])


def test_maintenance_is_known_by_its_ids() -> None:
    assert [is_maintenance(one) for one in ("_node_maintenance", "_service_maintenance:a", "service:a")] == [
        True,
        True,
        False,
    ]
