"""Aliases take over the worst of what they stand for."""

from __future__ import annotations

from lictor_agent.checks.alias import aliased, aliased_here
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


def _alias_here(check_id: str, aims: dict[str, str], *checks: Check, services: str = "a b c") -> Result:
    def checks_of(service_id: str) -> list[Check]:
        return [one for one in checks if one.service_id in ("", service_id)]

    return aliased_here(
        check_id, NODE, aim_of=aims.get, checks_of=checks_of, service_exists=lambda one: one in services.split()
    )


def test_aliases_of_one_another_show_what_fails_once_and_are_well_when_it_is() -> None:
    aims = {"of-b": "b", "of-a": "a"}
    aliases = check("of-b", service_id="a", status=CRITICAL), check("of-a", service_id="b", status=CRITICAL)
    real = check("real", service_id="a", status=CRITICAL, output="down")
    assert _alias_here("of-a", aims, *aliases, real) == Result(CRITICAL, 'Aliased check "real" failing: down')
    seen_twice = 'Aliased check "of-a" failing: Aliased check "real" failing: down'
    assert _alias_here("of-b", aims, *aliases, real) == Result(CRITICAL, seen_twice)
    assert _alias_here("of-a", aims, *aliases) == Result(PASSING, "All checks passing.")
    assert _alias_here("of-b", aims, *aliases) == Result(PASSING, "All checks passing.")


def test_the_worst_that_an_alias_leads_to_counts_however_far_away_it_is() -> None:
    aims = {"of-b": "b", "of-c": "c"}
    checks = [
        check("near", service_id="b", status=WARNING, output="hot"),
        check("of-c", service_id="b"),
        check("far", service_id="c", status=CRITICAL, output="down"),
    ]
    assert _alias_here("of-b", aims, *checks).status == CRITICAL
    assert _alias_here("of-b", aims, *checks[:2]) == Result(WARNING, 'Aliased check "near" failing: hot')


def test_an_alias_of_an_alias_of_nothing_is_critical() -> None:
    missing = f"Service c could not be found on node {NODE}"
    aims = {"of-b": "b", "of-c": "c"}
    assert _alias_here("of-c", aims, services="a b") == Result(CRITICAL, missing)
    found = _alias_here("of-b", aims, check("of-c", service_id="b"), services="a b")
    assert found == Result(CRITICAL, f'Aliased check "of-c" failing: {missing}')
