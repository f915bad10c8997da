"""A server with access control, asked in its process and over a connection: the same verdicts at both doors."""

from __future__ import annotations

import asyncio
import dataclasses
import io
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Final, cast

import pytest

from lictor_core.acl.granted import DefaultPolicy
from lictor_core.acl.records import Link, Token
from lictor_core.acl.requests import PolicyWrite, TokenDelete, TokenWrite
from lictor_core.calls import FEED, Proposed
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.codec import encode_proposal, pack, unpack
from lictor_core.commands import KVSet, Outcome, Proposal, ReadMode, SessionCreate, Transaction
from lictor_core.errors import LictorError, PermissionDeniedError
from lictor_core.feed import FeedRequest
from lictor_core.queries import KeyQuery, KeysQuery, NodesQuery, Query, ServiceHealthQuery, TreeQuery
from lictor_core.registry import LeafRequest, ReadOptions, Registry
from lictor_core.transactions import KeyOperation, TransactionAnswer
from lictor_core.view import View
from lictor_server import RpcPool, Server
from lictor_server.acl.settings import AclSettings
from tests.agent.remote.registries import connected
from tests.server import build
from tests.server.acl.desks import ROOT, given_policy, given_token
from tests.server.conftest import SETTINGS, Log
from tests.support.conditions import eventually

pytestmark = pytest.mark.timeout(60)
_A: Final = 'key_prefix "a" { policy = "write" } node_prefix "" { policy = "read" } service "web" { policy = "read" }'
_SESSION: Final = "99999999-0000-4000-8000-000000000000"


@pytest.fixture
async def guarded(log: Log) -> AsyncIterator[Server]:
    """A server with access control, some keys and instances of web and db."""
    acl = AclSettings(enabled=True, default_policy=DefaultPolicy.DENY, initial_management=ROOT)
    running = Server(dataclasses.replace(SETTINGS, acl=acl), clock=SystemClock(), rng=SeededRng(1), log=log.logger)
    await running.start()
    for key in ("a", "b"):
        await running.write(KVSet(key=key, value=b"1"), token=ROOT)
    for name in ("web", "db"):
        await running.write(build.register(build.node("na"), service=build.service(name)), token=ROOT)
    await running.write(SessionCreate(session=build.session(_SESSION, node="na")), token=ROOT)
    yield running
    await running.stop()


@asynccontextmanager
async def _both(server: Server, log: Log) -> AsyncGenerator[tuple[Registry, Registry]]:
    async with connected(log, f"127.0.0.1:{server.server_port}") as remote:
        yield server, remote


async def _token(server: Server, name: str, rules: str) -> Token:
    await server.acl(PolicyWrite(policy=given_policy(name, rules), is_update=False), token=ROOT)
    order = TokenWrite(token=given_token(policies=(Link(id="", name=name),)), is_update=False)
    made = (await server.acl(order, token=ROOT)).token
    assert made is not None
    return made


async def test_reads_and_writes_are_judged_by_the_token(guarded: Server, log: Log) -> None:
    secret = (await _token(guarded, "a", _A)).secret_id
    options = ReadOptions(token=secret)
    async with _both(guarded, log) as doors:
        for registry in doors:
            assert (await registry.read(KeysQuery(prefix=""), options)).value == ["a"]
            seen = await registry.read(ServiceHealthQuery(service="web"), options)
            assert [row.service.service for row in seen.value] == ["web"]
            hidden = await registry.read(ServiceHealthQuery(service="db"), options)
            assert (hidden.value, hidden.scope != "") == ([], True)
            assert (await registry.read(NodesQuery(), options)).scope == "", "all of it is seen"
            with pytest.raises(PermissionDeniedError, match="'key:read' on \"b\"; no rule speaks of it"):
                await registry.read(KeyQuery(key="b"), options)
            await registry.write(KVSet(key="a", value=b"2"), token=secret)
            with pytest.raises(PermissionDeniedError, match="'key:write' on \"b\""):
                await registry.write(KVSet(key="b", value=b"2"), token=secret)
            operations = [KeyOperation(verb="set", key=key, value=b"3") for key in ("a", "b")]
            outcome = await registry.write(Transaction(operations=list(operations)), token=secret)
            assert isinstance(outcome.value, TransactionAnswer)
            assert [one.position for one in outcome.value.errors] == [1]
    kept = (await guarded.read(KeyQuery(key="b"), ReadOptions(token=ROOT))).value
    assert kept is not None
    assert kept.value == b"1"


async def test_without_a_token_nothing_is_to_be_had_where_nothing_is_granted(guarded: Server, log: Log) -> None:
    async with _both(guarded, log) as doors:
        for registry in doors:
            assert (await registry.read(NodesQuery(), ReadOptions())).value == []
            calls: tuple[Callable[[Registry], Awaitable[object]], ...] = (
                lambda door: door.write(KVSet(key="a", value=b"")),
                lambda door: door.configure_ca("consul", {}),
                lambda door: door.force_leave("na"),
                lambda door: door.remove_peer("127.0.0.1:1"),
                lambda door: door.transfer_leader(),
                lambda door: door.renew_session(_SESSION),
                lambda door: door.place(build.placed("na", 0.1)),
                lambda door: door.save_state(ReadOptions()),
                lambda door: door.restore_state(io.BytesIO(b"x")),
                lambda door: door.sign_leaf(LeafRequest(csr="", service="web")),
            )
            for call in calls:
                with pytest.raises(PermissionDeniedError, match="no token was sent"):
                    await call(registry)


async def test_who_manages_the_cluster_may_do_all_of_that(guarded: Server, log: Log) -> None:
    async with _both(guarded, log) as doors:
        for registry in doors:
            assert await registry.renew_session(_SESSION, token=ROOT) is not None
            await registry.place(build.placed("na", 0.1), token=ROOT)
            with pytest.raises(LictorError) as refused:
                await registry.remove_peer("127.0.0.1:1", token=ROOT)
            assert not isinstance(refused.value, PermissionDeniedError)
            saved = await registry.save_state(ReadOptions(token=ROOT))
            saved.archive.close()
    places = guarded.view().coordinates
    await eventually(lambda: "na" in places(), what="the place")


async def test_a_revoked_token_reads_and_writes_nothing_from_that_moment(guarded: Server, log: Log) -> None:
    token = await _token(guarded, "a", _A)
    options = ReadOptions(token=token.secret_id)
    async with _both(guarded, log) as (near, far):
        index = (await far.read(KeysQuery(prefix=""), options)).index
        blocked = asyncio.ensure_future(
            far.read(KeysQuery(prefix=""), ReadOptions(token=token.secret_id, min_index=index, wait_s=30.0))
        )
        await asyncio.sleep(0)
        await near.acl(TokenDelete(accessor_id=token.accessor_id), token=ROOT)
        for registry in (near, far):
            with pytest.raises(PermissionDeniedError, match="ACL not found"):
                await registry.read(KeysQuery(prefix=""), options)
            with pytest.raises(PermissionDeniedError, match="ACL not found"):
                await registry.write(KVSet(key="a", value=b"2"), token=token.secret_id)
        await near.write(KVSet(key="a", value=b"9"), token=ROOT)
        with pytest.raises(PermissionDeniedError, match="ACL not found"):
            await blocked


async def test_a_feed_over_the_port_ends_with_the_token(guarded: Server) -> None:
    token = await _token(guarded, "a", _A)
    query = TreeQuery(prefix="")
    pool = RpcPool(rng=SeededRng(2))
    place = f"127.0.0.1:{guarded.server_port}"
    request = pack(FeedRequest(query=query, token=token.secret_id))
    view = View(query)
    async with asyncio.timeout(20.0), aclosing(pool.stream(place, FEED, request)) as items:
        view.apply(await anext(items))
        assert [one.key for one in view.value] == ["a"]
        await guarded.acl(TokenDelete(accessor_id=token.accessor_id), token=ROOT)
        with pytest.raises(PermissionDeniedError, match="ACL not found"):
            await anext(items)
    await pool.stop()


async def test_the_calls_of_servers_among_themselves_ask_for_the_token_as_well(guarded: Server) -> None:
    pool = RpcPool(rng=SeededRng(2))
    place = f"127.0.0.1:{guarded.server_port}"
    proposal = encode_proposal(Proposal(b"0123456789abcdef", 0, False, KVSet(key="b", value=b"2")))
    with pytest.raises(PermissionDeniedError, match="no token was sent"):
        await pool.call(place, "leader.write", pack(Proposed(proposal=proposal)), timeout_s=10.0)
    answer = await pool.call(place, "leader.write", pack(Proposed(proposal=proposal, token=ROOT)), timeout_s=10.0)
    assert unpack(answer, Outcome).value is True
    await pool.stop()


async def test_stamps_tell_caches_of_a_change_of_rights(guarded: Server) -> None:
    token = await _token(guarded, "a", _A)
    keys = KeysQuery(prefix="")
    queries = [cast("Query[object]", keys)]
    before = await guarded.confirm(queries, ReadMode.DEFAULT, [token.secret_id])
    assert before is not None
    reading = await guarded.read(keys, ReadOptions(token=token.secret_id))
    assert before.stamps == [reading.stamp]
    changed = given_policy("a", 'key "b" { policy = "read" }', id=token.policies[0].id)
    await guarded.acl(PolicyWrite(policy=changed, is_update=True), token=ROOT)
    after = await guarded.confirm(queries, ReadMode.DEFAULT, [token.secret_id])
    assert after is not None
    assert after.stamps > before.stamps
    assert (await guarded.read(keys, ReadOptions(token=token.secret_id))).value == ["b"]
    await guarded.acl(TokenDelete(accessor_id=token.accessor_id), token=ROOT)
    gone = await guarded.confirm(queries, ReadMode.DEFAULT, [token.secret_id])
    assert gone is not None
    assert gone.stamps == [-1]


async def test_of_an_archive_to_be_restored_nothing_is_kept_for_who_may_not(guarded: Server) -> None:
    pool = RpcPool(rng=SeededRng(2))
    place = f"127.0.0.1:{guarded.server_port}"
    with pytest.raises(PermissionDeniedError, match="'acl:write'"):
        await pool.call(place, "restore_begin", pack(""), timeout_s=10.0)
    assert unpack(await pool.call(place, "restore_begin", pack(ROOT), timeout_s=10.0), int) > 0
    await pool.stop()
