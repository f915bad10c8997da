"""A real Envoy that runs what a snapshot becomes, by itself or told by a server of ours: for tests of what it means."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import socket
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Final, TypeVar, cast

import aiohttp
import pytest
import structlog

from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_connect_proxy.xds.builders import build
from lictor_connect_proxy.xds.builders.clusters import protocol_options
from lictor_connect_proxy.xds.forms import ADS
from lictor_connect_proxy.xds.server_grpclib import XdsServer
from lictor_connect_proxy.xds.session import Knowledge
from lictor_core.clock import SystemClock
from lictor_core.metrics import Meter
from lictor_core.records import JsonObject
from tests.connect_proxy.xds.static import envoy_program, static_bootstrap
from tests.support.ports import free_port

__all__ = ["Envoy", "driven", "envoy", "live"]

READY_S: Final = 30.0
T = TypeVar("T")


def live(test: T) -> T:
    """Marks a test that runs real Envoys."""
    return cast(T, pytest.mark.needs("envoy")(pytest.mark.slow(test)))


class Envoy:
    """A running Envoy, asked over its admin port."""

    def __init__(self, admin_port: int, process: asyncio.subprocess.Process, log: Path) -> None:
        self._admin = f"http://127.0.0.1:{admin_port}"
        self._process = process
        self._log = log

    async def is_ready(self) -> bool:
        """Whether it serves. Fails when it has ended, with its last words."""
        assert self._process.returncode is None, self._log.read_text()[-2000:]
        try:
            return (await self._asked("/ready")).startswith("LIVE")
        except aiohttp.ClientError:
            return False

    async def figure(self, name: str) -> int:
        """One counter or gauge; 0 where there is none."""
        found: dict[str, list[dict[str, object]]] = json.loads(await self._asked(f"/stats?format=json&filter=^{name}$"))
        value = next((one["value"] for one in found["stats"] if "value" in one), 0)
        return value if isinstance(value, int) else 0

    async def figures(self, part: str) -> str:
        """All figures with `part` in their names, as text."""
        return await self._asked(f"/stats?filter={part}")

    async def _asked(self, path: str) -> str:
        async with aiohttp.ClientSession() as session, session.get(self._admin + path) as answer:
            return await answer.text()


@contextlib.asynccontextmanager
async def envoy(snapshot: ProxySnapshot, folder: Path, name: str = "envoy") -> AsyncGenerator[Envoy]:
    """Runs while the block does; entered when it serves."""
    async with _running(static_bootstrap(build(snapshot)), folder, name) as found:
        yield found


@contextlib.asynccontextmanager
async def driven(knowledge: Knowledge, folder: Path, *arguments: str) -> AsyncGenerator[Envoy]:
    """An Envoy that is told by a server of ours what `knowledge` says; entered when it serves."""
    log = structlog.wrap_logger(structlog.PrintLogger(io.StringIO()))
    server = XdsServer(knowledge, build, SystemClock(), log, Meter(SystemClock()))
    path = folder / "xds.sock"
    listening = socket.socket(socket.AF_UNIX)
    listening.setblocking(False)
    listening.bind(str(path))
    await server.serve(listening)
    try:
        async with _running(_dynamic(path), folder, "driven", arguments) as found:
            yield found
    finally:
        await server.close()
        listening.close()


def _dynamic(path: Path) -> JsonObject:
    """A bootstrap that asks for everything."""
    grpc: JsonObject = {"envoy_grpc": {"cluster_name": "agent"}}
    everything: JsonObject = {
        "ads_config": {"api_type": "DELTA_GRPC", "transport_api_version": "V3", "grpc_services": [grpc]},
        "cds_config": ADS,
        "lds_config": ADS,
    }
    endpoint: JsonObject = {"endpoint": {"address": {"pipe": {"path": str(path)}}}}
    cluster: JsonObject = {
        "name": "agent",
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": "agent", "endpoints": [{"lb_endpoints": [endpoint]}]},
        **protocol_options("grpc"),
    }
    return static_bootstrap({}) | {"dynamic_resources": everything, "static_resources": {"clusters": [cluster]}}


@contextlib.asynccontextmanager
async def _running(bootstrap: JsonObject, folder: Path, name: str, more: Sequence[str] = ()) -> AsyncGenerator[Envoy]:
    program = envoy_program()
    assert program is not None
    admin_port = free_port()
    admin: JsonObject = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin_port}}}
    path, log = folder / f"{name}.json", folder / f"{name}.log"
    path.write_text(json.dumps(bootstrap | {"admin": admin}))
    arguments = ["-c", str(path), "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning", *more]
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(program, *arguments, stdout=output, stderr=output)
    try:
        found = Envoy(admin_port, process, log)
        async with asyncio.timeout(READY_S):
            while not await found.is_ready():  # noqa: ASYNC110 another process does not set events of ours
                await asyncio.sleep(0.02)
        yield found
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
