"""Prepared queries: `/v1/query`. Source: Consul's document `api-docs/query`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from lictor.api.messages import Call, Options, Response, json_call, list_call, none_call
from lictor.api.null_tags import decoded_with_tags
from lictor_core.records import Record, ServiceHealth

__all__ = [
    "Execution",
    "PreparedQuery",
    "QueryDNS",
    "QueryFailover",
    "QueryService",
    "QueryTemplate",
    "create",
    "delete",
    "execute",
    "explain",
    "get",
    "queries",
    "update",
]

_NOT_FOUND: Final = 404


class QueryFailover(Record, frozen=True, kw_only=True):
    """Where to look when nothing passes here: the `nearest_n` datacenters, then those named."""

    nearest_n: int = 0
    datacenters: list[str] | None = None


class QueryService(Record, frozen=True, kw_only=True):
    """Which instances a query finds."""

    service: str
    failover: QueryFailover = QueryFailover()
    only_passing: bool = False
    ignore_check_ids: list[str] | None = msgspec.field(default=None, name="IgnoreCheckIDs")
    near: str = ""
    tags: list[str] | None = None
    node_meta: dict[str, str] | None = None
    service_meta: dict[str, str] | None = None
    connect: bool = False


class QueryDNS(Record, frozen=True, kw_only=True):
    """How DNS answers a query: `ttl` is a duration, empty for the agent's own."""

    ttl: str = msgspec.field(default="", name="TTL")


class QueryTemplate(Record, frozen=True, kw_only=True):
    """A query for all names that begin as its own."""

    type: str = ""
    regexp: str = ""
    remove_empty_tags: bool = False


class PreparedQuery(Record, frozen=True, kw_only=True):
    """A query that is kept under an id and a name."""

    id: str = msgspec.field(name="ID")
    name: str = ""
    session: str = ""
    token: str = ""
    template: QueryTemplate = QueryTemplate()
    service: QueryService
    dns: QueryDNS = msgspec.field(default=QueryDNS(), name="DNS")
    create_index: int = 0
    modify_index: int = 0


class Execution(Record, frozen=True, kw_only=True):
    """What a query found: in `datacenter`, after `failovers` others had nothing."""

    service: str
    nodes: list[ServiceHealth] | None
    dns: QueryDNS = msgspec.field(default=QueryDNS(), name="DNS")
    datacenter: str
    failovers: int


class _Created(Record, frozen=True, kw_only=True):
    id: str = msgspec.field(name="ID")


class _Explanation(Record, frozen=True, kw_only=True):
    query: PreparedQuery


def create(query: Mapping[str, object], *, dc: str = "") -> Call[str]:
    """Keep a query, made of the keys of Consul's API; the answer is its id."""
    made = json_call(_Created, "/v1/query", None, ("dc", dc), method="POST", body=dict(query))
    return Call(request=made.request, read=lambda response: made.read(response).id)


def queries(options: Options | None = None) -> Call[list[PreparedQuery]]:
    """All queries."""
    return list_call(list[PreparedQuery], "/v1/query", options)


def get(query_id: str, options: Options | None = None) -> Call[PreparedQuery | None]:
    """A query by its id; None when there is none."""
    found = list_call(list[PreparedQuery], f"/v1/query/{query_id}", options)

    def read(response: Response) -> PreparedQuery | None:
        return None if response.status == _NOT_FOUND else next(iter(found.read(response)), None)

    return Call(request=found.request, read=read)


def update(query_id: str, query: Mapping[str, object], *, dc: str = "") -> Call[None]:
    """Replace a query."""
    return none_call("PUT", f"/v1/query/{query_id}", ("dc", dc), body=dict(query))


def delete(query_id: str, *, dc: str = "") -> Call[None]:
    """Forget a query."""
    return none_call("DELETE", f"/v1/query/{query_id}", ("dc", dc))


def execute(
    query: str, options: Options | None = None, *, limit: int = 0, connect: bool = False
) -> Call[Execution | None]:
    """Run a query, named by id or name; None when no query has that name. `limit` bounds the instances.

    There is no watching it, with Consul neither: each run may turn to another datacenter. Who must learn of changes
    soon watches `health.service` of the service that the query names, and runs it again then.
    """
    bounds = (("limit", str(limit) if limit else ""), ("connect", "true" if connect else ""))
    base = none_call("GET", f"/v1/query/{query}/execute", *bounds, options=options)

    def read(response: Response) -> Execution | None:
        response.check(_NOT_FOUND)
        return None if response.status == _NOT_FOUND else decoded_with_tags(response, Execution)

    return Call(request=base.request, read=read)


def explain(query: str, options: Options | None = None) -> Call[PreparedQuery | None]:
    """The query that a name stands for, its template filled in; None when there is none."""
    found = json_call(_Explanation, f"/v1/query/{query}/explain", options)

    def read(response: Response) -> PreparedQuery | None:
        return None if response.status == _NOT_FOUND else found.read(response).query

    return Call(request=found.request, read=read)
