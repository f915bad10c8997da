"""The public side over real TLS: who gets in, and what the others get."""

import asyncio
import datetime
import itertools
import socket
import ssl

import msgspec
import pytest

from lictor_connect_proxy.driver.listener import HANDSHAKES_MAX
from lictor_connect_proxy.layers.tally import Counted
from lictor_connect_proxy.snapshot import Policy
from lictor_core.intentions import stated_rule
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.build import OTHER_DOMAIN, policy, rule, service_id
from tests.connect_proxy.live import (
    BANNER,
    Application,
    Events,
    all_bytes,
    connected,
    hang_up,
    public_port,
    public_snapshot,
    running,
)
from tests.support.conditions import eventually

AUTHORITY = Authority()
STRANGER = Authority("another root")


async def test_an_allowed_service_reaches_the_application() -> None:
    application = Application()
    snapshot = public_snapshot(AUTHORITY, application, rule("web", "allow"), default_allow=False)
    async with (
        application.running(),
        running(snapshot),
        connected(public_port(snapshot), AUTHORITY.client(AUTHORITY.leaf("web"))) as (reader, writer),
    ):
        assert await reader.readline() == BANNER
        writer.write(b"hello\n")
        assert await reader.readline() == b"hello\n"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tls_1_2_and_1_3_are_spoken(version: ssl.TLSVersion) -> None:
    application = Application()
    snapshot = public_snapshot(AUTHORITY, application)
    context = AUTHORITY.client(AUTHORITY.leaf("web"))
    context.minimum_version = context.maximum_version = version
    async with (
        application.running(),
        running(snapshot),
        connected(public_port(snapshot), context) as (reader, _),
    ):
        assert await reader.readline() == BANNER


async def test_a_silent_denied_client_gets_no_byte_and_the_application_hears_nothing() -> None:
    application = Application()
    events = Events()
    snapshot = public_snapshot(AUTHORITY, application, rule("web", "deny"))
    async with (
        application.running(),
        running(snapshot, events),
        connected(public_port(snapshot), AUTHORITY.client(AUTHORITY.leaf("web"))) as (reader, _),
    ):
        assert await all_bytes(reader) == b""
        assert application.accepted == 0
    assert len(events.named("proxy.connection.denied")) == 1


async def test_a_talking_denied_client_gets_no_byte_either() -> None:
    application = Application()
    snapshot = public_snapshot(AUTHORITY, application, rule("*", "deny"))
    async with (
        application.running(),
        running(snapshot),
        connected(public_port(snapshot), AUTHORITY.client(AUTHORITY.leaf("web"))) as (reader, writer),
    ):
        writer.write(b"hello\n" * 1000)
        assert await all_bytes(reader) == b""
        assert application.accepted == 0


async def _refused(context: ssl.SSLContext) -> tuple[bytes, str, Events, Application]:
    """What a client with `context` gets: bytes, the text of its TLS error, events, application."""
    application = Application()
    events = Events()
    snapshot = public_snapshot(AUTHORITY, application)
    received, failure = b"", ""
    async with application.running(), running(snapshot, events):
        try:
            async with connected(public_port(snapshot), context) as (reader, _), asyncio.timeout(30):
                received = await reader.read(100)
        except (OSError, ssl.SSLError) as error:
            failure = str(error)
        await eventually(
            lambda: bool(events.named("proxy.handshake.failed") or events.named("proxy.connection.denied")),
            what="the refusal is logged",
        )
    return received, failure, events, application


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("case", "alerts"),
    [
        ("no certificate", ("HANDSHAKE_FAILURE", "CERTIFICATE_REQUIRED")),
        ("foreign CA", ("UNKNOWN_CA", "UNKNOWN_CA")),
        ("expired", ("CERTIFICATE_EXPIRED", "CERTIFICATE_EXPIRED")),
    ],
)
async def test_a_bad_certificate_gets_a_tls_alert_and_one_event(
    case: str, alerts: tuple[str, str], version: ssl.TLSVersion
) -> None:
    match case:
        case "no certificate":
            context = AUTHORITY.anonymous()
        case "foreign CA":
            context = AUTHORITY.client(STRANGER.leaf("web"))
        case _:
            context = AUTHORITY.client(AUTHORITY.leaf("web", lasts=-datetime.timedelta(minutes=1)))
    context.minimum_version = context.maximum_version = version
    received, failure, events, application = await _refused(context)
    assert received == b""
    assert alerts[version is ssl.TLSVersion.TLSv1_3] in failure
    assert len(events.named("proxy.handshake.failed")) == 1
    assert events.named("proxy.connection.denied") == []
    assert application.accepted == 0


@pytest.mark.parametrize(
    "uris",
    [
        (),
        (service_id("web").uri(), service_id("api").uri()),
        (service_id("web", trust_domain=OTHER_DOMAIN).uri(),),
        ("https://example.org/",),
    ],
    ids=["none", "two", "foreign trust domain", "no SPIFFE id"],
)
async def test_a_certificate_without_exactly_one_service_of_ours_is_denied_with_one_event(
    uris: tuple[str, ...],
) -> None:
    received, _, events, application = await _refused(AUTHORITY.client(AUTHORITY.leaf_with(*uris)))
    assert received == b""
    assert len(events.named("proxy.connection.denied")) == 1
    assert events.named("proxy.handshake.failed") == []
    assert application.accepted == 0


async def test_bytes_that_are_no_tls_get_one_event_and_an_end() -> None:
    application = Application()
    events = Events()
    snapshot = public_snapshot(AUTHORITY, application)
    async with application.running(), running(snapshot, events):
        async with connected(public_port(snapshot)) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            await all_bytes(reader)
        await eventually(lambda: bool(events.named("proxy.handshake.failed")), what="the failure is logged")
        assert len(events.named("proxy.handshake.failed")) == 1
        assert application.accepted == 0


async def test_a_health_check_that_only_connects_is_no_failure() -> None:
    events = Events()
    application = Application()
    snapshot = public_snapshot(AUTHORITY, application)
    async with running(snapshot, events), connected(public_port(snapshot)) as (_, writer):
        writer.close()
        await writer.wait_closed()
        await eventually(lambda: bool(events.named("proxy.connection.probed")), what="the probe is noticed")
    assert events.named("proxy.handshake.failed") == []


async def test_a_handshake_that_never_comes_ends_in_time() -> None:
    events = Events()
    snapshot = public_snapshot(AUTHORITY, Application())
    assert snapshot.public is not None
    hasty = msgspec.structs.replace(snapshot.public, handshake_timeout_s=0.2)
    async with (
        running(msgspec.structs.replace(snapshot, public=hasty), events),
        connected(hasty.bind_port) as (reader, _),
    ):
        assert await all_bytes(reader) == b""
    failures = events.named("proxy.handshake.failed")
    assert [failure["reason"] for failure in failures] == ["no complete handshake within 0.2 s"]


async def test_nobody_gets_in_while_certificates_are_unusable() -> None:
    application = Application()
    events = Events()
    snapshot = public_snapshot(AUTHORITY, application)
    async with application.running(), running(snapshot, events) as driver:
        broken = msgspec.structs.replace(AUTHORITY.leaf("db"), certificate_pem="nonsense")
        driver.apply(msgspec.structs.replace(snapshot, leaf=broken))
        assert events.named("proxy.certificates.refused")
        with pytest.raises((OSError, ssl.SSLError)):
            async with connected(public_port(snapshot), AUTHORITY.client(AUTHORITY.leaf("web"))):
                pass
        assert application.accepted == 0
        assert len(events.named("proxy.connection.denied")) == 1


async def test_nobody_gets_in_while_the_policy_is_unusable() -> None:
    application = Application()
    snapshot = public_snapshot(AUTHORITY, application)
    async with application.running(), running(snapshot) as driver:
        driver.apply(msgspec.structs.replace(snapshot, policy=None))
        async with connected(public_port(snapshot), AUTHORITY.client(AUTHORITY.leaf("web"))) as (reader, _):
            assert await all_bytes(reader) == b""
        assert application.accepted == 0


async def test_a_proxy_without_policy_does_not_listen() -> None:
    snapshot = msgspec.structs.replace(public_snapshot(AUTHORITY, Application()), policy=None)
    async with running(snapshot, listens=False) as driver:
        assert driver.listening() == []


async def test_a_change_of_policy_closes_exactly_the_connections_that_it_denies() -> None:
    application = Application()
    events = Events()
    snapshot = public_snapshot(AUTHORITY, application)
    port = public_port(snapshot)
    async with (
        application.running(),
        running(snapshot, events) as driver,
        connected(port, AUTHORITY.client(AUTHORITY.leaf("web"))) as (web, _),
        connected(port, AUTHORITY.client(AUTHORITY.leaf("web"))) as (web_too, _),
        connected(port, AUTHORITY.client(AUTHORITY.leaf("api"))) as (api, api_writer),
    ):
        for reader in (web, web_too, api):
            assert await reader.readline() == BANNER
        driver.apply(msgspec.structs.replace(snapshot, policy=policy(rule("web", "deny"))))
        assert await all_bytes(web) == b""
        assert await all_bytes(web_too) == b""
        api_writer.write(b"still here\n")
        assert await api.readline() == b"still here\n"
        await eventually(lambda: application.broken == 2, what="the application sees two cut connections")
        assert len(events.named("proxy.connection.revoked")) == 2
        driver.apply(snapshot)
        async with connected(port, AUTHORITY.client(AUTHORITY.leaf("web"))) as (again, _):
            assert await again.readline() == BANNER


async def test_a_change_that_makes_the_policy_unusable_leaves_live_connections_alone() -> None:
    application = Application()
    snapshot = public_snapshot(AUTHORITY, application)
    async with (
        application.running(),
        running(snapshot) as driver,
        connected(public_port(snapshot), AUTHORITY.client(AUTHORITY.leaf("web"))) as (reader, writer),
    ):
        assert await reader.readline() == BANNER
        driver.apply(msgspec.structs.replace(snapshot, policy=None))
        writer.write(b"still here\n")
        assert await reader.readline() == b"still here\n"


async def test_rotation_of_leaf_and_roots_drops_nothing_and_serves_the_new_leaf() -> None:
    application = Application()
    snapshot = public_snapshot(AUTHORITY, application)
    port = public_port(snapshot)
    successor = Authority("the next root")
    async with (
        application.running(),
        running(snapshot) as driver,
        connected(port, AUTHORITY.client(AUTHORITY.leaf("web"))) as (old, old_writer),
    ):
        assert await old.readline() == BANNER
        both = msgspec.structs.replace(AUTHORITY.roots(), pems=(AUTHORITY.pem, successor.pem))
        driver.apply(msgspec.structs.replace(snapshot, leaf=successor.leaf("db"), roots=both))
        old_writer.write(b"still here\n")
        assert await old.readline() == b"still here\n"
        async with connected(port, successor.client(successor.leaf("web"))) as (new, writer):
            assert await new.readline() == BANNER
            shown: ssl.SSLObject = writer.get_extra_info("ssl_object")
            certificate = shown.getpeercert()
            assert certificate
            assert certificate["issuer"] == ((("commonName", "the next root"),),)
        driver.apply(msgspec.structs.replace(snapshot, leaf=successor.leaf("db"), roots=successor.roots()))
        with pytest.raises((OSError, ssl.SSLError)):
            async with connected(port, AUTHORITY.client(AUTHORITY.leaf("web"))):
                pass


async def test_an_application_that_is_away_cuts_the_connection_with_one_event() -> None:
    events = Events()
    snapshot = public_snapshot(AUTHORITY, Application())
    async with (
        running(snapshot, events),
        connected(public_port(snapshot), AUTHORITY.client(AUTHORITY.leaf("web"))) as (reader, _),
    ):
        assert await all_bytes(reader) == b""
    assert len(events.named("proxy.application.failed")) == 1


async def test_connections_over_the_limit_are_reset_and_told_and_room_is_made_again() -> None:
    application, events = Application(), Events()
    snapshot = public_snapshot(AUTHORITY, application)
    assert snapshot.public is not None
    small = msgspec.structs.replace(snapshot.public, connections_max=2)
    web = AUTHORITY.client(AUTHORITY.leaf("web"))
    async with application.running(), running(msgspec.structs.replace(snapshot, public=small), events) as driver:
        async with connected(small.bind_port, web) as (one, _), connected(small.bind_port, web) as (two, _):
            assert await one.readline() == BANNER
            assert await two.readline() == BANNER
            for _ in range(3):
                with pytest.raises(OSError):
                    await asyncio.wait_for(asyncio.open_connection("127.0.0.1", small.bind_port, ssl=web), 30)
            assert application.accepted == 2
            wider = msgspec.structs.replace(small, connections_max=3)
            driver.apply(msgspec.structs.replace(snapshot, public=wider))
            async with connected(small.bind_port, web) as (three, _):
                assert await three.readline() == BANNER
        await eventually(lambda: driver.connections() == 0, what="all have left")
        async with connected(small.bind_port, web) as (reader, _):
            assert await reader.readline() == BANNER
    (told,) = events.named("proxy.listener.limited")
    assert (told["listener"], told["connections_max"], told["refused"]) == ("public", 2, 1)
    assert driver.figures.tally.of(Counted.LIMITED) == {"public": 3}
    assert len(events.named("proxy.listener.started")) == 1


async def test_rules_about_requests_stop_the_listener_and_say_what_needs_envoy() -> None:
    application, events = Application(), Events()
    snapshot = public_snapshot(AUTHORITY, application)
    looking = stated_rule(rule("web", "deny"), [{"Action": "allow", "HTTP": {"PathPrefix": "/open"}}], None)
    contexts = {name: AUTHORITY.client(AUTHORITY.leaf(name)) for name in ("web", "api")}
    async with application.running(), running(snapshot, events) as driver:
        port = public_port(snapshot)
        async with connected(port, contexts["web"]) as (web, _), connected(port, contexts["api"]) as (api, to_api):
            assert await web.readline() == await api.readline() == BANNER
            driver.apply(msgspec.structs.replace(snapshot, policy=policy(looking)))
            assert await all_bytes(web) == b""
            await eventually(lambda: not driver.listening(), what="the listener is closed")
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
            to_api.write(b"still allowed\n")
            assert await api.readline() == b"still allowed\n"
        assert driver.refused["public"].setting == "Permissions of the intention web -> db"
        driver.apply(msgspec.structs.replace(snapshot, policy=Policy(rules=(looking,), index=9)))
        driver.apply(snapshot)
        await eventually(lambda: bool(driver.listening()), what="the listener is open again")
        assert driver.refused == {}
    (told,) = events.named("proxy.listener.refused")
    assert told["listener"] == "public"
    assert told["setting"] == "Permissions of the intention web -> db"
    assert "lictor connect envoy" in str(told["advice"])
    assert driver.figures.tally.of(Counted.REVOKED) == {"web->db": 1}


async def test_silent_clients_are_bounded_and_let_go() -> None:
    application = Application()
    snapshot = public_snapshot(AUTHORITY, application)
    assert snapshot.public is not None
    # Long enough for all to have come before the first is let go, also on a machine with other work to do.
    hasty = msgspec.structs.replace(snapshot.public, handshake_timeout_s=2.0)
    async with application.running(), running(msgspec.structs.replace(snapshot, public=hasty)) as driver:
        addresses = itertools.repeat(("127.0.0.1", hasty.bind_port), HANDSHAKES_MAX + 20)
        silent = [socket.create_connection(address) for address in addresses]
        await eventually(lambda: driver.connections() == HANDSHAKES_MAX, what="as many as may wait do")
        async with connected(hasty.bind_port, AUTHORITY.client(AUTHORITY.leaf("web"))) as (reader, _):
            assert await reader.readline() == BANNER
        for sock in silent:
            sock.close()
        await eventually(lambda: driver.connections() == 0, what="nothing is left")


async def test_a_stop_cuts_what_does_not_end_by_itself_within_a_second() -> None:
    application = Application()
    snapshot = public_snapshot(AUTHORITY, application)
    async with application.running():
        loop = asyncio.get_running_loop()
        async with running(snapshot):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", public_port(snapshot), ssl=AUTHORITY.client(AUTHORITY.leaf("web"))
            )
            assert await reader.readline() == BANNER
            before = loop.time()
        assert loop.time() - before < 1.0
        assert await all_bytes(reader) == b""
        await hang_up(writer)
