"""A running server for a test, and what it logged."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator

import pytest
import structlog
from structlog.testing import LogCapture
from structlog.typing import EventDict, FilteringBoundLogger

from lictor_core.clock import SeededRng, SystemClock
from lictor_server import Server, ServerSettings
from tests.support.agents import put_consul_on_path

put_consul_on_path()

NODE_ID = "5c1e2f30-0000-4000-8000-000000000001"
SETTINGS = ServerSettings(node_name="n1", node_id=NODE_ID, server_port=0)


@dataclasses.dataclass
class Log:
    """A logger that keeps what it is told."""

    logger: FilteringBoundLogger
    entries: list[EventDict]

    def named(self, event: str) -> list[EventDict]:
        """The entries of one event."""
        return [entry for entry in self.entries if entry["event"] == event]


def made_log() -> Log:
    """A log that keeps everything."""
    capture = LogCapture()
    logger: FilteringBoundLogger = structlog.wrap_logger(
        None, processors=[capture], wrapper_class=structlog.make_filtering_bound_logger(0)
    )
    return Log(logger, capture.entries)


@pytest.fixture
def log() -> Log:
    return made_log()


@pytest.fixture
async def server(log: Log) -> AsyncIterator[Server]:
    running = Server(SETTINGS, clock=SystemClock(), rng=SeededRng(1), log=log.logger)
    await running.start()
    yield running
    await running.stop()
