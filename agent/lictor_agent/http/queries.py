"""`/v1/query`: prepared queries. Source: Consul's document `api-docs/query`; statuses are those of Consul 1.8.7.

Below `/v1/query/` the end of the path says what is meant: `<id>`, `<id or name>/execute` or `<id or name>/explain`. A
name may have slashes in it.
"""

from __future__ import annotations

import re
from typing import Final, TypeVar

import msgspec

from lictor_agent.http.blocking import (
    CACHED_HIT,
    CACHED_MISS,
    CATALOG,
    answer_query,
    cache_headers,
    freshness_shown,
    meta_headers,
    read,
)
from lictor_agent.http.bodies import read_mapping, refuse_problems
from lictor_agent.http.described import BLOCKING, DC, NEAR, Body, Kind, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal, refusing_with
from lictor_agent.http.null_tags import with_null_tags
from lictor_agent.http.query_bodies import read_query
from lictor_agent.http.requests import Request, parse_bool, read_options
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_agent.http.uuids import uuid_flaw
from lictor_agent.kept import KeptReading
from lictor_core.commands import PreparedQueryDelete, PreparedQuerySet, ReadMode
from lictor_core.errors import (
    CatchingUpError,
    ClusterError,
    LictorError,
    MethodError,
    OverloadedError,
    PeerError,
    PermissionDeniedError,
    RequestError,
)
from lictor_core.prepared import Execution, PreparedQuery, QueryOrigin, in_random_order
from lictor_core.queries import (
    PreparedQueriesQuery,
    PreparedQueryExecutionQuery,
    PreparedQueryQuery,
    PreparedQueryRenderedQuery,
    Query,
)
from lictor_core.records import JsonObject, ServiceHealth
from lictor_core.registry import Reading, ReadOptions

__all__ = ["ROUTES"]

T = TypeVar("T")

_EXECUTE: Final = "/execute"
_EXPLAIN: Final = "/explain"
_NUMBER: Final = re.compile(r"[+-]?\d{1,18}")
_ERROR_HEADERS: Final = (("X-Consul-Index", "1"), ("X-Consul-Knownleader", "false"), ("X-Consul-Lastcontact", "0"))
_NO_UUID: Final = "failed prepared query lookup: index error: "
_READ_ONLY: Final = "`/execute` and `/explain` are there to be read."
_LIMIT: Final = Parameter("limit", "With `/execute`: so many instances at most; 0 is no bound.")
_CONNECT: Final = Parameter("connect", "With `/execute`: mesh-capable instances alone.", Kind.BOOLEAN)
_FORWARDED: Final = Parameter("X-Forwarded-For", "Whose address `near=_ip` means, before the peer's.", is_header=True)


@described(list[PreparedQuery], *BLOCKING)
async def list_all(site: Site, request: Request) -> Answer:
    """All prepared queries."""
    return await answer_query(site, request, PreparedQueriesQuery(), CATALOG)


@described("Id", DC, body=Body("PreparedQueryToSet"))
async def create(site: Site, request: Request) -> Answer:
    """Keep a prepared query under a new id, which the answer names."""
    query = await _read_body(site, request, "")
    if query.id:
        raise Refusal("ID must be empty when creating a new prepared query", status=500)
    query = msgspec.structs.replace(query, id=site.rng.uuid4())
    with refusing_with(500):
        await site.registry.write(PreparedQuerySet(query=query), token=request.token)
    return site.answer_json(request, {"ID": query.id})


@described(
    "QueryGot",
    *BLOCKING,
    NEAR,
    _LIMIT,
    _CONNECT,
    _FORWARDED,
    tail="query",
    also={404: "There is no such query."},
)
async def get(site: Site, request: Request) -> Answer:
    """A prepared query by its id; `/execute` runs one, `/explain` shows what would be run, both also by name."""
    if request.path.endswith(_EXECUTE):
        return await _execute(site, request, request.tail.removesuffix(_EXECUTE))
    if request.path.endswith(_EXPLAIN):
        return await _explain(site, request, request.tail.removesuffix(_EXPLAIN))
    flaw = uuid_flaw(request.tail)
    # The reading is made in any case: its errors come first.
    reading, mode, _ = await read(site, request, PreparedQueryQuery(id=request.tail), CATALOG)
    if flaw is not None:
        raise Refusal(_NO_UUID + flaw, status=500, headers=_ERROR_HEADERS)
    if reading.value is None:
        raise _not_found()
    return site.answer_json(request, [reading.value], headers=meta_headers(reading, mode, CATALOG))


@described(None, DC, tail="query", body=Body("PreparedQueryToSet"), also={405: _READ_ONLY})
async def update(site: Site, request: Request) -> Answer:
    """Replace a prepared query."""
    _refuse_other_than_get(request)
    query = await _read_body(site, request, request.tail)
    _check_id(request.tail)
    with refusing_with(500):
        await site.registry.write(PreparedQuerySet(query=query, is_update=True), token=request.token)
    return Answer()


@described(None, DC, tail="query", also={405: _READ_ONLY})
async def delete(site: Site, request: Request) -> Answer:
    """Forget a prepared query."""
    _refuse_other_than_get(request)
    site.check_datacenter(request.parameters.get("dc"))
    _check_id(request.tail)
    with refusing_with(500):
        await site.registry.write(PreparedQueryDelete(id=request.tail), token=request.token)
    return Answer()


async def _execute(site: Site, request: Request, id_or_name: str) -> Answer:
    limit, connect = _limit(request), _connect(request)
    near = request.parameters.get("near")
    origin = QueryOrigin(agent=site.agent.identity.node_name, address=_address(request), near=near)
    query = PreparedQueryExecutionQuery(id_or_name=id_or_name, connect=connect, origin=origin)
    cached: tuple[tuple[str, str], ...] = ()
    if request.is_cached and site.settings.use_cache:
        reading, mode, cached = await _read_kept(site, request, query)
    else:
        reading, mode = await _read_at_once(site, request, query)
    found = reading.value
    if found is None:
        raise _not_found()
    body: JsonObject = {
        "Service": found.service,
        "Nodes": [_shown(row) for row in in_random_order(found, site.rng, limit)],
        "DNS": found.dns,
        "Datacenter": found.datacenter,
        "Failovers": found.failovers,
        **freshness_shown(reading, mode),
    }
    return site.answer_json(request, body, headers=(*meta_headers(reading, mode, CATALOG), *cached))


async def _explain(site: Site, request: Request, id_or_name: str) -> Answer:
    reading, mode = await _read_at_once(site, request, PreparedQueryRenderedQuery(id_or_name=id_or_name))
    if reading.value is None:
        raise _not_found()
    body: JsonObject = {"Query": reading.value, **freshness_shown(reading, mode)}
    return site.answer_json(request, body, headers=meta_headers(reading, mode, CATALOG))


async def _read_kept(
    site: Site, request: Request, query: PreparedQueryExecutionQuery
) -> tuple[Reading[Execution | None], ReadMode, tuple[tuple[str, str], ...]]:
    """As any server knows it, with no word of a leader; when there is none at all, as it was found last.

    The order is each caller's own, and so is the answer: what counts as kept is what is found.
    """
    mode, now = read_options(request).mode, site.clock.monotonic()
    try:
        reading, _ = await _read_at_once(site, request, query, as_kept=True)
    except Refusal as refusal:
        last = site.executions.get(query, request.token, now)
        if last is None or not isinstance(refusal.__cause__, ClusterError | PeerError):
            raise
        reading = msgspec.structs.replace(last.reading, known_leader=False, last_contact_ms=int(last.age_s * 1000))
        return reading, mode, cache_headers(KeptReading(reading, last.age_s, is_hit=True), is_hit=True)
    site.executions.keep(query, request.token, reading, now)
    return reading, mode, CACHED_HIT if site.recall(repr(query)) else CACHED_MISS


async def _read_at_once(
    site: Site, request: Request, query: Query[T], *, as_kept: bool = False
) -> tuple[Reading[T], ReadMode]:
    """An answer that cannot be waited for; `as_kept` as fresh as any server is. What cannot be carried out is a 500."""
    options = msgspec.structs.replace(read_options(request), min_index=0)
    try:
        site.check_datacenter(request.parameters.get("dc"))
        reading = await _read(site, query, options, as_kept=as_kept)
    except OverloadedError:
        raise
    except LictorError as error:
        is_wrong = isinstance(error, RequestError) and not isinstance(error, PermissionDeniedError)
        status = 500 if is_wrong else error.http_status
        raise Refusal(str(error), status=status, headers=_ERROR_HEADERS) from error
    return reading, options.mode


async def _read(site: Site, query: Query[T], options: ReadOptions, *, as_kept: bool) -> Reading[T]:
    if as_kept:
        try:
            return await site.registry.read(query, msgspec.structs.replace(options, mode=ReadMode.STALE))
        except CatchingUpError:
            pass  # shortly after a start it does not answer from the past
    return await site.registry.read(query, options)


def _shown(row: ServiceHealth) -> object:
    """An instance as Consul shows it here alone: without tags or checks these are null."""
    if row.service.tags and row.checks:
        return row
    return {"Node": row.node, "Service": with_null_tags(row.service), "Checks": row.checks or None}


def _limit(request: Request) -> int:
    text = request.parameters.get("limit")
    if text and _NUMBER.fullmatch(text) is None:
        raise Refusal(f"Bad limit: {text[:64]!r} is no whole number", status=500)
    return int(text) if text else 0


def _connect(request: Request) -> bool:
    text = request.parameters.get("connect")
    wanted = parse_bool(text) if text else False
    if wanted is None:
        raise Refusal(f"Error parsing 'connect' value: {text[:64]!r} is neither true nor false", status=500)
    return wanted


def _address(request: Request) -> str:
    """Whose address counts as the caller's: the first that proxies tell of, else the peer's."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    return forwarded.partition(",")[0].strip() or request.client


async def _read_body(site: Site, request: Request, query_id: str) -> PreparedQuery:
    """The query that is sent; with the id of the path, where there is one."""
    reader = await read_mapping(request, site.settings.body_bytes_max)
    query = read_query(reader)
    refuse_problems(reader)
    site.check_datacenter(request.parameters.get("dc"))
    return msgspec.structs.replace(query, id=query_id) if query_id else query


def _refuse_other_than_get(request: Request) -> None:
    if request.path.endswith((_EXECUTE, _EXPLAIN)):
        raise MethodError(request.method, ("GET",))


def _check_id(query_id: str) -> None:
    if (flaw := uuid_flaw(query_id)) is not None:
        raise Refusal(f"Prepared Query lookup failed: {_NO_UUID}{flaw}", status=500)


def _not_found() -> Refusal:
    return Refusal("Query not found", status=404)


ROUTES: Final = (
    Route("/v1/query", {"GET": list_all, "POST": create}),
    Route("/v1/query/", {"GET": get, "PUT": update, "DELETE": delete}),
)
