"""Envoys where there is access control: a stream speaks for a service by the token that it brings."""

from __future__ import annotations

import asyncio

import pytest

from lictor_agent.mesh import envoys as envoys_module
from lictor_agent.mesh.envoys import Envoys
from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_core.acl.records import Policy
from lictor_core.acl.requests import PolicyWrite
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.errors import LictorError, PermissionDeniedError
from lictor_core.queries import PoliciesQuery
from lictor_core.registry import ReadOptions
from tests.agent.harness import quiet_log
from tests.agent.http.guarded import ROOT, World, guarded
from tests.support.conditions import eventually

PROXY = "db-sidecar-proxy"
WRITES = 'service_prefix "db" { policy = "write" } node_prefix "" { policy = "read" }'


def envoys_of(world: World) -> Envoys:
    return Envoys(world.live.agent, world.live.http.inner.ask, SystemClock(), SeededRng(1), quiet_log()[0])


async def registered(world: World) -> None:
    body: object = {"Name": "db", "Port": 5432, "Connect": {"SidecarService": {}}}
    assert (await world.ask("PUT /v1/agent/service/register", ROOT, body)).status == 200


async def test_the_identity_of_a_service_is_enough_for_its_proxy() -> None:
    async with guarded() as world, asyncio.TaskGroup() as group:
        await registered(world)
        token = await world.token_of_service("db")
        published: list[ProxySnapshot] = []
        following = group.create_task(envoys_of(world).follow(PROXY, token, published.append))
        await eventually(lambda: bool(published) and published[-1].is_complete(), what="a complete snapshot")
        following.cancel()


@pytest.mark.parametrize("rules", ["", 'service_prefix "db" { policy = "read" }', 'service "web" { policy = "write" }'])
async def test_whoever_may_not_write_the_service_gets_nothing(rules: str) -> None:
    async with guarded() as world:
        await registered(world)
        published: list[ProxySnapshot] = []
        with pytest.raises(LictorError, match="Permission denied"):
            await envoys_of(world).follow(PROXY, await world.token(rules), published.append)
        assert published == []


async def test_a_stream_ends_when_its_token_may_not_speak_for_the_service_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(envoys_module, "CHECK_EVERY_S", 0.2)
    async with guarded() as world:
        await registered(world)
        token = await world.token(WRITES)
        following = asyncio.ensure_future(envoys_of(world).follow(PROXY, token, _anything))
        found = (await world.live.registry.read(PoliciesQuery(), ReadOptions(token=ROOT))).value
        id = next(one.id for one in found if one.name == f"p{world.made}")
        policy = Policy(id=id, name=f"p{world.made}", description="", rules="", hash="", create_index=0, modify_index=0)
        await world.live.registry.acl(PolicyWrite(policy=policy, is_update=True), token=ROOT)
        with pytest.raises(PermissionDeniedError):
            await asyncio.wait_for(following, 20)


def _anything(_: ProxySnapshot) -> None:
    """What is published is not looked at."""
