"""How an instance is chosen."""

import pytest

from lictor_connect_proxy.xds.builders.balancing import cluster_balance, connection_hashes, request_hashes
from lictor_core.entries.traffic import CookieConfig, HashPolicy, LeastRequest, LoadBalancer, RingHash
from lictor_core.records import JsonObject


@pytest.mark.parametrize(
    ("balancer", "expected"),
    [
        (None, {}),
        (LoadBalancer(), {}),
        (LoadBalancer(policy="round_robin"), {"lb_policy": "ROUND_ROBIN"}),
        (LoadBalancer(policy="random"), {"lb_policy": "RANDOM"}),
        (LoadBalancer(policy="maglev"), {"lb_policy": "MAGLEV"}),
        (LoadBalancer(policy="ring_hash", ring_hash_config=RingHash()), {"lb_policy": "RING_HASH"}),
        (
            LoadBalancer(policy="ring_hash", ring_hash_config=RingHash(maximum_ring_size=9)),
            {"lb_policy": "RING_HASH", "ring_hash_lb_config": {"maximum_ring_size": 9}},
        ),
        (
            LoadBalancer(policy="least_request", least_request_config=LeastRequest(choice_count=5)),
            {"lb_policy": "LEAST_REQUEST", "least_request_lb_config": {"choice_count": 5}},
        ),
    ],
)
def test_a_policy_is_what_envoy_calls_it(balancer: LoadBalancer | None, expected: JsonObject) -> None:
    assert cluster_balance(balancer) == expected


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (HashPolicy(source_ip=True), {"connection_properties": {"source_ip": True}}),
        (HashPolicy(field="header", field_value="x"), {"header": {"header_name": "x"}}),
        (HashPolicy(field="query_parameter", field_value="x"), {"query_parameter": {"name": "x"}}),
        (HashPolicy(field="cookie", field_value="x"), {"cookie": {"name": "x"}}),
        (
            HashPolicy(field="cookie", field_value="x", cookie_config=CookieConfig(session=True), terminal=True),
            {"cookie": {"name": "x", "ttl": "0s"}, "terminal": True},
        ),
        (
            HashPolicy(field="cookie", field_value="x", cookie_config=CookieConfig(ttl="8s", path="/a")),
            {"cookie": {"name": "x", "ttl": "8s", "path": "/a"}},
        ),
    ],
)
def test_what_is_hashed_is_what_was_named(policy: HashPolicy, expected: JsonObject) -> None:
    assert request_hashes(LoadBalancer(policy="maglev", hash_policies=(policy,))) == [expected]


def test_a_connection_has_only_its_address() -> None:
    header, address = HashPolicy(field="header", field_value="x"), HashPolicy(source_ip=True)
    assert connection_hashes(LoadBalancer(policy="maglev", hash_policies=(header,))) == []
    assert connection_hashes(LoadBalancer(policy="maglev", hash_policies=(header, address))) == [{"source_ip": {}}]
    assert connection_hashes(None) == []
