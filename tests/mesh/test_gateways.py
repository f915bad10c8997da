"""Gateways, run by the real Envoy: into the mesh, out of it, and past it by names alone."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import ssl
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from aiohttp import web

from tests.mesh.planes import BUILT_IN, ENVOY
from tests.mesh.stage import Instance, Stage, Upstream, greeting
from tests.support.agents import environment_for_commands, program_of
from tests.support.ports import free_port
from tests.support.processes import running
from tests.support.recorder.json_types import Json, at
from tests.support.serving import serving

pytestmark = [pytest.mark.slow, pytest.mark.needs("envoy")]

_SETTLES_S = 30.0


@contextlib.asynccontextmanager
async def gateway(stage: Stage, kind: str, name: str, port: int) -> AsyncGenerator[None]:
    """The Envoy of a gateway that is registered so, while the block runs."""
    body: Json = {"Kind": f"{kind}-gateway", "ID": f"{name}-1", "Name": name, "Port": port, "Address": "127.0.0.1"}
    await stage.ask("PUT", "/v1/agent/service/register", body)
    argv = [program_of("lictor"), "connect", "envoy", "-proxy-id", f"{name}-1"]
    argv += ["-admin-bind", f"127.0.0.1:{free_port()}", "-http-addr", stage.agent.http_address]
    argv += ["-grpc-addr", f"127.0.0.1:{stage.agent.ports['grpc']}"]
    environment = environment_for_commands(stage.agent.http_address)
    with running(f"envoy-{name}", argv, stage.directory, environment=environment, kill=True):
        yield


async def until_says(port: int, expected: bytes) -> None:
    """Wait until who connects to the port twice in a row hears `expected` first; empty: nothing at all."""
    heard = [b"?", b"?"]
    async with asyncio.timeout(_SETTLES_S):
        while heard != [expected, expected]:
            heard = [heard[1], await greeting(port)]
            await asyncio.sleep(0.1)


def answer_to(port: int, host: str) -> tuple[int, bytes]:
    """Status and body of a request for `/` of a host."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()


async def test_connections_come_into_the_mesh_by_an_ingress_gateway(stage: Stage) -> None:
    db, edge, port = stage.name("db"), stage.name("edge"), free_port()
    async with stage.application(b"db here\n") as application:
        instance = await stage.register(db, application.port)
        listener: Json = {"Port": port, "Protocol": "tcp", "Services": [{"Name": db}]}
        await stage.write("ingress-gateway", edge, Listeners=[listener])
        async with BUILT_IN.beside(stage, instance), gateway(stage, "ingress", edge, free_port()):
            await until_says(port, b"db here\n")
            await stage.intend(edge, db, "deny")
            await until_says(port, b"")
            await stage.intend(edge, db, "allow")
            await until_says(port, b"db here\n")


@contextlib.asynccontextmanager
async def web_service(stage: Stage, says: str) -> AsyncGenerator[Instance]:
    """A service of the mesh that answers every request with `says`."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=says)

    name, port = stage.name("api"), free_port()
    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    async with serving(application, port):
        await stage.write("service-defaults", name, Protocol="http")
        instance = await stage.register(name, port)
        async with ENVOY.beside(stage, instance):
            yield instance


async def test_requests_go_from_an_ingress_gateway_to_the_service_whose_host_they_name(stage: Stage) -> None:
    edge, port = stage.name("edge"), free_port()
    async with web_service(stage, "one") as one, web_service(stage, "two") as two:
        services: list[Json] = [{"Name": one.service, "Hosts": ["one.example"]}, {"Name": two.service}]
        listener: Json = {"Port": port, "Protocol": "http", "Services": services}
        await stage.write("ingress-gateway", edge, Listeners=[listener])
        async with gateway(stage, "ingress", edge, free_port()):
            expected = {"one.example": (200, b"one"), f"{two.service}.ingress.consul": (200, b"two")}
            async with asyncio.timeout(_SETTLES_S):
                answers: dict[str, tuple[int, bytes]] = {}
                while answers != expected:
                    await asyncio.sleep(0.1)
                    answers = {host: await asyncio.to_thread(answer_to, port, host) for host in expected}
            assert answer_to(port, "elsewhere.example")[0] == 404


async def test_a_service_outside_of_the_mesh_is_reached_by_a_terminating_gateway(stage: Stage) -> None:
    legacy, way_out, asker = stage.name("legacy"), stage.name("way-out"), stage.name("web")
    upstream = Upstream(legacy)
    async with stage.application(b"legacy here\n") as application:
        body: Json = {"Name": legacy, "Port": application.port, "Address": "127.0.0.1"}
        await stage.ask("PUT", "/v1/agent/service/register", body)
        await stage.write("terminating-gateway", way_out, Services=[{"Name": legacy}])
        client = await stage.register(asker, free_port(), upstream)
        async with BUILT_IN.beside(stage, client), gateway(stage, "terminating", way_out, free_port()):
            await until_says(upstream.port, b"legacy here\n")
            await stage.intend(asker, legacy, "deny")
            await until_says(upstream.port, b"")
            await stage.intend(asker, legacy, "allow")
            await until_says(upstream.port, b"legacy here\n")


async def test_a_mesh_gateway_passes_on_by_the_name_that_is_asked_for(stage: Stage) -> None:
    db, past, port = stage.name("db"), stage.name("past"), free_port()
    async with stage.application(b"db here\n") as application:
        instance = await stage.register(db, application.port)
        leaf = await stage.ask("GET", "/v1/agent/connect/ca/leaf/web")
        roots = await stage.ask("GET", "/v1/agent/connect/ca/roots")
        context = ssl.create_default_context(cadata=str(at(roots, "Roots.0.RootCert")))
        context.check_hostname = False  # services are named by URIs, which the proxy itself looks at
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "leaf.pem"
            path.write_text(str(at(leaf, "CertPEM")) + str(at(leaf, "PrivateKeyPEM")))
            context.load_cert_chain(path)
        name = f"{db}.default.dc1.internal.{at(roots, 'TrustDomain')}"
        async with BUILT_IN.beside(stage, instance), gateway(stage, "mesh", past, port):
            assert await _said_over_tls(port, context, name) == b"db here\n"


async def _said_over_tls(port: int, context: ssl.SSLContext, name: str) -> bytes:
    async with asyncio.timeout(_SETTLES_S):
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
            except OSError:
                await asyncio.sleep(0.1)
                continue
            said = await reader.read(100)
            writer.close()
            if said:
                return said
            await asyncio.sleep(0.1)
