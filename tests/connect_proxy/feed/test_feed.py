"""What the feed publishes, whatever the agent does."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest

from lictor_connect_proxy.feed.agent import AgentClient
from lictor_connect_proxy.feed.asking import AgentSource
from lictor_connect_proxy.feed.feed import WATCHES_MAX, Feed
from lictor_connect_proxy.feed.needs import LeafOf
from lictor_connect_proxy.feed.sources import Fetched
from lictor_connect_proxy.snapshot import Endpoint, Leaf, ProxySnapshot, PublicListener, UpstreamKey, UpstreamListener
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.intentions import Rule
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.feed.agent_double import MATCH, AgentDouble, plain_chain
from tests.connect_proxy.live import Events
from tests.support.conditions import eventually

AUTHORITY = Authority()
PUBLIC = PublicListener(bind_address="127.0.0.1", bind_port=1, application_host="127.0.0.1", application_port=2)


class Published:
    """The snapshots of a test, in order."""

    def __init__(self) -> None:
        self.all: list[ProxySnapshot] = []
        self.events = Events()

    @property
    def last(self) -> ProxySnapshot:
        return self.all[-1]

    def rules(self) -> tuple[Rule, ...] | None:
        return self.last.policy.rules if self.last.policy is not None else None


@contextlib.asynccontextmanager
async def feeding(
    agent: AgentDouble, snapshot: ProxySnapshot | None = None, *, proxy_id: str = "", watches_max: int = WATCHES_MAX
) -> AsyncGenerator[tuple[Feed, Published]]:
    published = Published()
    async with AgentClient(agent.address) as client:
        feed = Feed(
            client,
            snapshot or ProxySnapshot(service="db", public=PUBLIC),
            published.all.append,
            proxy_id=proxy_id,
            clock=SystemClock(),
            rng=SeededRng(1),
            log=published.events.log,
            watches_max=watches_max,
        )
        running = asyncio.ensure_future(feed.run())
        try:
            await eventually(lambda: bool(published.all), what="the feed has begun")
            yield feed, published
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


def _double(*, indexes_match: bool = True, default_policy: str = "allow", port: int = 0) -> AgentDouble:
    agent = AgentDouble(indexes_match=indexes_match, port=port)
    agent.set_identity("db", AUTHORITY.leaf("db"), AUTHORITY.roots(), default_policy=default_policy)
    return agent


async def _complete(published: Published) -> None:
    await eventually(lambda: published.last.can_judge(), what="the snapshot is complete")


async def test_the_first_snapshot_lets_nobody_in() -> None:
    async with feeding(AgentDouble()) as (_, published):
        assert not published.all[0].can_judge()


async def test_a_snapshot_completes_from_the_agents_answers() -> None:
    async with _double().running() as agent, feeding(agent) as (_, published):
        await _complete(published)
        assert published.rules() == ()
        assert published.last.default_allow is True
        assert published.last.roots == AUTHORITY.roots()
        assert agent.tokens == {"secret"}


@pytest.mark.parametrize("indexes_match", [True, False], ids=["with index", "without index, as Consul 1.8"])
async def test_a_changed_intention_is_published(indexes_match: bool) -> None:
    async with _double(indexes_match=indexes_match).running() as agent, feeding(agent) as (_, published):
        await _complete(published)
        agent.set_intentions("db", web="deny")
        await eventually(lambda: len(published.rules() or ()) == 1, what="the new rule is there")
        agent.set_intentions("db")
        await eventually(lambda: published.rules() == (), what="the rule is gone")


async def test_questions_block_instead_of_being_repeated() -> None:
    async with _double().running() as agent, feeding(agent) as (_, published):
        await _complete(published)
        await eventually(lambda: any("index=" in path for path in agent.asked), what="a question blocks")
        asked = len(agent.asked)
        await asyncio.sleep(0.3)
        assert len(agent.asked) - asked <= 4


async def test_a_new_leaf_is_published() -> None:
    async with _double().running() as agent, feeding(agent) as (_, published):
        await _complete(published)
        successor = AUTHORITY.leaf("db")
        agent.set_leaf("db", successor)
        await eventually(
            lambda: published.last.leaf is not None and published.last.leaf.serial == successor.serial,
            what="the new leaf is there",
        )


async def test_when_the_agent_is_away_the_last_knowledge_stays_and_ages() -> None:
    agent = _double()
    for _ in range(20):
        agent.set_intentions("db", web="deny")
    async with feeding(agent) as (feed, published):
        async with agent.running():
            await _complete(published)
            before = published.last
        events = published.events
        await eventually(lambda: bool(events.named("proxy.feed.interrupted")), what="the interruption is told")
        assert published.last == before
        assert set(feed.ages_s()) == {"roots", "leaf", "intentions", "default_policy"}
        assert all(age >= 0 for age in feed.ages_s().values())
        # The next agent at that address counts from the beginning again.
        async with _double(port=agent.port).running():
            await eventually(lambda: published.rules() == (), what="the feed goes on where the agent is now")
            await eventually(lambda: bool(events.named("proxy.feed.resumed")), what="the resumption is told")


async def test_an_interruption_is_told_once_for_each_source() -> None:
    async with feeding(AgentDouble()) as (_, published):
        events = published.events
        await asyncio.sleep(0.6)
        told = [str(event["source"]) for event in events.named("proxy.feed.interrupted")]
        assert sorted(told) == ["default_policy", "intentions", "leaf", "roots"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (MATCH, "policy"),
        ("/v1/agent/connect/ca/leaf/db", "leaf"),
        ("/v1/agent/connect/ca/roots", "roots"),
    ],
)
async def test_an_answer_that_cannot_be_used_is_taken_out(path: str, field: str) -> None:
    async with _double().running() as agent, feeding(agent) as (_, published):
        await _complete(published)
        agent.set(path, b"<html>not for you</html>")
        await eventually(lambda: getattr(published.last, field) is None, what=f"{field} is taken out")
        assert not published.last.can_judge()


async def test_an_error_of_the_agent_takes_nothing_out() -> None:
    async with _double().running() as agent, feeding(agent) as (_, published):
        await _complete(published)
        for status in (500, 403, 429):
            agent.set(MATCH, b"no", status=status)
        await eventually(
            lambda: bool(published.events.named("proxy.feed.interrupted")), what="the interruption is told"
        )
        assert published.rules() == ()


async def test_a_token_that_may_not_read_the_default_gets_deny() -> None:
    agent = _double()
    agent.set("/v1/agent/self", b"Permission denied", status=403)
    async with agent.running(), feeding(agent) as (_, published):
        await _complete(published)
        assert published.last.default_allow is False
        assert len(published.events.named("proxy.default_policy.hidden")) == 1


async def test_the_default_is_the_agents() -> None:
    async with _double(default_policy="deny").running() as agent, feeding(agent) as (_, published):
        await _complete(published)
        assert published.last.default_allow is False


async def test_instances_of_upstreams_follow_the_registration() -> None:
    agent = _double()
    proxy = {"DestinationServiceName": "db", "LocalServicePort": 5432}
    path = "/v1/agent/service/db-proxy"
    agent.set(path, {"Kind": "connect-proxy", "Port": 21000, "Proxy": proxy})
    agent.set_instances("cache", 4001)
    async with agent.running(), feeding(agent, proxy_id="db-proxy") as (_, published):
        await _complete(published)
        upstream = {"DestinationName": "cache", "LocalBindPort": 9191}
        agent.set(path, {"Kind": "connect-proxy", "Port": 21000, "Proxy": {**proxy, "Upstreams": [upstream]}})
        key = UpstreamKey("cache", "")
        one = Endpoint("127.0.0.1", 4001, "n/cache-4001")
        await eventually(lambda: published.last.endpoints.get(key) == (one,), what="its instances are known")
        assert published.last.upstreams == (UpstreamListener(service="cache", bind_port=9191),)
        agent.set_instances("cache")
        await eventually(lambda: published.last.endpoints.get(key) == (), what="the instance is gone")
        agent.set(path, {"Kind": "connect-proxy", "Port": 21000, "Proxy": proxy})
        await eventually(lambda: published.last.upstreams == (), what="the upstream is gone")
        assert published.last.endpoints == {}


async def test_a_proxy_without_a_public_listener_asks_for_no_policy() -> None:
    async with _double().running() as agent, feeding(agent, ProxySnapshot(service="db")) as (_, published):
        await eventually(lambda: published.last.is_complete(), what="the snapshot is complete")
        assert {path.partition("?")[0] for path in agent.asked} == {
            "/v1/agent/connect/ca/roots",
            "/v1/agent/connect/ca/leaf/db",
        }
        assert len(published.events.named("proxy.configuration.completed")) == 1


async def test_a_proxy_that_is_deregistered_keeps_what_it_knows() -> None:
    agent = _double()
    path = "/v1/agent/service/db-proxy"
    agent.set(path, {"Kind": "connect-proxy", "Port": 21000, "Proxy": {"DestinationServiceName": "db",
                                                                     "LocalServicePort": 5432}})  # fmt: skip
    async with agent.running(), feeding(agent, proxy_id="db-proxy") as (_, published):
        await eventually(lambda: published.last.public is not None, what="the registration is known")
        agent.set(path, b"unknown", status=404)
        events = published.events
        await eventually(lambda: bool(events.named("proxy.feed.interrupted")), what="its loss is told")
        assert published.last.public is not None


async def test_a_proxy_of_another_service_starts_with_nothing_of_the_old_one() -> None:
    agent = _double()
    path = "/v1/agent/service/p"
    agent.set(path, {"Kind": "connect-proxy", "Port": 1, "Proxy": {"DestinationServiceName": "db",
                                                                  "LocalServicePort": 1}})  # fmt: skip
    async with agent.running(), feeding(agent, proxy_id="p") as (_, published):
        await _complete(published)
        agent.set(path, {"Kind": "connect-proxy", "Port": 1, "Proxy": {"DestinationServiceName": "api",
                                                                      "LocalServicePort": 1}})  # fmt: skip
        await eventually(lambda: published.last.service == "api", what="the new service is known")
        assert published.last.leaf is None
        assert published.last.policy is None


async def test_an_agent_that_knows_no_chains_serves_all_the_same_and_is_told_once() -> None:
    agent = AgentDouble(knows_chains=False)
    agent.set_identity("db", AUTHORITY.leaf("db"), AUTHORITY.roots())
    agent.set_instances("cache", 4001)
    agent.set_instances("queue", 4002)
    upstreams = UpstreamListener(service="cache", bind_port=1), UpstreamListener(service="queue", bind_port=2)
    async with agent.running(), feeding(agent, ProxySnapshot(service="db", upstreams=upstreams)) as (_, published):
        await eventually(lambda: published.last.is_complete(), what="the instances are known")
        assert published.last.endpoints[UpstreamKey("cache")] == (Endpoint("127.0.0.1", 4001, "n/cache-4001"),)
        assert len(published.events.named("proxy.chain.unsupported")) == 1


async def test_a_redirect_moves_an_upstream_without_a_gap() -> None:
    agent = _double()
    agent.set_instances("cache", 4001)
    agent.set_instances("store", 4002)
    key = UpstreamKey("cache")
    upstreams = (UpstreamListener(service="cache", bind_port=1),)
    async with agent.running(), feeding(agent, ProxySnapshot(service="db", upstreams=upstreams)) as (_, published):
        await eventually(lambda: published.last.is_complete(), what="the upstream is known")
        agent.set_chain("cache", plain_chain("store"))
        await eventually(lambda: "store.default.dc1" in published.last.instances, what="the redirect is followed")
        assert published.last.endpoints[key] == (Endpoint("127.0.0.1", 4002, "n/store-4002"),)
        known = [snapshot.knows(key) for snapshot in published.all]
        assert all(known[known.index(True) :])


async def test_a_service_that_is_empty_asks_for_the_registration_alone() -> None:
    agent = _double()
    async with agent.running(), feeding(agent, ProxySnapshot(service=""), proxy_id="db-proxy") as (_, published):
        await eventually(lambda: bool(agent.asked), what="the agent is asked")
        assert {path.partition("?")[0] for path in agent.asked} == {"/v1/agent/service/db-proxy"}
        proxy = {"DestinationServiceName": "db", "LocalServicePort": 1}
        agent.set("/v1/agent/service/db-proxy", {"Kind": "connect-proxy", "Port": 1, "Proxy": proxy})
        await _complete(published)
        assert published.last.service == "db"


async def test_the_policy_tells_the_index_that_it_is_of() -> None:
    async with _double().running() as agent, feeding(agent) as (_, published):
        await _complete(published)
        before = published.last.policy
        agent.set_intentions("db", web="deny")
        await eventually(lambda: published.rules() != (), what="the new rule is there")
        assert published.last.policy is not None
        assert before is not None
        assert published.last.policy.index > before.index


async def test_what_a_proxy_watches_is_bounded_and_the_log_says_so() -> None:
    agent = _double()
    async with agent.running(), feeding(agent, watches_max=2) as (_, published):
        await eventually(lambda: bool(published.events.named("proxy.feed.exhausted")), what="it is told")
        await eventually(lambda: len({path.partition("?")[0] for path in agent.asked}) == 2, what="two are watched")
        assert not published.last.can_judge()
        assert len(published.events.named("proxy.feed.exhausted")) == 1


async def test_a_mistake_in_one_source_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_need: LeafOf, _agent: AgentSource, _cursor: str) -> Fetched[Leaf]:
        raise KeyError("a mistake")

    monkeypatch.setattr(LeafOf, "ask", broken)
    async with _double().running() as agent, feeding(agent) as (_, published):
        await eventually(lambda: published.rules() == (), what="the policy is known")
        await eventually(lambda: bool(published.events.named("proxy.feed.crashed")), what="the mistake is told")
        assert published.last.leaf is None
