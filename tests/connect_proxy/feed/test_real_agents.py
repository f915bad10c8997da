"""What real agents say becomes the same snapshots, be the agent Lictor's or Consul's."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

import pytest

from lictor_connect_proxy.feed.agent import AgentAddress, AgentClient
from lictor_connect_proxy.feed.feed import Feed
from lictor_connect_proxy.snapshot import ExposedPath, ProxySnapshot, QueryResult, UpstreamKey
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.records import ServiceKind
from tests.connect_proxy.live import Events
from tests.support.agents import DevAgent, Product, dev_agent
from tests.support.conditions import eventually

pytestmark = [pytest.mark.needs("consul"), pytest.mark.slow]


CENTRAL = {"enable_central_service_config": True}


@pytest.fixture(scope="module", params=["consul", "lictor"])
def agent(request: pytest.FixtureRequest) -> Iterator[DevAgent]:
    """One agent of each product for all tests of this module; each test has services of its own."""
    product: Product = request.param
    with tempfile.TemporaryDirectory() as directory, dev_agent(product, Path(directory), CENTRAL) as started:
        yield started


def ask(agent: DevAgent, method: str, path: str, body: object) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", agent.ports["http"], timeout=10)
    try:
        connection.request(method, path, json.dumps(body))
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    assert answer.status == 200, content


def register(agent: DevAgent, **service: object) -> None:
    ask(agent, "PUT", "/v1/agent/service/register", service)


def write(agent: DevAgent, **entry: object) -> None:
    ask(agent, "PUT", "/v1/config", entry)


def instance(
    agent: DevAgent, service: str, id: str, port: int, *, meta: object = None, status: str = "passing"
) -> None:
    """A mesh instance of a service: a proxy that stands for it."""
    register(
        agent,
        Kind="connect-proxy",
        ID=id,
        Name=f"{service}-proxy",
        Port=port,
        Address="127.0.0.1",
        Meta=meta or {},
        Weights={"Passing": 7, "Warning": 3},
        Check={"Name": "up", "TTL": "1h", "Status": status},
        Proxy={"DestinationServiceName": service},
    )


def sidecar(agent: DevAgent, service: str, **proxy: object) -> str:
    """A proxy in front of a service; its id."""
    id = f"{service}-sidecar"
    proxy |= {"DestinationServiceName": service, "DestinationServiceID": service, "LocalServicePort": 8080}
    register(agent, Name=service, Port=8080)
    register(agent, Kind="connect-proxy", ID=id, Name=id, Port=21000, Proxy=proxy)
    return id


@contextlib.asynccontextmanager
async def fed(agent: DevAgent, proxy_id: str) -> AsyncGenerator[Feed]:
    async with AgentClient(AgentAddress(http_addr=agent.http_address)) as client:
        feed = Feed(
            client,
            ProxySnapshot(service=""),
            lambda _: None,
            proxy_id=proxy_id,
            clock=SystemClock(),
            rng=SeededRng(1),
            log=Events().log,
        )
        running = asyncio.ensure_future(feed.run())
        try:
            yield feed
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


async def until(feed: Feed, holds: Callable[[ProxySnapshot], bool], what: str) -> ProxySnapshot:
    await eventually(lambda: holds(feed.snapshot), what=what)
    return feed.snapshot


async def test_subsets_and_failover_are_followed_and_unhealthy_instances_are_known(agent: DevAgent) -> None:
    instance(agent, "s-db", "s-db-1", 4001, meta={"version": "1"})
    instance(agent, "s-db", "s-db-2", 4002, meta={"version": "2"})
    instance(agent, "s-spare", "s-spare-1", 4003, status="warning")
    instance(agent, "s-spare", "s-spare-2", 4004, status="critical")
    write(
        agent,
        Kind="service-resolver",
        Name="s-db",
        DefaultSubset="v1",
        Subsets={"v1": {"Filter": "Service.Meta.version == 1", "OnlyPassing": True}},
        Failover={"*": {"Service": "s-spare"}},
        ConnectTimeout="3s",
    )
    upstream = {"DestinationName": "s-db", "LocalBindPort": 9191}
    async with fed(agent, sidecar(agent, "s-web", Upstreams=[upstream])) as feed:
        found = await until(feed, ProxySnapshot.is_complete, "all is known")
        (chain,) = found.chains.values()
        resolver = chain.nodes[chain.start_node].resolver
        assert resolver is not None
        assert (resolver.target, resolver.connect_timeout) == ("v1.s-db.default.dc1", "3s")
        ports = {
            target: [(one.port, one.weight, one.healthy) for one in endpoints]
            for target, endpoints in found.instances.items()
        }
        assert ports == {
            "v1.s-db.default.dc1": [(4001, 7, True)],
            "s-spare.default.dc1": [(4003, 3, True), (4004, 3, False)],
        }
        write(agent, Kind="service-resolver", Name="s-db", Redirect={"Service": "s-spare"})
        await until(feed, lambda now: list(now.instances) == ["s-spare.default.dc1"], "the redirect is followed")


async def test_a_datacenter_that_is_not_there_holds_nothing_up(agent: DevAgent) -> None:
    instance(agent, "d-db", "d-db-1", 4011)
    write(agent, Kind="service-resolver", Name="d-db", Failover={"*": {"Datacenters": ["dc9"]}})
    upstreams = [
        {"DestinationName": "d-db", "LocalBindPort": 9191},
        {"DestinationName": "d-far", "Datacenter": "dc9", "LocalBindPort": 9192},
    ]
    async with fed(agent, sidecar(agent, "d-web", Upstreams=upstreams)) as feed:
        found = await until(feed, ProxySnapshot.is_complete, "all is known")
        assert found.instances["d-db.default.dc9"] == ()
        assert found.instances["d-far.default.dc9"] == ()
        assert [one.port for one in found.instances["d-db.default.dc1"]] == [4011]


async def test_the_clusters_settings_are_in_what_is_served(agent: DevAgent) -> None:
    instance(agent, "c-db", "c-db-1", 4021)
    write(agent, Kind="service-defaults", Name="c-db", Protocol="http")
    write(agent, Kind="service-defaults", Name="c-web", Protocol="http")
    upstream = {"DestinationName": "c-db", "LocalBindPort": 9191, "Config": {"connect_timeout_ms": 1500}}
    path = {"Path": "/health", "ListenerPort": 21500, "LocalPathPort": 8080, "Protocol": "http"}
    proxy_id = sidecar(agent, "c-web", Upstreams=[upstream], Expose={"Paths": [path]})
    async with fed(agent, proxy_id) as feed:
        key = UpstreamKey("c-db", "", False, "http", "1.5s", "")
        found = await until(
            feed,
            lambda now: now.knows(key) and now.public is not None and now.public.protocol == "http",
            "the settings of the cluster are known",
        )
        assert found.chains[key].protocol == "http"
        assert found.chains[key].customization_hash
        assert found.exposed == (ExposedPath(path="/health", listener_port=21500, application_port=8080),)


async def test_a_prepared_query_finds_instances_of_a_service_that_it_names(agent: DevAgent) -> None:
    instance(agent, "q-db", "q-db-1", 4031)
    query = {"Name": "q-near", "Service": {"Service": "q-db"}, "DNS": {"TTL": "1s"}}
    ask(agent, "POST", "/v1/query", query)
    upstream = {"DestinationType": "prepared_query", "DestinationName": "q-near", "LocalBindPort": 9191}
    async with fed(agent, sidecar(agent, "q-web", Upstreams=[upstream])) as feed:
        key = UpstreamKey("q-near", is_query=True)
        found = await until(feed, lambda now: now.knows(key), "the query was run")
        assert found.queried[key] == QueryResult("q-db", "dc1")
        assert [(one.port, one.service) for one in found.endpoints[key]] == [(4031, "q-db")]
        instance(agent, "q-db", "q-db-2", 4032)
        await until(feed, lambda now: len(now.endpoints[key]) == 2, "the query is run again")


async def test_an_ingress_gateway_knows_its_listeners_and_where_they_lead(agent: DevAgent) -> None:
    instance(agent, "i-api", "i-api-1", 4041)
    write(agent, Kind="service-defaults", Name="i-api", Protocol="http")
    services = [{"Name": "i-api", "Hosts": ["api.example"]}]
    listener = {"Port": 8080, "Protocol": "http", "Services": services}
    write(agent, Kind="ingress-gateway", Name="i-way", Listeners=[listener])
    register(agent, Kind="ingress-gateway", ID="i-way-1", Name="i-way", Port=8443, Address="127.0.0.1")
    async with fed(agent, "i-way-1") as feed:
        found = await until(feed, ProxySnapshot.is_complete, "all is known")
        assert (found.kind, found.service) == (ServiceKind.INGRESS_GATEWAY, "i-way")
        (one,) = found.ingress
        assert (one.bind_address, one.port, one.protocol, one.hosts) == ("127.0.0.1", 8080, "http", ("api.example",))
        (behind,) = one.services
        assert [found.instances[target][0].port for target in found.chains[behind.upstream.key].targets] == [4041]


async def test_a_terminating_gateway_knows_its_services_with_their_leaves_and_rules(agent: DevAgent) -> None:
    register(agent, Name="t-db", ID="t-db-1", Port=5432, Address="192.0.2.7", Meta={"version": "1"})
    subsets = {"v1": {"Filter": "Service.Meta.version == 1"}, "v2": {"Filter": "Service.Meta.version == 2"}}
    write(agent, Kind="service-resolver", Name="t-db", Subsets=subsets)
    services = [{"Name": "t-db", "CAFile": "/ca.pem", "SNI": "db.example"}]
    write(agent, Kind="terminating-gateway", Name="t-way", Services=services)
    register(agent, Kind="terminating-gateway", ID="t-way-1", Name="t-way", Port=8443)
    intention = {"SourceName": "t-web", "DestinationName": "t-db", "Action": "deny", "SourceType": "consul"}
    ask(agent, "POST", "/v1/connect/intentions", intention)
    async with fed(agent, "t-way-1") as feed:
        found = await until(feed, ProxySnapshot.is_complete, "all is known")
        (one,) = found.terminated
        assert (one.service, one.ca_file, one.sni) == ("t-db", "/ca.pem", "db.example")
        identity = one.leaf.identity() if one.leaf is not None else None
        assert identity is not None
        assert identity.service == "t-db"
        assert one.policy is not None
        assert [rule.source for rule in one.policy.rules] == ["t-web"]
        hosts = {target: [endpoint.host for endpoint in found.instances[target]] for target in found.instances}
        assert hosts == {
            "t-db.default.dc1": ["192.0.2.7"],
            "v1.t-db.default.dc1": ["192.0.2.7"],
            "v2.t-db.default.dc1": [],
        }


async def test_a_mesh_gateway_knows_what_takes_connections_of_the_mesh(agent: DevAgent) -> None:
    register(agent, Name="m-db", Port=5432)
    instance(agent, "m-db", "m-db-1", 4051)
    register(agent, Kind="mesh-gateway", ID="m-way-1", Name="m-way", Port=8443, Address="127.0.0.1")
    async with fed(agent, "m-way-1") as feed:
        found = await until(
            feed,
            lambda now: now.mesh is not None and any(sni.startswith("m-db.") for sni in now.mesh.services),
            "the service is passed on",
        )
        assert found.is_complete()
        assert found.mesh is not None
        (ports,) = [[one.port for one in rows] for sni, rows in found.mesh.services.items() if sni.startswith("m-db.")]
        assert ports == [4051]
