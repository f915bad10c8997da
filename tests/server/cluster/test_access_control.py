"""Access control with several servers: whoever leads and whoever is asked, one cluster has one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from lictor_core.acl.granted import DefaultPolicy
from lictor_core.acl.records import Link, Token
from lictor_core.acl.requests import Bootstrap, PolicyWrite, TokenDelete, TokenWrite
from lictor_core.errors import LictorError, NoLeaderError, PermissionDeniedError
from lictor_core.queries import PoliciesQuery, TokensQuery
from lictor_core.registry import ReadOptions
from lictor_server import Server, ServerSettings
from lictor_server.acl.settings import AclSettings
from tests.server.acl.desks import given_policy, given_token
from tests.server.cluster.servers import Cluster, cluster_of, until
from tests.server.conftest import Log

pytestmark = pytest.mark.timeout(90)


@pytest.fixture(autouse=True)
def guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Cluster.settings
    acl = AclSettings(enabled=True, default_policy=DefaultPolicy.DENY, expiration_min_s=0.5)

    def settings(cluster: Cluster, number: int) -> ServerSettings:
        return dataclasses.replace(usual(cluster, number), acl=acl)

    monkeypatch.setattr(Cluster, "settings", settings)


async def bootstrapped(server: Server) -> Token:
    token = (await server.acl(Bootstrap())).token
    assert token is not None
    return token


async def knows(server: Server, secret: str) -> bool:
    try:
        await server.resolve_token(secret)
    except LictorError:
        return False
    return True


async def test_any_server_takes_orders_and_all_know_at_once_what_came_of_them(log: Log) -> None:
    async with cluster_of(3, log) as cluster:
        one, two, three = cluster.servers.values()
        root = (await bootstrapped(one)).secret_id
        policy = given_policy("reader", 'key_prefix "" { policy = "read" }')
        await two.acl(PolicyWrite(policy=policy, is_update=False), token=root)
        links = (Link(id="", name="reader"),)
        made = (await three.acl(TokenWrite(token=given_token(policies=links), is_update=False), token=root)).token
        assert made is not None
        for server in (one, two, three):
            assert [each.name for each in (await server.resolve_token(made.secret_id)).policies] == ["reader"]
        await two.acl(TokenDelete(accessor_id=made.accessor_id), token=root)
        for server in (one, two, three):
            with pytest.raises(PermissionDeniedError, match="ACL not found"):
                await server.resolve_token(made.secret_id)
            with pytest.raises(PermissionDeniedError, match="no longer allowed"):
                await server.acl(Bootstrap())


async def test_a_new_leader_and_a_restart_keep_it_and_begin_with_nothing_twice(log: Log, tmp_path: Path) -> None:
    async with cluster_of(3, log, directory=tmp_path) as cluster:
        await cluster.founded()
        root = (await bootstrapped(cluster.servers[await cluster.leader()])).secret_id
        gone = await cluster.leader()
        await cluster.stop(gone)
        leader = cluster.servers[await cluster.leader()]
        options = ReadOptions(token=root)
        assert len((await leader.read(TokensQuery(), options)).value) == 2
        assert len((await leader.read(PoliciesQuery(), options)).value) == 1
        await cluster.start(gone)
        again = cluster.servers[gone]

        async def is_back() -> bool:
            return await knows(again, root)

        await until(is_back, what="the server that was away knowing the token")


async def test_without_a_majority_known_tokens_still_resolve_and_nobody_says_that_one_is_unknown(log: Log) -> None:
    async with cluster_of(3, log) as cluster:
        root = (await bootstrapped(cluster.servers[await cluster.leader()])).secret_id
        last = (await cluster.followers())[0]
        await cluster.servers[last].resolve_token(root)
        for number in [one for one in cluster.servers if one != last]:
            await cluster.stop(number)
        server = cluster.servers[last]
        assert (await server.resolve_token(root)).policies[0].is_management
        with pytest.raises(NoLeaderError):
            await server.resolve_token("unknown")


async def test_an_expired_token_goes_from_all_servers(log: Log) -> None:
    async with cluster_of(3, log) as cluster:
        server = cluster.servers[await cluster.leader()]
        root = (await bootstrapped(server)).secret_id
        order = TokenWrite(token=given_token(), is_update=False, expires_in_s=0.6)
        made = (await server.acl(order, token=root)).token
        assert made is not None
        assert await knows(server, made.secret_id)

        async def is_gone() -> bool:
            options = ReadOptions(token=root)
            left = [(await one.read(TokensQuery(), options)).value for one in cluster.servers.values()]
            return all(made.accessor_id not in {token.accessor_id for token in tokens} for tokens in left)

        await until(is_gone, what="the token going")
        assert not await knows(server, made.secret_id)
