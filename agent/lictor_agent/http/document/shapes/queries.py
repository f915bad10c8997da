"""Prepared queries: what is sent and what is shown."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

from lictor_core.prepared import PreparedQuery, QueryDNS
from lictor_core.records import Check, JsonObject, Node

__all__ = [
    "FoundInstance",
    "PreparedQueryToSet",
    "QueryAnswer",
    "QueryDNSToSet",
    "QueryFailoverToSet",
    "QueryGot",
    "QueryServiceToSet",
    "QueryTemplateToSet",
]


class QueryFailoverToSet(TypedDict, total=False):
    """Where to look when nothing healthy is here."""

    NearestN: int
    Datacenters: list[str]


class QueryServiceToSet(TypedDict, total=False):
    """Which instances a query finds. A tag that begins with `!` is one that they must not have."""

    Service: str
    Failover: QueryFailoverToSet
    OnlyPassing: bool
    IgnoreCheckIDs: list[str]
    Near: str
    Tags: list[str]
    NodeMeta: dict[str, str]
    ServiceMeta: dict[str, str]
    Connect: bool


class QueryDNSToSet(TypedDict, total=False):
    """How DNS answers a query; the TTL is a duration."""

    TTL: str


class QueryTemplateToSet(TypedDict, total=False):
    """Makes a query one for all names that begin with its own."""

    Type: Literal["", "name_prefix_match"]
    Regexp: str
    RemoveEmptyTags: bool


class PreparedQueryToSet(TypedDict, total=False):
    """A prepared query. Indexes may be sent back with it."""

    ID: str
    Name: str
    Session: str
    Token: str
    Template: QueryTemplateToSet
    Service: QueryServiceToSet
    DNS: QueryDNSToSet
    CreateIndex: int
    ModifyIndex: int


class FoundInstance(TypedDict):
    """An instance with its node and checks, as everywhere, but tags and checks are null where there are none."""

    Node: Node
    Service: JsonObject
    Checks: list[Check] | None


class QueryAnswer(TypedDict, total=False):
    """What running a query found, or with `Query` alone what would be run; and how fresh that is. `Index` is 0."""

    Service: str
    Nodes: list[FoundInstance]
    DNS: QueryDNS
    Datacenter: str
    Failovers: int
    Query: PreparedQuery
    Index: int
    LastContact: int
    KnownLeader: bool
    ConsistencyLevel: str


QueryGot: TypeAlias = list[PreparedQuery] | QueryAnswer
"""One query in a list, or what it found."""
