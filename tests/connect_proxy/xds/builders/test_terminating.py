"""Out of the mesh, through a real Envoy."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import msgspec
import pytest
import yarl

from lictor_connect_proxy.snapshot import BindAddress, Endpoint, ProxySnapshot, TerminatedService
from lictor_connect_proxy.xds.builders import build
from lictor_connect_proxy.xds.kinds import CLUSTER, LISTENER
from lictor_core.entries.chains import Chain
from lictor_core.intentions import Rule, stated_rule
from lictor_core.records import JsonObject, ServiceKind
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.build import TRUST_DOMAIN, policy, rule
from tests.connect_proxy.live import BANNER, Application
from tests.connect_proxy.xds.chains import compiled
from tests.connect_proxy.xds.examples import EXAMPLES
from tests.connect_proxy.xds.live_envoy import envoy, live
from tests.connect_proxy.xds.web import Site
from tests.support.ports import free_port


def gateway(authority: Authority, port: int, chain: Chain, behind: int, *rules: Rule) -> ProxySnapshot:
    """A gateway for the service of a chain, with an instance on a port."""
    name = chain.service_name
    return ProxySnapshot(
        service="gateway",
        kind=ServiceKind.TERMINATING_GATEWAY,
        roots=authority.roots(),
        default_allow=False,
        terminated=(TerminatedService(service=name, leaf=authority.leaf(name), policy=policy(*rules), chain=chain),),
        instances={target: (Endpoint("127.0.0.1", behind, "outside"),) for target in chain.targets},
        bind_addresses=(BindAddress(name="default", address="127.0.0.1", port=port),),
        knows_behind=True,
    )


def sni(service: str) -> str:
    return f"{service}.default.dc1.internal.{TRUST_DOMAIN}"


async def heard(port: int, tls: ssl.SSLContext, name: str) -> bytes:
    """What a client is told that asks for `name`."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name)
        try:
            return await reader.readline()
        finally:
            writer.close()
    except (OSError, ssl.SSLError):
        return b""


@pytest.fixture
async def application() -> AsyncGenerator[Application]:
    async with Application().running() as one:
        yield one


@live
async def test_a_service_is_reached_by_its_name_and_by_whom_its_intentions_let(
    application: Application, tmp_path: Path
) -> None:
    authority, port = Authority(), free_port()
    one = gateway(authority, port, compiled("old"), application.port, rule("web", "allow", "old"))
    async with envoy(one, tmp_path):
        assert await heard(port, authority.client(authority.leaf("web")), sni("old")) == BANNER
        assert application.accepted == 1
        assert await heard(port, authority.client(authority.leaf("api")), sni("old")) == b""
        assert await heard(port, authority.client(authority.leaf("web")), sni("other")) == b""
        assert await heard(port, authority.anonymous(), sni("old")) == b""
        assert application.accepted == 1


@live
async def test_requests_to_a_service_are_judged_one_by_one(tmp_path: Path) -> None:
    authority, port = Authority(), free_port()
    reads: JsonObject = {"Action": "allow", "HTTP": {"PathPrefix": "/", "Methods": ["GET"]}}
    http: JsonObject = {"Kind": "service-defaults", "Name": "old", "Protocol": "http"}
    async with Site().running() as site, aiohttp.ClientSession() as session:
        ruled = stated_rule(rule("web", "deny", "old"), [reads], None)
        one = gateway(authority, port, compiled("old", http), site.port, ruled)
        tls, url = authority.client(authority.leaf("web")), yarl.URL(f"https://127.0.0.1:{port}/")
        async with envoy(one, tmp_path):
            async with session.get(url, ssl=tls, server_hostname=sni("old")) as answer:
                assert answer.status == 200
            async with session.post(url, ssl=tls, server_hostname=sni("old")) as answer:
                assert answer.status == 403
                assert "web->old" in answer.headers["x-lictor-deny-reason"]


def test_a_service_whose_certificate_is_not_known_yet_is_left_out() -> None:
    one = EXAMPLES["terminating"]
    bare = tuple(msgspec.structs.replace(each, leaf=None) for each in one.terminated)
    assert LISTENER not in build(msgspec.structs.replace(one, terminated=bare))


def test_the_ways_out_are_told_apart() -> None:
    clusters = build(EXAMPLES["terminating"])[CLUSTER]
    assert "transport_socket" not in clusters[f"v1.{sni('old')}"]
    assert "{'san_type': 'DNS', 'matcher': {'exact': 'billing.example'}}" in str(clusters[sni("billing")])
    assert clusters[sni("named")]["type"] == "LOGICAL_DNS"
