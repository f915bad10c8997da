"""What certificates allow: every method and stream of the server port, and Raft, beside every kind of certificate."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Final

import pytest

from lictor_core.calls import AgentCA, PlaceRequest
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.codec import pack, unpack
from lictor_core.errors import AuthenticationError, LictorError, PeerError, PermissionDeniedError, UnreachableError
from lictor_core.membership import LeaseGrant
from lictor_core.peers import RaftServer
from lictor_core.proxy_status import ProxyTidings
from lictor_core.sealed_ring import KeyTidings
from lictor_server import RpcPool, Server
from lictor_server.rpc.methods import FOR_NOBODY
from lictor_server.rpc.roles import check_member_role, check_server, check_speaks_for
from lictor_server.tls import NOBODY, Proof, Tls, TlsSettings, load_tls
from tests.server.build import member, placed, renewal
from tests.server.certificates import Authority, Pair, strict
from tests.server.conftest import NODE_ID, SETTINGS, Log
from tests.server.raft.links import running
from tests.support.conditions import eventually

CLIENT, SERVER = Proof(is_server=False, node_ids=frozenset()), Proof(is_server=True, node_ids=frozenset())
SERVERS = (RaftServer(id=NODE_ID, name="S1", address="127.0.0.1:8300", voter=True),)
A1 = "11111111-1111-1111-1111-111111111111"

FOR_SERVERS: Final = frozenset(
    {
        "leader.acl", "leader.autopilot_health", "leader.configure_ca", "leader.force_leave", "leader.leave",
        "leader.members", "leader.place", "leader.raft_servers", "leader.read_index", "leader.remove_peer",
        "leader.renew_session",
        "leader.restore_step", "leader.sign_leaf", "leader.transfer_leader", "leader.vouch", "leader.write",
        "server.introduce", "server.promise", "keys_told", "proxies_told",
    }
)  # fmt: skip
"""Changes the log without a check of a token, speaks as a leader does to its servers, or founds clusters."""
IN_A_NAME: Final = frozenset({"leave", "place", "renew", "tell_keys", "tell_proxies"})
"""Says something in the name of a node: held against the certificate, as the tests below say."""
BY_TOKEN: Final = frozenset(
    {
        "acl", "agent_ca", "attend", "autopilot_health", "configure_ca", "feed", "force_leave", "keys",
        "leader_status", "look", "members",
        "position", "propose", "proxies", "raft_servers", "read", "remove_peer", "renew_session", "resolve_token",
        "restore_begin", "restore_finish", "restore_part", "save_state", "saved_part", "sign_agent", "sign_leaf",
        "stamps", "ticks", "transfer_leader", "write",
    }
)  # fmt: skip
"""What agents ask on behalf of whoever has a token: any member of the cluster may call it, and the token decides."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def loaded(authority: Authority, pair: Pair | None) -> Tls:
    settings = strict(authority, pair or Pair("", ""))
    if pair is None:
        settings = dataclasses.replace(settings, verify_incoming_rpc=False)
    return load_tls(settings, now=time.time())  # noqa: TID251 OpenSSL asks the machine, too


@asynccontextmanager
async def serving(log: Log, authority: Authority, tls: TlsSettings | None = None) -> AsyncGenerator[Server]:
    settings = dataclasses.replace(SETTINGS, tls=tls or strict(authority, authority.server()))
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


async def ask(pool: RpcPool, server: Server, method: str, payload: bytes = b"") -> bytes:
    return await pool.call(f"127.0.0.1:{server.server_port}", method, payload, timeout_s=10.0)


async def answered(pool: RpcPool, server: Server, method: str) -> LictorError | None:
    """What comes of a call without a payload: who may not call it learns that before it is read."""
    try:
        if method in ("attend", "feed", "ticks"):
            items = pool.stream(f"127.0.0.1:{server.server_port}", method, b"")
            async with asyncio.timeout(10), aclosing(items):
                await anext(items, b"")
        else:
            await ask(pool, server, method)
    except LictorError as error:
        return error
    return None


async def test_every_method_stands_in_the_table(log: Log, authority: Authority) -> None:
    async with serving(log, authority) as server:
        names = server._methods.names  # pyright: ignore[reportPrivateUsage]
        assert {name for name, servers_alone in names.items() if servers_alone} == FOR_SERVERS
        assert set(names) == FOR_SERVERS | IN_A_NAME | BY_TOKEN


async def test_without_a_certificate_nothing_is_answered(log: Log, authority: Authority) -> None:
    async with serving(log, authority) as server:
        names = server._methods.names  # pyright: ignore[reportPrivateUsage]
        async with calling(server, loaded(authority, None)) as nobody:
            for name in names:
                error = await answered(nobody, server, name)
                assert isinstance(error, PeerError | UnreachableError), (name, error)
        asked = server._methods.requests  # pyright: ignore[reportPrivateUsage]
        assert asked == 0


async def test_who_comes_for_a_certificate_is_told_nothing_else(log: Log, authority: Authority) -> None:
    settings = dataclasses.replace(strict(authority, authority.server()), gives_certificates=True)
    async with serving(log, authority, settings) as server:
        await eventually(lambda: bool(log.named("tls.agent_roots.changed")), what="the roots of the mesh")
        asking = TlsSettings(ca_file=authority.ca_file, verify_server_hostname=True, asks_for_certificate=True)
        tls = load_tls(asking, now=time.time())  # noqa: TID251 OpenSSL asks the machine, too
        async with calling(server, tls) as nobody:
            for name in server._methods.names:  # pyright: ignore[reportPrivateUsage]
                error = await answered(nobody, server, name)
                assert isinstance(error, AuthenticationError) or name in FOR_NOBODY, (name, error)
            told = unpack(await ask(nobody, server, "agent_ca"), AgentCA)
        assert (told.datacenter, len(told.roots), told.verify_server_hostname) == ("dc1", 1, True)


@pytest.mark.parametrize(("gives", "reason"), [(True, "is not known here yet"), (False, "allow_tls is off here")])
async def test_the_door_for_agents_is_shut_where_none_could_show_a_certificate(
    authority: Authority, gives: bool, reason: str
) -> None:
    settings = dataclasses.replace(strict(authority, authority.server()), gives_certificates=gives)
    asking = TlsSettings(ca_file=authority.ca_file, verify_server_hostname=True, asks_for_certificate=True)
    now = time.time()  # noqa: TID251 OpenSSL asks the machine, too
    async with running(1, tls=load_tls(settings, now=now)) as end:
        pool = RpcPool(rng=SeededRng(2), tls=load_tls(asking, now=now))
        with pytest.raises(UnreachableError):
            await pool.call(f"127.0.0.1:{end.listener.port}", "agent_ca", b"", timeout_s=10.0)
        await pool.stop()
        await eventually(lambda: bool(end.log.named("rpc.connection.broken")), what="the reason")
        assert reason in end.log.named("rpc.connection.broken")[0]["reason"]


@pytest.mark.parametrize("kind", ["client", "server of another datacenter"])
async def test_who_proves_to_be_no_server_calls_nothing_that_is_for_servers(
    log: Log, authority: Authority, kind: str
) -> None:
    pair = authority.client() if kind == "client" else authority.server("other", datacenter="dc2")
    async with serving(log, authority) as server, calling(server, loaded(authority, pair)) as pool:
        for name, servers_alone in server._methods.names.items():  # pyright: ignore[reportPrivateUsage]
            error = await answered(pool, server, name)
            refused = isinstance(error, PermissionDeniedError) and "for servers alone" in str(error)
            assert refused is servers_alone, (name, error)


async def test_a_server_may_call_everything(log: Log, authority: Authority) -> None:
    async with serving(log, authority) as server, calling(server, loaded(authority, authority.server())) as pool:
        for name in server._methods.names:  # pyright: ignore[reportPrivateUsage]
            assert not isinstance(await answered(pool, server, name), PermissionDeniedError), name


@pytest.mark.parametrize("kind", ["client", "server of another datacenter"])
async def test_raft_is_for_servers_of_this_datacenter(authority: Authority, kind: str) -> None:
    pair = authority.client() if kind == "client" else authority.server("other", datacenter="dc2")
    other = loaded(authority, pair)
    async with running(1, tls=other) as one, running(2, tls=loaded(authority, authority.server())) as two:
        one.peers(two)
        await eventually(lambda: bool(two.log.named("raft.link.refused")), what="a refusal")
        assert two.log.named("raft.link.refused")[0]["code"] == "certificate"
        assert two.callers == []


# What is said in the name of a node.


@pytest.mark.parametrize(("name", "id"), [("n1", A1), ("N1", NODE_ID), ("a1", NODE_ID)])
async def test_the_lease_of_a_server_is_for_who_proves_to_be_one(
    log: Log, authority: Authority, name: str, id: str
) -> None:
    async with serving(log, authority) as server, calling(server, loaded(authority, authority.client())) as pool:
        with pytest.raises(PermissionDeniedError, match="is a server"):
            await ask(pool, server, "renew", pack(renewal(member(name, id=id))))
        with pytest.raises(PermissionDeniedError, match="calls itself a server"):
            await ask(pool, server, "renew", pack(renewal(member("a1", id=A1, role="consul"))))
        assert [one.name for one in await server.members()] == ["n1"]


async def test_who_proves_to_be_no_server_says_nothing_in_the_name_of_one(log: Log, authority: Authority) -> None:
    async with serving(log, authority) as server, calling(server, loaded(authority, authority.client())) as pool:
        for method, payload in {
            "leave": pack("N1"),
            "place": pack(PlaceRequest(update=placed("n1", 0.1))),
            "tell_keys": pack(KeyTidings(node="n1", keys=())),
            "tell_proxies": pack(ProxyTidings(node="n1", policies=())),
        }.items():
            with pytest.raises(PermissionDeniedError, match="is a server"):
                await ask(pool, server, method, payload)


async def test_an_agent_leaves_for_itself_and_not_for_others(log: Log, authority: Authority) -> None:
    tls = loaded(authority, authority.client())
    async with serving(log, authority) as server, calling(server, tls) as one, calling(server, tls) as other:
        await ask(one, server, "renew", pack(renewal(member("a1", id=A1))))
        with pytest.raises(PermissionDeniedError, match="holds the lease"):
            await ask(other, server, "leave", pack("a1"))
        with pytest.raises(PermissionDeniedError, match="holds the lease"):
            await ask(one, server, "leave", pack("a2"))
        assert {one.name: one.status.name for one in await server.members()}["a1"] == "ALIVE"
        await ask(one, server, "leave", pack("A1"))
        assert {one.name: one.status.name for one in await server.members()}["a1"] == "LEFT"


async def test_who_proves_its_role_takes_a_lease(log: Log, authority: Authority) -> None:
    async with serving(log, authority) as server:
        async with calling(server, loaded(authority, authority.client())) as pool:
            taken = await ask(pool, server, "renew", pack(renewal(member("a1", id=A1))))
            assert unpack(taken, LeaseGrant).renew_s > 0
        async with calling(server, loaded(authority, authority.server())) as pool:
            other = member("n2", id="22222222-2222-2222-2222-222222222222", role="consul")
            assert unpack(await ask(pool, server, "renew", pack(renewal(other))), LeaseGrant).renew_s > 0


# The rules, one by one.


def test_without_a_proof_nothing_is_refused() -> None:
    check_server("leader.write", "x", None)
    check_speaks_for("s1", None, SERVERS)
    check_member_role(member("s1", role="consul"), None, SERVERS)


def test_a_server_speaks_for_servers_and_a_client_for_none() -> None:
    check_server("leader.write", "x", SERVER)
    check_speaks_for("s1", SERVER, SERVERS)
    check_speaks_for("a1", CLIENT, SERVERS)
    for proof in (CLIENT, NOBODY):
        for node, id in (("s1", ""), ("S1", ""), ("a1", NODE_ID.upper())):
            with pytest.raises(PermissionDeniedError):
                check_speaks_for(node, proof, SERVERS, node_id=id)
        with pytest.raises(PermissionDeniedError):
            check_server("leader.write", "x", proof)


def test_a_certificate_made_out_to_a_node_speaks_for_that_node_alone() -> None:
    named = Proof(is_server=False, node_ids=frozenset(), node_names=frozenset({"a1"}))
    check_speaks_for("A1", named, SERVERS)
    with pytest.raises(PermissionDeniedError, match="one of node a1"):
        check_speaks_for("a2", named, SERVERS)
    bound = Proof(is_server=True, node_ids=frozenset({NODE_ID}))
    check_speaks_for("s1", bound, SERVERS, node_id=NODE_ID.upper())
    with pytest.raises(PermissionDeniedError, match="one of node"):
        check_member_role(member("s2", id=A1, role="consul"), bound, SERVERS)
