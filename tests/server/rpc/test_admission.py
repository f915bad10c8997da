"""Who may call what servers ask of one another: nobody who proves to be no server, and servers however full one is."""

from __future__ import annotations

import dataclasses
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from lictor_core.calls import Proposed
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.codec import encode_proposal, pack, unpack
from lictor_core.commands import KVSet, Outcome, Proposal
from lictor_core.errors import OverloadedError, PermissionDeniedError, UnreachableError
from lictor_core.frames import REFUSED_ID
from lictor_core.registry import LeaderStatus
from lictor_server import RpcPool, Server, ServerSettings
from lictor_server.leases import Answer, Digest
from lictor_server.rpc import client
from lictor_server.rpc import listener as module
from lictor_server.tls import Tls, load_tls
from tests.server.build import member, renewal
from tests.server.certificates import Authority, Pair, strict
from tests.server.conftest import NODE_ID, SETTINGS, Log
from tests.server.rpc.client import connect

DIGEST = Digest(server="x", server_name="x", epoch="x", number=1, confirmed=0, begins=True, complete=True, rows=[])


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def loaded(authority: Authority, pair: Pair) -> Tls:
    return load_tls(strict(authority, pair), now=time.time())  # noqa: TID251 OpenSSL asks the machine, too


@asynccontextmanager
async def serving(log: Log, settings: ServerSettings) -> AsyncGenerator[Server]:
    server = Server(settings, clock=SystemClock(), rng=SeededRng(1), log=log.logger)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def calling(server: Server, tls: Tls) -> AsyncGenerator[RpcPool]:
    pool = RpcPool(rng=SeededRng(2), tls=tls)
    try:
        yield pool
    finally:
        await pool.stop()


async def ask(pool: RpcPool, server: Server, method: str, payload: bytes) -> bytes:
    return await pool.call(f"127.0.0.1:{server.server_port}", method, payload, timeout_s=10.0)


@pytest.mark.parametrize(
    ("method", "payload"),
    [
        ("leader.vouch", pack(DIGEST)),
        ("leader.leave", pack("n1")),
        ("leader.remove_peer", pack(NODE_ID)),
        ("server.introduce", b""),
        ("server.promise", b""),
    ],
    ids=["vouch", "leave", "remove_peer", "introduce", "promise"],
)
async def test_whom_its_certificate_proves_to_be_no_server_calls_nothing_of_theirs(
    log: Log, authority: Authority, method: str, payload: bytes
) -> None:
    settings = dataclasses.replace(SETTINGS, tls=strict(authority, authority.server()))
    async with serving(log, settings) as server, calling(server, loaded(authority, authority.client())) as pool:
        assert unpack(await ask(pool, server, "leader_status", b""), LeaderStatus).is_self
        with pytest.raises(PermissionDeniedError, match="for servers alone"):
            await ask(pool, server, method, payload)


async def test_a_server_that_proves_to_be_one_vouches(log: Log, authority: Authority) -> None:
    settings = dataclasses.replace(SETTINGS, tls=strict(authority, authority.server()))
    async with serving(log, settings) as server, calling(server, loaded(authority, authority.server())) as pool:
        assert unpack(await ask(pool, server, "leader.vouch", pack(DIGEST)), Answer) == Answer()


async def test_who_calls_itself_a_server_and_proves_to_be_none_gets_no_lease(log: Log, authority: Authority) -> None:
    settings = dataclasses.replace(SETTINGS, tls=strict(authority, authority.server()))
    false = member("a1", id="11111111-1111-1111-1111-111111111111", role="consul")
    async with serving(log, settings) as server, calling(server, loaded(authority, authority.client())) as pool:
        with pytest.raises(PermissionDeniedError, match="calls itself a server"):
            await ask(pool, server, "renew", pack(renewal(false)))
        assert [one.name for one in await server.members()] == ["n1"]


async def test_a_server_that_is_full_of_agents_hears_the_others_vouch_for_theirs(log: Log) -> None:
    async with serving(log, dataclasses.replace(SETTINGS, rpc_connections_max=1)) as server:
        first = await connect(server.server_port)
        await first.ask(1, "leader_status", b"")
        pool = RpcPool(rng=SeededRng(2))
        assert unpack(await ask(pool, server, "leader.vouch", pack(DIGEST)), Answer) == Answer()
        agent = RpcPool(rng=SeededRng(3))
        with pytest.raises(OverloadedError, match="1 connections to this server are open"):
            await ask(agent, server, "leader_status", b"")
        assert unpack(await ask(pool, server, "leader.vouch", pack(DIGEST)), Answer) == Answer()
        await agent.stop()
        await pool.stop()
        await first.close()


async def test_what_a_server_asked_before_on_such_a_connection_is_not_said_to_be_undone(log: Log) -> None:
    """Who is turned away is told that nothing was done, which would not be true of a write that is under way."""
    async with serving(log, dataclasses.replace(SETTINGS, rpc_connections_max=1)) as server:
        first = await connect(server.server_port)
        await first.ask(1, "leader_status", b"")
        other = await connect(server.server_port)
        await other.ask(1, "leader.read_index", pack(False))
        proposal = Proposal(b"one", 0, False, KVSet(key="a", value=b"1"))
        other.send(2, "leader.write", pack(Proposed(proposal=encode_proposal(proposal))))
        other.send(3, "leader_status", b"")
        answers = {frame.id: frame for frame in [await other.next(), await other.next()] if frame is not None}
        assert answers[3].method == "overloaded"
        assert unpack(answers[2].payload, Outcome).index > 0
        await other.close()
        await first.close()


async def test_the_connections_that_are_kept_for_servers_are_bounded(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SPARE_MAX", 1)
    async with serving(log, dataclasses.replace(SETTINGS, rpc_connections_max=1)) as server:
        agent, other, third = [await connect(server.server_port) for _ in range(3)]
        await agent.ask(1, "leader_status", b"")
        await other.ask(1, "leader.read_index", pack(False))
        refusal = await third.ask(1, "leader.read_index", pack(False))
        assert (refusal.id, refusal.method) == (REFUSED_ID, "overloaded")
        for client in (agent, other, third):
            await client.close()


async def test_a_handshake_that_was_given_up_is_not_called_the_doing_of_the_other_side(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_HANDSHAKE_S", 0.05)
    pool = RpcPool(rng=SeededRng(2), tls=loaded(authority, authority.client()))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(UnreachableError, match=f"^{address} did not finish the TLS handshake within 0.05 s"):
            await pool.call(address, "leader.leave", b"", timeout_s=10.0)
        await pool.stop()
