"""A whole agent with access control that denies by default, and what to ask of it as whom."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from tests.agent.http.live import Live, Reply, live_agent

__all__ = ["MANAGEMENT", "Guarded", "guarded"]

MANAGEMENT = "3d1b2f6e-8a4c-4e0b-9a57-6f0c5e7d1a20"


class Guarded:
    """Asks below `/v1/acl/`, as the management where nobody else is named."""

    def __init__(self, live: Live) -> None:
        self.live = live

    async def ask(self, method: str, path: str, body: object = None, *, token: str = MANAGEMENT) -> Reply:
        headers = {"X-Consul-Token": token} if token else {}
        return await self.live.ask(method, f"/v1/acl/{path}", body, headers)

    async def made(self, path: str, body: object) -> Reply:
        """What a `PUT` answers, which must be 200."""
        reply = await self.ask("PUT", path, body)
        assert reply.status == 200, reply.text
        return reply


@asynccontextmanager
async def guarded() -> AsyncGenerator[Guarded]:
    """The agent while the block runs, from when its management token counts."""
    async with live_agent(management=MANAGEMENT) as live:
        yield Guarded(live)
