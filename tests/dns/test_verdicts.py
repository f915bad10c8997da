"""Why an instance is in an answer or not, one reason after the other."""

from __future__ import annotations

import msgspec
import pytest

from lictor_core.records import (
    CRITICAL,
    NODE_MAINTENANCE_ID,
    PASSING,
    SERVICE_MAINTENANCE_PREFIX,
    WARNING,
    ServiceHealth,
)
from lictor_dns.asked import worded
from lictor_dns.explain import explain
from lictor_dns.settings import DnsSettings
from tests.dns.asking import NOW
from tests.support.catalog import PlainCatalog, make_check, make_instance, make_node, make_service

NODE = make_node("n1", "10.0.0.1")


def why(
    instance: ServiceHealth,
    name: str = "web.service.consul",
    kind: str = "A",
    settings: DnsSettings | None = None,
    *others: ServiceHealth,
) -> tuple[bool, str]:
    found = explain(PlainCatalog([instance, *others]), worded(name, kind), settings or DnsSettings(), now=NOW)
    (row,) = [one for one in found.instances if one.node == instance.node.node]
    return row.given, row.reason


def in_maintenance(check_id: str) -> ServiceHealth:
    instance = make_instance(make_service(), NODE)
    check = msgspec.structs.replace(make_check(CRITICAL, node="n1"), check_id=check_id)
    return msgspec.structs.replace(instance, checks=[check])


def on_node(status: str) -> ServiceHealth:
    return msgspec.structs.replace(make_instance(make_service(), NODE), checks=[make_check(status, node="n1")])


@pytest.mark.parametrize(
    ("instance", "given", "reason"),
    [
        (make_instance(make_service(), NODE), True, "it has no checks"),
        (make_instance(make_service(), NODE, statuses=[PASSING]), True, "its checks and its node's are passing"),
        (make_instance(make_service(), NODE, statuses=[PASSING, WARNING]), True, "check-web is warning, which"),
        (make_instance(make_service(), NODE, statuses=[WARNING, CRITICAL]), False, "its check check-web is critical"),
        (on_node(CRITICAL), False, "its node's check check-node is critical"),
        (in_maintenance(NODE_MAINTENANCE_ID), False, "its node is in maintenance"),
        (in_maintenance(SERVICE_MAINTENANCE_PREFIX + "web"), False, "it is in maintenance"),
        (make_instance(make_service(address="2001:db8::1"), NODE), False, "none for a question of type A"),
        (make_instance(make_service(address="c..d"), make_node("n1", "a..b")), False, "none that DNS can give"),
    ],
)
def test_an_instance_has_a_reason(instance: ServiceHealth, given: bool, reason: str) -> None:
    found = why(instance)
    assert found[0] is given
    assert reason in found[1]


def test_a_warning_is_a_reason_where_only_passing_counts() -> None:
    warned = make_instance(make_service(), NODE, statuses=[WARNING])
    given, reason = why(warned, settings=DnsSettings(only_passing=True))
    assert not given
    assert reason == "its check check-web is warning, and dns_config.only_passing is on"


def test_an_instance_without_the_tag_says_which() -> None:
    tagged = make_instance(make_service(tags=["V1"]), NODE)
    assert why(tagged, "v1.web.service.consul")[0]
    assert why(tagged, "v2.web.service.consul") == (False, "it does not have the tag v2")
    assert why(tagged, "_web._v2.service.consul", "SRV") == (False, "it does not have the tag v2")


def test_a_host_name_steps_back_behind_addresses() -> None:
    host = make_instance(make_service(id="h", address="host.example.com"), NODE)
    plain = make_instance(make_service(), make_node("n2", "10.0.0.2"))
    assert "RFC 2181" in why(host, "web.service.consul", "A", None, plain)[1]
    assert why(host)[0]


def test_an_instance_that_repeats_another_is_not_given_as_one_more() -> None:
    twins = [make_instance(make_service(id=one, weights=(weight, 1)), NODE) for one, weight in (("a", 1), ("b", 2))]
    found = explain(PlainCatalog(twins), worded("web.service.consul", "SRV"), DnsSettings(), now=NOW)
    reasons = {one.id: (one.given, one.reason) for one in found.instances}
    assert reasons == {
        "a": (True, "it has no checks"),
        "b": (False, "another instance has the same address and port on its node"),
    }


def test_an_instance_that_a_bound_left_out_says_which() -> None:
    many = [make_instance(make_service(), make_node(f"n{number}", f"10.0.0.{number}")) for number in range(5)]
    found = explain(PlainCatalog(many), worded("web.service.consul"), DnsSettings(), now=NOW)
    left_out = {one.reason for one in found.instances if not one.given}
    assert left_out == {"left out by dns_config.udp_answer_limit: instances take turns"}
    assert sum(one.given for one in found.instances) == 3
