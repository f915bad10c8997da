"""A running server for a test, and what it and the agent logged."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lictor_core.clock import SeededRng, SystemClock
from lictor_server import Server
from tests.server.conftest import SETTINGS, Log, made_log


@pytest.fixture
def log() -> Log:
    return made_log()


@pytest.fixture
async def server(log: Log) -> AsyncIterator[Server]:
    running = Server(SETTINGS, clock=SystemClock(), rng=SeededRng(1), log=log.logger)
    await running.start()
    yield running
    await running.stop()
