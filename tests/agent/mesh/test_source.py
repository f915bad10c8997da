"""A feed that is fed from within the agent knows what one on a socket knows, and waits for nothing else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence

import pytest
import structlog

from lictor_agent.mesh.source import InnerSource
from lictor_agent.watches.runner import Reply
from lictor_connect_proxy.feed.feed import Feed
from lictor_connect_proxy.snapshot import ProxySnapshot, PublicListener
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.errors import NotFoundError, PeerError
from tests.agent.http.live import Live, live_agent
from tests.support.conditions import eventually

PUBLIC = PublicListener(bind_address="127.0.0.1", bind_port=1, application_host="127.0.0.1", application_port=2)


class Counter:
    """A way into the agent that counts the questions."""

    def __init__(self, live: Live) -> None:
        self.asked = 0
        self._live = live

    async def ask(
        self, method: str, path: str, parameters: Sequence[tuple[str, str]], token: str, body: bytes
    ) -> Reply:
        self.asked += 1
        return await self._live.http.inner.ask(method, path, parameters, token, body)


@contextlib.asynccontextmanager
async def fed(live: Live, *services: str) -> AsyncGenerator[tuple[Counter, dict[str, list[ProxySnapshot]]]]:
    """Feeds of proxies of `services`, which know all they need; how much they ask, and what they publish."""
    counter = Counter(live)
    published: dict[str, list[ProxySnapshot]] = {service: [] for service in services}
    feeds = [
        Feed(
            InnerSource(counter.ask, ""),
            ProxySnapshot(service=service, public=PUBLIC),
            published[service].append,
            clock=SystemClock(),
            rng=SeededRng(1),
            log=structlog.get_logger(),
        )
        for service in services
    ]
    tasks = [asyncio.ensure_future(feed.run()) for feed in feeds]
    try:
        await eventually(lambda: all(feed.snapshot.can_judge() for feed in feeds), what="all know what they need")
        yield counter, published
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_questions_are_answered_as_on_a_socket() -> None:
    async with live_agent() as live:
        source = InnerSource(live.http.inner.ask, "")
        answer = await source.get("/v1/catalog/service/none")
        assert answer.body == b"[]"
        assert int(answer.headers["x-consul-index"]) > 0
        chain = await source.post("/v1/discovery-chain/db", {}, b'{"OverrideConnectTimeout": "250ms"}')
        assert b'"ConnectTimeout":"250ms"' in chain.body
        with pytest.raises(NotFoundError):
            await source.get("/v1/agent/service/none%2Fsuch")
        with pytest.raises(PeerError):
            await source.get("/v1/connect/intentions/match")


async def test_feeds_at_rest_ask_nothing() -> None:
    services = [f"s{number % 4}" for number in range(100)]
    async with live_agent() as live, fed(live, *services) as (counter, _):
        asked = len(services) * (2 * len(["roots", "leaf", "intentions"]) + len(["default policy"]))
        await eventually(lambda: counter.asked >= asked, what="every source waits for its next change")
        await asyncio.sleep(0.5)  # that nothing comes is the fact: there is no condition to wait for
        assert counter.asked == asked


async def test_a_change_wakes_only_the_feeds_that_it_is_about() -> None:
    async with live_agent() as live, fed(live, "db", "web") as (_, published):
        before = {service: len(snapshots) for service, snapshots in published.items()}
        intention = {"SourceName": "web", "DestinationName": "db", "Action": "deny"}
        assert (await live.ask("POST", "/v1/connect/intentions", intention)).status == 200
        await eventually(lambda: len(published["db"]) > before["db"], what="the feed of db knows")
        policy = published["db"][-1].policy
        assert policy is not None
        assert [rule.source for rule in policy.rules] == ["web"]
        await asyncio.sleep(0.1)  # as above
        assert len(published["web"]) == before["web"]
