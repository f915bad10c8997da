"""Connections through real Envoys that run what sidecars are given."""

import ssl
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pytest

from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_connect_proxy.xds.builders import build
from lictor_connect_proxy.xds.kinds import LISTENER
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.build import policy, rule, snapshot
from tests.connect_proxy.live import (
    BANNER,
    Application,
    all_bytes,
    connected,
    public_port,
    public_snapshot,
    running,
    upstream_snapshot,
)
from tests.connect_proxy.xds.live_envoy import envoy, live


def test_neither_rules_nor_certificates_change_a_listener() -> None:
    one = snapshot(rule("web", "allow"))
    assert one.leaf is not None
    other = msgspec.structs.replace(
        one,
        policy=policy(rule("web", "deny"), rule("api", "allow")),
        leaf=msgspec.structs.replace(one.leaf, certificate_pem="another", serial="02"),
    )
    assert build(one)[LISTENER] == build(other)[LISTENER]


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
async def application() -> AsyncGenerator[Application]:
    async with Application().running() as one:
        yield one


@live
async def test_a_permitted_client_hears_an_application_that_speaks_first(
    authority: Authority, application: Application, tmp_path: Path
) -> None:
    db = public_snapshot(authority, application, rule("web", "allow"), default_allow=False)
    web = upstream_snapshot(authority, public_port(db))
    port = web.upstreams[0].bind_port
    async with envoy(db, tmp_path, "db"), envoy(web, tmp_path, "web"), connected(port) as (reader, writer):
        assert await reader.readline() == BANNER
        writer.write(b"hello" * 100_000)
        writer.write_eof()
        assert await all_bytes(reader) == b"hello" * 100_000 + b"bye\n"


@live
@pytest.mark.parametrize("speaks", [False, True])
@pytest.mark.parametrize("default_allow", [False, True])
async def test_a_denied_client_gets_no_byte_and_reaches_nobody(
    authority: Authority, application: Application, tmp_path: Path, default_allow: bool, speaks: bool
) -> None:
    db = public_snapshot(authority, application, rule("web", "deny"), default_allow=default_allow)
    async with envoy(db, tmp_path) as proxy:
        assert await _heard(public_port(db), authority, "web", b"hello" if speaks else b"") == b""
        assert application.accepted == 0
        assert await proxy.figure(r"listener\..*\.ssl\.fail_verify_san") == 1


@live
@pytest.mark.parametrize("known", ["nothing", "no rule"])
async def test_without_a_policy_nobody_gets_in(
    authority: Authority, application: Application, tmp_path: Path, known: str
) -> None:
    db: ProxySnapshot = public_snapshot(authority, application, default_allow=False)
    if known == "nothing":
        db = msgspec.structs.replace(db, policy=None, default_allow=True)
    async with envoy(db, tmp_path):
        assert await _heard(public_port(db), authority, "web") == b""
        assert application.accepted == 0


@live
async def test_a_client_of_another_ca_or_without_certificate_gets_no_byte(
    authority: Authority, application: Application, tmp_path: Path
) -> None:
    db = public_snapshot(authority, application)
    async with envoy(db, tmp_path):
        assert await _heard(public_port(db), authority, None) == b""
        stranger = Authority("another")
        context = stranger.client(stranger.leaf("web"))
        context.load_verify_locations(cadata=authority.pem)
        assert await _answered(public_port(db), context) == b""
        assert application.accepted == 0


@live
async def test_an_instance_that_is_another_service_is_not_spoken_to(
    authority: Authority, application: Application, tmp_path: Path
) -> None:
    other = public_snapshot(authority, application, service="other")
    web = upstream_snapshot(authority, public_port(other), to="db")
    async with running(other), envoy(web, tmp_path):
        async with connected(web.upstreams[0].bind_port) as (reader, _):
            assert await all_bytes(reader) == b""
        assert application.accepted == 0


@live
async def test_envoy_and_the_built_in_proxy_understand_each_other(
    authority: Authority, application: Application, tmp_path: Path
) -> None:
    db = public_snapshot(authority, application, rule("web", "allow"), default_allow=False)
    web = upstream_snapshot(authority, public_port(db))
    async with envoy(db, tmp_path, "db"), running(web), connected(web.upstreams[0].bind_port) as (reader, _):
        assert await reader.readline() == BANNER
    async with running(db), envoy(web, tmp_path, "web"), connected(web.upstreams[0].bind_port) as (reader, _):
        assert await reader.readline() == BANNER


async def _heard(port: int, authority: Authority, service: str | None, said: bytes = b"") -> bytes:
    context = authority.anonymous() if service is None else authority.client(authority.leaf(service))
    return await _answered(port, context, said)


async def _answered(port: int, context: ssl.SSLContext, said: bytes = b"") -> bytes:
    try:
        async with connected(port, context) as (reader, writer):
            writer.write(said)
            return await all_bytes(reader)
    except (OSError, ssl.SSLError):
        return b""
