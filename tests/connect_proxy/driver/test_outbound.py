"""The upstream side over real TLS: who is dialed, who is believed, what happens when an instance fails."""

import asyncio
import ssl
from pathlib import Path

import msgspec

from lictor_connect_proxy.snapshot import ProxySnapshot
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.build import OTHER_DOMAIN, service_id
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
