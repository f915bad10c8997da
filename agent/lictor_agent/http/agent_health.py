"""`/v1/agent/health/service/*`: is what runs here healthy, told by the status code, for load balancers and probes.

Source: Consul's document `api-docs/agent/service`.
"""

from __future__ import annotations

from typing import Final

from lictor_agent.http.agent_views import aggregated_status, check_detail, service_view
from lictor_agent.http.described import Parameter, Reply, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_agent.local import LocalService
from lictor_core.acl.rules import Resource
from lictor_core.records import CRITICAL, MAINT, PASSING, WARNING, Check, JsonObject, worst_status

__all__ = ["ROUTES"]

_MEDIA: Final = ("application/json", "text/plain")
_REASON: Final = ("X-Consul-Reason",)
_FORMAT: Final = Parameter("format", "`text` for the status alone.")
_ACCEPT: Final = Parameter("Accept", "`text/plain` for the status alone.", is_header=True)
_CODES: Final = {PASSING: 200, WARNING: 429, CRITICAL: 503, MAINT: 503}
_TEXT: Final = ("Content-Type", "text/plain")


def _worse(form: str) -> dict[int, Reply]:
    """The answers of the same form by which load balancers know that something is wrong."""
    said = {404: "There is none here.", 429: "It warns.", 503: "It fails, or is in maintenance."}
    return {status: Reply(about, form, _MEDIA, _REASON) for status, about in said.items()}


@described(
    "AgentHealthById",
    _FORMAT,
    _ACCEPT,
    tail="service_id",
    media=_MEDIA,
    headers=_REASON,
    also=_worse("AgentHealthById"),
)
async def by_id(site: Site, request: Request) -> Answer:
    """The health of one instance."""
    service_id = request.tail
    if not service_id:
        raise Refusal("Bad request: Missing serviceID", status=500)
    (await site.vetting(request)).may_see(service_id)
    found = site.agent.local.services.get(service_id)
    if found is None:
        reason = f"ServiceId {service_id} not found"
        unknown = {"AggregatedStatus": CRITICAL, "Service": None, "Checks": None}
        return site.answer_json(
            request, reason if _wants_text(request) else unknown, status=404, headers=_reason_headers(reason)
        )
    health = _health(site, found)
    return _answer(site, request, str(health["AggregatedStatus"]), health)


@described(
    "AgentHealthByName",
    _FORMAT,
    _ACCEPT,
    tail="service",
    media=_MEDIA,
    headers=_REASON,
    also=_worse("AgentHealthByName"),
)
async def by_name(site: Site, request: Request) -> Answer:
    """The health of all instances of a service on this agent; the code is that of the worst."""
    name = request.tail
    if not name:
        raise Refusal("Bad request: Missing service Name", status=500)
    (await site.caller(request)).authorizer.require(Resource.SERVICE, name)
    found = [_health(site, one) for one in site.agent.local.services.values() if one.service.service == name]
    if not found:
        reason = f"ServiceName {name} Not Found"
        if _wants_text(request):
            return Answer(status=404, headers=(_TEXT, *_reason_headers(reason)), body=reason.encode())
        return site.answer_json(request, found, status=404, headers=_reason_headers(reason))
    return _answer(site, request, worst_status([str(one["AggregatedStatus"]) for one in found]), found)


def _health(site: Site, found: LocalService) -> JsonObject:
    local = site.agent.local
    checks: list[Check] = [one.check for one in (*local.checks_of(found.service.id), *local.checks_of(""))]
    return {
        "AggregatedStatus": aggregated_status(checks),
        "Service": service_view(found.service),
        "Checks": [check_detail(check) for check in checks],
    }


def _answer(site: Site, request: Request, status: str, value: object) -> Answer:
    headers = _reason_headers(status)
    if _wants_text(request):
        return Answer(status=_CODES[status], headers=(_TEXT, *headers), body=status.encode())
    return site.answer_json(request, value, status=_CODES[status], headers=headers)


def _wants_text(request: Request) -> bool:
    accepted = request.headers.get("Accept", "").startswith("text/plain")
    return request.parameters.get("format") == "text" or accepted


def _reason_headers(reason: str) -> tuple[tuple[str, str], ...]:
    return (("X-Consul-Reason", reason),)


ROUTES: Final = (
    Route("/v1/agent/health/service/id/", {"GET": by_id}),
    Route("/v1/agent/health/service/name/", {"GET": by_name}),
)
