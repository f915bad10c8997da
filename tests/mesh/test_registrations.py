"""Forms of registration, each with a connection through it, by both data planes."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from tests.mesh.planes import BUILT_IN, ENVOY, Plane
from tests.mesh.stage import Instance, Stage, Upstream, greeting
from tests.support.ports import free_port
from tests.support.recorder.json_types import Json

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
