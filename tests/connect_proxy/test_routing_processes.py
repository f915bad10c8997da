"""What becomes of connections when instances and agents die: all of them processes, with the agents of both products.

Checks of the sidecars pass whatever happens, where a proxy must find out by itself who is dead.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from pathlib import Path

import pytest

from tests.connect_proxy.live import Application, all_bytes, connected
from tests.support.agents import DevAgent, Product, client_agent, dev_agent, environment_for_commands, program_of
from tests.support.api import answers, call, listens
from tests.support.conditions import eventually
from tests.support.ports import free_port
from tests.support.processes import Program, running
from tests.support.recorder.json_types import Json, as_list, at

pytestmark = pytest.mark.slow

_ANSWER_S_MAX = 20.0
_STEADY: dict[str, Json] = {"Name": "always", "TTL": "30m", "Status": "passing"}
"""A check that nobody updates: its instance is healthy for the whole of the test, dead or not."""


@pytest.fixture(
    scope="module", params=[pytest.param("lictor"), pytest.param("consul", marks=pytest.mark.needs("consul"))]
)
def agent(request: pytest.FixtureRequest) -> Iterator[DevAgent]:
    """One agent of each product for all tests; each test uses names of its own."""
    product: Product = request.param
    with tempfile.TemporaryDirectory() as directory, dev_agent(product, Path(directory)) as started:
        yield started


@contextlib.contextmanager
def _proxy(agent: DevAgent, directory: Path, instance: str) -> Generator[Program]:
    """The sidecar of an instance as a process, which may be killed under way."""
    argv = [program_of("lictor"), "connect", "proxy", f"-sidecar-for={instance}", f"-http-addr={agent.http_address}"]
    with running(f"proxy-{instance}", argv, directory, environment=environment_for_commands(), kill=True) as program:
        yield program


def _register(
    agent: DevAgent, service: str, port: int, *, id: str = "", check: Json = None, upstream: Json = None
) -> int:
    """Returns the public port of the sidecar."""
    public = free_port()
    checks: list[Json] = [check or {"Name": "open", "TCP": f"127.0.0.1:{public}", "Interval": "100ms"}]
    sidecar: dict[str, Json] = {"Port": public, "Checks": checks}
    if upstream is not None:
        sidecar["Proxy"] = {"Upstreams": [upstream]}
    body: Json = {"Name": service, "ID": id or service, "Port": port, "Connect": {"SidecarService": sidecar}}
    call(agent.http_address, "PUT", "/v1/agent/service/register", body)
    return public


def _write(agent: DevAgent, kind: str, name: str, **body: Json) -> None:
    call(agent.http_address, "PUT", "/v1/config", {"Kind": kind, "Name": name, **body})


def _is_healthy(agent: DevAgent, service: str, proxy: str) -> bool:
    found = call(agent.http_address, "GET", f"/v1/health/connect/{service}?passing")
    return any(at(one, "Service.ID") == proxy for one in as_list(found))


@contextlib.asynccontextmanager
async def _instance(
    agent: DevAgent, directory: Path, service: str, *, id: str = "", check: Json = None
) -> AsyncGenerator[Program]:
    """An application that says the id of its instance, registered, with its sidecar."""
    async with Application(f"{id or service}\n".encode()).running() as application:
        name = id or service
        public = _register(agent, service, application.port, id=id, check=check)
        with _proxy(agent, directory, name) as program:
            # Who is not known yet, or not there yet, when the others die cannot serve for them.
            await eventually(lambda: _is_healthy(agent, service, f"{name}-sidecar-proxy"), what=f"{name} is healthy")
            await eventually(lambda: listens(public), what=f"the sidecar of {name} listens")
            yield program


@contextlib.asynccontextmanager
async def _client(
    agent: DevAgent, directory: Path, service: str, **config: Json
) -> AsyncGenerator[tuple[int, Program]]:
    """The sidecar of a client with an upstream to `service`: its local port, and its process."""
    port, name = free_port(), f"to-{service}"
    upstream: Json = {"DestinationName": service, "LocalBindPort": port, "Config": config}
    _register(agent, name, free_port(), upstream=upstream)
    with _proxy(agent, directory, name) as program:
        yield port, program


async def _said(port: int) -> str:
    """Who greets on a new connection; empty when it is cut instead. To be left hanging is an error."""
    async with asyncio.timeout(_ANSWER_S_MAX):  # outside: its error is an OSError too
        with contextlib.suppress(OSError):
            async with connected(port) as (reader, _):
                return (await reader.readline()).decode().strip()
    return ""


@contextlib.asynccontextmanager
async def _held(port: int) -> AsyncGenerator[None]:
    """A connection that was greeted. Those before it may still be counted when it comes."""
    for _ in range(1500):
        async with contextlib.AsyncExitStack() as stack:
            if await _is_greeted(stack, port):
                yield
                return
        await asyncio.sleep(0.02)
    raise AssertionError("no connection was taken")


async def _is_greeted(stack: contextlib.AsyncExitStack, port: int) -> bool:
    with contextlib.suppress(OSError):
        reader, _ = await stack.enter_async_context(connected(port))
        return bool(await asyncio.wait_for(reader.readline(), _ANSWER_S_MAX))
    return False


async def _until(port: int, *expected: str) -> None:
    """Connect again and again until each of `expected`, and nobody else, was heard in a row."""
    heard: list[str] = []
    for _ in range(1500):
        heard.append(await _said(port))
        if set(heard[-2 * len(expected) :]) == set(expected) and len(heard) >= 2 * len(expected):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"expected {expected}, heard {heard[-10:]}")


async def test_instances_die_one_by_one_unnoticed_and_one_comes_back(agent: DevAgent, tmp_path: Path) -> None:
    async with (
        _instance(agent, tmp_path, "db", id="db-1", check=_STEADY) as first,
        _instance(agent, tmp_path, "db", id="db-2", check=_STEADY) as second,
        _client(agent, tmp_path, "db") as (port, web),
    ):
        await _until(port, "db-1", "db-2")
        async with connected(port) as one, connected(port) as two:
            greeted = {(await end[0].readline()).strip(): end for end in (one, two)}
            assert set(greeted) == {b"db-1", b"db-2"}
            first.kill()
            assert {await _said(port) for _ in range(20)} == {"db-2"}, "nobody notices"
            reader, writer = greeted[b"db-2"]
            writer.write(b"still here\n")
            assert await asyncio.wait_for(reader.readline(), _ANSWER_S_MAX) == b"still here\n"
            assert await asyncio.wait_for(all_bytes(greeted[b"db-1"][0]), _ANSWER_S_MAX) == b""
        second.kill()
        assert [await _said(port) for _ in range(3)] == ["", "", ""]
        with _proxy(agent, tmp_path, "db-1"):
            await _until(port, "db-1")
        log = web.log()
        assert "proxy.instance.failed" in log
        assert "proxy.upstream.unavailable" in log
        assert "proxy.upstream.panicked" in log


async def test_another_service_serves_while_all_of_the_first_are_dead(agent: DevAgent, tmp_path: Path) -> None:
    _write(agent, "service-resolver", "own", Failover={"*": {"Service": "spare"}})
    async with (
        _instance(agent, tmp_path, "own", check=_STEADY) as own,
        _instance(agent, tmp_path, "spare", check=_STEADY),
        _client(agent, tmp_path, "own") as (port, web),
    ):
        await _until(port, "own")
        own.kill()
        assert {await _said(port) for _ in range(20)} == {"spare"}, "nobody notices"
        with _proxy(agent, tmp_path, "own"):
            await _until(port, "own")
        log = web.log()
        assert log.index("proxy.upstream.failed_over") < log.index("proxy.upstream.recovered")


async def test_connections_are_shared_out_as_the_splitter_says(agent: DevAgent, tmp_path: Path) -> None:
    for name in ("shared", "canary"):
        _write(agent, "service-defaults", name, Protocol="http")
    splits: list[Json] = [{"Weight": 90, "Service": "shared"}, {"Weight": 10, "Service": "canary"}]
    _write(agent, "service-splitter", "shared", Splits=splits)
    async with (
        _instance(agent, tmp_path, "shared"),
        _instance(agent, tmp_path, "canary"),
        _client(agent, tmp_path, "shared") as (port, _),
    ):
        await _until(port, "shared")
        heard: list[str] = []
        # Until the canary's instance is known its share is cut.
        while "canary" not in heard:
            heard = [*heard[-500:], await _said(port)]
        heard = [await _said(port) for _ in range(300)]
    # Five standard deviations around 30 of 300.
    assert 4 <= heard.count("canary") <= 56
    assert heard.count("canary") + heard.count("shared") == 300


async def test_a_connection_over_the_limit_is_reset(agent: DevAgent, tmp_path: Path) -> None:
    limits: Mapping[str, Json] = {"max_connections": 2}
    async with (
        _instance(agent, tmp_path, "narrow"),
        _client(agent, tmp_path, "narrow", limits=dict(limits)) as (port, web),
    ):
        await _until(port, "narrow")
        async with _held(port), _held(port):
            assert [await _said(port) for _ in range(3)] == ["", "", ""]
            assert "proxy.listener.limited" in web.log()
            assert "proxy.instance.failed" not in web.log()
        await _until(port, "narrow")


async def test_while_the_agent_is_dead_all_goes_on_and_what_changed_meanwhile_is_carried_out_when_it_is_back(
    tmp_path: Path,
) -> None:
    with (
        tempfile.TemporaryDirectory() as directory,
        dev_agent("lictor", Path(directory)) as server,
        client_agent(server, tmp_path) as agent,
    ):
        async with (
            _instance(agent, tmp_path, "db", check=_STEADY) as db,
            _client(agent, tmp_path, "db") as (port, web),
        ):
            await _until(port, "db")
            async with connected(port) as (reader, writer):
                assert await reader.readline() == b"db\n"
                agent.program.kill()
                await eventually(lambda: "proxy.feed.interrupted" in web.log(), what="the proxy tells of it")
                assert [await _said(port) for _ in range(5)] == ["db"] * 5
                body: Json = {"SourceName": "to-db", "DestinationName": "db", "Action": "deny"}
                call(server.http_address, "POST", "/v1/connect/intentions", body)
                writer.write(b"still allowed\n")
                assert await reader.readline() == b"still allowed\n"
                back = running("agent-again", agent.program.argv, tmp_path, environment=environment_for_commands())
                with back:
                    await eventually(lambda: answers(agent.http_address, "/v1/agent/self"), what="the agent is back")
                    assert await asyncio.wait_for(all_bytes(reader), 60) == b""
                    assert await _said(port) == ""
                    assert "proxy.connection.revoked" in db.log()
                    await eventually(lambda: "proxy.feed.resumed" in web.log(), what="the other proxy tells of it")
