"""`/v1/agent/connect/*`: what a proxy needs of its agent: roots, its leaf with its key, and judgements.

Source: Consul's documents `api-docs/agent/connect`, `api-docs/connect/ca`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from lictor_agent.http.blocking import CACHED_HIT, CACHED_MISS, cache_headers, meta_headers
from lictor_agent.http.bodies import read_mapping, refuse_problems
from lictor_agent.http.ca import ROOTS
from lictor_agent.http.described import BLOCKING, Body, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal, refusing_with
from lictor_agent.http.requests import Request, read_options
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_core.acl.rules import Access, Resource
from lictor_core.records import CARoots, JsonObject

__all__ = ["ROUTES"]

_INGRESS: Final = Parameter(
    "ingress",
    "As an ingress gateway with TLS: the leaf also has the DNS names of such a gateway here, and these hosts, split"
    " by commas. The gateway's entry must name them.",
)
_DECODE_FAILED: Final = "Bad request: Request decode failed: "


@described(CARoots, *BLOCKING)
async def roots(site: Site, request: Request) -> Answer:
    """The roots that leaves may chain to."""
    options = read_options(request)
    site.check_datacenter(request.parameters.get("dc"))
    kept = await site.agent.roots(options.min_index, options.wait_s)
    was_asked = site.recall("roots") and options.min_index == 0
    is_hit = was_asked if kept.is_hit is None else kept.is_hit
    headers = meta_headers(kept.reading, options.mode, ROOTS) + cache_headers(kept, is_hit=is_hit)
    return site.answer_json(request, kept.reading.value, headers=headers)


@described("Leaf", *BLOCKING, _INGRESS, tail="service")
async def leaf(site: Site, request: Request) -> Answer:
    """The leaf of a service with its private key."""
    service = request.tail
    options = read_options(request)
    site.check_datacenter(request.parameters.get("dc"))
    if not service:
        raise Refusal("URI must be either service or agent", status=500)
    await _may_speak_for(site, request, service)
    hosts = None
    if "ingress" in request.parameters:
        hosts = tuple(filter(None, request.parameters.get("ingress").split(",")))
    with refusing_with(500):
        issued = await site.agent.leaf(service, options.min_index, options.wait_s, token=options.token, hosts=hosts)
    if options.min_index > 0:
        await _may_speak_for(site, request, service)  # it may have been revoked during the wait
    value: JsonObject = {
        "SerialNumber": issued.serial_number,
        "CertPEM": issued.certificate,
        "PrivateKeyPEM": issued.private_key,
        "Service": issued.service,
        "ServiceURI": issued.uri,
        "ValidAfter": _time_text(issued.valid_after),
        "ValidBefore": _time_text(issued.valid_before),
        "CreateIndex": issued.create_index,
        "ModifyIndex": issued.modify_index,
    }
    cache_headers = _cache_headers(site, f"leaf {service} {issued.modify_index}", options.min_index)
    headers = (("X-Consul-Index", str(max(issued.modify_index, 1))), *cache_headers)
    return site.answer_json(request, value, headers=headers)


@described("ProxyJudgement", body=Body("ProxyQuestion"), headers=("X-Cache", "Age"))
async def authorize(site: Site, request: Request) -> Answer:
    """May the holder of a certificate connect to a service?"""
    reader = await read_mapping(request, site.settings.body_bytes_max, prefix=_DECODE_FAILED)
    target = reader.text("Target")
    client_uri = reader.text("ClientCertURI")
    serial = reader.text("ClientCertSerial")
    reader.done()
    refuse_problems(reader, prefix=_DECODE_FAILED)
    if target:  # one without is told what it lacks
        (await site.caller(request)).authorizer.require(Resource.SERVICE, target, Access.WRITE)
    with refusing_with(400, "Bad request: "):
        decision = await site.agent.authorize(target, client_uri, serial, token=request.token)
    value = {"Authorized": decision.allowed, "Reason": decision.reason}
    return site.answer_json(request, value, headers=_cache_headers(site, f"authorize {target}", 0))


async def _may_speak_for(site: Site, request: Request, service: str) -> None:
    caller = await site.caller(request)
    caller.authorizer.require(Resource.SERVICE, service, Access.WRITE)


def _cache_headers(site: Site, name: str, min_index: int) -> tuple[tuple[str, str], ...]:
    """A thing asked for again comes out of what the agent keeps; one that was waited for did not."""
    return CACHED_HIT if site.recall(name) and min_index == 0 else CACHED_MISS


def _time_text(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


ROUTES: Final = (
    Route("/v1/agent/connect/authorize", {"POST": authorize}),
    Route("/v1/agent/connect/ca/roots", {"GET": roots}),
    Route("/v1/agent/connect/ca/leaf/", {"GET": leaf}),
)
