"""Fixtures of the tests of the HTTP API."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest_asyncio

from tests.agent.http.live import Live, live_agent


@pytest_asyncio.fixture
async def live() -> AsyncGenerator[Live]:
    """A whole agent, answering over a real socket."""
    async with live_agent() as running:
        yield running
