"""Figures for whoever does not ask for them over HTTP: sinks, if the settings name any, and SIGUSR1."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from structlog.typing import FilteringBoundLogger

from lictor_agent.telemetry.dump import dumping
from lictor_config.sections import Telemetry
from lictor_core.clock import Clock

if TYPE_CHECKING:
    from lictor_agent.agent import Agent
    from lictor_agent.http.server import HttpServer

__all__ = ["telling"]


@asynccontextmanager
async def telling(agent: Agent, http: HttpServer, clock: Clock, log: FilteringBoundLogger) -> AsyncGenerator[None]:
    """Tell figures while the block runs. Raises `ConfigurationError` for the address of a sink that is none."""
    host = socket.gethostname()

    def telemetry() -> Telemetry:
        return agent.configuration.telemetry

    async with AsyncExitStack() as parts:
        now = telemetry()
        if now.statsd_address or now.dogstatsd_addr or now.statsite_address:
            # Imported here: few agents send figures anywhere.
            from lictor_agent.telemetry.sending import sending

            await parts.enter_async_context(
                sending(telemetry, http.meter, http.gauges, host=host, clock=clock, log=log)
            )
        await parts.enter_async_context(dumping(telemetry, http.meter, http.gauges, host=host))
        yield
