"""Snapshots taken over while connections live."""

import asyncio
import socket

import msgspec
import pytest

from lictor_connect_proxy.driver.driver import DRAIN_S, ProxyDriver, drain_s
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.records import JsonObject
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


async def test_what_keeps_a_proxy_from_being_ready_is_said_until_it_is() -> None:
    application = Application()
    snapshot = public_snapshot(AUTHORITY, application)
    assert snapshot.public is not None
    driver = ProxyDriver("db", SystemClock(), SeededRng(1), Events().log)
    assert driver.missing() == ["it stops"]
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        with socket.create_server(("127.0.0.1", snapshot.public.bind_port)):
            group.create_task(driver.run(stop))
            await eventually(lambda: "it stops" not in driver.missing(), what="it runs")
            told = ["the agent has not told everything yet", "there is no usable certificate"]
            assert driver.missing() == told
            driver.apply(snapshot)
            address = f"127.0.0.1:{snapshot.public.bind_port}"
            busy = f"{address}: Address already in use"
            await eventually(lambda: driver.missing() == [busy], what="the busy port is named")
            assert [(one.name, one.reason) for one in driver.rejected()] == [
                (f"public {address}", "Address already in use")
            ]
        await eventually(lambda: not driver.missing(), what="it is ready")
        assert driver.rejected() == ()
        stop.set()
        await eventually(lambda: driver.missing() == ["it stops"], what="it stops")


async def test_a_live_connection_may_end_in_order_while_the_proxy_drains() -> None:
    application, events = Application(), Events()
    snapshot = msgspec.structs.replace(public_snapshot(AUTHORITY, application), config={"drain_timeout_ms": 30_000})
    web = AUTHORITY.client(AUTHORITY.leaf("web"))
    driver = ProxyDriver("db", SystemClock(), SeededRng(1), events.log)
    stop = asyncio.Event()
    async with application.running(), asyncio.TaskGroup() as group:
        group.create_task(driver.run(stop))
        driver.apply(snapshot)
        await eventually(lambda: len(driver.listening()) == 1, what="it listens")
        async with connected(public_port(snapshot), web) as (reader, writer):
            assert await reader.readline() == BANNER
            stop.set()
            await eventually(lambda: bool(events.named("proxy.process.draining")), what="it drains")
            with pytest.raises(OSError):
                await asyncio.open_connection("127.0.0.1", public_port(snapshot))
            writer.write(b"still here\n")
            assert await reader.readline() == b"still here\n"
    (told,) = events.named("proxy.process.draining")
    assert (told["connections"], told["timeout_s"]) == (1, 30.0)


@pytest.mark.parametrize(
    ("config", "seconds"),
    [
        ({}, DRAIN_S),
        ({"drain_timeout_ms": 2500}, 2.5),
        ({"drain_timeout_ms": 0}, 0.0),
        ({"drain_timeout_ms": -1}, DRAIN_S),
        ({"drain_timeout_ms": "soon"}, DRAIN_S),
        ({"drain_timeout_ms": 1e12}, 3600.0),
    ],
)
def test_the_registration_says_how_long_a_drain_lasts(config: JsonObject, seconds: float) -> None:
    assert drain_s(config) == seconds
