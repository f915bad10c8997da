"""Bounds on the connections of one address to the server port, and on slow senders, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from lictor_core.calls import ReadRequest
from lictor_core.codec import pack
from lictor_core.frames import REFUSED_ID, Frame, FrameKind, encode_frame
from lictor_core.queries import KeyQuery
from lictor_core.registry import ReadOptions
from lictor_server import Server
from lictor_server.rpc import Methods, RpcListener
from lictor_server.rpc.clients import SPARE_PER_CLIENT, Clients
from tests.server.conftest import Log
from tests.server.rpc.client import Client, connect
from tests.support.conditions import eventually


def test_one_address_is_counted_for_itself() -> None:
    clients = Clients(1)
    assert [clients.arrive("a") for _ in range(1 + SPARE_PER_CLIENT)] == [None] * (1 + SPARE_PER_CLIENT)
    assert "a has 1 connections" in str(clients.arrive("a"))
    assert clients.arrive("b") is None
    assert clients.over("b") is None
    assert clients.over("a") is not None


def test_what_is_over_is_forgotten() -> None:
    clients = Clients(1)
    for _ in range(2):
        clients.arrive("a")
    assert clients.over("a") is not None
    clients.depart("a")
    assert clients.over("a") is None
    clients.depart("a")
    assert len(clients) == 0


def test_zero_is_no_bound() -> None:
    clients = Clients(0)
    assert [clients.arrive("a") for _ in range(500)] == [None] * 500
    assert clients.over("a") is None


@pytest.fixture
async def listener(server: Server, log: Log) -> AsyncIterator[RpcListener]:
    """A port where an address may have two connections, and a frame takes half a second at most."""
    made = RpcListener(
        Methods(server, {}, for_servers={}),
        address="127.0.0.1",
        port=0,
        connections_max=100,
        in_flight_max=8,
        log=log.logger,
        idle_max_s=60,
        handshake_max_s=0.5,
        per_client_max=2,
        frame_max_s=0.5,
    )
    await made.start()
    yield made
    await made.stop()


async def from_address(listener: RpcListener, host: str) -> Client:
    return Client(*await asyncio.open_connection("127.0.0.1", listener.port, local_addr=(host, 0)))


async def serves(client: Client, number: int) -> bool:
    frame = await client.ask(number, "leader_status", b"")
    return frame.kind is FrameKind.REPLY


async def test_third_connection_of_an_address_is_told_no_and_another_address_is_served(
    listener: RpcListener, log: Log
) -> None:
    first, second = await connect(listener.port), await connect(listener.port)
    assert await serves(first, 1)
    assert await serves(second, 1)
    third = await connect(listener.port)
    refusal = await third.ask(1, "leader_status", b"")
    assert (refusal.kind, refusal.id, refusal.method) == (FrameKind.ERROR, REFUSED_ID, "overloaded")
    assert b"rpc_max_conns_per_client" in refusal.payload
    other = await from_address(listener, "127.0.0.2")
    assert await serves(other, 1)
    assert await serves(first, 2)
    assert "127.0.0.1 has 2 connections" in log.named("rpc.connection.refused")[0]["reason"]
    await first.close()
    await eventually(lambda: listener.clients.over("127.0.0.1") is None, what="room for another one")
    late = await connect(listener.port)
    assert await serves(late, 1)
    for client in (second, third, other, late):
        await client.close()


async def test_silent_connections_of_one_address_leave_room_for_others_and_are_closed(listener: RpcListener) -> None:
    silent = [await connect(listener.port) for _ in range(2 + SPARE_PER_CLIENT)]
    one_more = await connect(listener.port)
    assert await one_more.next() is None  # at once: there is no place left to wait in
    other = await from_address(listener, "127.0.0.2")
    assert await serves(other, 1)
    for client in silent:
        assert await client.next() is None
    assert await serves(other, 2)
    for client in (*silent, one_more, other):
        await client.close()


class Silent(asyncio.Protocol):
    """Raft's side of a connection on which no greeting comes."""


async def test_connections_that_claim_to_be_of_raft_count_until_they_have_greeted(
    server: Server, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lictor_server.rpc.listener.GREETING_S", 1.0)
    made = RpcListener(
        Methods(server, {}),
        address="127.0.0.1",
        port=0,
        connections_max=100,
        in_flight_max=8,
        log=log.logger,
        raft=lambda proof: Silent(),
        per_client_max=2,
    )
    await made.start()
    claiming = [await connect(made.port) for _ in range(2 + SPARE_PER_CLIENT)]
    for client in claiming:
        client.writer.write(b"L")
    await eventually(lambda: made.accepted_raft == len(claiming), what="all are taken for Raft's")
    one_more = await connect(made.port)
    assert await one_more.next() is None
    await eventually(lambda: made.clients.over("127.0.0.1") is None, what="they count no more")
    late = await connect(made.port)
    assert await serves(late, 1)
    for client in (*claiming, one_more, late):
        await client.close()
    await made.stop()


async def test_bound_changes_while_connections_are_open(listener: RpcListener) -> None:
    listener.clients.max = 3
    three = [await connect(listener.port) for _ in range(3)]
    for client in three:
        assert await serves(client, 1)
    listener.clients.max = 1
    for client in three:
        assert await serves(client, 2)  # what was taken stays
        await client.close()


@pytest.mark.parametrize("is_asking", [False, True], ids=["with nothing under way", "behind a blocked read"])
async def test_frame_that_trickles_is_cut_off_while_others_are_served(
    server: Server, listener: RpcListener, log: Log, is_asking: bool
) -> None:
    frame = encode_frame(Frame(FrameKind.REQUEST, 2, "leader_status", b"x" * 200))
    loop = asyncio.get_running_loop()
    honest = await from_address(listener, "127.0.0.2")
    with socket.create_connection(("127.0.0.1", listener.port)) as slow:
        slow.setblocking(False)
        if is_asking:
            waits = ReadRequest(query=KeyQuery(key="a"), options=ReadOptions(min_index=10**9, wait_s=30.0))
            await loop.sock_sendall(slow, encode_frame(Frame(FrameKind.REQUEST, 1, "read", pack(waits))))
        began = loop.time()
        number = 0
        with contextlib.suppress(OSError):  # the other end is gone
            for byte in frame[:-1]:
                await loop.sock_sendall(slow, bytes([byte]))
                number += 1
                assert await serves(honest, number)
                await asyncio.sleep(0.05)
        assert loop.time() - began < 8  # the whole would take ten seconds
    await eventually(lambda: log.named("rpc.connection.broken") != [], what="the event")
    assert "no whole frame within 0.5 s" in log.named("rpc.connection.broken")[0]["reason"]
    assert await serves(honest, number + 1)
    await honest.close()
