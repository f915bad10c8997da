import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from lictor_connect_proxy.feed.agent import AgentAddress, AgentClient
from lictor_core.errors import LictorError, NotFoundError, PeerError, PermissionDeniedError
from tests.support.ports import free_port


async def _server(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]], *, path: Path | None = None
) -> tuple[web.AppRunner, str]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    site = web.UnixSite(runner, str(path)) if path is not None else web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    return runner, f"unix://{path}" if path is not None else f"127.0.0.1:{port}"


async def _echo(request: web.Request) -> web.Response:
    return web.json_response({"path": request.path_qs, "token": request.headers.get("X-Consul-Token", "")})


@pytest.mark.parametrize("scheme", ["", "http://"])
async def test_the_token_is_sent_and_parameters_are_quoted(scheme: str) -> None:
    runner, address = await _server(_echo)
    async with AgentClient(AgentAddress(http_addr=scheme + address, token="secret")) as agent:
        answer = await agent.get("/v1/health/connect/db", {"name": "a&b"})
    assert answer.body == b'{"path": "/v1/health/connect/db?name=a%26b", "token": "secret"}'
    await runner.cleanup()


async def test_an_agent_behind_a_unix_socket_is_reached(tmp_path: Path) -> None:
    runner, address = await _server(_echo, path=tmp_path / "agent.sock")
    async with AgentClient(AgentAddress(http_addr=address)) as agent:
        assert b"/v1/agent/self" in (await agent.get("/v1/agent/self")).body
    await runner.cleanup()


async def test_datacenter_and_staleness_are_asked_for_where_they_mean_something() -> None:
    runner, address = await _server(_echo)
    async with AgentClient(AgentAddress(http_addr=address, datacenter="dc2", stale=True)) as agent:
        assert b"?dc=dc2&stale=" in (await agent.get("/v1/health/connect/db")).body
        assert b"dc=dc3" in (await agent.get("/v1/health/connect/db", {"dc": "dc3"})).body
        assert b"dc=" not in (await agent.get("/v1/agent/self")).body
    await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "kind"), [(403, PermissionDeniedError), (404, NotFoundError), (500, PeerError), (302, PeerError)]
)
async def test_other_statuses_are_errors_of_the_table(status: int, kind: type[LictorError]) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=status, text="because", headers={"Location": "/"})

    runner, address = await _server(refuse)
    async with AgentClient(AgentAddress(http_addr=address)) as agent:
        with pytest.raises(kind, match="because"):
            await agent.get("/v1/agent/self")
    await runner.cleanup()


async def test_an_agent_that_is_not_there_is_a_peer_error_that_names_it() -> None:
    address = f"127.0.0.1:{free_port()}"
    async with AgentClient(AgentAddress(http_addr=address)) as agent:
        with pytest.raises(PeerError, match=address):
            await agent.get("/v1/agent/self")


async def test_an_answer_that_breaks_off_is_a_peer_error() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        writer.close()
        await writer.wait_closed()

    port = free_port()
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with AgentClient(AgentAddress(http_addr=f"127.0.0.1:{port}")) as agent:
        with pytest.raises(PeerError):
            await agent.get("/v1/agent/self")
    server.close()


async def test_a_long_answer_is_read_to_its_end() -> None:
    async def long(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 3_000_000)

    runner, address = await _server(long)
    async with AgentClient(AgentAddress(http_addr=address)) as agent:
        assert len((await agent.get("/v1/agent/self")).body) == 3_000_000
    await runner.cleanup()
