"""`/v1/agent/local`: what is registered on this agent, and where each came from. Consul has no such thing."""

from __future__ import annotations

import datetime
from typing import Final

from lictor_agent.http.described import described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_agent.local import LocalCheck, LocalService, Origin
from lictor_core.records import JsonObject

__all__ = ["ROUTES"]


@described("AgentLocal")
async def local(site: Site, request: Request) -> Answer:
    """Every instance and check, by id."""
    state, vetting = site.agent.local, await site.vetting(request)
    value: JsonObject = {
        "Node": site.agent.identity.node_name,
        "Services": {key: _service(site, one) for key, one in state.services.items() if vetting.sees(one.service)},
        "Checks": {key: _check(site, one) for key, one in state.checks.items() if vetting.sees_check(one.check)},
    }
    return site.answer_json(request, value)


@described("AgentLocalService", tail="service_id", also={404: "There is no such instance."})
async def service(site: Site, request: Request) -> Answer:
    """One instance with its checks, by its id."""
    state = site.agent.local
    (await site.vetting(request)).may_see(request.tail)
    found = state.services.get(request.tail)
    if found is None:
        raise Refusal(f"unknown service ID: {request.tail}", status=404)
    checks = {one.check.check_id: _check(site, one) for one in state.checks_of(request.tail)}
    value: JsonObject = {"Node": site.agent.identity.node_name, **_service(site, found), "Checks": checks}
    return site.answer_json(request, value)


def _service(site: Site, one: LocalService) -> JsonObject:
    state, value = site.agent.local, _origin(one)
    return {
        "ID": one.service.id,
        "Service": one.service.service,
        **value,
        "SidecarOf": one.sidecar_of,
        "Sidecars": [other.service.id for other in state.sidecars_of(one.service.id)],
        "Refused": site.agent.refusals.services.get(one.service.id, ""),
    }


def _check(site: Site, one: LocalCheck) -> JsonObject:
    record = one.check
    return {
        "CheckID": record.check_id,
        "ServiceID": record.service_id,
        "Status": record.status,
        **_origin(one),
        "Refused": site.agent.refusals.checks.get(record.check_id, ""),
    }


def _origin(one: LocalService | LocalCheck) -> JsonObject:
    """Where it came from. The token itself is never shown."""
    at = one.provenance.at
    return {
        "Origin": one.origin.value,
        "Place": one.provenance.place,
        "Time": datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else "",
        "Restored": one.provenance.is_restored,
        "Kept": one.origin is not Origin.FILE,
        "HasToken": bool(one.token),
    }


ROUTES: Final = (
    Route("/v1/agent/local", {"GET": local}),
    Route("/v1/agent/local/service/", {"GET": service}),
)
