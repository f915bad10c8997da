"""A session is kept, and never believed in for longer than it surely lives."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from lictor.api.asynchronous import AsyncClient
from lictor.api.errors import AgentError
from lictor.api.kept_session import KeptSession
from lictor.api.settings import Settings, parse_address
from lictor_core.clock import SystemClock
from tests.client.fake_agent import Reply, Seen, fake_agent
from tests.support.clock import ManualClock

ID = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
CREATED = Reply(body=json.dumps({"ID": ID}).encode())
SHOWN = Reply(
    body=json.dumps(
        [
            {
                "ID": ID,
                "Name": "",
                "Node": "n",
                "LockDelay": 0,
                "Behavior": "release",
                "TTL": "1s",
                "NodeChecks": None,
                "ServiceChecks": None,
                "CreateIndex": 1,
                "ModifyIndex": 1,
            }
        ]
    ).encode()
)
FAILED = Reply(status=500, body=b"No cluster leader")
GONE = Reply(status=404, body=f"Session id '{ID}' not found".encode())


class Agent:
    """Creates sessions; renews them as `renewal` says. `renewed_at` tells when."""

    def __init__(self) -> None:
        self.renewal = SHOWN
        self.renewed_at: list[float] = []

    def __call__(self, seen: Seen) -> Reply:
        if "/create" in seen.target:
            return CREATED
        if "/renew/" in seen.target:
            self.renewed_at.append(time.monotonic())
            return self.renewal
        return Reply(body=b"true")


async def begun(client: AsyncClient, ttl_s: float) -> KeptSession:
    session = KeptSession(client, ttl_s=ttl_s, clock=SystemClock())
    await session.begin(name="test", lock_delay_s=0)
    return session


async def lost_after(session: KeptSession, since: float) -> float:
    async with asyncio.timeout(20):
        await session.lost.wait()
    return time.monotonic() - since


async def test_a_session_is_renewed_and_destroyed_at_the_end() -> None:
    agent = Agent()
    with fake_agent(agent) as fake:
        async with AsyncClient(Settings(endpoint=parse_address(fake.address))) as client:
            session = await begun(client, 0.9)
            await asyncio.wait([asyncio.ensure_future(session.lost.wait())], timeout=2)
            assert not session.lost.is_set()
            await session.end()
        assert len(agent.renewed_at) >= 2
        assert fake.seen[-1].target == f"/v1/session/destroy/{ID}"


async def test_failures_that_end_in_time_lose_nothing_and_others_lose_it_before_the_servers_do() -> None:
    agent = Agent()
    with fake_agent(agent) as fake:
        async with AsyncClient(Settings(endpoint=parse_address(fake.address))) as client:
            session = await begun(client, 6)
            agent.renewal = FAILED
            await asyncio.wait([asyncio.ensure_future(session.lost.wait())], timeout=3.1)
            assert not session.lost.is_set()
            agent.renewal = SHOWN
            await asyncio.wait([asyncio.ensure_future(session.lost.wait())], timeout=2)
            assert not session.lost.is_set(), "an election of half the TTL is borne"
            agent.renewal = FAILED
            last = agent.renewed_at[-1]
            assert 4 < await lost_after(session, last) < 12
            await session.end()


async def test_a_session_that_the_servers_do_not_know_is_lost_at_once() -> None:
    agent = Agent()
    agent.renewal = GONE
    with fake_agent(agent) as fake:
        async with AsyncClient(Settings(endpoint=parse_address(fake.address))) as client:
            session = await begun(client, 6)
            assert await lost_after(session, time.monotonic()) < 5
            await session.end()


async def test_an_agent_that_is_silent_is_waited_for_no_longer_than_the_ttl() -> None:
    agent = Agent()
    agent.renewal = Reply(after_s=3)
    with fake_agent(agent) as fake:
        async with AsyncClient(Settings(endpoint=parse_address(fake.address))) as client:
            since = time.monotonic()
            session = await begun(client, 1)
            assert await lost_after(session, since) < 2.9
            await session.end()


async def test_an_agent_that_refuses_makes_no_session() -> None:
    with fake_agent(lambda _: FAILED) as fake:
        async with AsyncClient(Settings(endpoint=parse_address(fake.address))) as client:
            session = KeptSession(client, ttl_s=10, clock=SystemClock())
            with pytest.raises(AgentError):
                await session.begin(name="", lock_delay_s=0)
            await session.end()


async def test_a_session_that_nobody_renews_any_more_is_lost_whatever_went_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with fake_agent(Agent()) as fake:
        async with AsyncClient(Settings(endpoint=parse_address(fake.address))) as client:
            session = await begun(client, 0.9)

            async def broken(_call: object) -> None:
                raise RuntimeError("a mistake of ours")

            with monkeypatch.context() as patch:
                patch.setattr(client, "send", broken)
                assert await lost_after(session, time.monotonic()) < 0.9
            await session.end()


async def test_after_a_standstill_nobody_believes_in_a_session_before_it_was_renewed() -> None:
    clock = ManualClock()
    with fake_agent(Agent()) as fake:
        async with AsyncClient(Settings(endpoint=parse_address(fake.address))) as client:
            session = KeptSession(client, ttl_s=10, clock=clock)
            await session.begin(name="test", lock_delay_s=0)
            clock.advance(9.9)
            assert session.is_sure
            clock.advance(0.2)
            assert not session.is_sure
            assert not session.lost.is_set(), "its task has not run yet"
            await session.end()
