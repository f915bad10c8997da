"""Forms of registration, each with a connection through it, by both data planes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from tests.mesh.planes import BUILT_IN, ENVOY, Plane
from tests.mesh.stage import Instance, Stage, Upstream, greeting
from tests.support.ports import free_port
from tests.support.recorder.json_types import Json, at

pytestmark = pytest.mark.slow

_SETTLES_S = 30.0

each_plane = pytest.mark.parametrize(
    "plane", [BUILT_IN, pytest.param(ENVOY, marks=pytest.mark.needs("envoy"))], ids=lambda one: one.name
)


async def _until_says(port: int, expected: bytes) -> None:
    heard = b"?"
    async with asyncio.timeout(_SETTLES_S):
        while heard != expected:
            await asyncio.sleep(0.1)
            heard = await greeting(port)


@each_plane
async def test_an_upstream_may_be_a_prepared_query(stage: Stage, plane: Plane) -> None:
    db, query = stage.name("db"), stage.name("query")
    await stage.ask("POST", "/v1/query", {"Name": query, "Service": {"Service": db}, "DNS": {"TTL": "1s"}})
    upstream = Upstream(query, more={"DestinationType": "prepared_query"})
    async with stage.application(b"found\n") as application:
        server = await stage.register(db, application.port)
        client = await stage.register(stage.name("web"), free_port(), upstream)
        async with plane.beside(stage, server), plane.beside(stage, client):
            await _until_says(upstream.port, b"found\n")


@each_plane
async def test_both_ends_may_be_unix_sockets(stage: Stage, plane: Plane, tmp_path: Path) -> None:
    db, near, far = stage.name("db"), tmp_path / "near.sock", tmp_path / "far.sock"

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"by socket\n")
        writer.close()

    check: Json = {"Name": "up", "TTL": "1h", "Status": "passing"}
    proxy: Json = {"LocalServiceSocketPath": str(far)}
    public = free_port()
    sidecar: Json = {"Port": public, "Proxy": proxy, "Checks": [check]}
    body: Json = {"Name": db, "Address": "127.0.0.1", "Connect": {"SidecarService": sidecar}}
    await stage.ask("PUT", "/v1/agent/service/register", body)
    more: dict[str, Json] = {"LocalBindPort": 0, "LocalBindSocketPath": str(near), "LocalBindSocketMode": "0640"}
    client = await stage.register(stage.name("web"), free_port(), Upstream(db, more=more))
    application = await asyncio.start_unix_server(greet, far)
    async with application, plane.beside(stage, Instance(db, db, public)), plane.beside(stage, client):
        said = b""
        async with asyncio.timeout(_SETTLES_S):
            while said != b"by socket\n":
                await asyncio.sleep(0.1)
                with contextlib.suppress(OSError):
                    reader, writer = await asyncio.open_unix_connection(near)
                    said = await reader.read(100)
                    writer.close()
        assert near.stat().st_mode & 0o777 == 0o640


async def _until(stage: Stage, check: str, field: str, holds: Callable[[Json], bool]) -> None:
    """Wait until a field of a check of the agent is as it shall be."""
    found: Json = None
    async with asyncio.timeout(_SETTLES_S):
        while found is None or not holds(found):
            await asyncio.sleep(0.1)
            found = at(await stage.ask("GET", "/v1/agent/checks"), f"{check}.{field}")


@pytest.mark.needs("envoy")
async def test_checks_are_asked_through_a_proxy_that_exposes_them(stage: Stage) -> None:
    asked: list[str] = []

    async def healthy(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(text="fine")

    name, port, public = stage.name("api"), free_port(), free_port()
    application = web.Application()
    application.router.add_get("/{path:.*}", healthy)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    check: Json = {"CheckID": name, "HTTP": f"http://127.0.0.1:{port}/health", "Interval": "1s"}
    sidecar: Json = {"Port": public, "Proxy": {"Expose": {"Checks": True}}, "Checks": [{"TTL": "1h"}]}
    body: Json = {"Name": name, "Port": port, "Checks": [check], "Connect": {"SidecarService": sidecar}}
    await stage.ask("PUT", "/v1/agent/service/register", body)
    try:
        await _until(stage, name, "Output", lambda output: output != "")
        assert asked == [], "the application is there, its proxy is not, and nobody goes around it"
        async with ENVOY.beside(stage, Instance(name, name, public)):
            await _until(stage, name, "Status", lambda status: status == "passing")
        assert set(asked) == {"/health"}
    finally:
        await runner.cleanup()
