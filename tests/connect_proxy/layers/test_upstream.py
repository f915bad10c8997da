"""The state of an upstream over changes of what is known of it."""

from __future__ import annotations

import msgspec

from lictor_connect_proxy.layers.stages import Refusal, Unsuited
from lictor_connect_proxy.layers.upstream import Leg, Upstream, limit_of
from lictor_connect_proxy.snapshot import Limits, PassiveHealth, ProxySnapshot, UpstreamListener
from lictor_core.clock import SeededRng
from tests.connect_proxy.build import endpoint, service_id, snapshot
from tests.connect_proxy.chains import chain_of, chained, failover, redirect, router, splitter

LISTENER = UpstreamListener(service="db", bind_port=9191)
OWN = "db.default.dc1"
PLAIN = msgspec.structs.replace(
    snapshot(service="web"), upstreams=(LISTENER,), endpoints={LISTENER.key: (endpoint(0), endpoint(1))}
)
CHAINED = chained(PLAIN, chain_of("db"), {OWN: (endpoint(0), endpoint(1))})


def _upstream(found: ProxySnapshot) -> Upstream:
    upstream = Upstream(LISTENER, SeededRng(1))
    upstream.apply(found, LISTENER)
    return upstream


def _only(upstream: Upstream) -> Leg:
    legs = upstream.legs()
    assert not isinstance(legs, Refusal)
    (leg,) = legs
    return leg


def test_before_anything_is_known_there_is_no_way() -> None:
    assert isinstance(Upstream(LISTENER, SeededRng(1)).legs(), Refusal)


def test_with_and_without_a_chain_the_instances_are_those_of_the_snapshot() -> None:
    for found in (PLAIN, CHAINED):
        leg = _only(_upstream(found))
        assert len(leg.balancer) == 2
        assert leg.route.expected == service_id("db")


def test_an_ejection_outlives_changes_of_all_else() -> None:
    upstream = _upstream(CHAINED)
    _only(upstream).balancer.failed(endpoint(0), 0.0)
    for entries in ([failover("db", "spare")], splitter("db", db=50, spare=50)):
        upstream.apply(chained(CHAINED, chain_of("db", *entries), {OWN: (endpoint(0), endpoint(1))}), LISTENER)
        assert upstream.balancers()[OWN].is_ejected(endpoint(0), 0.5)
    upstream.apply(msgspec.structs.replace(CHAINED, leaf=None), LISTENER)
    upstream.apply(CHAINED, LISTENER)
    assert upstream.balancers()[OWN].is_ejected(endpoint(0), 0.5)


def test_balancers_of_targets_that_are_gone_are_forgotten() -> None:
    upstream = _upstream(chained(CHAINED, chain_of("db", *splitter("db", db=50, spare=50)), {}))
    assert len(upstream.balancers()) == 2
    upstream.apply(CHAINED, LISTENER)
    assert set(upstream.balancers()) == {OWN}


def test_what_served_goes_on_until_the_instances_of_a_new_chain_are_known() -> None:
    upstream = _upstream(CHAINED)
    other = chain_of("db", redirect("db", "db2"))
    unknown = msgspec.structs.replace(CHAINED, chains={LISTENER.key: other}, instances={})
    upstream.apply(unknown, LISTENER)
    assert _only(upstream).target == OWN
    assert len(_only(upstream).balancer) == 2
    upstream.apply(chained(CHAINED, other, {"db2.default.dc1": (endpoint(7),)}), LISTENER)
    assert _only(upstream).target == "db2.default.dc1"
    upstream.apply(chained(CHAINED, chain_of("db"), {}), LISTENER)
    assert len(_only(upstream).balancer) == 0, "known to have none is known"


def test_a_target_that_comes_back_has_its_instances() -> None:
    upstream = _upstream(CHAINED)
    upstream.apply(chained(CHAINED, chain_of("db", redirect("db", "db2")), {}), LISTENER)
    upstream.apply(CHAINED, LISTENER)
    assert len(_only(upstream).balancer) == 2


def test_new_instances_are_taken_without_another_plan() -> None:
    upstream = _upstream(CHAINED)
    plan = upstream.plan
    upstream.apply(msgspec.structs.replace(CHAINED, instances={OWN: (endpoint(3),)}), LISTENER)
    assert upstream.plan is plan
    assert _only(upstream).balancer.pick(0.0) == endpoint(3)
    upstream.apply(msgspec.structs.replace(CHAINED, instances={OWN: ()}), LISTENER)
    assert _only(upstream).balancer.pick(0.0) is None


def test_a_chain_for_http_takes_the_way_out_and_another_brings_it_back() -> None:
    upstream = _upstream(CHAINED)
    upstream.apply(chained(CHAINED, chain_of("db", *router("db", "/admin")), {}), LISTENER)
    assert isinstance(upstream.plan, Unsuited)
    assert isinstance(upstream.legs(), Refusal)
    upstream.apply(CHAINED, LISTENER)
    assert _only(upstream).target == OWN


def test_settings_of_the_registration_take_hold_under_way() -> None:
    upstream = _upstream(CHAINED)
    balancer = _only(upstream).balancer
    assert (upstream.limit.most, balancer.ejection.failures_max) == (8192, 1)
    changed = msgspec.structs.replace(
        LISTENER, limits=Limits(max_connections=3), passive_health=PassiveHealth(failures_max=5)
    )
    upstream.apply(CHAINED, changed)
    assert (upstream.limit.most, balancer.ejection.failures_max) == (3, 5)
    assert _only(upstream).balancer is balancer


def test_the_limit_is_the_one_that_was_asked_for_also_when_it_is_none_at_all() -> None:
    assert limit_of(LISTENER) == LISTENER.connections_max
    assert limit_of(msgspec.structs.replace(LISTENER, limits=Limits(max_connections=0))) == 0


def test_connections_are_shared_out_by_chance() -> None:
    chain = chain_of("db", *splitter("db", db=90, canary=10))
    upstream = _upstream(chained(CHAINED, chain, {}))
    count = sum(_only(upstream).target == "canary.default.dc1" for _ in range(10_000))
    assert 800 <= count <= 1200
