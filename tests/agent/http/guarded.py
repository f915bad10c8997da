"""An agent and its server with access control, denied by default, and tokens of any rights."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from lictor_core.acl.records import Link, Policy, ServiceIdentity, Token
from lictor_core.acl.requests import PolicyWrite, TokenWrite
from tests.agent.http.live import NODE, Live, Reply, live_agent

__all__ = ["ROOT", "World", "guarded"]

ROOT = "11111111-2222-4333-8444-555555555555"
"""The secret of who may do everything."""


@dataclass
class World:
    """A live agent, asked by any token."""

    live: Live
    made: int = 0

    async def token(self, rules: str) -> str:
        """The secret of a new token with these rules."""
        self.made += 1
        name = f"p{self.made}"
        policy = Policy(id="", name=name, description="", rules=rules, hash="", create_index=0, modify_index=0)
        await self.live.registry.acl(PolicyWrite(policy=policy, is_update=False), token=ROOT)
        return await self._token(policies=(Link(id="", name=name),))

    async def token_of_service(self, name: str) -> str:
        """The secret of a new token with the identity of a service."""
        return await self._token(services=(ServiceIdentity(service_name=name),))

    async def _token(self, policies: tuple[Link, ...] = (), services: tuple[ServiceIdentity, ...] = ()) -> str:
        token = Token(
            accessor_id="",
            secret_id="",
            description="",
            policies=policies,
            service_identities=services,
            local=False,
            create_time="",
            hash="",
            create_index=0,
            modify_index=0,
        )
        answer = await self.live.registry.acl(TokenWrite(token=token, is_update=False), token=ROOT)
        assert answer.token is not None
        return answer.token.secret_id

    async def ask(self, asked: str, token: str, body: object = None) -> Reply:
        method, path = asked.split(" ", 1)
        return await self.live.ask(method, path, body, {"X-Consul-Token": token} if token else None)

    async def can(self, asked: str, body: object = None) -> Reply:
        answer = await self.ask(asked, ROOT, body)
        assert answer.status == 200, f"{asked}: {answer.status} {answer.text}"
        return answer


async def _settled(world: World, path: str) -> None:
    """Return when the leader has made the token, and this node is in the catalog."""
    index = 0
    while True:
        answer = await world.ask(f"GET /v1/{path}?index={index}&wait=1s", ROOT)
        if answer.status == 200 and answer.json:
            return
        index = int(answer.headers.get("X-Consul-Index", "0"))


@asynccontextmanager
async def guarded() -> AsyncGenerator[World]:
    """One that has settled."""
    async with live_agent(management=ROOT) as live:
        world = World(live)
        async with asyncio.timeout(20):
            await asyncio.gather(*(_settled(world, path) for path in ("catalog/nodes", f"health/node/{NODE}")))
        yield world
