"""What only the proxies of this host ask or tell. Consul has no such thing.

`/v1/agent/connect/proxies` is what they tell of themselves, `/v1/agent/connect/exposed/<proxy id>` the paths that one
has to open for checks.
"""

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
from lictor_core.acl.rules import Access, Resource
from lictor_core.proxy_status import ProxyReport, ProxyStatus

__all__ = ["ROUTES"]


@described(list[ProxyStatus])
async def list_all(site: Site, request: Request) -> Answer:
    """The proxies of this agent, as they told of themselves lately: their policy, its age, their leaf, what they
    refused.
    """
    authorizer = (await site.caller(request)).authorizer
    shown = [one for one in site.agent.proxies.all() if authorizer.allows(Resource.SERVICE, one.service)]
    return site.answer_json(request, shown)


@described(bool, tail="proxy_id", body=Body(ProxyReport), also={404: "No such proxy is registered at this agent."})
async def report(site: Site, request: Request) -> Answer:
    """A proxy tells of itself: when something of it changed, and every ten seconds."""
    value = await read_json(request, site.settings.body_bytes_max)
    try:
        told = msgspec.convert(value, ProxyReport)
    except msgspec.ValidationError as error:
        raise Refusal(f"{DECODE_FAILED}{error}") from None
    found = site.agent.local.services.get(request.tail)
    if found is not None:
        proxied = found.service.proxy.destination_service_name or found.service.service
        (await site.caller(request)).authorizer.require(Resource.SERVICE, proxied, Access.WRITE)
    site.agent.proxies.report(request.tail, told)
    return site.answer_json(request, True)


@described("ExposedByChecks", tail="proxy_id", also={404: "No such proxy is registered at this agent."})
async def exposed(site: Site, request: Request) -> Answer:
    """The paths that a proxy has to open for checks of its service, which the agent asks for at the proxy's ports."""
    (await site.vetting(request)).may_see(request.tail)
    if request.tail not in site.agent.local.services:
        raise Refusal(f"no proxy {request.tail!r} is registered at this agent", status=404)
    return site.answer_json(request, {"Paths": site.agent.exposed_checks.paths_of(request.tail)})


ROUTES: Final = (
    Route("/v1/agent/connect/exposed/", {"GET": exposed}),
    Route("/v1/agent/connect/proxies", {"GET": list_all}),
    Route("/v1/agent/connect/proxies/", {"PUT": report}),
)
