"""`/v1/connect/intentions/exact`: an intention by its two names, as Consul has it from 1.9 on.

Source: the later `api-docs/connect/intentions`; Consul 1.8.7 takes `exact` for an id and refuses it. The names of the
path win over those of a body, and the answer to a change is true. A body may have `Permissions` in place of an action.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final, cast

from lictor_agent.http.blocking import Manner, meta_headers, read
from lictor_agent.http.bodies import read_json, refuse_problems
from lictor_agent.http.described import BLOCKING, DC, Body, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.enforcing import WAIT_ENFORCED, answer_written, enforced_wait_s
from lictor_agent.http.errors import Refusal, refusing_with
from lictor_agent.http.intention_bodies import Draft, intention_of, read_draft
from lictor_agent.http.intention_upserts import has_rules_about_requests, take_permissions, upsert
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_config.reading import Dialect, Reader
from lictor_core.commands import IntentionDelete, IntentionSet
from lictor_core.errors import NotFoundError, PermissionDeniedError, RequestError
from lictor_core.proxy_status import Enforcement
from lictor_core.queries import IntentionExactQuery
from lictor_core.records import Intention
from lictor_core.registry import ReadOptions

__all__ = ["ROUTES"]

_SOURCE: Final = Parameter("source", "Who connects.", required=True)
_DESTINATION: Final = Parameter("destination", "To whom.", required=True)
_BAD: Final = "Request decode failed: "
_PLAIN: Final = Manner()
_TRIES_MAX: Final = 5
"""How often a change is begun anew because another made, or removed, the intention of the same names meanwhile."""


@described(Intention, _SOURCE, _DESTINATION, *BLOCKING, also={404: "There is no such intention."})
async def get(site: Site, request: Request) -> Answer:
    """The intention between two names."""
    reading, mode, _ = await read(site, request, _names(request), _PLAIN)
    if reading.value is None:
        raise Refusal("Intention not found", status=404)
    return site.answer_json(request, reading.value, headers=meta_headers(reading, mode, _PLAIN))


@described(bool | Enforcement, _SOURCE, _DESTINATION, DC, WAIT_ENFORCED, body=Body("IntentionToUpsert"))
async def put(site: Site, request: Request) -> Answer:
    """Create or replace the intention between two names."""
    names = _names(request)
    wait_s = enforced_wait_s(request)
    body, permissions = take_permissions(await _body(site, request))
    reader = Reader(body, dialect=Dialect.HTTP)
    draft = replace(read_draft(reader), source=names.source, destination=names.destination)
    refuse_problems(reader, prefix=_BAD)
    site.check_datacenter(request.parameters.get("dc"))
    if permissions is None:
        with refusing_with(400, "Bad request: "):
            intention_of(draft, "")
        is_done = await _put_by_itself(site, request, draft, names)
    else:
        is_done = False
    if not is_done:
        with refusing_with(400, "Bad request: "):
            await upsert(site, request, draft, permissions)
    return await answer_written(site, request, True, wait_s, [names.destination])


@described(bool | Enforcement, _SOURCE, _DESTINATION, DC, WAIT_ENFORCED)
async def delete(site: Site, request: Request) -> Answer:
    """Remove the intention between two names; true also when there was none."""
    names, wait_s = _names(request), enforced_wait_s(request)
    former = await _former(site, request, names)
    if former is not None:
        with suppress(NotFoundError):  # somebody else was faster: it is gone
            await site.registry.write(IntentionDelete(id=former.id), token=request.token)
    return await answer_written(site, request, True, wait_s, [names.destination])


async def _body(site: Site, request: Request) -> Mapping[str, object]:
    value = await read_json(request, site.settings.body_bytes_max, prefix=_BAD)
    if value is not None and not isinstance(value, Mapping):
        raise Refusal(f"{_BAD}json: an intention is an object")
    return cast("Mapping[str, object]", value or {})


async def _put_by_itself(site: Site, request: Request, draft: Draft, names: IntentionExactQuery) -> bool:
    """Write an intention that has no rules about requests; False where those of its destination have."""
    former = await _former(site, request, names)
    for left in reversed(range(_TRIES_MAX)):
        try:
            await _set(site, request, draft, former)
            break
        except PermissionDeniedError:
            raise
        except RequestError as error:
            before, former = former, await _former(site, request, names)
            if left and _id_of(before) != _id_of(former):
                continue
            if await has_rules_about_requests(site, request, names.destination):
                return False
            raise Refusal(str(error), status=500) from error
    return True


async def _set(site: Site, request: Request, draft: Draft, former: Intention | None) -> None:
    intention = intention_of(draft, site.rng.uuid4() if former is None else former.id)
    await site.registry.write(IntentionSet(intention=intention), token=request.token)


def _id_of(intention: Intention | None) -> str:
    return "" if intention is None else intention.id


async def _former(site: Site, request: Request, names: IntentionExactQuery) -> Intention | None:
    site.check_datacenter(request.parameters.get("dc"))
    return (await site.registry.read(names, ReadOptions(token=request.token))).value


def _names(request: Request) -> IntentionExactQuery:
    return IntentionExactQuery(source=_name(request, "source"), destination=_name(request, "destination"))


def _name(request: Request, side: str) -> str:
    name = request.parameters.get(side)
    if not name:
        raise Refusal(f"required query parameter '{side}' not set")
    if name.count("/") > 1:
        raise Refusal(f"name \"{name}\" is invalid: input can contain at most one '/'")
    return name.rpartition("/")[2]


ROUTES: Final = (Route("/v1/connect/intentions/exact", {"GET": get, "PUT": put, "DELETE": delete}),)
