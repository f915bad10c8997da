"""What the Envoys of a host must know comes from within its agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest

from lictor_agent.kept import KeptReading
from lictor_agent.mesh.envoys import Envoys
from lictor_agent.mesh.source import Ask
from lictor_agent.watches.runner import Reply
from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.errors import NoLeaderError, NotFoundError, PermissionDeniedError, RequestError
from lictor_core.proxy_status import ProxyReport
from lictor_core.queries import Query
from lictor_core.records import JsonObject
from lictor_core.registry import ReadOptions
from tests.agent.harness import quiet_log
from tests.agent.http.live import Live, live_agent
from tests.support.clock import ManualClock
from tests.support.conditions import eventually

T = TypeVar("T")
SIDECAR: JsonObject = {"Name": "db", "Port": 5432, "Connect": {"SidecarService": {}}}
PROXY = "db-sidecar-proxy"


@asynccontextmanager
async def known() -> AsyncGenerator[tuple[Live, Envoys]]:
    log, _ = quiet_log()
    async with live_agent() as live:
        await live.ask("PUT", "/v1/agent/service/register", SIDECAR)
        yield live, Envoys(live.agent, live.http.inner.ask, SystemClock(), SeededRng(1), log)


async def test_an_envoy_is_followed_until_its_proxy_is_deregistered() -> None:
    async with known() as (live, envoys), asyncio.TaskGroup() as group:
        published: list[ProxySnapshot] = []
        following = group.create_task(envoys.follow(PROXY, "", published.append))
        await eventually(lambda: bool(published) and published[-1].is_complete(), what="a complete snapshot")
        assert published[-1].service == "db"
        await live.ask("PUT", f"/v1/agent/service/deregister/{PROXY}")
        await asyncio.wait_for(asyncio.shield(following), 20)


async def test_a_proxy_that_nobody_registered_is_refused() -> None:
    async with known() as (_, envoys):
        with pytest.raises(NotFoundError, match="no proxy 'nobody' is registered at this agent"):
            await envoys.follow("nobody", "", _nobody_cares)
        with pytest.raises(RequestError, match="no id"):
            await envoys.follow("", "", _nobody_cares)


async def test_a_token_that_may_not_speak_for_the_service_gets_nothing() -> None:
    log, _ = quiet_log()
    async with live_agent() as live:
        await live.ask("PUT", "/v1/agent/service/register", SIDECAR)
        ask = _refusing(live, "bad")
        envoys = Envoys(live.agent, ask, SystemClock(), SeededRng(1), log)
        published: list[ProxySnapshot] = []
        with pytest.raises(PermissionDeniedError):
            await envoys.follow(PROXY, "bad", published.append)
        assert published == []


async def test_what_an_envoy_runs_is_shown_by_the_agent_until_it_goes() -> None:
    async with known() as (live, envoys):
        envoys.report(PROXY, ProxyReport(data_plane="envoy", policy_index=12))
        assert [(one.proxy_id, one.policy_index) for one in live.agent.proxies.all()] == [(PROXY, 12)]
        envoys.report("deregistered", ProxyReport(data_plane="envoy"))
        envoys.forget(PROXY)
        assert live.agent.proxies.all() == []


async def test_while_the_servers_are_away_what_envoys_run_gets_older() -> None:
    log, _ = quiet_log()
    clock = ManualClock()
    async with live_agent() as live, asyncio.TaskGroup() as group:
        await live.ask("PUT", "/v1/agent/service/register", SIDECAR)
        envoys = Envoys(live.agent, live.http.inner.ask, clock, SeededRng(1), log)
        following = group.create_task(envoys.follow(PROXY, "", _anything))
        report = ProxyReport(data_plane="envoy")

        def age_ms() -> int:
            envoys.report(PROXY, report)
            return live.agent.proxies.all()[0].config_age_ms

        assert age_ms() == 0
        live.agent.kept = _Away()
        clock.advance(7.0)
        assert age_ms() == 7000
        following.cancel()


class _Away:
    """What is kept by an agent that reaches no server."""

    async def read(self, query: Query[T], options: ReadOptions) -> KeptReading[T]:
        raise NoLeaderError

    def stamp(self, query: Query[T], token: str = "") -> int | None:
        return None


def _anything(snapshot: ProxySnapshot) -> None:
    """Take every snapshot."""


def _refusing(live: Live, refused: str) -> Ask:
    """The agent's API as it is where a token has no rights: leaves are for those who may write the service."""

    async def ask(method: str, path: str, parameters: Sequence[tuple[str, str]], token: str, body: bytes) -> Reply:
        if token == refused and path.startswith("/v1/agent/connect/ca/leaf/"):
            return Reply(403, {}, b"Permission denied")
        return await live.http.inner.ask(method, path, parameters, token, body)

    return ask


def _nobody_cares(snapshot: ProxySnapshot) -> None:
    raise AssertionError("nothing may be published")
