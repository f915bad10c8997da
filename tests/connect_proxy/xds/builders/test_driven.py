"""What a change does to an Envoy that runs, told by our server: it takes hold at once, and disturbs nothing else."""

import ssl
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import msgspec
import pytest

from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_connect_proxy.xds.revoking import drain_arguments
from lictor_core.intentions import Rule, stated_rule
from lictor_core.records import JsonObject
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.build import policy, rule
from tests.connect_proxy.live import BANNER, Application, all_bytes, connected, public_port, public_snapshot
from tests.connect_proxy.xds.envoys import Told
from tests.connect_proxy.xds.live_envoy import driven, live
from tests.connect_proxy.xds.web import Site, asked, served

ENFORCED_S = 10.0


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
async def application() -> AsyncGenerator[Application]:
    async with Application().running() as one:
        yield one


def ruled_by(one: ProxySnapshot, *rules: Rule) -> ProxySnapshot:
    return msgspec.structs.replace(one, policy=policy(*rules))


async def is_let_in(port: int, tls: ssl.SSLContext) -> bool:
    try:
        async with connected(port, tls) as (reader, _):
            return await reader.readline() == BANNER
    except (OSError, ssl.SSLError):
        return False


async def until(port: int, tls: ssl.SSLContext, expected: bool) -> None:
    """New connections are met with that verdict."""
    deadline = time.monotonic() + ENFORCED_S
    while await is_let_in(port, tls) is not expected:
        assert time.monotonic() < deadline


@live
async def test_a_new_rule_holds_for_new_connections_and_changes_no_listener(
    authority: Authority, application: Application, tmp_path: Path
) -> None:
    db = public_snapshot(authority, application, rule("web", "allow"), default_allow=False)
    tls, port = authority.client(authority.leaf("web")), public_port(db)
    knowledge = Told(db)
    async with driven(knowledge, tmp_path) as proxy, connected(port, tls) as (reader, writer):
        assert await reader.readline() == BANNER
        for word, verdict in (("deny", False), ("allow", True), ("deny", False)):
            knowledge.say(ruled_by(db, rule("web", word)))
            await until(port, tls, verdict)
        writer.write(b"still here")
        assert await reader.readexactly(10) == b"still here"
        assert await proxy.figure("listener_manager.listener_modified") == 0
        assert await proxy.figure("listener_manager.listener_in_place_updated") == 0


@live
async def test_a_service_that_wants_it_has_denied_connections_ended(
    authority: Authority, application: Application, tmp_path: Path
) -> None:
    config: JsonObject = {"envoy_denied_connections": "close"}
    db = msgspec.structs.replace(
        public_snapshot(authority, application, rule("web", "allow"), default_allow=False), config=config
    )
    tls, port = authority.client(authority.leaf("web")), public_port(db)
    knowledge = Told(db)
    async with driven(knowledge, tmp_path, *drain_arguments(config)) as proxy, connected(port, tls) as (reader, writer):
        assert await reader.readline() == BANNER
        knowledge.say(ruled_by(db, rule("web", "allow"), rule("api", "allow")))
        await until(port, authority.client(authority.leaf("api")), True)
        writer.write(b"still here")
        assert await reader.readexactly(10) == b"still here"
        assert await proxy.figure("listener_manager.listener_in_place_updated") == 0
        knowledge.say(ruled_by(db, rule("api", "allow")))
        assert await all_bytes(reader) == b""
        assert await proxy.figure("listener_manager.listener_in_place_updated") == 1


@live
async def test_a_new_certificate_disturbs_no_connection(
    authority: Authority, application: Application, tmp_path: Path
) -> None:
    db = public_snapshot(authority, application, rule("web", "allow"), default_allow=False)
    tls, port = authority.client(authority.leaf("web")), public_port(db)
    knowledge = Told(db)
    async with driven(knowledge, tmp_path) as proxy, connected(port, tls) as (reader, writer):
        assert await reader.readline() == BANNER
        renewed = msgspec.structs.replace(db, leaf=authority.leaf("db"))
        assert db.leaf is not None
        before = await serial(port, tls)
        knowledge.say(renewed)
        deadline = time.monotonic() + ENFORCED_S
        while await serial(port, tls) == before:
            assert time.monotonic() < deadline
        writer.write(b"still here")
        assert await reader.readexactly(10) == b"still here"
        assert await proxy.figure("listener_manager.listener_modified") == 0


@live
async def test_a_denial_of_requests_holds_on_a_connection_that_is_kept_alive(
    authority: Authority, tmp_path: Path
) -> None:
    everything: JsonObject = {"Action": "allow", "HTTP": {"PathPrefix": "/"}}
    no_admin: JsonObject = {"Action": "deny", "HTTP": {"PathPrefix": "/admin"}}
    async with Site().running() as site, aiohttp.ClientSession() as session:
        db = served(authority, site, rule("web", "allow"))
        tls, port = authority.client(authority.leaf("web")), public_port(db)
        knowledge = Told(db)
        async with driven(knowledge, tmp_path) as proxy:
            assert (await asked(session, port, "/admin", tls=tls)).status == 200
            knowledge.say(ruled_by(db, stated_rule(rule("web", "deny"), [no_admin, everything], None)))
            deadline = time.monotonic() + ENFORCED_S
            while (await asked(session, port, "/admin", tls=tls)).status != 403:
                assert time.monotonic() < deadline
            assert (await asked(session, port, "/other", tls=tls)).status == 200
            assert await proxy.figure(r"listener\..*\.downstream_cx_total") == 1
            assert await proxy.figure("listener_manager.listener_in_place_updated") == 0


async def serial(port: int, tls: ssl.SSLContext) -> str:
    """The serial number of the certificate that a new connection is shown."""
    async with connected(port, tls) as (reader, writer):
        await reader.readline()
        shown = writer.get_extra_info("peercert")
        return str(shown["serialNumber"])
