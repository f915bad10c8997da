"""What a prepared query must be before it may enter the log. The order of the rules is that of Consul 1.8.7."""

from __future__ import annotations

import uuid

import msgspec

from lictor_core.durations import parse_duration
from lictor_core.errors import RequestError
from lictor_core.prepared import PreparedQuery
from lictor_core.query_templates import check_template
from lictor_server.endpoints.metadata import check_metadata

__all__ = ["checked_query"]


def checked_query(query: PreparedQuery) -> PreparedQuery:
    """`query` with its id in small letters. Raises `RequestError` for one that no server may keep."""
    try:
        uuid.UUID(query.id)
    except ValueError:
        raise RequestError(f"ID of the prepared query is {query.id[:64]!r}, which is no UUID") from None
    flaw = _flaw(query)
    if flaw:
        raise RequestError(f"Invalid prepared query: {flaw}")
    try:
        check_metadata(query.service.node_meta, "the prepared query's nodes")
    except RequestError as error:
        raise RequestError(f"Invalid prepared query: {error}") from None
    try:
        check_template(query)
    except RequestError as error:
        raise RequestError(f"failed compiling template: {error}") from None
    return msgspec.structs.replace(query, id=query.id.lower(), create_index=0, modify_index=0)


def _flaw(query: PreparedQuery) -> str:
    if not (query.name or query.session or query.is_template):
        return "Must be bound to a session, or have a Name"
    if not query.service.service:
        return "Must provide a Service name to query"
    if query.service.failover.nearest_n < 0:
        return f"Bad NearestN '{query.service.failover.nearest_n}', must be >= 0"
    if not query.dns.ttl:
        return ""
    try:
        ttl_s = parse_duration(query.dns.ttl)
    except RequestError as error:
        return f"Bad DNS TTL '{query.dns.ttl[:64]}': {error}"
    return f"DNS TTL '{query.dns.ttl}', must be >=0" if ttl_s < 0 else ""
