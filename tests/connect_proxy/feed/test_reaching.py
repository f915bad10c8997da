"""Where upstreams lead."""

import pytest

from lictor_connect_proxy.feed.answers import Queried
from lictor_connect_proxy.feed.needs import ChainFound, ChainOf, InstancesOf, LeafOf, MeshGateways, QueryOf
from lictor_connect_proxy.snapshot import ProxySnapshot, QueryResult, UpstreamKey, UpstreamListener
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.feed.agent_double import plain_chain, target
from tests.connect_proxy.feed.knowing import Knowledge, chain_of, endpoint

KEY = UpstreamKey("db")
LEAF = (LeafOf("web"), Authority().leaf("web"))


def knowing(*upstreams: UpstreamListener) -> Knowledge:
    knowledge = Knowledge(ProxySnapshot(service="web", upstreams=upstreams or (UpstreamListener(service="db"),)))
    knowledge.learn(LEAF)
    return knowledge


def failing_over(*targets: dict[str, object]) -> ChainFound:
    """The chain of db whose first target fails over to the others."""
    chain = plain_chain("db")
    ids = [str(one["ID"]) for one in targets]
    resolver = {"ConnectTimeout": "5s", "Target": ids[0], "Failover": {"Targets": ids[1:]}}
    chain["StartNode"] = f"resolver:{ids[0]}"
    chain["Nodes"] = {f"resolver:{ids[0]}": {"Type": "resolver", "Name": ids[0], "Resolver": resolver}}
    chain["Targets"] = {str(one["ID"]): one for one in targets}
    return ChainFound(chain_of(chain))


def test_each_target_has_its_instances_chosen_by_its_subset() -> None:
    knowledge = knowing()
    subset = target("db", subset="v1", chosen={"Filter": "Service.Meta.v == 1", "OnlyPassing": True})
    knowledge.learn((ChainOf(KEY), failing_over(subset, target("cache"))))
    assert {InstancesOf("db", "", "Service.Meta.v == 1", True), InstancesOf("cache")} <= knowledge.wanted
    found = knowledge.learn(
        (InstancesOf("db", "", "Service.Meta.v == 1", True), (endpoint("a", healthy=False),)),
        (InstancesOf("cache"), (endpoint("b"), endpoint("c", healthy=False))),
    )
    assert found.instances == {
        "v1.db.default.dc1": (endpoint("a", healthy=False),),
        "cache.default.dc1": (endpoint("b"), endpoint("c", healthy=False)),
    }
    assert found.knows(KEY)
    assert found.endpoints == {KEY: (endpoint("b"),)}


def test_a_target_elsewhere_is_asked_for_there() -> None:
    knowledge = knowing()
    knowledge.learn((ChainOf(KEY), failing_over(target("db"), target("db", "dc2"))))
    assert {InstancesOf("db"), InstancesOf("db", "dc2")} <= knowledge.wanted


@pytest.mark.parametrize(("mode", "through"), [("local", "here"), ("remote", "there")])
def test_gateways_stand_before_a_target_elsewhere(mode: str, through: str) -> None:
    knowledge = knowing()
    knowledge.learn((ChainOf(KEY), failing_over(target("db", gateway=mode), target("db", "dc2", gateway=mode))))
    assert InstancesOf("db", "dc2") not in knowledge.wanted
    assert not knowledge.snapshot.knows(KEY)
    gateways = {"dc1": (endpoint("here"),), "dc2": (endpoint("there"),)}
    found = knowledge.learn((MeshGateways("dc1"), gateways), (InstancesOf("db"), ()))
    assert found.instances == {"db.default.dc1": (), "db.default.dc2": (endpoint(through),)}


def test_a_chain_takes_the_place_of_another_once_all_its_targets_are_known() -> None:
    knowledge = knowing()
    before = knowledge.learn((ChainOf(KEY), failing_over(target("db"))), (InstancesOf("db"), (endpoint("a"),)))
    assert knowledge.learn((ChainOf(KEY), failing_over(target("cache"))), (InstancesOf("db"), None)) is not None
    assert knowledge.snapshot.chains == before.chains
    assert knowledge.snapshot.endpoints == {KEY: (endpoint("a"),)}
    after = knowledge.learn((InstancesOf("cache"), (endpoint("b"),)))
    assert list(after.instances) == ["cache.default.dc1"]
    assert after.endpoints == {KEY: (endpoint("b"),)}


def test_an_agent_without_chains_is_asked_for_the_instances_of_the_service_itself() -> None:
    knowledge = knowing()
    knowledge.learn((ChainOf(KEY), ChainFound(None)))
    assert not knowledge.snapshot.knows(KEY)
    found = knowledge.learn((InstancesOf("db"), (endpoint("a"), endpoint("b", healthy=False))))
    assert found.endpoints == {KEY: (endpoint("a"),)}
    assert found.knows(KEY)
    assert not found.chains


def test_a_prepared_query_says_who_its_instances_are() -> None:
    upstream = UpstreamListener(service="near", is_query=True)
    knowledge = knowing(upstream)
    assert QueryOf("near") in knowledge.wanted
    queried = Queried(result=QueryResult("db", "dc1"), endpoints=(endpoint("a"),), ttl_s=3.0)
    found = knowledge.learn((QueryOf("near"), queried))
    assert found.queried == {upstream.key: QueryResult("db", "dc1")}
    assert found.endpoints == {upstream.key: (endpoint("a"),)}
    assert found.knows(upstream.key)


def test_two_upstreams_with_other_demands_have_two_chains() -> None:
    listeners = UpstreamListener(service="db"), UpstreamListener(service="db", demanded_connect_timeout="1s")
    knowledge = knowing(*listeners)
    assert {ChainOf(one.key) for one in listeners} <= knowledge.wanted
