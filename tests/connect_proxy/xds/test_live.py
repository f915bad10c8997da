"""A real Envoy at the server of this process: who may not gets nothing; a lost stream takes nothing away."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp

from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_connect_proxy.xds.bootstrap import AgentDoor, BootstrapOptions, bootstrap
from lictor_connect_proxy.xds.kinds import LISTENER, Resources
from lictor_connect_proxy.xds.runner import find_envoy, supervise
from lictor_connect_proxy.xds.server_grpclib import XdsServer
from lictor_core.clock import SystemClock
from lictor_core.errors import PermissionDeniedError
from lictor_core.metrics import Meter
from lictor_core.records import JsonObject
from tests.agent.harness import quiet_log
from tests.connect_proxy.xds.envoys import FULL, Told
from tests.connect_proxy.xds.live_envoy import live
from tests.support.conditions import eventually
from tests.support.ports import free_port


class Envoy:
    """Where a running Envoy's admin API is, and where it shall listen."""

    def __init__(self) -> None:
        self.admin, self.port = free_port(), free_port()

    def build(self, snapshot: ProxySnapshot) -> Resources:
        """One listener, which answers what it is told."""
        typed: JsonObject = {"@type": "type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo"}
        listener: JsonObject = {
            "name": "echo",
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": self.port}},
            "filter_chains": [{"filters": [{"name": "echo", "typed_config": typed}]}],
        }
        return {LISTENER: {"echo": listener}}

    async def state(self) -> str:
        """As `/ready` tells it."""
        url = f"http://127.0.0.1:{self.admin}/ready"
        with suppress(aiohttp.ClientError):
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                return (await answer.text()).strip()
        return ""

    async def until(self, state: str) -> None:
        """Wait for this state."""
        async with asyncio.timeout(60):
            while await self.state() != state:  # noqa: ASYNC110 another process does not set events of ours
                await asyncio.sleep(0.02)

    async def echoes(self) -> bool:
        """Whether the listener is there and works."""
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(b"x")
            found = await asyncio.wait_for(reader.read(1), 20)
            writer.close()
            return found == b"x"
        return False


@asynccontextmanager
async def served(envoy: Envoy, knowledge: Told, path: Path) -> AsyncGenerator[None]:
    log, _ = quiet_log()
    server = XdsServer(knowledge, envoy.build, SystemClock(), log, Meter(SystemClock()))
    listening = socket.socket(socket.AF_UNIX)
    listening.setblocking(False)
    listening.bind(str(path))
    await server.serve(listening)
    try:
        yield
    finally:
        await server.close()
        listening.close()
        os.unlink(path)


@asynccontextmanager
async def running(envoy: Envoy, path: Path) -> AsyncGenerator[None]:
    door = AgentDoor(path=str(path))
    options = BootstrapOptions(proxy_id="db-proxy", cluster="db", door=door, token="bad", admin_port=envoy.admin)
    stop = asyncio.Event()
    program, made = find_envoy("", os.environ), bootstrap(options, {})
    async with asyncio.TaskGroup() as group:
        admin = f"127.0.0.1:{envoy.admin}"
        group.create_task(supervise(program, made, ["-l", "off"], admin=admin, drain_s=0, stop=stop))
        try:
            yield
        finally:
            stop.set()


@live
async def test_a_token_that_may_not_gets_nothing_and_is_tried_again(tmp_path: Path) -> None:
    path, envoy = tmp_path / "xds.sock", Envoy()
    knowledge = Told(FULL, PermissionDeniedError("the token may not speak for db"))
    async with served(envoy, knowledge, path), running(envoy, path):
        await eventually(lambda: len(knowledge.asked) >= 2, what="it asks again", within_s=60)
        assert knowledge.asked[0] == ("db-proxy", "bad")
        assert await envoy.state() == "PRE_INITIALIZING"
        assert not await envoy.echoes()
        knowledge.refusal = None
        await envoy.until("LIVE")
        assert await envoy.echoes()


@live
async def test_a_lost_stream_takes_nothing_away_and_comes_back(tmp_path: Path) -> None:
    path, envoy = tmp_path / "xds.sock", Envoy()
    knowledge = Told(FULL)
    async with running(envoy, path):
        async with served(envoy, knowledge, path):
            await envoy.until("LIVE")
        assert knowledge.forgotten == ["db-proxy"]
        assert await envoy.echoes()
        async with served(envoy, knowledge, path):
            await eventually(lambda: len(knowledge.asked) == 2, what="it is back", within_s=60)
            assert await envoy.echoes()
