"""Instances that have been critical for too long."""

from __future__ import annotations

from lictor_agent.checks.reaping import overdue_services
from lictor_agent.local import LocalState
from lictor_config.definitions import CheckDefinition
from lictor_core.records import PASSING
from tests.agent.builders import local_check, local_service


def _local(after_s: float, service_id: str = "web") -> LocalState:
    local = LocalState()
    local.put_service(local_service())
    definition = CheckDefinition(ttl_s=1.0, deregister_critical_service_after_s=after_s)
    local.put_check(local_check(service_id=service_id, definition=definition), 100.0)
    return local


def test_an_instance_goes_when_its_time_is_over() -> None:
    local = _local(90.0)
    assert overdue_services(local, 189.9) == []
    assert overdue_services(local, 190.0) == ["web"]


def test_the_time_is_at_least_a_minute() -> None:
    assert overdue_services(_local(1.0), 159.9) == []
    assert overdue_services(_local(1.0), 160.0) == ["web"]


def test_a_moment_of_health_starts_the_time_anew() -> None:
    local = _local(90.0)
    local.set_status("alive", PASSING, "", 150.0)
    assert overdue_services(local, 1000.0) == []
    local.set_status("alive", "critical", "", 160.0)
    assert overdue_services(local, 249.9) == []
    assert overdue_services(local, 250.0) == ["web"]


def test_nothing_goes_that_does_not_ask_for_it() -> None:
    assert overdue_services(_local(0.0), 1e6) == []
    assert overdue_services(_local(90.0, service_id=""), 1e6) == []
