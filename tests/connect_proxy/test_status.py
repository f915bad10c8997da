import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator

import msgspec
import pytest

from lictor_connect_proxy import status as status_module
from lictor_connect_proxy.status import StatusTeller, report_of
from lictor_core.errors import NotFoundError, PeerError
from lictor_core.proxy_status import RejectedResource
from tests.connect_proxy.build import policy, snapshot
from tests.support.conditions import eventually


class Agent:
    """Notes what it is told, or refuses to."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, object]]] = []
        self.refusal: Exception | None = None
        self.refused = 0

    async def put(self, path: str, body: bytes = b"") -> object:
        if self.refusal is not None:
            self.refused += 1
            raise self.refusal
        self.told.append((path, json.loads(body)))
        return None


class Proxy:
    def __init__(self, agent: Agent) -> None:
        self.snapshot = snapshot()
        self.teller = StatusTeller(agent, "web/1", lambda: report_of(self.snapshot, (), {"roots": 0.25, "leaf": 2.0}))

    def takes(self, index: int) -> None:
        self.snapshot = msgspec.structs.replace(self.snapshot, policy=msgspec.structs.replace(policy(), index=index))
        self.teller.look()

    @contextlib.asynccontextmanager
    async def telling(self) -> AsyncGenerator[None]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.teller.run())
            yield
            task.cancel()


async def test_a_new_policy_is_told_at_once_and_the_same_one_not_again() -> None:
    agent = Agent()
    proxy = Proxy(agent)
    async with proxy.telling():
        proxy.takes(7)
        await eventually(lambda: len(agent.told) > 0 and agent.told[-1][1]["PolicyIndex"] == 7, what="7 is told")
        told = len(agent.told)
        proxy.takes(7)
        proxy.takes(8)
        await eventually(lambda: agent.told[-1][1]["PolicyIndex"] == 8, what="8 is told")
        assert len(agent.told) == told + 1
    path, report = agent.told[-1]
    assert path == "/v1/agent/connect/proxies/web%2F1"
    assert (report["DataPlane"], report["ConfigAgeMs"], report["LeafValidBefore"]) == ("built-in", 2000, "later")


async def test_a_proxy_without_news_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_module, "REPORT_EVERY_S", 0.01)
    agent = Agent()
    async with Proxy(agent).telling():
        await eventually(lambda: len(agent.told) >= 3, what="it tells again and again")


async def test_an_agent_that_comes_back_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_module, "REPORT_EVERY_S", 0.01)
    agent = Agent()
    agent.refusal = PeerError("away")
    async with Proxy(agent).telling():
        await eventually(lambda: agent.refused >= 2, what="it was tried")
        agent.refusal = None
        await eventually(lambda: bool(agent.told), what="it is told")


async def test_an_agent_that_knows_no_such_thing_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_module, "REPORT_EVERY_S", 0.001)
    agent = Agent()
    agent.refusal = NotFoundError("no such path")
    async with Proxy(agent).telling():
        await eventually(lambda: agent.refused == 1, what="it was asked")
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert agent.refused == 1


def test_a_proxy_without_policy_reports_that_it_has_none() -> None:
    bare = msgspec.structs.replace(snapshot(), policy=None, leaf=None)
    refused = (RejectedResource(type="listener", name="public", reason="busy"),)
    report = report_of(bare, refused, {})
    assert (report.policy_index, report.leaf_valid_before, report.config_age_ms, report.rejected) == (0, "", 0, refused)
