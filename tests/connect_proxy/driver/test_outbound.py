"""The upstream side over real TLS: who is dialed, who is believed, what happens when an instance fails."""

import asyncio
import socket
import ssl
from pathlib import Path

import msgspec
import pytest

from lictor_connect_proxy.layers.tally import Counted
from lictor_connect_proxy.snapshot import Endpoint, Limits, ProxySnapshot
from lictor_core.entries.base import Entry
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.build import OTHER_DOMAIN, service_id
from tests.connect_proxy.chains import chain_of, chained, failover, router, splitter
from tests.connect_proxy.live import (
    BANNER,
    Application,
    Events,
    all_bytes,
    connected,
    hang_up,
    moved_to,
    public_port,
    public_snapshot,
    running,
    upstream_snapshot,
)
from tests.core.entries.build import entry
from tests.support.conditions import eventually
from tests.support.ports import free_port

AUTHORITY = Authority()


def _upstream_port(snapshot: ProxySnapshot) -> int:
    return snapshot.upstreams[0].bind_port


async def _greeted(port: int) -> bytes:
    async with connected(port) as (reader, _):
        return await asyncio.wait_for(reader.read(100), 30)


async def test_a_local_program_reaches_the_upstream_through_both_proxies() -> None:
    application = Application()
    db = public_snapshot(AUTHORITY, application)
    web = upstream_snapshot(AUTHORITY, public_port(db))
    async with (
        application.running(),
        running(db),
        running(web),
        connected(_upstream_port(web)) as (reader, writer),
    ):
        assert await reader.readline() == BANNER
        writer.write(b"hello\n")
        assert await reader.readline() == b"hello\n"
        writer.write_eof()
        assert await all_bytes(reader) == b"bye\n"
        assert application.finished == 1


async def test_instances_take_turns() -> None:
    applications = [Application(f"{number}\n".encode()) for number in range(3)]
    proxies = [public_snapshot(AUTHORITY, application) for application in applications]
    web = upstream_snapshot(AUTHORITY, *(public_port(proxy) for proxy in proxies))
    async with (
        applications[0].running(),
        applications[1].running(),
        applications[2].running(),
        running(proxies[0]),
        running(proxies[1]),
        running(proxies[2]),
        running(web),
    ):
        greetings = [await _greeted(_upstream_port(web)) for _ in range(6)]
    assert sorted(greetings[:3]) == sorted(greetings[3:]) == [b"0\n", b"1\n", b"2\n"]


async def test_a_dead_instance_is_passed_over_and_stands_aside() -> None:
    application = Application()
    events = Events()
    db = public_snapshot(AUTHORITY, application)
    web = upstream_snapshot(AUTHORITY, free_port(), public_port(db))
    async with application.running(), running(db), running(web, events):
        for _ in range(4):
            assert await _greeted(_upstream_port(web)) == BANNER
    assert len(events.named("proxy.instance.failed")) == 1
    assert events.named("proxy.upstream.unavailable") == []


async def test_a_service_whose_only_instance_comes_back_is_reached_at_once() -> None:
    application = Application()
    db = public_snapshot(AUTHORITY, application)
    web = upstream_snapshot(AUTHORITY, public_port(db))
    events = Events()
    async with application.running(), running(web, events):
        assert await _broken(_upstream_port(web))
        async with running(db):
            assert await _greeted(_upstream_port(web)) == BANNER
    assert len(events.named("proxy.upstream.unavailable")) == 1


async def _broken(port: int) -> bool:
    """Whether a connection ends without a byte."""
    async with connected(port) as (reader, _):
        return await all_bytes(reader) == b""


async def test_an_instance_that_is_another_service_gets_no_byte() -> None:
    impostor = Application()
    api = public_snapshot(AUTHORITY, impostor, service="api")
    events = Events()
    web = upstream_snapshot(AUTHORITY, public_port(api))
    async with impostor.running(), running(api), running(web, events):
        async with connected(_upstream_port(web)) as (reader, writer):
            writer.write(b"a secret\n")
            assert await all_bytes(reader) == b""
        await eventually(lambda: bool(events.named("proxy.upstream.unavailable")), what="the end is logged")
    assert [event["reason"] for event in events.named("proxy.instance.misidentified")] == [
        f"expected {service_id('db').uri()}, the instance is {service_id('api').uri()}"
    ]
    assert len(events.named("proxy.upstream.unavailable")) == 1


async def test_an_instance_of_another_trust_domain_or_with_two_names_is_not_believed() -> None:
    for uris in (
        (service_id("db", trust_domain=OTHER_DOMAIN).uri(),),
        (service_id("db").uri(), service_id("api").uri()),
        (service_id("db", datacenter="dc2").uri(),),
    ):
        application = Application()
        db = msgspec.structs.replace(public_snapshot(AUTHORITY, application), leaf=AUTHORITY.leaf_with(*uris))
        events = Events()
        web = upstream_snapshot(AUTHORITY, public_port(db))
        async with application.running(), running(db), running(web, events):
            assert await _broken(_upstream_port(web))
        assert len(events.named("proxy.instance.misidentified")) == 1


async def test_an_instance_with_a_leaf_of_another_ca_is_not_believed() -> None:
    stranger = Authority("another root")
    application = Application()
    both = msgspec.structs.replace(AUTHORITY.roots(), pems=(AUTHORITY.pem, stranger.pem))
    db = msgspec.structs.replace(public_snapshot(stranger, application), roots=both)
    events = Events()
    web = upstream_snapshot(AUTHORITY, public_port(db))
    async with application.running(), running(db), running(web, events):
        assert await _broken(_upstream_port(web))
    assert "certificate refused" in str(events.named("proxy.instance.failed")[0]["reason"])
    assert application.accepted == 0


async def test_new_instances_serve_the_next_connection() -> None:
    one, two = Application(b"1\n"), Application(b"2\n")
    first, second = public_snapshot(AUTHORITY, one), public_snapshot(AUTHORITY, two)
    web = upstream_snapshot(AUTHORITY, public_port(first))
    async with (
        one.running(),
        two.running(),
        running(first),
        running(second),
        running(web) as driver,
        connected(_upstream_port(web)) as (reader, writer),
    ):
        assert await reader.readline() == b"1\n"
        driver.apply(moved_to(web, public_port(second)))
        assert await _greeted(_upstream_port(web)) == b"2\n"
        writer.write(b"still here\n")
        assert await reader.readline() == b"still here\n"


async def test_the_server_name_is_the_one_of_the_service() -> None:
    names: list[str] = []
    web = upstream_snapshot(AUTHORITY, port := free_port())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_verify_locations(cadata=AUTHORITY.pem)

    def note(_: object, name: str | None, __: object) -> int:
        names.append(name or "")
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    context.set_servername_callback(note)

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=context)
    async with running(web):
        assert await _broken(_upstream_port(web))
    server.close()
    assert names == [f"db.default.dc1.internal.{service_id('db').trust_domain}"]


async def test_unix_sockets_lead_from_a_local_program_to_the_application(tmp_path: Path) -> None:
    application = Application()
    there, here = str(tmp_path / "app.sock"), tmp_path / "db.sock"
    db = public_snapshot(AUTHORITY, application)
    assert db.public is not None
    db = msgspec.structs.replace(db, public=msgspec.structs.replace(db.public, application_path=there))
    web = upstream_snapshot(AUTHORITY, public_port(db))
    upstream = msgspec.structs.replace(web.upstreams[0], bind_port=0, socket_path=str(here), socket_mode=0o600)
    web = msgspec.structs.replace(web, upstreams=(upstream,))
    async with application.running(there), running(db), running(web) as driver:
        assert driver.listening() == [str(here)]
        reader, writer = await asyncio.open_unix_connection(str(here))
        assert await reader.readline() == BANNER
        writer.write_eof()
        assert await all_bytes(reader) == b"bye\n"
        await hang_up(writer)
    assert not here.exists()


async def test_an_application_without_its_unix_socket_is_told_of(tmp_path: Path) -> None:
    db = public_snapshot(AUTHORITY, Application())
    assert db.public is not None
    there = str(tmp_path / "app.sock")
    db = msgspec.structs.replace(db, public=msgspec.structs.replace(db.public, application_path=there))
    web = upstream_snapshot(AUTHORITY, public_port(db))
    events = Events()
    async with running(db, events), running(web), connected(_upstream_port(web)) as (reader, _):
        assert await all_bytes(reader) == b""
    assert [event["reason"] for event in events.named("proxy.application.failed")] == [
        f"{there}: No such file or directory"
    ]


def _chained(*entries: Entry, **ports: int) -> ProxySnapshot:
    """web with an upstream db, whose chain `entries` make, and one instance on a port for some services."""
    instances = {
        f"{service}.default.dc1": (Endpoint("127.0.0.1", port, f"node/{service}"),) for service, port in ports.items()
    }
    chain = chain_of("db", *entries, trust_domain=AUTHORITY.roots().trust_domain)
    return chained(upstream_snapshot(AUTHORITY), chain, instances)


async def _served_by(port: int, greeting: bytes) -> None:
    """Connect again and again until that greeting comes."""
    for _ in range(600):
        if await _greeted(port) == greeting:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"no {greeting!r} within the time")


async def test_the_failover_target_serves_while_the_first_is_dead_and_gives_back_afterwards() -> None:
    own, spare, events = Application(b"own\n"), Application(b"spare\n"), Events()
    db, reserve = public_snapshot(AUTHORITY, own), public_snapshot(AUTHORITY, spare, service="spare")
    web = _chained(failover("db", "spare"), db=public_port(db), spare=public_port(reserve))
    async with own.running(), spare.running(), running(reserve), running(web, events):
        assert await _greeted(_upstream_port(web)) == b"spare\n"
        async with running(db):
            await eventually(lambda: bool(events.named("proxy.upstream.failed_over")), what="the failover is told")
            await _served_by(_upstream_port(web), b"own\n")
    assert [event["target"] for event in events.named("proxy.upstream.failed_over")] == ["spare.default.dc1"]
    assert len(events.named("proxy.upstream.recovered")) == 1


async def test_connections_are_shared_out_by_the_splitter() -> None:
    own, canary = Application(b"own\n"), Application(b"canary\n")
    db, new = public_snapshot(AUTHORITY, own), public_snapshot(AUTHORITY, canary, service="canary")
    web = _chained(*splitter("db", db=50, canary=50), db=public_port(db), canary=public_port(new))
    async with own.running(), canary.running(), running(db), running(new), running(web):
        greetings = [await _greeted(_upstream_port(web)) for _ in range(40)]
    # 8 of 40 or fewer would come once in ten thousand runs; the draws are seeded, so that they are always the same.
    assert 8 < greetings.count(b"own\n") < 32
    assert len(greetings) == greetings.count(b"own\n") + greetings.count(b"canary\n")


async def test_a_router_keeps_the_listener_closed_until_it_is_gone() -> None:
    application, events = Application(), Events()
    db = public_snapshot(AUTHORITY, application)
    looking = _chained(*router("db", "/admin"), db=public_port(db))
    async with application.running(), running(db), running(looking, events, listens=False) as driver:
        await eventually(lambda: bool(events.named("proxy.listener.refused")), what="it is told")
        assert driver.listening() == []
        driver.apply(chained(looking, chain_of("db", trust_domain=AUTHORITY.roots().trust_domain), {}))
        await eventually(lambda: bool(driver.listening()), what="it listens")
    (told,) = events.named("proxy.listener.refused")
    assert (told["listener"], told["setting"]) == ("upstream db", "service-router db")


async def test_one_connection_too_many_is_reset_and_told() -> None:
    application, events = Application(), Events()
    db = public_snapshot(AUTHORITY, application)
    web = upstream_snapshot(AUTHORITY, public_port(db))
    limited = msgspec.structs.replace(web.upstreams[0], limits=Limits(max_connections=1))
    web = msgspec.structs.replace(web, upstreams=(limited,))
    async with application.running(), running(db), running(web, events) as driver:
        async with connected(limited.bind_port) as (reader, _):
            assert await reader.readline() == BANNER
            for _ in range(2):
                assert await _broken(limited.bind_port)
        await eventually(lambda: driver.connections() == 0, what="it has left")
        assert await _greeted(limited.bind_port) == BANNER
        assert driver.figures.tally.of(Counted.LIMITED) == {"db": 2}
    (told,) = events.named("proxy.listener.limited")
    assert (told["listener"], told["connections_max"]) == ("upstream db", 1)
    assert events.named("proxy.instance.failed") == []


async def test_another_setting_of_an_upstream_leaves_its_listener_and_what_is_known_of_instances() -> None:
    application, events = Application(), Events()
    db = public_snapshot(AUTHORITY, application)
    web = upstream_snapshot(AUTHORITY, free_port(), public_port(db))
    async with application.running(), running(db), running(web, events) as driver:
        for _ in range(2):
            assert await _greeted(_upstream_port(web)) == BANNER
        hasty = msgspec.structs.replace(web.upstreams[0], connect_timeout_s=2.0, limits=Limits(max_connections=7))
        driver.apply(msgspec.structs.replace(web, upstreams=(hasty,), endpoints={**web.endpoints}))
        for _ in range(2):
            assert await _greeted(_upstream_port(web)) == BANNER
    assert len(events.named("proxy.instance.failed")) == 1
    assert len(events.named("proxy.listener.started")) == 1


@pytest.mark.parametrize("pem", [None, "garbled"])
async def test_without_usable_certificates_no_instance_is_blamed(pem: str | None) -> None:
    events = Events()
    web = upstream_snapshot(AUTHORITY, free_port())
    assert web.leaf is not None
    leaf = None if pem is None else msgspec.structs.replace(web.leaf, certificate_pem=pem)
    async with running(web, events) as driver:
        driver.apply(msgspec.structs.replace(web, leaf=leaf))
        assert await _broken(_upstream_port(web))
        await eventually(lambda: bool(events.named("proxy.upstream.unavailable")), what="the end is logged")
    assert events.named("proxy.instance.failed") == []


async def test_the_least_busy_instance_gets_all_connections_that_end_while_the_other_is_held() -> None:
    applications = [Application(f"{number}\n".encode()) for number in range(2)]
    proxies = [public_snapshot(AUTHORITY, application) for application in applications]
    said = entry("service-resolver", "db", {"LoadBalancer": {"Policy": "least_request"}})
    chain = chain_of("db", said, trust_domain=AUTHORITY.roots().trust_domain)
    instances = tuple(Endpoint("127.0.0.1", public_port(proxy), f"node/{public_port(proxy)}") for proxy in proxies)
    web = chained(upstream_snapshot(AUTHORITY), chain, {"db.default.dc1": instances})
    async with (
        applications[0].running(),
        applications[1].running(),
        running(proxies[0]),
        running(proxies[1]),
        running(web) as driver,
        connected(_upstream_port(web)) as (reader, _),
    ):
        held, others = await reader.readline(), set[bytes]()
        for _ in range(6):
            others.add(await _greeted(_upstream_port(web)))
            await eventually(lambda: driver.connections() == 1, what="the held one is alone")
    assert len(others) == 1
    assert held not in others


async def test_an_instance_that_swallows_connections_holds_up_one_at_a_time() -> None:
    application, events = Application(), Events()
    db = public_snapshot(AUTHORITY, application)
    silent = socket.create_server(("127.0.0.1", 0), backlog=64)
    web = upstream_snapshot(AUTHORITY, int(silent.getsockname()[1]), public_port(db))
    hasty = msgspec.structs.replace(web.upstreams[0], connect_timeout_s=0.3)
    web = msgspec.structs.replace(web, upstreams=(hasty,), endpoints={hasty.key: web.endpoints[web.upstreams[0].key]})
    async with application.running(), running(db), running(web, events):
        loop = asyncio.get_running_loop()
        for _ in range(2):
            assert await _greeted(hasty.bind_port) == BANNER
        begun = loop.time()
        while loop.time() < begun + 2.0:
            assert await _greeted(hasty.bind_port) == BANNER
        took = loop.time() - begun
    silent.close()
    failures = events.named("proxy.instance.failed")
    # Trials come 1 s, 2 s and so on after one another, with the 0.3 s that each takes.
    assert 1 <= len(failures) <= 2 + took
    assert [event["ejected_s"] for event in failures][:2] == [1.0, 2.0][: len(failures)]
