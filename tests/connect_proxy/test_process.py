"""The whole proxy: from options to served connections, with an agent double."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest

from lictor_connect_proxy import ProxyOptions, serve
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.errors import ConfigurationError, PeerError
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.feed.agent_double import AgentDouble
from tests.connect_proxy.live import BANNER, Application, Events, all_bytes, connected
from tests.support.conditions import eventually, wait_until
from tests.support.ports import free_port

AUTHORITY = Authority()


def _agent(application: Application) -> AgentDouble:
    """An agent that knows the identities of db and web, and a sidecar of db-1."""
    agent = AgentDouble()
    agent.set_identity("web", AUTHORITY.leaf("web"), AUTHORITY.roots())
    agent.set_identity("db", AUTHORITY.leaf("db"), AUTHORITY.roots())
    proxy = {"DestinationServiceName": "db", "DestinationServiceID": "db-1", "LocalServicePort": application.port}
    registered = {"ID": "db-1-sidecar-proxy", "Kind": "connect-proxy", "Port": free_port(), "Proxy": proxy}
    agent.set("/v1/agent/services", {"db-1-sidecar-proxy": registered, "db-1": {"ID": "db-1", "Kind": ""}})
    agent.set("/v1/agent/service/db-1-sidecar-proxy", registered)
    agent.set_instances("db", int(str(registered["Port"])))
    return agent


@contextlib.asynccontextmanager
async def _serving(options: ProxyOptions, events: Events | None = None) -> AsyncGenerator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(options, stop, SystemClock(), SeededRng(1), (events or Events()).log))
        try:
            yield
        finally:
            stop.set()


async def _greeted(port: int) -> bytes:
    """What the upstream on `port` says first, as soon as it says something."""
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(OSError):
                async with connected(port) as (reader, _):
                    if greeting := await reader.read(100):
                        return greeting
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("how", [{"sidecar_for": "db-1"}, {"proxy_id": "db-1-sidecar-proxy"}])
async def test_a_sidecar_and_a_proxy_by_flags_make_a_mesh(how: dict[str, str]) -> None:
    application = Application()
    upstream = free_port()
    async with application.running(), _agent(application).running() as agent:
        db = ProxyOptions(**how, agent=agent.address)  # type: ignore[arg-type]
        web = ProxyOptions(service="web", upstreams=(f"db:{upstream}",), agent=agent.address)
        async with _serving(db), _serving(web):
            assert await _greeted(upstream) == BANNER


async def test_a_denied_source_is_refused_and_let_in_again() -> None:
    application = Application()
    upstream = free_port()
    async with application.running(), _agent(application).running() as agent:
        db = ProxyOptions(sidecar_for="db-1", agent=agent.address)
        web = ProxyOptions(service="web", upstreams=(f"db:{upstream}",), agent=agent.address)
        async with _serving(db), _serving(web):
            assert await _greeted(upstream) == BANNER
            async with connected(upstream) as (live, _):
                assert await live.readline() == BANNER
                agent.set_intentions("db", web="deny")
                assert await all_bytes(live) == b""
            accepted = application.accepted
            async with connected(upstream) as (reader, _):
                assert await all_bytes(reader) == b""
            assert application.accepted == accepted
            agent.set_intentions("db", web="allow")
            assert await _greeted(upstream) == BANNER


async def test_a_proxy_shows_what_it_does_and_tells_its_agent_which_policy_it_runs() -> None:
    application = Application()
    upstream, admin = free_port(), free_port()
    async with application.running(), _agent(application).running() as agent:
        db = ProxyOptions(sidecar_for="db-1", agent=agent.address, admin_bind=f"127.0.0.1:{admin}")
        web = ProxyOptions(service="web", upstreams=(f"db:{upstream}",), agent=agent.address)
        async with _serving(db), _serving(web), aiohttp.ClientSession() as session:
            assert await _greeted(upstream) == BANNER
            async with session.get(f"http://127.0.0.1:{admin}/ready") as answer:
                assert answer.status == 200
            async with session.get(f"http://127.0.0.1:{admin}/metrics") as answer:
                assert 'lictor_proxy_connections_total{destination="db"' in await answer.text()
            reports = "/v1/agent/connect/proxies/db-1-sidecar-proxy"
            await eventually(lambda: reports in [path for path, _ in agent.written], what="it tells of itself")


async def test_with_rules_on_requests_nobody_is_let_in_and_the_setting_is_named() -> None:
    application, events = Application(), Events()
    of_web, of_api = free_port(), free_port()
    double = _agent(application)
    double.set_identity("api", AUTHORITY.leaf("api"), AUTHORITY.roots())
    double.set_intentions("db")
    async with application.running(), double.running() as agent:
        db = ProxyOptions(sidecar_for="db-1", agent=agent.address)
        web = ProxyOptions(service="web", upstreams=(f"db:{of_web}",), agent=agent.address)
        api = ProxyOptions(service="api", upstreams=(f"db:{of_api}",), agent=agent.address)
        async with _serving(db, events), _serving(web), _serving(api):
            assert await _greeted(of_web) == await _greeted(of_api) == BANNER
            async with connected(of_web) as (looked_at, _), connected(of_api) as (other, _):
                assert await looked_at.readline() == await other.readline() == BANNER
                agent.set_rules_on_requests("db", "web", api="allow")
                assert await all_bytes(looked_at) == b""
                accepted = application.accepted
                async with connected(of_api) as (reader, _):
                    assert await all_bytes(reader) == b""
                assert application.accepted == accepted
                assert not other.at_eof()
            (told,) = events.named("proxy.listener.refused")
            assert (told["listener"], told["setting"]) == ("public", "Permissions of the intention web -> db")
            agent.set_intentions("db", api="allow")
            await eventually(lambda: len(events.named("proxy.listener.started")) == 2, what="it is open again")
            assert await _greeted(of_api) == BANNER


async def test_an_instance_without_a_sidecar_is_refused_by_name() -> None:
    async with _agent(Application()).running() as agent:
        with pytest.raises(ConfigurationError, match="no sidecar proxy for 'other'"):
            await serve(
                ProxyOptions(sidecar_for="other", agent=agent.address),
                asyncio.Event(), SystemClock(), SeededRng(1), Events().log,
            )  # fmt: skip


async def test_an_instance_with_two_sidecars_is_refused_with_both_names() -> None:
    agent = AgentDouble()
    proxies = {
        name: {"ID": name, "Kind": "connect-proxy", "Proxy": {"DestinationServiceID": "db-1"}} for name in ("b", "a")
    }
    agent.set("/v1/agent/services", proxies)
    async with agent.running():
        options = ProxyOptions(sidecar_for="db-1", agent=agent.address)
        with pytest.raises(ConfigurationError, match=r"-proxy-id \(a, b\)"):
            await serve(options, asyncio.Event(), SystemClock(), SeededRng(1), Events().log)


async def test_a_gateway_is_refused_with_the_command_that_runs_it() -> None:
    double = _agent(Application())
    double.set("/v1/agent/service/edge", {"ID": "edge", "Service": "edge", "Kind": "ingress-gateway", "Proxy": {}})
    async with double.running() as agent:
        options = ProxyOptions(proxy_id="edge", agent=agent.address)
        with pytest.raises(ConfigurationError, match="ingress-gateway of 'edge' needs Envoy: `lictor connect envoy"):
            await serve(options, asyncio.Event(), SystemClock(), SeededRng(1), Events().log)


async def test_an_unknown_proxy_id_is_refused() -> None:
    async with _agent(Application()).running() as agent:
        options = ProxyOptions(proxy_id="nothing", agent=agent.address)
        with pytest.raises(ConfigurationError, match="no proxy 'nothing'"):
            await serve(options, asyncio.Event(), SystemClock(), SeededRng(1), Events().log)


async def test_a_sidecar_without_an_agent_is_told_so_at_once() -> None:
    options = ProxyOptions(sidecar_for="db-1", agent=AgentDouble().address)
    with pytest.raises(PeerError, match=r"could not reach the agent at \S+ \(Connection refused\): is it running"):
        await serve(options, asyncio.Event(), SystemClock(), SeededRng(1), Events().log)


async def test_a_proxy_that_registers_itself_takes_itself_away() -> None:
    application = Application()
    async with _agent(application).running() as agent:
        options = ProxyOptions(
            service="db",
            listen=f"127.0.0.1:{free_port()}",
            service_addr=f"127.0.0.1:{application.port}",
            register=True,
            agent=agent.address,
        )
        async with _serving(options):
            await eventually(lambda: len(agent.written) >= 2, what="it is registered")
        assert agent.written[-1][0] == "/v1/agent/service/deregister/db-proxy"


_PROGRAM = """
import sys
import structlog, uvloop
from lictor_connect_proxy import AgentAddress, ProxyOptions, run
from lictor_core.clock import SystemClock, SystemRng
options = ProxyOptions(service="web", upstreams=("db:" + sys.argv[2],), agent=AgentAddress(http_addr=sys.argv[1]))
log = structlog.wrap_logger(
    structlog.PrintLogger(), processors=[structlog.processors.JSONRenderer()],
    wrapper_class=structlog.make_filtering_bound_logger(20),
)
sys.exit(uvloop.run(run(options, SystemClock(), SystemRng(), log)))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_in_order_within_a_second(number: signal.Signals, tmp_path: Path) -> None:
    log = tmp_path / "log"
    # No agent is needed to be told to stop: the proxy waits for one for ever.
    argv = [sys.executable, "-c", _PROGRAM, f"127.0.0.1:{free_port()}", str(free_port())]
    with log.open("wb") as output, subprocess.Popen(argv, stdout=output, stderr=output, env=os.environ) as process:
        try:
            wait_until(lambda: b"proxy.feed.interrupted" in log.read_bytes(), within_s=20, what="the proxy runs")
            process.send_signal(number)
            assert process.wait(2) == 0
        finally:
            process.kill()
    assert b"proxy.process.stopped" in log.read_bytes()


def test_figures_leave_for_statsd(tmp_path: Path) -> None:
    program = str(Path(sys.executable).parent / "lictor")
    flags = ["-service=web", f"-upstream=db:{free_port()}", f"-http-addr=127.0.0.1:{free_port()}"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd, (tmp_path / "log").open("wb") as log:
        statsd.bind(("127.0.0.1", 0))
        statsd.settimeout(30)
        argv = [program, "connect", "proxy", *flags, f"-statsd-address=127.0.0.1:{statsd.getsockname()[1]}"]
        with subprocess.Popen(argv, stdout=log, stderr=log, env=os.environ) as process:
            try:
                # Without an agent there are gauges alone, which leave every ten seconds.
                received = statsd.recv(65536)
            finally:
                process.kill()
    assert b".proxy.configured:0.000000|g" in received
