"""Prepared queries: what is kept under an id and a name, and what comes of running one. Pure.

Source: Consul's document `api-docs/query`; whatever it leaves open was asked of Consul 1.8.7.
"""

from __future__ import annotations

import itertools
from typing import Final

import msgspec

from lictor_core.clock import Rng
from lictor_core.hiding import shown_without
from lictor_core.records import Record, ServiceHealth

__all__ = [
    "NEAR_AGENT",
    "NEAR_IP",
    "TEMPLATE_TYPE",
    "Execution",
    "PreparedQuery",
    "QueryDNS",
    "QueryFailover",
    "QueryOrigin",
    "QueryService",
    "QueryTemplate",
    "in_random_order",
]

TEMPLATE_TYPE: Final = "name_prefix_match"
"""The only kind of template: it answers to every name that begins with its own."""
NEAR_AGENT: Final = "_agent"
NEAR_IP: Final = "_ip"
"""What `Near` may name instead of a node: the agent that was asked, and the node with the address of who asked."""


class QueryFailover(Record, frozen=True, kw_only=True):
    """Where to look when nothing healthy is here: the `nearest_n` datacenters, then those that are named."""

    nearest_n: int
    datacenters: list[str] | None


class QueryService(Record, frozen=True, kw_only=True):
    """Which instances a query finds. A tag that begins with `!` is one that they must not have."""

    service: str
    failover: QueryFailover
    only_passing: bool
    ignore_check_ids: list[str] | None = msgspec.field(name="IgnoreCheckIDs")
    near: str
    tags: list[str] | None
    node_meta: dict[str, str] | None
    service_meta: dict[str, str] | None
    connect: bool


class QueryDNS(Record, frozen=True, kw_only=True):
    """How DNS answers a query: `ttl` is a duration, empty for what the agent says."""

    ttl: str = msgspec.field(name="TTL")


class QueryTemplate(Record, frozen=True, kw_only=True):
    """Whether a query stands for all names that begin with its own, and how parts of such a name are found."""

    type: str
    regexp: str
    remove_empty_tags: bool


class PreparedQuery(Record, frozen=True, kw_only=True):
    """One query. `session` is that whose end it does not outlive; `token` is used to run it, whoever asks."""

    id: str = msgspec.field(name="ID")
    name: str
    session: str
    token: str
    template: QueryTemplate
    service: QueryService
    dns: QueryDNS = msgspec.field(name="DNS")
    create_index: int
    modify_index: int

    def __repr__(self) -> str:
        return shown_without(self, "token")

    @property
    def is_template(self) -> bool:
        """Whether it stands for other names than its own."""
        return self.template.type != ""


class QueryOrigin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who runs a query: the node of the agent that was asked, the address of who asked it, and near what (if named)."""

    agent: str = ""
    address: str = ""
    near: str = ""


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """What a query found in `datacenter`, after `failovers` others had nothing.

    `rows` come in runs of `runs` rows: within each the order means nothing, and `in_random_order` settles it for one
    caller. Nothing is random in here, so it is the same on every server, and may be kept.
    """

    service: str
    rows: list[ServiceHealth]
    runs: list[int]
    dns: QueryDNS
    datacenter: str
    failovers: int = 0


def in_random_order(found: Execution, rng: Rng, limit: int = 0) -> list[ServiceHealth]:
    """The rows for one caller: the nearest first, equally near ones shuffled; `limit` of them, all for 0 or less."""
    rows = iter(found.rows)
    ordered: list[ServiceHealth] = []
    for length in found.runs:
        run = list(itertools.islice(rows, length))
        rng.shuffle(run)
        ordered += run
        if 0 < limit <= len(ordered):
            return ordered[:limit]
    return ordered
