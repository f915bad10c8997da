"""`/v1/agent/connect/proxies`: what the proxies of this host tell of themselves. Consul has no such thing."""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_agent.http.bodies import DECODE_FAILED, read_json
from lictor_agent.http.described import Body, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_core.proxy_status import ProxyReport, ProxyStatus

__all__ = ["ROUTES"]


@described(list[ProxyStatus])
async def list_all(site: Site, request: Request) -> Answer:
    """The proxies of this agent, as they told of themselves lately: their policy, its age, their leaf, what they
    refused.
    """
    return site.answer_json(request, site.agent.proxies.all())


@described(bool, tail="proxy_id", body=Body(ProxyReport), also={404: "No such proxy is registered at this agent."})
async def report(site: Site, request: Request) -> Answer:
    """A proxy tells of itself: when something of it changed, and every ten seconds."""
    value = await read_json(request, site.settings.body_bytes_max)
    try:
        told = msgspec.convert(value, ProxyReport)
    except msgspec.ValidationError as error:
        raise Refusal(f"{DECODE_FAILED}{error}") from None
    site.agent.proxies.report(request.tail, told)
    return site.answer_json(request, True)


ROUTES: Final = (
    Route("/v1/agent/connect/proxies", {"GET": list_all}),
    Route("/v1/agent/connect/proxies/", {"PUT": report}),
)
