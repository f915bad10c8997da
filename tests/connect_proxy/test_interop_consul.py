"""The proxy with the real Consul: its agent as the source of knowledge, its own proxy at the other end, its CA.

The same with Lictor's agent, so that all four of agents and far ends are seen together.
"""

import asyncio
import contextlib
import http.client
import json
import tempfile
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lictor_connect_proxy import AgentAddress, ProxyOptions, serve
from lictor_core.clock import SeededRng, SystemClock
from tests.connect_proxy.live import BANNER, Application, Events, all_bytes, connected
from tests.support.agents import DevAgent, Product, dev_agent, environment_for_commands, program_of
from tests.support.conditions import eventually
from tests.support.ports import free_port
from tests.support.processes import running

pytestmark = [pytest.mark.needs("consul"), pytest.mark.slow]


@pytest.fixture(scope="module", params=["consul", "lictor"])
def agent(request: pytest.FixtureRequest) -> Iterator[DevAgent]:
    """One agent of each product for all tests of this module; each test uses service names of its own."""
    product: Product = request.param
    with tempfile.TemporaryDirectory() as directory, dev_agent(product, Path(directory)) as started:
        yield started


def _ask(agent: DevAgent, method: str, path: str, body: object = None) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", agent.ports["http"], timeout=10)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    assert answer.status == 200, content
    return content


def _intend(agent: DevAgent, source: str, destination: str, action: str) -> None:
    """Write the intention, or change the one that is there."""
    known = json.loads(_ask(agent, "GET", "/v1/connect/intentions"))
    body = {"SourceName": source, "DestinationName": destination, "Action": action, "SourceType": "consul"}
    for one in known:
        if (one["SourceName"], one["DestinationName"]) == (source, destination):
            _ask(agent, "PUT", f"/v1/connect/intentions/{one['ID']}", body)
            return
    _ask(agent, "POST", "/v1/connect/intentions", body)


def _register(agent: DevAgent, service: str, port: int, *upstreams: tuple[str, int]) -> None:
    """A service with a sidecar that is healthy at once."""
    proxy = {"Upstreams": [{"DestinationName": name, "LocalBindPort": local} for name, local in upstreams]}
    sidecar = {"Port": free_port(), "Proxy": proxy, "Checks": [{"Name": "up", "TTL": "1h", "Status": "passing"}]}
    body = {"Name": service, "Port": port, "Connect": {"SidecarService": sidecar}}
    _ask(agent, "PUT", "/v1/agent/service/register", body)


@contextlib.asynccontextmanager
async def _lictor(agent: DevAgent, events: Events | None = None, **options: object) -> AsyncGenerator[None]:
    address = AgentAddress(http_addr=agent.http_address)
    checked = ProxyOptions(agent=address, **options)  # type: ignore[arg-type]
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(checked, stop, SystemClock(), SeededRng(1), (events or Events()).log))
        try:
            yield
        finally:
            stop.set()


@contextlib.asynccontextmanager
async def _consul(agent: DevAgent, service: str, directory: Path) -> AsyncGenerator[None]:
    argv = [program_of("consul"), "connect", "proxy", "-sidecar-for", service]
    environment = environment_for_commands(agent.http_address)
    with running("proxy", argv, directory, environment=environment, kill=True):
        yield


async def _greeted(port: int) -> bytes:
    async with asyncio.timeout(15):
        while True:
            with contextlib.suppress(OSError):
                async with connected(port) as (reader, _):
                    if greeting := await reader.read(100):
                        return greeting
            await asyncio.sleep(0.05)


async def _gets_nothing(port: int) -> bool:
    """Whether a silent client gets no byte until it is closed."""
    async with connected(port) as (reader, _), asyncio.timeout(10):
        with contextlib.suppress(OSError):
            return await reader.read(100) == b""
        return True


async def _denied_in_the_end(port: int) -> bool:
    async with asyncio.timeout(10):
        while True:
            if await _gets_nothing(port):
                return True
            await asyncio.sleep(0.05)


async def _echoes(port: int) -> None:
    payload = bytes(range(256)) * 2000
    async with connected(port) as (reader, writer):
        assert await reader.readline() == BANNER
        writer.write(payload)
        assert await asyncio.wait_for(reader.readexactly(len(payload)), 10) == payload


async def test_two_of_ours_with_the_real_agent(agent: DevAgent) -> None:
    application, port = Application(), free_port()
    _register(agent, "ours-db", application.port)
    _register(agent, "ours-web", free_port(), ("ours-db", port))
    async with (
        application.running(),
        _lictor(agent, sidecar_for="ours-db"),
        _lictor(agent, sidecar_for="ours-web"),
    ):
        assert await _greeted(port) == BANNER
        await _echoes(port)


async def test_ours_dials_consuls(agent: DevAgent, tmp_path: Path) -> None:
    application, port = Application(), free_port()
    _register(agent, "to-db", application.port)
    async with (
        application.running(),
        _consul(agent, "to-db", tmp_path),
        _lictor(agent, service="to-web", upstreams=(f"to-db:{port}",)),
    ):
        assert await _greeted(port) == BANNER
        await _echoes(port)
        _intend(agent, "to-web", "to-db", "deny")
        assert await _denied_in_the_end(port)


async def test_consuls_dials_ours_and_a_denial_cuts_it(agent: DevAgent, tmp_path: Path) -> None:
    application, port = Application(), free_port()
    events = Events()
    _register(agent, "from-db", application.port)
    _register(agent, "from-web", free_port(), ("from-db", port))
    async with (
        application.running(),
        _lictor(agent, events, sidecar_for="from-db"),
        _consul(agent, "from-web", tmp_path),
    ):
        assert await _greeted(port) == BANNER
        await _echoes(port)
        async with connected(port) as (live, _):
            assert await live.readline() == BANNER
            _intend(agent, "from-web", "from-db", "deny")
            assert await all_bytes(live) == b""
        assert len(events.named("proxy.connection.revoked")) == 1
        accepted = application.accepted
        assert await _gets_nothing(port)
        assert application.accepted == accepted
        _intend(agent, "from-web", "from-db", "allow")
        assert await _greeted(port) == BANNER


async def test_a_new_root_of_the_ca_drops_nothing(agent: DevAgent) -> None:
    application, port = Application(), free_port()
    events = Events()
    _register(agent, "ca-db", application.port)
    async with (
        application.running(),
        _lictor(agent, events, sidecar_for="ca-db"),
        _lictor(agent, service="ca-web", upstreams=(f"ca-db:{port}",)),
    ):
        assert await _greeted(port) == BANNER
        async with connected(port) as (live, writer):
            assert await live.readline() == BANNER
            key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
            config = {"LeafCertTTL": "72h", "PrivateKey": key.decode(), "RotationPeriod": "2160h"}
            _ask(agent, "PUT", "/v1/connect/ca/configuration", {"Provider": "consul", "Config": config})

            def serials() -> set[str]:
                return {str(event["serial"]) for event in events.named("proxy.certificates.loaded")}

            await eventually(lambda: len(serials()) > 1, within_s=60, what="a leaf of the new root is loaded")
            writer.write(b"still here\n")
            assert await live.readline() == b"still here\n"
        assert await _greeted(port) == BANNER
        assert events.named("proxy.certificates.refused") == []


async def test_a_proxy_by_flags_registers_itself_with_the_real_agent(agent: DevAgent) -> None:
    application, port = Application(), free_port()
    listen = f"127.0.0.1:{free_port()}"
    service_addr = f"127.0.0.1:{application.port}"
    async with (
        application.running(),
        _lictor(agent, service="flag-db", listen=listen, service_addr=service_addr, register=True, register_id="a"),
        _lictor(agent, service="flag-web", upstreams=(f"flag-db:{port}",)),
    ):
        assert await _greeted(port) == BANNER
        assert b"flag-db-proxy-a" in _ask(agent, "GET", "/v1/agent/services")
    assert b"flag-db-proxy-a" not in _ask(agent, "GET", "/v1/agent/services")
