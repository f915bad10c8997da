"""From discovery chains to stops: shares, failover, identities, and what needs a proxy for HTTP."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from lictor_connect_proxy.layers.chain import Plan, plan_of, plan_out
from lictor_connect_proxy.layers.picking import Picking
from lictor_connect_proxy.layers.route import UpstreamRoute
from lictor_connect_proxy.layers.stages import Refusal, Unsuited
from lictor_connect_proxy.snapshot import CONNECT_TIMEOUT_S, Leaf, QueryResult, UpstreamListener
from lictor_core.clock import SeededRng
from lictor_core.entries.chains import Chain
from tests.connect_proxy.build import TRUST_DOMAIN, service_id, snapshot
from tests.connect_proxy.chains import chain_of, failover, redirect, router, splitter, subsets
from tests.core.entries.build import entry, http

UPSTREAM = UpstreamListener(service="db", bind_port=9191, connect_timeout_s=2.5)


def _plan(chain: Chain) -> Plan:
    plan = plan_of(chain, TRUST_DOMAIN)
    assert isinstance(plan, Plan)
    return plan


def _targets(plan: Plan, chance: float = 0.0) -> list[str]:
    return [stop.target for stop in plan.stops(chance)]


def test_a_service_without_entries_is_one_stop() -> None:
    (stop,) = _plan(chain_of("db")).stops(0.0)
    assert stop.target == "db.default.dc1"
    assert stop.route == UpstreamRoute(service_id("db"), f"db.default.dc1.internal.{TRUST_DOMAIN}", 5.0)


def test_shares_are_those_of_the_splitter() -> None:
    plan = _plan(chain_of("db", *splitter("db", db=90, canary=10)))
    assert _targets(plan, 0.0) == _targets(plan, 0.899) == ["db.default.dc1"]
    assert _targets(plan, 0.9) == _targets(plan, 0.999) == ["canary.default.dc1"]


def test_of_ten_thousand_connections_shares_are_within_two_percent() -> None:
    plan = _plan(chain_of("db", *subsets("db", v1=90, v2=10)))
    rng = SeededRng(11)
    drawn = Counter(_targets(plan, rng.bits(53) / 2**53)[0] for _ in range(10_000))
    assert 8_800 <= drawn["v1.db.default.dc1"] <= 9_200
    assert sum(drawn.values()) == 10_000


def test_a_share_of_nothing_gets_nothing() -> None:
    plan = _plan(chain_of("db", *splitter("db", db=100, canary=0)))
    assert {_targets(plan, number / 100)[0] for number in range(100)} == {"db.default.dc1"}


def test_a_subset_has_its_own_server_name_and_the_identity_of_its_service() -> None:
    stop = _plan(chain_of("db", *subsets("db", v1=100))).stops(0.5)[0]
    assert stop.route.expected == service_id("db")
    assert stop.route.sni == f"v1.db.default.dc1.internal.{TRUST_DOMAIN}"


def test_failover_targets_follow_in_order_each_with_its_own_identity() -> None:
    stops = _plan(chain_of("db", failover("db", datacenters=("dc2", "dc3"), timeout="3s"))).stops(0.0)
    assert [stop.target for stop in stops] == ["db.default.dc1", "db.default.dc2", "db.default.dc3"]
    assert [stop.route.expected.datacenter for stop in stops] == ["dc1", "dc2", "dc3"]
    assert {stop.route.timeout_s for stop in stops} == {3.0}
    other = _plan(chain_of("db", failover("db", "spare"))).stops(0.0)[1]
    assert other.route.expected == service_id("spare")
    assert other.route.sni.startswith("spare.default.dc1.")


def test_a_redirect_expects_the_service_it_leads_to() -> None:
    (stop,) = _plan(chain_of("db", redirect("db", "db2", "dc2"))).stops(0.0)
    assert stop.target == "db2.default.dc2"
    assert stop.route.expected == service_id("db2", datacenter="dc2")


def test_a_router_needs_a_proxy_for_http_and_is_named() -> None:
    found = plan_of(chain_of("db", *router("db", "/admin")), TRUST_DOMAIN)
    assert isinstance(found, Unsuited)
    assert found.setting == "service-router db"


def test_a_router_without_routes_of_its_own_is_no_obstacle() -> None:
    assert _targets(_plan(chain_of("db", *router("db")))) == ["db.default.dc1"]


def test_the_protocol_alone_is_no_obstacle() -> None:
    assert _targets(_plan(chain_of("db", *http("db")))) == ["db.default.dc1"]


def test_without_a_timeout_the_usual_one_holds_and_one_that_cannot_be_read_refuses() -> None:
    chain = chain_of("db")
    node = chain.nodes[chain.start_node]
    assert node.resolver is not None
    for text, expected in (("0s", CONNECT_TIMEOUT_S), ("", CONNECT_TIMEOUT_S), ("soon", None)):
        resolver = msgspec.structs.replace(node.resolver, connect_timeout=text)
        nodes = {chain.start_node: msgspec.structs.replace(node, resolver=resolver)}
        found = plan_of(msgspec.structs.replace(chain, nodes=nodes), TRUST_DOMAIN)
        if expected is None:
            assert isinstance(found, Unsuited)
        else:
            assert isinstance(found, Plan)
            assert found.stops(0.0)[0].route.timeout_s == expected


@pytest.mark.parametrize("field", ["nodes", "targets"])
def test_a_chain_that_leads_to_what_it_does_not_hold_is_refused(field: str) -> None:
    assert isinstance(plan_of(msgspec.structs.replace(chain_of("db"), **{field: {}}), TRUST_DOMAIN), Unsuited)


def test_a_chain_that_leads_back_to_itself_is_refused() -> None:
    chain = chain_of("db", *splitter("db", db=100))
    node = chain.nodes[chain.start_node]
    (split,) = node.splits
    around = msgspec.structs.replace(node, splits=(msgspec.structs.replace(split, next_node=chain.start_node),))
    found = plan_of(msgspec.structs.replace(chain, nodes={chain.start_node: around}), TRUST_DOMAIN)
    assert isinstance(found, Unsuited)


def test_where_a_target_begins_a_share_its_stop_is_that_one() -> None:
    entries = [*splitter("db", db=50, spare=50), failover("db", "spare", timeout="9s")]
    plan = _plan(chain_of("db", *entries))
    assert plan.stops_by_target()["spare.default.dc1"].route.timeout_s == 5.0
    assert set(plan.stops_by_target()) == {"db.default.dc1", "spare.default.dc1"}


def test_without_a_chain_an_upstream_is_expected_in_our_own_datacenter() -> None:
    plan = plan_out(snapshot(service="web"), UPSTREAM)
    assert isinstance(plan, Plan)
    assert plan.stops(0.0)[0].route == UpstreamRoute(service_id("db"), f"db.default.dc1.internal.{TRUST_DOMAIN}", 2.5)


def test_an_upstream_of_another_datacenter_is_expected_there() -> None:
    plan = plan_out(snapshot(service="web"), msgspec.structs.replace(UPSTREAM, datacenter="dc2"))
    assert isinstance(plan, Plan)
    assert plan.stops(0.0)[0].route.expected == service_id("db", datacenter="dc2")


def test_a_prepared_query_expects_whom_it_found_and_where() -> None:
    query = msgspec.structs.replace(UPSTREAM, service="near-db", is_query=True)
    asked = snapshot(service="web")
    assert isinstance(plan_out(asked, query), Refusal)
    found = msgspec.structs.replace(asked, queried={query.key: QueryResult("db", "dc2")})
    plan = plan_out(found, query)
    assert isinstance(plan, Plan)
    (stop,) = plan.stops(0.0)
    assert stop.route.expected == service_id("db", datacenter="dc2")
    assert stop.route.sni == f"db.default.dc2.internal.{TRUST_DOMAIN}"


def test_a_chain_outranks_the_name_of_the_upstream() -> None:
    chains = {UPSTREAM.key: chain_of("db", redirect("db", "db2"))}
    plan = plan_out(msgspec.structs.replace(snapshot(service="web"), chains=chains), UPSTREAM)
    assert isinstance(plan, Plan)
    assert _targets(plan) == ["db2.default.dc1"]


@pytest.mark.parametrize("missing", ["leaf", "roots"])
def test_without_certificates_there_is_no_way_out(missing: str) -> None:
    lacking = msgspec.structs.replace(snapshot(), **{missing: None})
    assert isinstance(plan_out(lacking, UPSTREAM), Refusal)


def test_a_leaf_that_names_no_service_is_no_way_out() -> None:
    leaf = Leaf(certificate_pem="", private_key_pem="", uri="https://example.org", serial="1", valid_before="")
    assert isinstance(plan_out(msgspec.structs.replace(snapshot(), leaf=leaf), UPSTREAM), Refusal)


@pytest.mark.parametrize(
    ("balancer", "picking"),
    [
        ({}, Picking.ROUND_ROBIN),
        ({"Policy": "round_robin"}, Picking.ROUND_ROBIN),
        ({"Policy": "random"}, Picking.RANDOM),
        ({"Policy": "least_request", "LeastRequestConfig": {"ChoiceCount": 4}}, Picking.LEAST_REQUEST),
        ({"Policy": "ring_hash"}, Picking.RING_HASH),
        ({"Policy": "ring_hash", "HashPolicies": [{"SourceIP": True}]}, Picking.RING_HASH),
    ],
)
def test_instances_are_chosen_as_the_resolver_says_also_of_failover_targets(
    balancer: dict[str, object], picking: Picking
) -> None:
    said = {"LoadBalancer": balancer, "Failover": {"*": {"Service": "spare"}}}
    stops = _plan(chain_of("db", entry("service-resolver", "db", said))).stops(0.0)
    assert [stop.picking for stop in stops] == [picking, picking]


@pytest.mark.parametrize(
    ("said", "setting"),
    [
        ({"LoadBalancer": {"Policy": "maglev"}}, "LoadBalancer.Policy 'maglev' of service-resolver db"),
        (
            {
                "LoadBalancer": {
                    "Policy": "ring_hash",
                    "HashPolicies": [{"Field": "header", "FieldValue": "x-user"}, {"SourceIP": True}],
                }
            },
            "LoadBalancer.HashPolicies of service-resolver db",
        ),
        ({"RequestTimeout": "5s"}, "RequestTimeout of service-resolver db"),
    ],
)
def test_what_a_resolver_says_of_requests_needs_a_proxy_for_http(said: dict[str, object], setting: str) -> None:
    found = plan_of(chain_of("db", *http("db"), entry("service-resolver", "db", said)), TRUST_DOMAIN)
    assert isinstance(found, Unsuited)
    assert found.setting == setting


def test_a_request_timeout_says_nothing_of_connections() -> None:
    assert _targets(_plan(chain_of("db", entry("service-resolver", "db", {"RequestTimeout": "5s"}))))


def test_a_split_that_changes_headers_needs_a_proxy_for_http() -> None:
    splits = [{"Weight": 100, "RequestHeaders": {"Set": {"x-share": "all"}}}]
    found = plan_of(chain_of("db", *http("db"), entry("service-splitter", "db", {"Splits": splits})), TRUST_DOMAIN)
    assert isinstance(found, Unsuited)
    assert found.setting == "header changes of service-splitter db"


def test_a_default_subset_is_where_the_connections_go() -> None:
    said = {"DefaultSubset": "v1", "Subsets": {"v1": {"Filter": "Service.Meta.version == 1"}}}
    plan = _plan(chain_of("db", entry("service-resolver", "db", said)))
    assert _targets(plan) == ["v1.db.default.dc1"]
