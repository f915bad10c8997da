"""`/v1/connect/intentions*`: which service may connect to which. Source: Consul's `api-docs/connect/intentions`.

Statuses and texts of refusals are those of Consul 1.8.7, where most are 500. Namespaces are always `default`: one that
is named in front of a name is read and has no meaning.
"""

from __future__ import annotations

from typing import Final

from lictor_agent.http.blocking import INTENTIONS, Manner, answer_query, meta_headers, read
from lictor_agent.http.bodies import read_mapping, refuse_problems
from lictor_agent.http.described import BLOCKING, DC, FILTER, Body, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.enforcing import WAIT_ENFORCED, answer_written, enforced_wait_s
from lictor_agent.http.errors import Refusal, refusing_with
from lictor_agent.http.intention_bodies import Draft, intention_of, read_draft
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_agent.http.uuids import uuid_flaw
from lictor_core.commands import IntentionDelete, IntentionSet
from lictor_core.intentions import SOURCE_TYPE, decide, rule_of
from lictor_core.proxy_status import Enforcement
from lictor_core.queries import IntentionMatchQuery, IntentionQuery, IntentionsQuery
from lictor_core.records import Intention
from lictor_core.registry import ReadOptions

__all__ = ["ROUTES"]

_BY: Final = Parameter("by", "Which side the names are.", required=True, choices=("source", "destination"))
_NAMED: Final = Parameter("name", "A service; several give several answers.", required=True, repeats=True)
_SOURCE: Final = Parameter("source", "Who connects.", required=True)
_DESTINATION: Final = Parameter("destination", "To whom.", required=True)
_SOURCE_KIND: Final = Parameter("source-type", "What the source is.", choices=("", "consul"))
_NAMES_MAX: Final = 100
"""Names in one match request; each costs a read."""
_PLAIN: Final = Manner()
_MATCH: Final = Manner(is_cacheable=True)
_CREATE_FAILED: Final = "Failed to decode request body: "
_UPDATE_FAILED: Final = "Bad request: Request decode failed: "
_SIDES: Final = ("source", "destination")


@described(list[Intention], *BLOCKING, FILTER)
async def list_all(site: Site, request: Request) -> Answer:
    """All intentions."""
    return await answer_query(site, request, IntentionsQuery(filter=request.filter), INTENTIONS)


@described("IdEnforced", DC, WAIT_ENFORCED, body=Body("IntentionToSet"))
async def create(site: Site, request: Request) -> Answer:
    """Create an intention; the answer names its id."""
    reader = await read_mapping(request, site.settings.body_bytes_max, status=500, prefix=_CREATE_FAILED)
    draft = read_draft(reader)
    refuse_problems(reader, status=500, prefix=_CREATE_FAILED)
    if draft.id:
        raise Refusal("ID must be empty when creating a new intention", status=500)
    return await _set(site, request, draft, site.rng.uuid4())


@described(Intention, *BLOCKING, tail="id", also={404: "There is no such intention."})
async def get(site: Site, request: Request) -> Answer:
    """One intention by id."""
    if (flaw := uuid_flaw(request.tail)) is not None:
        raise Refusal(f"Bad request: failed intention lookup: index error: {flaw}")
    reading, _, _ = await read(site, request, IntentionQuery(id=request.tail), _PLAIN)
    if reading.value is None:
        raise Refusal("Intention not found", status=404)
    return site.answer_json(request, reading.value)


@described("IdEnforced", DC, WAIT_ENFORCED, tail="id", body=Body("IntentionToSet"))
async def update(site: Site, request: Request) -> Answer:
    """Replace an intention."""
    reader = await read_mapping(request, site.settings.body_bytes_max, prefix=_UPDATE_FAILED)
    draft = read_draft(reader)
    refuse_problems(reader, prefix=_UPDATE_FAILED)
    former = await _must_exist(site, request, "modify")
    return await _set(site, request, draft, request.tail, former.destination_name)


@described(bool | Enforcement, DC, WAIT_ENFORCED, tail="id")
async def delete(site: Site, request: Request) -> Answer:
    """Remove an intention."""
    wait_s = enforced_wait_s(request)
    former = await _must_exist(site, request, "delete")
    with refusing_with(500):
        outcome = await site.registry.write(IntentionDelete(id=request.tail), token=request.token)
    return await answer_written(site, request, outcome.value, wait_s, [former.destination_name])


@described("IntentionMatches", _BY, _NAMED, *BLOCKING)
async def match(site: Site, request: Request) -> Answer:
    """The intentions that could decide for names, by name, in deciding order. With one name it blocks."""
    by = _required(request, "by")
    if by not in _SIDES:
        raise Refusal("'by' parameter must be one of 'source' or 'destination'", status=500)
    _required(request, "name")
    names = request.parameters.all("name")
    if len(names) > _NAMES_MAX:
        raise Refusal(f"{len(names)} names are too many for one request: ask for at most {_NAMES_MAX} at once")
    readings = [
        await read(site, request, IntentionMatchQuery(by=by, name=_service_name(name)), _MATCH) for name in names
    ]
    found = {name: reading.value or None for name, (reading, _, _) in zip(names, readings, strict=True)}
    # Consul gives no index here, so its clients must poll; with it a proxy can wait for a change of what it needs.
    newest, mode, _ = max(readings, key=lambda one: one[0].index)
    return site.answer_json(request, found, headers=meta_headers(newest, mode, _MATCH))


@described("IntentionDecision", _SOURCE, _DESTINATION, _SOURCE_KIND, *BLOCKING)
async def check(site: Site, request: Request) -> Answer:
    """Whether a connection between two services would be allowed."""
    source = _service_name(_required(request, "source"))
    destination = _service_name(_required(request, "destination"))
    source_type = request.parameters.get("source-type")
    if source_type not in ("", SOURCE_TYPE):
        raise Refusal(f'unsupported SourceType: "{source_type}"', status=500)
    query = IntentionMatchQuery(by="destination", name=destination)
    reading, _, _ = await read(site, request, query, _PLAIN)
    rules = [rule_of(intention) for intention in reading.value]
    decision = decide(source, destination, rules, default_allow=site.agent.settings.default_allow)
    return site.answer_json(request, {"Allowed": decision.allowed})


async def _set(site: Site, request: Request, draft: Draft, intention_id: str, *former: str) -> Answer:
    """Write it; `former` are the destinations that it had before."""
    wait_s = enforced_wait_s(request)
    site.check_datacenter(request.parameters.get("dc"))
    with refusing_with(500):
        intention = intention_of(draft, intention_id)
        await site.registry.write(IntentionSet(intention=intention), token=request.token)
    return await answer_written(site, request, {"ID": intention_id}, wait_s, [*former, intention.destination_name])


async def _must_exist(site: Site, request: Request, verb: str) -> Intention:
    if (flaw := uuid_flaw(request.tail)) is not None:
        raise Refusal(f"Intention lookup failed: failed intention lookup: index error: {flaw}", status=500)
    site.check_datacenter(request.parameters.get("dc"))
    reading = await site.registry.read(IntentionQuery(id=request.tail), ReadOptions(token=request.token))
    if reading.value is None:
        raise Refusal(f"Cannot {verb} non-existent intention: '{request.tail}'", status=500)
    return reading.value


def _required(request: Request, name: str) -> str:
    if name not in request.parameters:
        raise Refusal(f"required query parameter '{name}' not set", status=500)
    return request.parameters.get(name)


def _service_name(name: str) -> str:
    if name.count("/") > 1:
        raise Refusal(f"name \"{name}\" is invalid: input can contain at most one '/'", status=500)
    return name.rpartition("/")[2]


ROUTES: Final = (
    Route("/v1/connect/intentions", {"GET": list_all, "POST": create}),
    Route("/v1/connect/intentions/match", {"GET": match}),
    Route("/v1/connect/intentions/check", {"GET": check}),
    Route("/v1/connect/intentions/", {"GET": get, "PUT": update, "DELETE": delete}),
)
