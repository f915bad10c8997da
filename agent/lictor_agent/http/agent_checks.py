"""`/v1/agent/check*`: the checks on this agent. Source: Consul's document `api-docs/agent/check`."""

from __future__ import annotations

from typing import Final

from lictor_agent.checks.status import require_status
from lictor_agent.http.bodies import read_json, read_mapping, refuse_problems
from lictor_agent.http.described import FILTER, NOTHING, Body, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal, refusing_with
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_config.definitions import parse_check
from lictor_core.filter import predicate
from lictor_core.records import CRITICAL, PASSING, WARNING

__all__ = ["ROUTES"]

_NOTE: Final = Parameter("note", "The output of the check, for people.")


@described("AgentChecks", FILTER)
async def checks(site: Site, request: Request) -> Answer:
    """All checks, by id."""
    vetting = await site.vetting(request)
    found = {key: one.check for key, one in site.agent.local.checks.items() if vetting.sees_check(one.check)}
    if request.filter:
        wanted = predicate(request.filter, "check")
        found = {key: check for key, check in found.items() if wanted(check)}
    return site.answer_json(request, found)


@described(NOTHING, body=Body("CheckToRegister"))
async def register(site: Site, request: Request) -> Answer:
    """Add or replace a check of the node or of an instance."""
    definition = parse_check(await read_json(request, site.settings.body_bytes_max))
    (await site.vetting(request)).may_register_check(definition)
    with refusing_with(500):
        await site.agent.register_check(definition, token=request.shown_token, place=request.client)
    return Answer()


@described(NOTHING, tail="check_id")
async def deregister(site: Site, request: Request) -> Answer:
    """Remove a check."""
    await _vet_change(site, request)
    with refusing_with(500):
        await site.agent.deregister_check(request.tail)
    return Answer()


@described(NOTHING, _NOTE, tail="check_id")
async def passing(site: Site, request: Request) -> Answer:
    """A TTL check passes."""
    return await _tell(site, request, PASSING, request.parameters.get("note"))


@described(NOTHING, _NOTE, tail="check_id")
async def warning(site: Site, request: Request) -> Answer:
    """A TTL check warns."""
    return await _tell(site, request, WARNING, request.parameters.get("note"))


@described(NOTHING, _NOTE, tail="check_id")
async def critical(site: Site, request: Request) -> Answer:
    """A TTL check fails."""
    return await _tell(site, request, CRITICAL, request.parameters.get("note"))


@described(NOTHING, tail="check_id", body=Body("CheckStatus"))
async def update(site: Site, request: Request) -> Answer:
    """Tell status and output of a TTL check in the body."""
    reader = await read_mapping(request, site.settings.body_bytes_max)
    status, output = reader.text("Status"), reader.text("Output")
    reader.done()
    refuse_problems(reader)
    with refusing_with(400):
        require_status(status)
    return await _tell(site, request, status, output)


async def _vet_change(site: Site, request: Request) -> None:
    vetting = await site.vetting(request)
    if site.agent.gate.is_on and request.tail and request.tail not in site.agent.local.checks:
        raise Refusal(f'Unknown check "{request.tail}"', status=500)  # as Consul, once it looks
    vetting.may_change_check(request.tail)


async def _tell(site: Site, request: Request, status: str, output: str) -> Answer:
    await _vet_change(site, request)
    with refusing_with(500):
        await site.agent.update_check(request.tail, status, output)
    return Answer()


ROUTES: Final = (
    Route("/v1/agent/checks", {"GET": checks}),
    Route("/v1/agent/check/register", {"PUT": register}),
    Route("/v1/agent/check/deregister/", {"PUT": deregister}),
    Route("/v1/agent/check/pass/", {"PUT": passing}),
    Route("/v1/agent/check/warn/", {"PUT": warning}),
    Route("/v1/agent/check/fail/", {"PUT": critical}),
    Route("/v1/agent/check/update/", {"PUT": update}),
)
