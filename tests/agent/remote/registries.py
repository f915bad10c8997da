"""A `RemoteRegistry` beside real servers in the test's own process."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from lictor_agent.remote import RemoteRegistry, RemoteSettings
from lictor_core.clock import SystemClock, SystemRng
from tests.server.conftest import Log
from tests.support.conditions import eventually

__all__ = ["AGENT_ID", "connected", "remote", "settings"]

AGENT_ID = "7d0c5a4e-0b63-4b0e-9a0e-2f1d6a3c8b11"


def settings(*retry_join: str, **changes: object) -> RemoteSettings:
    """What an agent is told."""
    named: dict[str, object] = {
        "node_name": "a1",
        "node_id": AGENT_ID,
        "datacenter": "dc1",
        "retry_join": retry_join,
        **changes,
    }
    return RemoteSettings(**named)  # type: ignore[arg-type]  # a test names fields that exist


@asynccontextmanager
async def remote(log: Log, *retry_join: str, **changes: object) -> AsyncGenerator[RemoteRegistry]:
    """One that looks for servers."""
    registry = RemoteRegistry(settings(*retry_join, **changes), clock=SystemClock(), rng=SystemRng(), log=log.logger)
    await registry.start()
    try:
        yield registry
    finally:
        await registry.stop()


@asynccontextmanager
async def connected(log: Log, *retry_join: str, **changes: object) -> AsyncGenerator[RemoteRegistry]:
    """One that has found a server, and all that this one knows."""
    async with remote(log, *retry_join, **changes) as registry:
        await eventually(lambda: registry.server != "", within_s=10.0, what="a server")
        yield registry
