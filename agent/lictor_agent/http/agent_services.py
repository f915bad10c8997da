"""`/v1/agent/service*`: what is registered on this agent. Source: Consul's document `api-docs/agent/service`."""

from __future__ import annotations

from typing import Final

from lictor_agent.http.agent_views import content_hash, service_view
from lictor_agent.http.bodies import read_json
from lictor_agent.http.described import FILTER, FRESHNESS, NOTHING, Body, Kind, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal, refusing_with
from lictor_agent.http.requests import Request, parse_bool, read_options
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_agent.local import Subject
from lictor_config.definitions import parse_service
from lictor_core.filter import predicate
from lictor_core.limits import WAIT_JITTER_FRACTION
from lictor_core.records import Service

__all__ = ["ENABLE", "REASON", "ROUTES", "read_enable"]

ENABLE: Final = Parameter("enable", "Into maintenance, or out of it.", Kind.BOOLEAN, required=True)
REASON: Final = Parameter("reason", "What people are told of it.")
_HASH: Final = Parameter("hash", "Wait until the content hash is another one, or `wait` is over.")
_REPLACES: Final = Parameter("replace-existing-checks", "Checks that are not in the body go.", Kind.FLAG)


@described("AgentServices", FILTER)
async def services(site: Site, request: Request) -> Answer:
    """All instances, by id."""
    vetting = await site.vetting(request)
    chosen = [(key, one) for key, one in site.agent.local.services.items() if vetting.sees(one.service)]
    if request.filter:
        wanted = predicate(request.filter, "service")
        chosen = [(key, one) for key, one in chosen if wanted(one.service)]
    found = {key: service_view(one.service) for key, one in chosen}
    return site.answer_json(request, found)


@described(
    "AgentServiceWithHash",
    _HASH,
    *FRESHNESS,
    tail="service_id",
    headers=("X-Consul-ContentHash",),
    also={404: "There is no such instance."},
)
async def service(site: Site, request: Request) -> Answer:
    """One instance. With `hash` it waits until the instance has another one, or the time is over."""
    options = read_options(request)
    hash_seen = request.parameters.get("hash")
    wait_s = options.wait_s + site.rng.uniform(0, options.wait_s / WAIT_JITTER_FRACTION)
    deadline = site.clock.monotonic() + wait_s
    local, service_id = site.agent.local, request.tail
    while True:
        (await site.vetting(request)).may_see(service_id)
        version = local.changed_at(Subject.SERVICE, service_id)
        found = _service(site, service_id)
        left_s = deadline - site.clock.monotonic()
        if not hash_seen or content_hash(found) != hash_seen or left_s <= 0:
            headers = (("X-Consul-Contenthash", content_hash(found)),)
            return site.answer_json(request, service_view(found, shows_hash=True), headers=headers)
        await site.agent.wait_for_service(service_id, version, left_s)


@described(NOTHING, _REPLACES, body=Body("ServiceToRegister"))
async def register(site: Site, request: Request) -> Answer:
    """Add or replace an instance, its checks and its sidecar."""
    definition = parse_service(await read_json(request, site.settings.body_bytes_max))
    (await site.vetting(request)).may_register(definition)
    replaces = "replace-existing-checks" in request.parameters
    with refusing_with(500):
        await site.agent.register_service(
            definition, token=request.shown_token, place=request.client, replace_existing_checks=replaces
        )
    return Answer()


@described(NOTHING, tail="service_id")
async def deregister(site: Site, request: Request) -> Answer:
    """Remove an instance with its checks and its sidecar."""
    await _vet_change(site, request)
    with refusing_with(500):
        await site.agent.deregister_service(request.tail)
    return Answer()


@described(NOTHING, ENABLE, REASON, tail="service_id", also={404: "There is no such instance."})
async def maintenance(site: Site, request: Request) -> Answer:
    """Put an instance into maintenance or take it out."""
    if not request.tail:
        raise Refusal("Missing service ID")
    enable = read_enable(request)
    reason = request.parameters.get("reason")
    await _vet_change(site, request)
    await site.agent.set_service_maintenance(request.tail, enable, reason, token=request.shown_token)
    return Answer()


async def _vet_change(site: Site, request: Request) -> None:
    vetting = await site.vetting(request)
    if site.agent.gate.is_on and request.tail and request.tail not in site.agent.local.services:
        raise Refusal(f'Unknown service {{"{request.tail}" {{}}}}', status=500)  # as Consul, once it looks
    vetting.may_change(request.tail)


def read_enable(request: Request) -> bool:
    """The parameter `enable`, which must be there."""
    if "enable" not in request.parameters:
        raise Refusal("Missing value for enable")
    text = request.parameters.get("enable")
    enable = parse_bool(text)
    if enable is None:
        raise Refusal(f'Invalid value for enable: "{text}"')
    return enable


def _service(site: Site, service_id: str) -> Service:
    found = site.agent.local.services.get(service_id)
    if found is None:
        raise Refusal(f"unknown service ID: {service_id}", status=404)
    return found.service


ROUTES: Final = (
    Route("/v1/agent/services", {"GET": services}),
    Route("/v1/agent/service/", {"GET": service}),
    Route("/v1/agent/service/register", {"PUT": register}),
    Route("/v1/agent/service/deregister/", {"PUT": deregister}),
    Route("/v1/agent/service/maintenance/", {"PUT": maintenance}),
)
