"""`/v1/agent/connect/xds`: where this agent serves Envoys. Consul has no such thing."""

from __future__ import annotations

from typing import Final

from lictor_agent.http.described import described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_core.proxy_status import XdsOffer

__all__ = ["ROUTES"]


@described(XdsOffer)
async def offer(site: Site, request: Request) -> Answer:
    """Where Envoys of this host get their configuration: a Unix socket that the agent's user may reach, and gRPC
    addresses.
    """
    return site.answer_json(request, site.agent.xds())


ROUTES: Final = (Route("/v1/agent/connect/xds", {"GET": offer}),)
