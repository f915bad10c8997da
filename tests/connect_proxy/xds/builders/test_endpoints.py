"""Instances, with their weights and health."""

from typing import cast

import pytest

from lictor_connect_proxy.snapshot import Endpoint
from lictor_connect_proxy.xds.builders.endpoints import SOCKET_MATCH, Tier, are_addresses, assignment
from lictor_core.records import JsonObject
from tests.connect_proxy.build import endpoint


def instances(found: JsonObject, tier: int = 0) -> list[JsonObject]:
    return cast("list[dict[str, list[JsonObject]]]", found["endpoints"])[tier]["lb_endpoints"]


@pytest.mark.parametrize(
    ("weight", "healthy", "share", "health"),
    [
        (1, True, 1, "HEALTHY"),
        (128, True, 128, "HEALTHY"),
        (1000, True, 128, "HEALTHY"),
        (0, True, 1, "UNHEALTHY"),
        (5, False, 5, "UNHEALTHY"),
    ],
)
def test_an_instance_has_its_share_while_it_is_well(weight: int, healthy: bool, share: int, health: str) -> None:
    (found,) = instances(assignment("db", [Tier([Endpoint("10.0.0.1", 80, "a", weight, healthy)])]))
    assert (found["load_balancing_weight"], found["health_status"]) == (share, health)


def test_tiers_are_used_one_after_the_other() -> None:
    found = assignment("db", [Tier([endpoint(1)]), Tier([endpoint(2)], "other")])
    first, second = cast("list[JsonObject]", found["endpoints"])
    assert (first.get("priority"), second.get("priority")) == (None, 1)
    assert found["policy"] == {"overprovisioning_factor": 100_000}
    assert instances(found, 1)[0]["metadata"] == {"filter_metadata": {SOCKET_MATCH: {"target": "other"}}}


def test_a_cluster_without_instances_is_answered() -> None:
    assert assignment("db", [Tier([])]) == {"cluster_name": "db", "endpoints": [{"lb_endpoints": []}]}


@pytest.mark.parametrize(("host", "expected"), [("10.0.0.1", True), ("::1", True), ("db.example", False), ("", False)])
def test_names_of_hosts_are_told_from_addresses(host: str, expected: bool) -> None:
    assert are_addresses([endpoint(1), Endpoint(host, 80, "a")]) is expected
