"""The gRPC side of discovery: who asks, what is answered, what is refused. Over real sockets, with grpclib's client."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from grpclib.client import Channel
from grpclib.exceptions import GRPCError

from lictor_connect_proxy.xds import server_grpclib
from lictor_connect_proxy.xds.kinds import CLUSTER, LISTENER, SECRET
from lictor_connect_proxy.xds.server_grpclib import REQUEST_BYTES_MAX, XdsServer
from lictor_core.clock import SystemClock
from lictor_core.errors import NotFoundError, OverloadedError, PeerError, PermissionDeniedError
from lictor_core.metrics import Meter, Series
from lictor_core.records import JsonObject
from tests.agent.harness import quiet_log
from tests.connect_proxy.xds.envoys import FULL, Client, Told, build, policy_of
from tests.support.conditions import eventually

NODE = "db-sidecar-proxy"


@asynccontextmanager
async def served(knowledge: Told, tmp_path: Path) -> AsyncGenerator[tuple[Channel, Meter]]:
    log, _ = quiet_log()
    meter = Meter(SystemClock())
    server = XdsServer(knowledge, build, SystemClock(), log, meter)
    path = str(tmp_path / "xds.sock")
    listening = socket.socket(socket.AF_UNIX)
    listening.setblocking(False)
    listening.bind(path)
    await server.serve(listening)
    channel = Channel(path=path)
    try:
        yield channel, meter
    finally:
        channel.close()
        await server.close()
        listening.close()


@asynccontextmanager
async def streaming(
    channel: Channel, token: str = "", method: str = "DeltaAggregatedResources"
) -> AsyncGenerator[Client]:
    async with Client.method(channel, method).open(metadata={"x-consul-token": token or "none"}) as stream:
        yield Client(stream)
        await stream.end()


async def ask_in_vain(channel: Channel, token: str = "", method: str = "DeltaAggregatedResources") -> None:
    """Ask until the server ends the stream; raises `GRPCError`."""
    async with streaming(channel, token, method) as client:
        await client.ask(CLUSTER, node=NODE)
        while await client.next() is not None:
            pass


async def test_an_envoy_gets_what_it_asks_for_and_what_it_runs_is_told(tmp_path: Path) -> None:
    knowledge = Told(FULL)
    async with served(knowledge, tmp_path) as (channel, meter):
        async with streaming(channel, "secret") as client:
            await client.ask(CLUSTER, node=NODE)
            first = await client.next()
            assert first is not None
            assert first["type_url"] == CLUSTER
            await client.answer(first)
            await client.ask(LISTENER)
            second = await client.next()
            assert second is not None
            await client.answer(second)
            await client.ask(SECRET, "intentions:db")
            third = await client.next()
            assert third is not None
            assert third["type_url"] == SECRET
            await client.answer(third)
            report = await knowledge.reported(7)
            assert report.leaf_valid_before == "2030-01-01T00:00:00Z"
            assert knowledge.asked == [(NODE, "secret")]
            gauge = next(one for one in meter.gauges() if one.name == "xds.server.streams")
            assert gauge.value == 1
        await eventually(lambda: knowledge.forgotten == [NODE], what="the end of the stream")
        assert meter.counters[Series("xds.server.responses", (("type", "Cluster"),))].count == 1


async def _told_of_a_change(client: Client, knowledge: Told) -> JsonObject:
    """What a client is told that had taken everything when the policy of index 7 became that of 9."""
    await client.ask(CLUSTER, node=NODE)
    await client.ask(LISTENER)
    await client.ask(SECRET, "intentions:db")
    for _ in range(3):
        response = await client.next()
        assert response is not None
        await client.answer(response)
    await knowledge.reported(7)
    knowledge.say(policy_of(9))
    changed = await client.next()
    assert changed is not None
    return changed


async def test_a_change_is_told_to_a_stream_that_waits_and_counts_when_it_is_taken(tmp_path: Path) -> None:
    knowledge = Told(FULL)
    async with served(knowledge, tmp_path) as (channel, _), streaming(channel) as client:
        response = await _told_of_a_change(client, knowledge)
        assert response["type_url"] == SECRET
        assert max(one.policy_index for one in knowledge.reports) == 7
        await client.answer(response)
        await knowledge.reported(9)


async def test_a_rejected_policy_is_told_and_does_not_count(tmp_path: Path) -> None:
    knowledge = Told(FULL)
    async with served(knowledge, tmp_path) as (channel, _), streaming(channel) as client:
        response = await _told_of_a_change(client, knowledge)
        await client.answer(response, error="regex is too large")
        await eventually(lambda: bool(knowledge.reports[-1].rejected), what="a report of the rejection")
        [rejected] = knowledge.reports[-1].rejected
        assert (rejected.type, rejected.name, rejected.reason) == ("Secret", "intentions:db", "regex is too large")
        assert knowledge.reports[-1].policy_index == 7
        knowledge.say(policy_of(10))
        following = await client.next()
        assert following is not None
        await client.answer(following)
        assert (await knowledge.reported(10)).rejected == ()


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (PermissionDeniedError("the token may not speak for db"), "PERMISSION_DENIED"),
        (NotFoundError("no proxy 'db-sidecar-proxy' is registered"), "NOT_FOUND"),
        (OverloadedError("too many"), "RESOURCE_EXHAUSTED"),
        (PeerError("the servers are away"), "UNAVAILABLE"),
    ],
)
async def test_who_is_refused_gets_nothing_and_is_told_why(tmp_path: Path, refusal: Exception, status: str) -> None:
    assert isinstance(refusal, (PermissionDeniedError, NotFoundError, OverloadedError, PeerError))
    knowledge = Told(FULL, refusal)
    async with served(knowledge, tmp_path) as (channel, _):
        with pytest.raises(GRPCError) as caught:
            await ask_in_vain(channel, token="bad")
    assert caught.value.status.name == status
    assert caught.value.message == str(refusal)


async def test_a_proxy_that_is_deregistered_is_told_so(tmp_path: Path) -> None:
    knowledge = Told(FULL)
    async with served(knowledge, tmp_path) as (channel, _), asyncio.TaskGroup() as group:
        asking = group.create_task(_raised(ask_in_vain(channel)))
        await eventually(lambda: knowledge.asked != [], what="a stream")
        knowledge.is_gone.set()
        assert "not registered at this agent any more" in await asking


async def test_state_of_the_world_is_refused_with_what_to_say_instead(tmp_path: Path) -> None:
    async with served(Told(FULL), tmp_path) as (channel, _):
        with pytest.raises(GRPCError, match="DELTA_GRPC"):
            await ask_in_vain(channel, method="StreamAggregatedResources")


async def test_there_are_no_more_streams_than_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_grpclib, "STREAMS_MAX", 1)
    async with served(Told(FULL), tmp_path) as (channel, _), streaming(channel) as one:
        await one.ask(CLUSTER, node=NODE)
        assert await one.next() is not None
        with pytest.raises(GRPCError, match="1 proxies already"):
            await ask_in_vain(channel)


async def test_who_says_nothing_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_grpclib, "_FIRST_S_MAX", 0.05)
    async with served(Told(FULL), tmp_path) as (channel, _):
        with pytest.raises(GRPCError, match="nobody knows who asks"):
            await _send(channel, b"")


async def test_a_request_beyond_the_bound_is_refused_before_it_is_there(tmp_path: Path) -> None:
    async with served(Told(FULL), tmp_path) as (channel, _):
        with pytest.raises(GRPCError, match=str(REQUEST_BYTES_MAX)):
            await _send(channel, struct.pack(">?I", False, REQUEST_BYTES_MAX + 1))


async def test_a_compressed_request_is_refused(tmp_path: Path) -> None:
    async with served(Told(FULL), tmp_path) as (channel, _):
        with pytest.raises(GRPCError, match="uncompressed"):
            await _send(channel, struct.pack(">?I", True, 1) + b"x")


async def _raised(asking: Awaitable[None]) -> str:
    try:
        await asking
    except GRPCError as error:
        return error.message or ""
    return ""


async def _send(channel: Channel, data: bytes) -> None:
    """Send bytes as they are, and wait for the end."""
    async with Client.method(channel).open() as stream:
        await stream.send_request()
        if data:
            inner = stream._stream  # pyright: ignore[reportPrivateUsage]  # a client that does what none would
            await inner.send_data(data)
        assert await asyncio.wait_for(stream.recv_message(), 20) is None
