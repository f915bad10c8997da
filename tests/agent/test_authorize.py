"""Authorisation: the engine's verdict in Consul's words."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lictor_agent.authorize import authorize
from lictor_agent.kept import KeptByServer
from lictor_core.commands import IntentionSet
from lictor_core.errors import RequestError
from lictor_core.intentions import precedence
from lictor_core.records import IntentionAction
from lictor_server import Server
from tests.agent.harness import running_server
from tests.server.build import intention

_ID = "11111111-2222-4333-8444-555555555555"
WEB = "spiffe://x.consul/ns/default/dc/dc1/svc/web"


async def _intend(server: Server, source: str, destination: str, action: IntentionAction) -> None:
    made = intention(source, destination, id=_ID, action=action)
    await server.write(IntentionSet(intention=replace(made, precedence=precedence(source, destination))))


async def test_without_an_intention_the_default_decides() -> None:
    async with running_server() as (server, _, _):
        allowed = await authorize(KeptByServer(server), "db", WEB, default_allow=True, acls_enabled=False)
        assert (allowed.allowed, allowed.reason) == (True, "ACLs disabled, access is allowed by default")
        denied = await authorize(KeptByServer(server), "db", WEB, default_allow=False, acls_enabled=True)
        assert (denied.allowed, denied.reason) == (False, "Default behavior configured by ACLs")


async def test_the_deciding_intention_is_named() -> None:
    async with running_server() as (server, _, _):
        await _intend(server, "web", "*", IntentionAction.DENY)
        denied = await authorize(KeptByServer(server), "db", WEB, default_allow=True, acls_enabled=False)
        assert not denied.allowed
        assert denied.reason == f"Matched intention: DENY default/web => default/* (ID: {_ID}, Precedence: 6)"


@pytest.mark.parametrize(
    ("target", "uri", "reason"),
    [
        ("", WEB, "Target service must be specified"),
        ("db", "", "ClientCertURI not a valid Connect identifier"),
        ("db", "web", "ClientCertURI not a valid Connect identifier"),
        ("db", "spiffe://x.consul/svc/web", "ClientCertURI not a valid Connect identifier"),
        ("db", "spiffe://x.consul/agent/client/dc/dc1/id/n", "ClientCertURI not a valid Service identifier"),
    ],
)
async def test_a_request_that_names_nobody_is_refused(target: str, uri: str, reason: str) -> None:
    async with running_server() as (server, _, _):
        with pytest.raises(RequestError, match=reason):
            await authorize(KeptByServer(server), target, uri, default_allow=True, acls_enabled=False)
