"""Real programs through the mesh: what they speak arrives as it was sent, whichever proxies carry it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncGenerator, Generator, Iterable
from pathlib import Path
from typing import Final

import aiohttp
import pytest
from aiohttp import web
from grpclib.client import Channel, StreamStreamMethod
from grpclib.const import Cardinality, Handler
from grpclib.health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpclib.server import Server, Stream

from tests.integration.real_input.test_patroni import as_postgres, binaries
from tests.mesh.planes import BUILT_IN, ENVOY, Plane
from tests.mesh.stage import Stage, Upstream
from tests.support.api import listens
from tests.support.conditions import wait_until
from tests.support.ports import free_port
from tests.support.processes import running
from tests.support.redis_client import client_of, pings
from tests.support.serving import serving

pytestmark = pytest.mark.slow

_SETTLES_S: Final = 30.0
_LARGE_BYTES: Final = 8_000_000
_MESSAGES: Final = 200
_CHAT = "/tests.mesh.Echo/Chat"


def _pairs(*pairs: tuple[Plane, Plane]) -> Iterable[object]:
    for near, far in pairs:
        marks = [pytest.mark.needs("envoy")] if ENVOY in (near, far) else []
        yield pytest.param(near, far, id=f"{near.name}-{far.name}", marks=marks)


each_pair = pytest.mark.parametrize(
    ("near", "far"), tuple(_pairs((BUILT_IN, BUILT_IN), (ENVOY, ENVOY), (BUILT_IN, ENVOY), (ENVOY, BUILT_IN)))
)


@contextlib.asynccontextmanager
async def _reached(stage: Stage, near: Plane, far: Plane, port: int, *, protocol: str = "") -> AsyncGenerator[int]:
    """The local port that leads to an application on `port` through two proxies."""
    client, service = stage.name("client"), stage.name("app")
    if protocol:
        await stage.write("service-defaults", service, Protocol=protocol)
    upstream = Upstream(service)
    server = await stage.register(service, port)
    beside = await stage.register(client, free_port(), upstream)
    async with far.beside(stage, server), near.beside(stage, beside):
        yield upstream.port


@each_pair
@pytest.mark.needs("redis-server")
async def test_redis(stage: Stage, near: Plane, far: Plane, tmp_path: Path) -> None:
    port = free_port()
    argv = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with running("redis", argv, tmp_path, ready=lambda: listens(port)):
        async with _reached(stage, near, far, port) as local:
            await asyncio.to_thread(_use_redis, local)


def _use_redis(port: int) -> None:
    wait_until(lambda: pings(port), within_s=_SETTLES_S, what="redis answers through the mesh")
    large = os.urandom(_LARGE_BYTES)
    with client_of(port) as client, client.pubsub() as heard:
        assert client.set("large", large)
        assert client.get("large") == large
        with client.pipeline() as many:
            for number in range(2000):
                many.rpush("numbers", number)
            assert many.execute() == list(range(1, 2001))
        heard.subscribe("news")
        assert heard.get_message(timeout=_SETTLES_S) is not None
        client.publish("news", "hello")
        message = heard.get_message(timeout=_SETTLES_S)
        assert message is not None
        assert message["data"] == b"hello"


@each_pair
@pytest.mark.needs("setpriv")
async def test_postgresql(stage: Stage, near: Plane, far: Plane) -> None:
    with _postgresql() as port:
        async with _reached(stage, near, far, port) as local:
            async with asyncio.timeout(_SETTLES_S):
                while await _sql(local, "select 1") != "1":
                    pass
            # It waits for its client after the handshake of its own, and answers with megabytes.
            assert await _sql(
                local, "select length(string_agg(md5(n::text), '')) from generate_series(1, 100000) n"
            ) == ("3200000")
            text = await _sql(local, "select md5(n::text) from generate_series(1, 50000) n")
            assert text.splitlines()[6] == hashlib.md5(b"7", usedforsecurity=False).hexdigest()
            assert len(text.splitlines()) == 50_000
            assert await _sql(local, "create table t (n int); insert into t select generate_series(1, 1000)")
            assert await _sql(local, "select sum(n) from t") == "500500"


@contextlib.contextmanager
def _postgresql() -> Generator[int]:
    """A server that takes everybody from loopback, on a free port."""
    place = Path(tempfile.mkdtemp(prefix="lictor-postgresql-"))
    port = free_port()
    try:
        place.chmod(0o755)
        own = place / "own"
        own.mkdir()
        if os.geteuid() == 0:
            shutil.chown(own, "postgres", "postgres")
        initialise = [*as_postgres(), str(binaries() / "initdb"), "-D", str(own / "data"), "-U", "postgres"]
        subprocess.run([*initialise, "-A", "trust", "--no-sync"], check=True, capture_output=True, timeout=120)
        argv = [*as_postgres(), str(binaries() / "postgres"), "-D", str(own / "data"), "-p", str(port)]
        argv += ["-c", f"unix_socket_directories={own}", "-c", "fsync=off", "-c", "shared_buffers=16MB"]
        argv += ["-c", "listen_addresses=127.0.0.1"]
        with running("postgresql", argv, place, ready=lambda: listens(port), kill=True):
            yield port
    finally:
        shutil.rmtree(place, ignore_errors=True)


async def _sql(port: int, text: str) -> str:
    """What PostgreSQL answers; empty when it does not."""
    argv = [str(binaries() / "psql"), "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-Atc", text]
    process = await asyncio.create_subprocess_exec(
        *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    return out.decode().strip()


_NGINX = """
daemon off;
{user}
pid {place}/nginx.pid;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_max_body_size 100m;
  client_body_temp_path {place}/body;
  proxy_temp_path {place}/proxy;
  fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi;
  scgi_temp_path {place}/scgi;
  server {{ listen 127.0.0.1:{port}; root {place}/www; location / {{ }} }}
}}
"""


@each_pair
@pytest.mark.needs("nginx")
@pytest.mark.parametrize("protocol", ["", "http"])
async def test_nginx(stage: Stage, near: Plane, far: Plane, protocol: str, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "www").mkdir()
    large = os.urandom(_LARGE_BYTES)
    (tmp_path / "www" / "large").write_bytes(large)
    (tmp_path / "www" / "small").write_bytes(b"small")
    config = tmp_path / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""  # another one may not look into root's directories
    config.write_text(_NGINX.format(place=tmp_path, port=port, user=user))
    argv: list[str | Path] = ["nginx", "-p", tmp_path, "-c", config, "-e", tmp_path / "nginx-error.log"]
    with running("nginx", argv, tmp_path, ready=lambda: listens(port)):
        async with (
            _reached(stage, near, far, port, protocol=protocol) as local,
            aiohttp.ClientSession(f"http://127.0.0.1:{local}") as session,
        ):
            await _until_answered(session, "/small")
            for _ in range(100):
                async with session.get("/small") as answer:
                    assert (answer.status, await answer.read()) == (200, b"small")
            async with session.get("/large") as answer:
                assert await answer.read() == large


async def _until_answered(session: aiohttp.ClientSession, path: str) -> None:
    async with asyncio.timeout(_SETTLES_S):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(path) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.05)


@each_pair
@pytest.mark.parametrize("protocol", ["", "http"])
async def test_websockets_and_large_bodies_of_http(stage: Stage, near: Plane, far: Plane, protocol: str) -> None:
    port = free_port()
    async with (
        _web_application(port),
        _reached(stage, near, far, port, protocol=protocol) as local,
        aiohttp.ClientSession(f"http://127.0.0.1:{local}") as session,
    ):
        await _until_answered(session, "/")
        body = os.urandom(_LARGE_BYTES)
        async with session.post("/digest", data=io.BytesIO(body)) as answer:
            assert await answer.text() == hashlib.sha256(body).hexdigest()
        async with session.ws_connect("/chat") as socket:
            for number in range(_MESSAGES):
                await socket.send_str(f"message {number}")
                assert await socket.receive_str(timeout=_SETTLES_S) == f"heard message {number}"
            await socket.send_bytes(body[:100_000])
            assert await socket.receive_bytes(timeout=_SETTLES_S) == body[:100_000]


@contextlib.asynccontextmanager
async def _web_application(port: int) -> AsyncGenerator[None]:
    async def digest(request: web.Request) -> web.Response:
        return web.Response(text=hashlib.sha256(await request.read()).hexdigest())

    async def chat(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                await socket.send_str(f"heard {message.data}")
            elif message.type is aiohttp.WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket

    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    application = web.Application(client_max_size=2 * _LARGE_BYTES)
    application.add_routes([web.get("/", hello), web.post("/digest", digest), web.get("/chat", chat)])
    async with serving(application, port):
        yield


class _Echo:
    """Answers each message of a stream with its own, and the end of it with a last one."""

    async def chat(self, stream: Stream[HealthCheckRequest, HealthCheckResponse]) -> None:
        count = 0
        async for request in stream:
            count += len(request.service)
            await stream.send_message(HealthCheckResponse(status=HealthCheckResponse.SERVING))
        assert count
        await stream.send_message(HealthCheckResponse(status=HealthCheckResponse.NOT_SERVING))

    def __mapping__(self) -> dict[str, Handler]:
        return {_CHAT: Handler(self.chat, Cardinality.STREAM_STREAM, HealthCheckRequest, HealthCheckResponse)}


@each_pair
@pytest.mark.parametrize("protocol", ["", "grpc"])
async def test_a_grpc_service_with_streams(stage: Stage, near: Plane, far: Plane, protocol: str) -> None:
    port = free_port()
    server = Server([_Echo()])
    await server.start("127.0.0.1", port)
    try:
        async with _reached(stage, near, far, port, protocol=protocol) as local:
            async with asyncio.timeout(_SETTLES_S):
                while not await _chatted(local, 1):
                    pass
            answers = await asyncio.gather(*(_chatted(local, _MESSAGES) for _ in range(4)))
            assert answers == [True] * 4
    finally:
        server.close()
        await server.wait_closed()


async def _chatted(port: int, messages: int) -> bool:
    """Whether a stream of messages was answered one by one, and ended in order."""
    async with Channel("127.0.0.1", port) as channel:
        method = StreamStreamMethod(channel, _CHAT, HealthCheckRequest, HealthCheckResponse)
        with contextlib.suppress(Exception):
            async with method.open(timeout=_SETTLES_S) as stream:
                for number in range(messages):
                    await stream.send_message(HealthCheckRequest(service=f"{number} " * 500))
                    answer = await stream.recv_message()
                    assert answer is not None
                    assert answer.status == HealthCheckResponse.SERVING
                await stream.end()
                last = await stream.recv_message()
                return last is not None and last.status == HealthCheckResponse.NOT_SERVING
    return False
