"""`/v1/status/*`: who leads, and who votes. Source: Consul's document `api-docs/status`."""

from __future__ import annotations

from typing import Final

from lictor_agent.http.described import BLOCKING, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.requests import Request, read_options
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site

__all__ = ["ROUTES"]


@described(str, *BLOCKING)
async def leader(site: Site, request: Request) -> Answer:
    """The leader's address, empty when nobody leads."""
    read_options(request)  # those that cannot be are refused; all others come to the same
    site.check_datacenter(request.parameters.get("dc"))
    return site.answer_json(request, (await site.registry.leader_status()).address)


@described(list[str], *BLOCKING)
async def peers(site: Site, request: Request) -> Answer:
    """The voters' addresses."""
    read_options(request)
    site.check_datacenter(request.parameters.get("dc"))
    return site.answer_json(request, (await site.registry.leader_status()).peers)


ROUTES: Final = (
    Route("/v1/status/leader", {"GET": leader}),
    Route("/v1/status/peers", {"GET": peers}),
)
