"""Which question each need is, and what its answers come to."""

import json

import pytest

from lictor_connect_proxy.feed.asking import Answer
from lictor_connect_proxy.feed.needs import (
    ChainFound,
    ChainOf,
    DefaultFound,
    DefaultPolicy,
    EntriesOf,
    ExposedForChecks,
    InstancesOf,
    Known,
    LeafOf,
    MeshGateways,
    QueryOf,
    Roots,
    RulesOf,
    ServiceNames,
    ServicesBehind,
)
from lictor_connect_proxy.feed.sources import Fetched
from lictor_connect_proxy.snapshot import ExposedPath, UpstreamKey
from lictor_core.errors import NotFoundError, PeerError, PermissionDeniedError
from tests.connect_proxy.feed.agent_double import plain_chain
from tests.connect_proxy.feed.test_sources import Asked

CHAIN = json.dumps({"Chain": plain_chain("db")}).encode()


async def test_the_demands_of_an_upstream_are_sent_with_the_question_for_its_chain() -> None:
    agent = Asked(Answer(CHAIN, {"x-consul-index": "7"}), Answer(CHAIN, {"x-consul-index": "8"}))
    need = ChainOf(UpstreamKey("a/b", "dc2", False, "http", "2.5s", "local"))
    first = await need.ask(agent, "")
    assert (await need.ask(agent, first.cursor)).cursor == "8"
    path = "/v1/discovery-chain/a%2Fb"
    waiting = {"compile-dc": "dc2", "index": "7", "wait": "60s"}
    assert agent.questions == [(path, {"compile-dc": "dc2"}), (path, waiting)]
    demands = {"OverrideProtocol": "http", "OverrideConnectTimeout": "2.5s", "OverrideMeshGateway": {"Mode": "local"}}
    assert [json.loads(body) for body in agent.bodies] == [demands, demands]


async def test_an_agent_that_knows_no_chains_says_so() -> None:
    found = await ChainOf(UpstreamKey("db")).ask(Asked(NotFoundError("no such endpoint")), "")
    assert found == Fetched(ChainFound(None), "", 15.0)


async def test_nothing_is_in_a_datacenter_to_which_no_way_leads() -> None:
    agent = Asked(PeerError("the agent answered 500 to /x: No path to datacenter"))
    assert await InstancesOf("db", "dc2").ask(agent, "") == Fetched((), "")
    with pytest.raises(PeerError):
        await InstancesOf("db", "dc2").ask(Asked(PeerError("the agent answered 500 to /x: No cluster leader")), "")


async def test_instances_of_a_subset_are_chosen_by_the_agent() -> None:
    agent = Asked(*[Answer(b"[]", {"x-consul-index": "3"})] * 2)
    await InstancesOf("db", "", "Service.Meta.v == 1").ask(agent, "")
    await InstancesOf("db", connect=False).ask(agent, "")
    assert agent.questions == [
        ("/v1/health/connect/db", {"filter": "Service.Meta.v == 1"}),
        ("/v1/health/service/db", {}),
    ]


async def test_a_default_policy_that_may_not_be_seen_is_strict() -> None:
    found = await DefaultPolicy().ask(Asked(PermissionDeniedError("no")), "")
    assert found.value == DefaultFound(False, "no")


async def test_a_prepared_query_is_asked_again_after_the_time_that_it_says() -> None:
    body = b'{"Service": "db", "Nodes": [], "DNS": {"TTL": "3s"}}'
    agent = Asked(Answer(body, {}))
    found = await QueryOf("near", "dc2").ask(agent, "")
    assert (found.cursor, found.rest_s) == ("", 3.0)
    assert agent.questions == [("/v1/query/near/execute", {"connect": "true", "dc": "dc2"})]


async def test_paths_for_checks_are_none_where_the_agent_asks_no_checks_through_proxies() -> None:
    row = {"Path": "/h", "ListenerPort": 21500, "LocalPathPort": 80, "Protocol": "http", "ParsedFromCheck": True}
    agent = Asked(Answer(json.dumps({"Paths": [row]}).encode(), {}), NotFoundError("no such endpoint"))
    opened = ExposedPath(path="/h", listener_port=21500, application_port=80, from_check=True)
    assert (await ExposedForChecks("p").ask(agent, "")).value == (opened,)
    assert (await ExposedForChecks("p").ask(agent, "")).value == ()


async def test_gateways_ask_for_what_is_behind_them() -> None:
    agent = Asked(*[Answer(body, {"x-consul-index": "3"}) for body in (b"[]", b"null", b"{}", b"{}")])
    await EntriesOf("service-resolver").ask(agent, "")
    await ServicesBehind("gw").ask(agent, "")
    await ServiceNames().ask(agent, "")
    await MeshGateways("dc1").ask(agent, "")
    assert [path for path, _ in agent.questions] == [
        "/v1/config/service-resolver",
        "/v1/catalog/gateway-services/gw",
        "/v1/catalog/services",
        "/v1/internal/federation-states/mesh-gateways",
    ]


def test_what_is_looked_for_is_remembered_known_or_not() -> None:
    known = Known({})
    assert known.value(Roots()) is None
    assert known.value(LeafOf("web")) is None
    assert list(known.wanted) == [Roots(), LeafOf("web")]


def test_needs_of_two_kinds_are_two_needs() -> None:
    needs: set[object] = {LeafOf("web"), RulesOf("web"), LeafOf("web")}
    assert len(needs) == 2
