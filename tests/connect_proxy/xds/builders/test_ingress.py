"""From outside into the mesh, through a real Envoy."""

from pathlib import Path

import aiohttp
import msgspec

from lictor_connect_proxy.snapshot import (
    Endpoint,
    IngressListener,
    IngressService,
    ProxySnapshot,
    UpstreamListener,
)
from lictor_connect_proxy.xds.builders import build
from lictor_connect_proxy.xds.kinds import LISTENER, ROUTES
from lictor_core.entries.traffic import HeaderModifiers
from lictor_core.records import ServiceKind
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.build import rule
from tests.connect_proxy.live import BANNER, Application, connected, public_port, public_snapshot, running
from tests.connect_proxy.xds.examples import EXAMPLES
from tests.connect_proxy.xds.live_envoy import envoy, live
from tests.connect_proxy.xds.web import Site, asked, served
from tests.support.ports import free_port


def gateway(authority: Authority, *listeners: IngressListener, **ports: int) -> ProxySnapshot:
    """A gateway whose services have an instance on these ports."""
    keys = {one.upstream.service: one.upstream.key for listener in listeners for one in listener.services}
    return ProxySnapshot(
        service="gateway",
        kind=ServiceKind.INGRESS_GATEWAY,
        leaf=authority.leaf("gateway"),
        roots=authority.roots(),
        ingress=listeners,
        endpoints={keys[name]: (Endpoint("127.0.0.1", port, name),) for name, port in ports.items()},
        knows_behind=True,
    )


def listener(port: int, protocol: str, *services: IngressService, tls: bool = False) -> IngressListener:
    return IngressListener(bind_address="127.0.0.1", port=port, protocol=protocol, services=services, tls=tls)


def service(name: str, protocol: str = "http", *hosts: str, **headers: HeaderModifiers) -> IngressService:
    upstream = UpstreamListener(service=name, protocol=protocol)
    return msgspec.structs.replace(IngressService(upstream=upstream, hosts=hosts), **headers)


@live
async def test_requests_go_to_the_service_of_their_host(tmp_path: Path) -> None:
    authority, port = Authority(), free_port()
    async with Site("api").running() as api, Site("web").running() as web, aiohttp.ClientSession() as session:
        behind = {
            "api": served(authority, api, rule("gateway", "allow", "api"), service="api"),
            "web": served(authority, web, rule("gateway", "allow", "web"), service="web"),
        }
        headers = HeaderModifiers(set={"x-from": "outside"})
        one = gateway(
            authority,
            listener(port, "http", service("api", "http", "api.example", request_headers=headers), service("web")),
            **{name: public_port(snapshot) for name, snapshot in behind.items()},
        )
        async with (
            envoy(behind["api"], tmp_path, "api"),
            envoy(behind["web"], tmp_path, "web"),
            envoy(one, tmp_path, "gateway"),
        ):
            found: list[object] = []
            for host in ("api.example", f"api.example:{port}", "web.ingress.consul", f"web.ingress.dc1:{port}"):
                answer = await asked(session, port, headers={"Host": host})
                found.append(answer.seen["name"])
                assert answer.seen_header("x-from") == ("outside" if answer.seen["name"] == "api" else "")
            assert found == ["api", "api", "web", "web"]
            assert (await asked(session, port, headers={"Host": "elsewhere"})).status == 404


@live
async def test_connections_are_passed_on(tmp_path: Path) -> None:
    authority, port = Authority(), free_port()
    async with Application().running() as application:
        db = public_snapshot(authority, application, rule("gateway", "allow"), default_allow=False)
        one = gateway(authority, listener(port, "tcp", service("db", "tcp")), db=public_port(db))
        async with running(db), envoy(one, tmp_path), connected(port) as (reader, _):
            assert await reader.readline() == BANNER


@live
async def test_with_tls_the_gateway_shows_its_certificate_and_asks_for_none(tmp_path: Path) -> None:
    authority, port = Authority(), free_port()
    async with Application().running() as application:
        db = public_snapshot(authority, application, rule("gateway", "allow"), default_allow=False)
        one = gateway(authority, listener(port, "tcp", service("db", "tcp"), tls=True), db=public_port(db))
        async with running(db), envoy(one, tmp_path), connected(port, authority.anonymous()) as (reader, writer):
            assert await reader.readline() == BANNER
            assert "/svc/gateway" in str(writer.get_extra_info("peercert"))


def test_a_service_of_which_nothing_is_known_yet_opens_no_port() -> None:
    one = msgspec.structs.replace(EXAMPLES["ingress"], endpoints={}, chains={})
    assert LISTENER not in build(one)


def test_hosts_are_met_with_and_without_the_port() -> None:
    hosts = str(build(EXAMPLES["ingress"])[ROUTES]["8080"])
    assert "['api.example', 'api.example:8080', '*.api.example', '*.api.example:8080']" in hosts
    assert "['web.ingress.*']" in hosts
