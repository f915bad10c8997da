"""The servers are told of policies when that is news, and of nothing at rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest

from lictor_agent.local import LocalState
from lictor_agent.proxies import Proxies
from lictor_agent.proxy_tidings import ProxyTeller
from lictor_core.clock import SeededRng
from lictor_core.errors import NoLeaderError
from lictor_core.proxy_status import BUILT_IN, ProxyReport, ProxyTidings
from lictor_core.registry import Registry
from tests.agent.builders import local_service
from tests.server.conftest import Log, made_log
from tests.support.clock import ManualClock
from tests.support.conditions import eventually


@dataclass
class Servers:
    """What an agent's teller asks of the registry."""

    told: list[ProxyTidings] = field(default_factory=list[ProxyTidings])
    is_away: bool = False

    async def tell_proxies(self, tidings: ProxyTidings) -> None:
        if self.is_away:
            raise NoLeaderError("nobody leads")
        self.told.append(tidings)

    def indexes(self) -> list[list[int]]:
        return [[one.policy_index for one in tidings.policies] for tidings in self.told]


@asynccontextmanager
async def teller(servers: Servers, log: Log) -> AsyncGenerator[tuple[Callable[[int], None], ProxyTeller, Proxies]]:
    local = LocalState()
    local.put_service(local_service("db-sidecar-proxy"))
    proxies = Proxies(local, "judge", ManualClock())
    found = ProxyTeller(proxies, cast(Registry, servers), "judge", SeededRng(1), log.logger)

    def report(index: int) -> None:
        proxies.report("db-sidecar-proxy", ProxyReport(data_plane=BUILT_IN, policy_index=index))

    task = asyncio.ensure_future(found.run())
    try:
        yield report, found, proxies
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_news_are_told_once(log: Log) -> None:
    servers = Servers()
    async with teller(servers, log) as (report, _, proxies):
        report(3)
        await eventually(lambda: len(servers.told) == 1, what="the first policy")
        report(3)
        report(4)
        await eventually(lambda: len(servers.told) == 2, what="the second policy")
        proxies.forget("db-sidecar-proxy")
        await eventually(lambda: len(servers.told) == 3, what="the end of the proxy")
    assert servers.indexes() == [[3], [4], []]


async def test_another_connection_is_told_anew_but_not_of_nothing(log: Log) -> None:
    servers = Servers()
    async with teller(servers, log) as (report, found, _):
        found.reconnected()
        report(3)
        await eventually(lambda: len(servers.told) == 1, what="the policy")
        found.reconnected()
        await eventually(lambda: len(servers.told) == 2, what="the policy again")
    assert servers.indexes() == [[3], [3]]


async def test_what_could_not_be_told_is_told_later(log: Log) -> None:
    servers = Servers(is_away=True)
    async with teller(servers, log) as (report, _, _):
        report(3)
        await asyncio.sleep(0.05)
        assert servers.told == []
        servers.is_away = False
        await eventually(lambda: servers.indexes() == [[3]], what="the policy, once there is a leader")


@pytest.fixture
def log() -> Log:
    return made_log()
