"""What a server does for agents that have no certificate of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import pytest

from lictor_core.calls import AGENT_CA, SIGN_AGENT, AgentCA
from lictor_core.codec import pack
from lictor_core.errors import RequestError
from lictor_core.registry import IssuedLeaf, LeafRequest
from lictor_server import Server, Tls
from lictor_server.agent_certificates import AgentCertificates
from tests.agent.harness import running_server
from tests.server.ca.build import csr
from tests.server.conftest import Log
from tests.support.conditions import eventually


@asynccontextmanager
async def certificates(log: Log) -> AsyncGenerator[tuple[AgentCertificates, Server, Tls]]:
    """What is tested, at a server that leads."""
    async with running_server() as (server, _, _):
        tls = Tls()
        yield AgentCertificates(server, tls, "dc1", log.logger), server, tls


async def test_an_agent_learns_who_signs_and_is_believed_by_it_from_then_on(log: Log) -> None:
    async with certificates(log) as (found, _, tls):
        told = await found.methods()[AGENT_CA](b"")
        assert isinstance(told, AgentCA)
        assert (told.datacenter, tls.trust_domain) == ("dc1", told.trust_domain)
        assert tls.agent_roots.strip() == told.roots[0].strip()


async def test_an_agent_gets_what_it_asks_for_itself_and_nothing_for_a_service(log: Log) -> None:
    async with certificates(log) as (found, _, _):
        told = await found.methods()[AGENT_CA](b"")
        assert isinstance(told, AgentCA)
        sign = found.methods()[SIGN_AGENT]
        agent = csr(f"spiffe://{told.trust_domain}/agent/client/dc/dc1/id/n1", dns=("localhost",))
        issued = await sign(pack(LeafRequest(csr=agent, service="")))
        assert isinstance(issued, IssuedLeaf)
        assert issued.uri.endswith("/id/n1")
        service = csr(f"spiffe://{told.trust_domain}/ns/default/dc/dc1/svc/web")
        with pytest.raises(RequestError, match="for itself alone"):
            await sign(pack(LeafRequest(csr=service, service="web")))


async def test_roots_are_followed(log: Log) -> None:
    async with certificates(log) as (found, server, tls):
        following = asyncio.create_task(found.run())  # noqa: TID251 ended below
        await eventually(lambda: tls.agent_roots.count("BEGIN") == 1, what="the first root")
        await server.configure_ca(
            "consul", {"RotationPeriod": "2160h", "PrivateKeyType": "rsa", "PrivateKeyBits": 2048}
        )
        await eventually(lambda: tls.agent_roots.count("BEGIN") == 2, what="the second root beside the first")
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        assert len(log.named("tls.agent_roots.changed")) == 2
