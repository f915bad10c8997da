"""The body of a prepared query: read, and made into a record; the servers judge it. Pure.

Source: Consul's document `api-docs/query`. What is null is as if it were not there; a list or mapping that is there is
shown as it came, also when it is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lictor_config.reading import Dialect, Reader
from lictor_core.prepared import PreparedQuery, QueryDNS, QueryFailover, QueryService, QueryTemplate

__all__ = ["read_query"]

_NUMBERS_OF_THE_REGISTRY: Final = ("CreateIndex", "ModifyIndex")
_NOTHING: Final[Mapping[str, object]] = {}


def read_query(reader: Reader) -> PreparedQuery:
    """The query in a mapping, problems noted in the reader; its id is what the mapping says."""
    query = PreparedQuery(
        id=reader.text("ID"),
        name=reader.text("Name"),
        session=reader.text("Session"),
        token=reader.text("Token"),
        template=_template(_child(reader, "Template")),
        service=_service(_child(reader, "Service")),
        dns=_dns(_child(reader, "DNS")),
        create_index=0,
        modify_index=0,
    )
    for name in _NUMBERS_OF_THE_REGISTRY:
        reader.integer(name)
    reader.done()
    return query


def _child(reader: Reader, name: str) -> Reader:
    found = reader.child(name)
    return Reader(_NOTHING, path=(*reader.path, name), dialect=Dialect.HTTP) if found is None else found


def _template(reader: Reader) -> QueryTemplate:
    template = QueryTemplate(
        type=reader.text("Type"),
        regexp=reader.text("Regexp"),
        remove_empty_tags=reader.boolean("RemoveEmptyTags"),
    )
    reader.done()
    return template


def _service(reader: Reader) -> QueryService:
    service = QueryService(
        service=reader.text("Service"),
        failover=_failover(_child(reader, "Failover")),
        only_passing=reader.boolean("OnlyPassing"),
        ignore_check_ids=_texts(reader, "IgnoreCheckIDs"),
        near=reader.text("Near"),
        tags=_texts(reader, "Tags"),
        node_meta=_pairs(reader, "NodeMeta"),
        service_meta=_pairs(reader, "ServiceMeta"),
        connect=reader.boolean("Connect"),
    )
    reader.done()
    return service


def _failover(reader: Reader) -> QueryFailover:
    failover = QueryFailover(nearest_n=reader.integer("NearestN"), datacenters=_texts(reader, "Datacenters"))
    reader.done()
    return failover


def _dns(reader: Reader) -> QueryDNS:
    dns = QueryDNS(ttl=reader.text("TTL"))
    reader.done()
    return dns


def _texts(reader: Reader, name: str) -> list[str] | None:
    found = list(reader.texts(name))
    return found if reader.has(name) else None


def _pairs(reader: Reader, name: str) -> dict[str, str] | None:
    found = reader.text_map(name)
    return found if reader.has(name) else None
