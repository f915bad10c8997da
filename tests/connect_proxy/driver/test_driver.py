"""Snapshots taken over while connections live."""

import msgspec

from tests.connect_proxy.authority import Authority
from tests.connect_proxy.build import policy, rule
from tests.connect_proxy.live import (
    BANNER,
    Application,
    Events,
    connected,
    public_port,
    public_snapshot,
    running,
    upstream_snapshot,
)
from tests.support.conditions import eventually
from tests.support.ports import free_port

AUTHORITY = Authority()


async def test_a_listener_that_goes_leaves_its_connections_and_a_new_one_serves() -> None:
    application = Application()
    snapshot = public_snapshot(AUTHORITY, application)
    assert snapshot.public is not None
    web = AUTHORITY.client(AUTHORITY.leaf("web"))
    async with (
        application.running(),
        running(snapshot) as driver,
        connected(public_port(snapshot), web) as (reader, writer),
    ):
        assert await reader.readline() == BANNER
        moved = msgspec.structs.replace(snapshot.public, bind_port=free_port())
        driver.apply(msgspec.structs.replace(snapshot, public=moved))
        await eventually(lambda: driver.listening() == [f"127.0.0.1:{moved.bind_port}"], what="it moved")
        async with connected(moved.bind_port, web) as (other, _):
            assert await other.readline() == BANNER
        writer.write(b"still here\n")
        assert await reader.readline() == b"still here\n"


async def test_another_application_serves_the_next_connection_at_the_same_address() -> None:
    one, two = Application(b"1\n"), Application(b"2\n")
    snapshot = public_snapshot(AUTHORITY, one)
    assert snapshot.public is not None
    web = AUTHORITY.client(AUTHORITY.leaf("web"))
    events = Events()
    async with one.running(), two.running(), running(snapshot, events) as driver:
        other = msgspec.structs.replace(snapshot.public, application_port=two.port)
        driver.apply(msgspec.structs.replace(snapshot, public=other))
        async with connected(public_port(snapshot), web) as (reader, _):
            assert await reader.readline() == b"2\n"
    assert len(events.named("proxy.listener.started")) == 1


async def test_an_upstream_listens_only_once_its_instances_are_known() -> None:
    snapshot = upstream_snapshot(AUTHORITY, free_port())
    async with running(msgspec.structs.replace(snapshot, endpoints={}), listens=False) as driver:
        assert driver.listening() == []
        driver.apply(snapshot)
        await eventually(lambda: len(driver.listening()) == 1, what="it listens")


async def test_the_same_snapshot_again_changes_nothing() -> None:
    events = Events()
    snapshot = public_snapshot(AUTHORITY, Application())
    async with running(snapshot, events) as driver:
        before = events.names()
        contexts = driver.contexts
        driver.apply(msgspec.structs.replace(snapshot))
        assert events.names() == before
        assert driver.contexts is contexts


async def test_a_change_of_policy_is_told_and_so_is_its_loss() -> None:
    events = Events()
    snapshot = public_snapshot(AUTHORITY, Application())
    async with running(snapshot, events) as driver:
        driver.apply(msgspec.structs.replace(snapshot, policy=policy(rule("web", "deny"))))
        assert events.named("proxy.policy.applied")[-1]["intentions"] == 1
        driver.apply(msgspec.structs.replace(snapshot, policy=None))
        assert len(events.named("proxy.policy.withdrawn")) == 1


async def test_bad_clients_leave_nothing_behind() -> None:
    application = Application()
    events = Events()
    snapshot = public_snapshot(AUTHORITY, application)
    async with application.running(), running(snapshot, events) as driver:
        for number in range(100):
            async with connected(public_port(snapshot)) as (_, writer):
                writer.write(bytes([number]) * (number + 1))
        await eventually(lambda: driver.connections() == 0, what="all are gone")
        await eventually(lambda: len(events.named("proxy.handshake.failed")) == 100, what="each is told once")
        async with connected(public_port(snapshot), AUTHORITY.client(AUTHORITY.leaf("web"))) as (reader, _):
            assert await reader.readline() == BANNER
