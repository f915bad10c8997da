"""Where the cases play: a development agent, services with sidecars, and what is written to the registry."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
from collections.abc import AsyncGenerator, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lictor_core.clock import SeededRng, SystemClock
from tests.connect_proxy.live import Application, connected
from tests.support.agents import DevAgent
from tests.support.api import call
from tests.support.ports import free_port
from tests.support.recorder.json_types import Json, as_list, at

__all__ = ["Instance", "Stage", "Upstream", "greeting"]

_ANSWER_S_MAX = 20.0
"""How long a connection may take to be answered on a machine that runs other tests."""


@dataclass(frozen=True)
class Upstream:
    """A local port of a sidecar that leads to `service`. `more` are further fields of the registration."""

    service: str
    port: int = field(default_factory=free_port)
    more: Mapping[str, Json] = field(default_factory=dict[str, Json])


@dataclass(frozen=True)
class Instance:
    """A registered instance: the ids of it and of its sidecar, and the sidecar's public port."""

    service: str
    id: str
    public_port: int

    @property
    def sidecar_id(self) -> str:
        """The id of its sidecar."""
        return f"{self.id}-sidecar-proxy"


class Stage:
    """An agent that tests share; each takes names of its own by `name`."""

    def __init__(self, agent: DevAgent, directory: Path) -> None:
        self.agent = agent
        self.directory = directory
        self._numbers = itertools.count(1)
        self.clock, self.rng = SystemClock(), SeededRng(1)

    def name(self, of: str) -> str:
        """A name that no other test has."""
        return f"{of}-{next(self._numbers)}"

    async def ask(self, method: str, path: str, body: Json = None) -> Json:
        """A request to the agent, which must succeed."""
        return await asyncio.to_thread(call, self.agent.http_address, method, path, body)

    async def register(
        self,
        service: str,
        port: int,
        *upstreams: Upstream,
        id: str = "",
        config: Mapping[str, Json] | None = None,
        meta: Mapping[str, Json] | None = None,
    ) -> Instance:
        """An instance with a sidecar that is healthy until `fail`."""
        listed: list[Json] = [
            {"DestinationName": one.service, "LocalBindPort": one.port, **one.more} for one in upstreams
        ]
        public = free_port()
        proxy: dict[str, Json] = {"Upstreams": listed, "Config": dict(config or {})}
        check: Json = {"Name": "up", "CheckID": f"up-{id or service}", "TTL": "1h", "Status": "passing"}
        sidecar: Json = {"Port": public, "Proxy": proxy, "Checks": [check], "Meta": dict(meta or {})}
        body: dict[str, Json] = {"Name": service, "Port": port, "Address": "127.0.0.1"}
        body |= {"ID": id or service, "Meta": dict(meta or {}), "Connect": {"SidecarService": sidecar}}
        await self.ask("PUT", "/v1/agent/service/register", body)
        return Instance(service, id or service, public)

    async def fail(self, instance: Instance) -> None:
        """Let the instance's check be critical."""
        await self.ask("PUT", f"/v1/agent/check/fail/up-{instance.id}")

    async def recover(self, instance: Instance) -> None:
        """Let the instance's check pass again."""
        await self.ask("PUT", f"/v1/agent/check/pass/up-{instance.id}")

    async def intend(self, source: str, destination: str, action: str) -> None:
        """Write the intention, in place of the one that was there."""
        body: Json = {"SourceName": source, "DestinationName": destination, "Action": action}
        for known in as_list(await self.ask("GET", "/v1/connect/intentions")):
            if (at(known, "SourceName"), at(known, "DestinationName")) == (source, destination):
                await self.ask("PUT", f"/v1/connect/intentions/{at(known, 'ID')}", body)
                return
        await self.ask("POST", "/v1/connect/intentions", body)

    async def write(self, kind: str, name: str, **fields: Json) -> None:
        """Write a configuration entry."""
        await self.ask("PUT", "/v1/config", {"Kind": kind, "Name": name, **fields})

    async def rotate(self) -> None:
        """Let the CA have another root, as another key makes it."""
        key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        config: Json = {"PrivateKey": key.decode(), "LeafCertTTL": "72h"}
        await self.ask("PUT", "/v1/connect/ca/configuration", {"Provider": "consul", "Config": config})

    @contextlib.contextmanager
    def frozen_agent(self) -> Generator[None]:
        """The agent answers nothing while the block runs."""
        os.kill(self.agent.program.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.agent.program.pid, signal.SIGCONT)

    @contextlib.asynccontextmanager
    async def application(self, greeting: bytes) -> AsyncGenerator[Application]:
        """An application that greets at once and then echoes."""
        async with Application(greeting).running() as running:
            yield running


async def greeting(port: int, *, says: bytes = b"") -> bytes:
    """The first bytes that a client of a local port gets; empty when it is closed without any.

    It says something first when `says` is given.
    """
    try:
        async with asyncio.timeout(_ANSWER_S_MAX), connected(port) as (reader, writer):
            if says:
                writer.write(says)
            return await reader.read(4096)
    except OSError:
        return b""
