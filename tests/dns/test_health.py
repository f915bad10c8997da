"""Who is given out, and with which weight."""

import pytest
from msgspec.structs import replace

from lictor_core.records import (
    CRITICAL,
    NODE_MAINTENANCE_ID,
    PASSING,
    SERVICE_MAINTENANCE_PREFIX,
    WARNING,
    ServiceHealth,
)
from lictor_dns.health import is_serving, weight
from tests.support.catalog import make_check, make_instance, make_service


@pytest.mark.parametrize(
    ("statuses", "only_passing", "serving"),
    [
        ([], False, True),
        ([PASSING, WARNING], False, True),
        ([PASSING, WARNING], True, False),
        ([PASSING, CRITICAL], False, False),
    ],
)
def test_checks_decide_who_is_given_out(statuses: list[str], only_passing: bool, serving: bool) -> None:
    assert is_serving(make_instance(statuses=statuses), only_passing=only_passing) is serving


def test_weight_goes_with_health() -> None:
    service = make_service(weights=(5, 2))
    assert weight(make_instance(service, statuses=[PASSING])) == 5
    assert weight(make_instance(service, statuses=[PASSING, WARNING])) == 2
    assert weight(make_instance(service, statuses=[])) == 5


def test_who_is_found_although_critical_weighs_nothing() -> None:
    assert weight(make_instance(make_service(weights=(5, 2)), statuses=[WARNING, CRITICAL])) == 0


@pytest.mark.parametrize("check_id", [NODE_MAINTENANCE_ID, f"{SERVICE_MAINTENANCE_PREFIX}web"])
@pytest.mark.parametrize("status", [PASSING, WARNING])
def test_a_check_of_maintenance_takes_the_weight_whatever_it_says(check_id: str, status: str) -> None:
    check = replace(make_check(status), check_id=check_id)
    instance = make_instance(make_service(weights=(5, 2)))
    assert weight(ServiceHealth(node=instance.node, service=instance.service, checks=[check])) == 0


def test_weights_fit_into_sixteen_bits() -> None:
    assert weight(make_instance(make_service(weights=(70_000, -1)))) == 65535
    assert weight(make_instance(make_service(weights=(70_000, -1)), statuses=[WARNING])) == 0
