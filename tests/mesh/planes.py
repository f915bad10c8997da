"""The data planes: how the proxy of each is started beside a registered instance."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Protocol

from lictor_connect_proxy import AgentAddress, ProxyOptions, serve
from tests.connect_proxy.live import Events
from tests.mesh.stage import Instance, Stage
from tests.support.agents import environment_for_commands, program_of
from tests.support.ports import free_port
from tests.support.processes import running

__all__ = ["BUILT_IN", "CONSUL", "ENVOY", "Plane"]


class Plane(Protocol):
    """A kind of proxy."""

    @property
    def name(self) -> str:
        """What tests call it."""
        ...

    @property
    def program(self) -> str:
        """The program that the machine must have; empty for none."""
        ...

    def beside(self, stage: Stage, instance: Instance) -> contextlib.AbstractAsyncContextManager[None]:
        """The proxy of an instance while the block runs; it may still be starting when the block begins."""
        ...


@dataclass(frozen=True)
class _BuiltIn:
    name: str = "lictor"
    program: str = ""

    @contextlib.asynccontextmanager
    async def beside(self, stage: Stage, instance: Instance) -> AsyncGenerator[None]:
        """It runs in the loop of the test, as its process would run it: that saves half a second each."""
        options = ProxyOptions(agent=AgentAddress(http_addr=stage.agent.http_address), proxy_id=instance.sidecar_id)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(serve(options, stop, stage.clock, stage.rng, Events().log))
            try:
                yield
            finally:
                stop.set()


@dataclass(frozen=True)
class _Process:
    """A proxy that is started by a command, told of the agent by its environment."""

    name: str
    program: str
    command: Callable[[Stage, Instance], list[str]]

    @contextlib.asynccontextmanager
    async def beside(self, stage: Stage, instance: Instance) -> AsyncGenerator[None]:
        argv = self.command(stage, instance)
        environment = environment_for_commands(stage.agent.http_address)
        # How programs of others end is not our subject.
        name = f"{self.name}-{instance.sidecar_id}"
        with running(name, argv, stage.directory, environment=environment, kill=True):
            yield


def _consul(stage: Stage, instance: Instance) -> list[str]:
    return [program_of("consul"), "connect", "proxy", "-proxy-id", instance.sidecar_id]


def _envoy(stage: Stage, instance: Instance) -> list[str]:
    argv = [program_of("lictor"), "connect", "envoy", "-proxy-id", instance.sidecar_id]
    argv += ["-admin-bind", f"127.0.0.1:{free_port()}", "-http-addr", stage.agent.http_address]
    return [*argv, "-grpc-addr", f"127.0.0.1:{stage.agent.ports['grpc']}"]


BUILT_IN: Plane = _BuiltIn()
CONSUL: Plane = _Process("consul", "consul", _consul)
ENVOY: Plane = _Process("envoy", "envoy", _envoy)
