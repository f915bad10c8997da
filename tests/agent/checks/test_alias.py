"""Aliases take over the worst of what they stand for."""

from __future__ import annotations

from lictor_agent.checks.alias import aliased
from lictor_agent.checks.status import Result
from lictor_core.records import CRITICAL, PASSING, WARNING, Check
from tests.agent.builders import NODE, check


def _alias(*checks: Check, service_id: str = "web", exists: bool = True) -> Result:
    return aliased("alias", service_id, NODE, checks, service_exists=exists)


def test_no_checks_is_passing() -> None:
    assert _alias() == Result(PASSING, "No checks found.")


def test_all_passing_is_passing() -> None:
    assert _alias(check("a", service_id="web", status=PASSING)) == Result(PASSING, "All checks passing.")


def test_the_worst_counts_and_is_named() -> None:
    warning = check("w", service_id="web", status=WARNING, output="hot")
    critical = check("c", service_id="web", status=CRITICAL, output="down")
    assert _alias(warning) == Result(WARNING, 'Aliased check "w" failing: hot')
    assert _alias(warning, critical) == Result(CRITICAL, 'Aliased check "c" failing: down')


def test_checks_of_the_node_count_and_those_of_others_do_not() -> None:
    assert _alias(check("n", status=CRITICAL)).status == CRITICAL
    assert _alias(check("o", service_id="other", status=CRITICAL)).status == PASSING
    assert _alias(check("o", service_id="other", status=CRITICAL), service_id="").status == PASSING


def test_a_service_that_is_not_there_is_critical() -> None:
    assert _alias(exists=False) == Result(CRITICAL, f"Service web could not be found on node {NODE}")


def test_an_alias_does_not_see_itself() -> None:
    assert _alias(check("alias", status=CRITICAL)).status == PASSING
