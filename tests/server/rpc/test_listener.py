"""The server port over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import socket
import time
from collections.abc import AsyncIterator

import msgspec
import pytest

from lictor_core.calls import Proposed, ReadRequest, WriteRequest
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.codec import encode_command, pack, unpack
from lictor_core.commands import KVSet, Outcome
from lictor_core.errors import RequestError
from lictor_core.frames import REFUSED_ID, Frame, FrameKind, encode_frame
from lictor_core.membership import LeaseGrant
from lictor_core.queries import KeyQuery
from lictor_core.records import KVEntry, Member
from lictor_core.registry import LeaderStatus, Reading, ReadOptions
from lictor_server import Server
from lictor_server.rpc import Methods, RpcListener
from tests.server.build import member, register, renewal, service
from tests.server.conftest import SETTINGS, Log
from tests.server.rpc.client import Client, connect
from tests.support.conditions import eventually


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    made = await connect(server.server_port)
    yield made
    await made.close()


def write(key: str, value: bytes) -> bytes:
    return pack(WriteRequest(command=encode_command(KVSet(key=key, value=value))))


async def listening(server: Server, log: Log, *, idle_max_s: float) -> RpcListener:
    """One more listener of this server, which closes what is silent for so long."""
    listener = RpcListener(
        Methods(server, {}),
        address="127.0.0.1",
        port=0,
        connections_max=8,
        in_flight_max=8,
        log=log.logger,
        idle_max_s=idle_max_s,
    )
    await listener.start()
    return listener


def read(key: str, *, behind: int = 0) -> bytes:
    return pack(ReadRequest(query=KeyQuery(key=key), options=ReadOptions(min_index=behind, wait_s=30.0)))


async def test_write_and_read_over_the_wire(client: Client) -> None:
    written = await client.ask(1, "write", write("a", b"\x00\xff"))
    outcome = unpack(written.payload, Outcome)
    answer = await client.ask(2, "read", read("a"))
    reading = unpack(answer.payload, Reading[KVEntry])
    assert (reading.value.value, reading.index) == (b"\x00\xff", outcome.index)


@pytest.mark.parametrize("method", ["write", "leader.write"])
async def test_no_depth_of_a_value_ends_the_server(client: Client, method: str) -> None:
    """The log is applied from another depth of the stack than the one from which a write came."""
    web = service("web")
    shallow = msgspec.structs.replace(web, proxy=msgspec.structs.replace(web.proxy, config={"here": 1}))
    command = encode_command(register(service=shallow))
    for number, levels in enumerate((*range(40, 80), *range(900, 1000)), 1):
        deep = command.replace(pack({"here": 1}), b"\x81\xa1a" * levels + b"\x80")
        proposal = b"\x94" + pack(b"%016d" % number) + pack(0) + pack(False) + deep
        await client.ask(
            number,
            method,
            pack(Proposed(proposal=proposal)) if method == "leader.write" else pack(WriteRequest(command=deep)),
        )
    assert (await client.ask(5000, "write", write("a", b"1"))).kind is FrameKind.REPLY


async def test_leader_and_members_over_the_wire(client: Client) -> None:
    renewed = await client.ask(1, "renew", pack(renewal(member("a1", id="11111111-1111-1111-1111-111111111111"))))
    assert unpack(renewed.payload, LeaseGrant).renew_s == pytest.approx(SETTINGS.lease_s / 3)
    members = unpack((await client.ask(2, "members", b"")).payload, list[Member])
    assert [one.name for one in members] == ["a1", "n1"]
    status = unpack((await client.ask(3, "leader_status", b"")).payload, LeaderStatus)
    assert status.is_self
    assert (await client.ask(4, "leave", pack("a1"))).kind is FrameKind.REPLY


async def test_quick_request_overtakes_a_blocked_one(client: Client) -> None:
    index = unpack((await client.ask(1, "write", write("a", b"1"))).payload, Outcome).index
    client.send(2, "read", read("a", behind=index))
    assert (await client.ask(3, "read", read("a"))).id == 3
    client.send(4, "write", write("a", b"2"))
    answered = {frame.id for frame in [await client.next(), await client.next()] if frame is not None}
    assert answered == {2, 4}


async def test_errors_come_with_their_code(client: Client) -> None:
    unknown = await client.ask(1, "format_disk", b"")
    assert (unknown.kind, unknown.method) == (FrameKind.ERROR, "bad_request")
    garbage = await client.ask(2, "write", b"\xc1")
    assert (garbage.kind, garbage.method) == (FrameKind.ERROR, "bad_request")
    assert (await client.ask(3, "leader_status", b"")).kind is FrameKind.REPLY


async def test_cancelled_or_abandoned_requests_end(server: Server, client: Client) -> None:
    index = unpack((await client.ask(1, "write", write("a", b"1"))).payload, Outcome).index
    client.send(2, "read", read("a", behind=index))
    await eventually(lambda: blocked(server) == 1, what="a blocked query")
    client.send(2, "", b"", FrameKind.CANCEL)
    await eventually(lambda: blocked(server) == 0, what="its end by cancelling")
    client.send(3, "read", read("a", behind=index))
    await eventually(lambda: blocked(server) == 1, what="another blocked query")
    client.writer.close()
    await eventually(lambda: blocked(server) == 0, what="its end with the connection")


def blocked(server: Server) -> int:
    return len(server._watches)  # pyright: ignore[reportPrivateUsage]  # nothing outside may know how many wait


@pytest.mark.parametrize(
    "hostile",
    [
        b"GET /v1/kv/a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 600,
        b"\xff" * 64,
        b"\x00\x00\x00\x01\x90",
        b"\x00\x00\x00\x05hello",
    ],
    ids=["HTTP", "TLS", "a huge length", "an empty array", "text"],
)
async def test_bytes_that_are_no_frames_give_one_event_and_a_closed_connection(
    server: Server, log: Log, hostile: bytes
) -> None:
    client = await connect(server.server_port)
    client.writer.write(hostile)
    assert await client.next() is None
    await client.close()
    await eventually(lambda: log.named("rpc.connection.broken") != [], what="the event")
    assert len(log.named("rpc.connection.broken")) == 1


async def test_connection_closed_within_a_frame_is_no_event(server: Server, log: Log) -> None:
    client = await connect(server.server_port)
    client.writer.write(b"\x00\x00")
    await client.close()
    other = await connect(server.server_port)
    assert (await other.ask(1, "leader_status", b"")).kind is FrameKind.REPLY
    await other.close()
    assert [entry for entry in log.entries if entry["event"].startswith("rpc.")] == []


async def test_connections_over_the_bound_are_closed(log: Log) -> None:
    settings = dataclasses.replace(SETTINGS, rpc_connections_max=1)
    server = Server(settings, clock=SystemClock(), rng=SeededRng(1), log=log.logger)
    await server.start()
    first = await connect(server.server_port)
    await first.ask(1, "leader_status", b"")
    second = await connect(server.server_port)
    refusal = await second.ask(1, "leader_status", b"")
    assert (refusal.kind, refusal.id, refusal.method) == (FrameKind.ERROR, REFUSED_ID, "overloaded")
    assert await second.next() is None
    assert len(log.named("rpc.connection.refused")) == 1
    await second.close()
    await first.close()
    await server.stop()


async def test_silent_connection_is_closed_and_a_waiting_one_is_not(server: Server, log: Log) -> None:
    listener = await listening(server, log, idle_max_s=0.1)
    waiting, silent = await connect(listener.port), await connect(listener.port)
    index = unpack((await waiting.ask(1, "write", write("a", b"1"))).payload, Outcome).index
    waiting.send(2, "read", read("a", behind=index))
    assert await silent.next() is None
    await server.write(KVSet(key="a", value=b"2"))
    answer = await waiting.next()
    assert answer is not None
    assert answer.id == 2
    await waiting.close()
    await silent.close()
    await listener.stop()


async def test_who_spoke_during_a_pause_of_the_server_is_not_called_silent(server: Server, log: Log) -> None:
    listener = await listening(server, log, idle_max_s=0.1)
    client = await connect(listener.port)
    await client.ask(1, "leader_status", b"")
    client.send(2, "leader_status", b"")
    time.sleep(0.2)  # noqa: ASYNC251 the whole process stands still, with the request in its socket
    answer = await client.next()
    assert answer is not None
    assert answer.id == 2
    await client.close()
    await listener.stop()


async def test_who_reads_no_answers_gets_none_made_and_is_cut_off(
    server: Server, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    async def members() -> str:
        nonlocal calls
        calls += 1
        return "x" * 1024 * 1024

    monkeypatch.setattr(server, "members", members)
    listener = await listening(server, log, idle_max_s=0.5)
    loop = asyncio.get_running_loop()
    with socket.create_connection(("127.0.0.1", listener.port)) as greedy:
        greedy.setblocking(False)
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(10):
                for number in itertools.count():
                    await loop.sock_sendall(greedy, encode_frame(Frame(FrameKind.REQUEST, number, "members", b"")))
                    await asyncio.sleep(0.001)
    assert calls < 100
    await eventually(lambda: log.named("rpc.connection.broken") != [], what="the event")
    assert "took none of its answers" in log.named("rpc.connection.broken")[0]["reason"]
    await listener.stop()


async def test_who_asks_once_and_reads_no_answer_is_cut_off(
    server: Server, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def members() -> str:
        return "x" * 3 * 1024 * 1024

    monkeypatch.setattr(server, "members", members)
    listener = await listening(server, log, idle_max_s=0.2)
    with socket.create_connection(("127.0.0.1", listener.port)) as greedy:
        for number in range(4):
            greedy.send(encode_frame(Frame(FrameKind.REQUEST, number, "members", b"")))
        await eventually(lambda: log.named("rpc.connection.broken") != [], what="the event")
    assert "took none of its answers" in log.named("rpc.connection.broken")[0]["reason"]
    await listener.stop()


async def test_stopping_closes_every_connection(server: Server) -> None:
    client = await connect(server.server_port)
    await client.ask(1, "leader_status", b"")
    client.send(2, "read", read("a", behind=10**9))
    await eventually(lambda: blocked(server) == 1, what="a blocked query")
    await server.stop()
    assert await client.next() is None
    await client.close()
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection("127.0.0.1", server.server_port)


async def test_listener_outside_loopback_is_told(server: Server, log: Log) -> None:
    listener = RpcListener(
        Methods(server, {}), address="0.0.0.0", port=0, connections_max=1, in_flight_max=1, log=log.logger
    )
    await listener.start()
    await listener.stop()
    assert len(log.named("rpc.listener.exposed")) == 1


async def test_mistake_of_ours_is_logged_and_answered(
    server: Server, client: Client, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(server, "members", broken)
    answer = await client.ask(1, "members", b"")
    assert (answer.kind, answer.method) == (FrameKind.ERROR, "internal")
    assert len(log.named("rpc.call.crashed")) == 1
    assert (await client.ask(2, "leader_status", b"")).kind is FrameKind.REPLY


def test_requests_with_unknown_fields_are_refused() -> None:
    with pytest.raises(RequestError):
        unpack(pack({"command": b"", "token": "", "extra": 1}), WriteRequest)
