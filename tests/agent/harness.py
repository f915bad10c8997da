"""An agent and its server in the test's own process, without listeners."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from structlog.testing import LogCapture
from structlog.typing import EventDict, FilteringBoundLogger

from lictor_agent.agent import Agent
from lictor_agent.registrar import ScriptPolicy
from lictor_agent.settings import AgentSettings
from lictor_config.tree import Configuration
from lictor_core.clock import Clock, SeededRng, SystemClock
from lictor_core.records import Check, Service
from lictor_server import Server, ServerSettings
from tests.agent.builders import NODE, NODE_ID, identity

__all__ = ["Running", "quiet_log", "running_agent", "running_server"]


@dataclass
class Running:
    """A running agent, its server, and what they logged."""

    agent: Agent
    server: Server
    logged: LogCapture

    def events(self, name: str) -> list[EventDict]:
        """The log events of this name."""
        return [entry for entry in self.logged.entries if entry["event"] == name]

    def catalog_services(self) -> dict[str, Service]:
        """The instances that the catalog has on this node, without the servers' own."""
        found = [row.service for name in self.agent_names() for row in self.server.view().service_health(name)]
        return {one.id: one for one in found}

    def agent_names(self) -> set[str]:
        """The names of the services registered here."""
        return {one.service.service for one in self.agent.local.services.values()}

    def catalog_checks(self, service: str = "consul") -> dict[str, Check]:
        """The checks that the catalog has for a service of one instance, those of the node among them."""
        rows = self.server.view().service_health(service)
        return {one.check_id: one for row in rows for one in row.checks}


def quiet_log() -> tuple[FilteringBoundLogger, LogCapture]:
    """A log that keeps its events instead of printing them."""
    captured = LogCapture()
    log: FilteringBoundLogger = structlog.wrap_logger(
        None, processors=[captured], wrapper_class=structlog.make_filtering_bound_logger(0)
    ).bind()
    return log, captured


@asynccontextmanager
async def running_server(clock: Clock | None = None) -> AsyncGenerator[tuple[Server, FilteringBoundLogger, LogCapture]]:
    """A server of one that leads."""
    log, captured = quiet_log()
    settings = ServerSettings(node_name=NODE, node_id=NODE_ID, server_port=0)
    server = Server(settings, clock=clock or SystemClock(), rng=SeededRng(7), log=log)
    await server.start()
    try:
        yield server, log, captured
    finally:
        await server.stop()


@asynccontextmanager
async def running_agent(
    settings: AgentSettings | None = None, configuration: Configuration | None = None
) -> AsyncGenerator[Running]:
    """A whole agent whose lease is held; it may run scripts unless the settings say otherwise."""
    async with running_server() as (server, log, captured):
        agent = Agent(
            identity=identity(),
            registry=server,
            configuration=configuration or Configuration(node_name=NODE),
            settings=settings or AgentSettings(scripts=ScriptPolicy(from_files=True, from_api=True)),
            clock=SystemClock(),
            rng=SeededRng(7),
            log=log,
        )
        async with agent.running():
            yield Running(agent, server, captured)
