"""Access control through a server's door and through an agent's connection to it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator

import pytest

from lictor_core.acl.granted import DefaultPolicy
from lictor_core.acl.records import ANONYMOUS_ID, Link
from lictor_core.acl.requests import Bootstrap, PolicyWrite, TokenDelete, TokenWrite
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.errors import AclRefusedError, PermissionDeniedError
from lictor_core.queries import PoliciesQuery, TokensQuery
from lictor_core.registry import ReadOptions
from lictor_server import Server
from lictor_server.acl.settings import AclSettings
from tests.agent.remote.registries import connected
from tests.server.acl.desks import ROOT, given_policy, given_token
from tests.server.conftest import SETTINGS, Log

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def guarded(log: Log) -> AsyncIterator[Server]:
    """A server with access control."""
    acl = AclSettings(enabled=True, default_policy=DefaultPolicy.DENY, initial_management=ROOT, token_ttl_s=5.0)
    running = Server(dataclasses.replace(SETTINGS, acl=acl), clock=SystemClock(), rng=SeededRng(1), log=log.logger)
    await running.start()
    yield running
    await running.stop()


async def test_an_agent_orders_and_resolves_through_its_connection(guarded: Server, log: Log) -> None:
    async with connected(log, f"127.0.0.1:{guarded.server_port}") as registry:
        policy = given_policy("reader", 'key_prefix "" { policy = "read" }')
        await registry.acl(PolicyWrite(policy=policy, is_update=False), token=ROOT)
        links = (Link(id="", name="reader"),)
        made = await registry.acl(TokenWrite(token=given_token(policies=links), is_update=False), token=ROOT)
        assert made.token is not None
        grants = await registry.resolve_token(made.token.secret_id)
        assert (grants.accessor_id, grants.ttl_s) == (made.token.accessor_id, 5.0)
        assert [policy.name for policy in grants.policies] == ["reader"]
        assert grants == await guarded.resolve_token(made.token.secret_id)
        with pytest.raises(AclRefusedError, match="already exists"):
            await registry.acl(PolicyWrite(policy=policy, is_update=False), token=ROOT)
        await registry.acl(TokenDelete(accessor_id=made.token.accessor_id), token=ROOT)
        with pytest.raises(PermissionDeniedError, match="ACL not found"):
            await registry.resolve_token(made.token.secret_id)
        assert (await registry.resolve_token("")).accessor_id == ANONYMOUS_ID


async def test_a_leader_begins_with_the_policy_of_everything_and_two_tokens(guarded: Server) -> None:
    await guarded.resolve_token("")
    options = ReadOptions(token=ROOT)
    policies = (await guarded.read(PoliciesQuery(), options)).value
    tokens = (await guarded.read(TokensQuery(), options)).value
    assert [policy.hash for policy in policies] == ["swIQt6up+s0cV4kePfJ2aRdKCLaQyykF4Hl1Nfdeumk="], "Consul's own"
    assert {token.description for token in tokens} == {"Anonymous Token", "Master Token"}
    with pytest.raises(PermissionDeniedError, match=r"ACL bootstrap no longer allowed \(reset index: \d+\)"):
        await guarded.acl(Bootstrap())
