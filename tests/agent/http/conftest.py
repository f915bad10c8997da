"""Fixtures of the tests of the HTTP API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Final

import pytest
import pytest_asyncio

from lictor_core.event_loop import new_event_loop
from tests.agent.http.live import Live, live_agent

_ON_BOTH_LOOPS: Final = ("test_https.py", "test_listening.py")


@pytest_asyncio.fixture
async def live() -> AsyncGenerator[Live]:
    """A whole agent, answering over a real socket."""
    async with live_agent() as running:
        yield running


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What has to do with sockets and TLS is tested on both event loops that it may run on."""
    plain = {"asyncio": asyncio.SelectorEventLoop}
    return {**plain, "uvloop": new_event_loop} if item.path.name in _ON_BOTH_LOOPS else plain


@pytest_asyncio.fixture
async def debugged() -> AsyncGenerator[Live]:
    """The same with `enable_debug`."""
    async with live_agent(enable_debug=True) as running:
        yield running
