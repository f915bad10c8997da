"""Which records a caller sees, and what is left of those that hold others. Pure.

Whoever sees an instance may read its service and its node; a check belongs to its instance, or else to its node.
Sources: the column "ACL Required" of Consul's documents `api-docs/*`, and what Consul 1.8.7 leaves of each answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final, TypeVar

import msgspec

from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.rules import Access, Resource
from lictor_core.dumps import BehindGateway, NodeInFull
from lictor_core.prepared import Execution, PreparedQuery
from lictor_core.records import AddressHolders, CatalogService, Check, Intention, Node, ServiceHealth
from lictor_core.transactions import OperationResult

__all__ = [
    "HIDDEN",
    "behind_gateway_left",
    "execution_left",
    "holders_left",
    "node_in_full_left",
    "query_name",
    "redacted",
    "rows_left",
    "sees_check",
    "sees_health",
    "sees_instance",
    "sees_intention",
    "sees_node",
    "sees_query",
    "sees_result",
]

T = TypeVar("T")

HIDDEN: Final = "<hidden>"
"""What stands for a secret where it is not shown; Consul's word."""


def sees_node(judge: Authorizer, node: Node) -> bool:
    """Whether a node is seen."""
    return judge.allows(Resource.NODE, node.node)


def sees_instance(judge: Authorizer, row: CatalogService) -> bool:
    """Whether an instance is seen, as a row of the catalog."""
    return judge.allows(Resource.NODE, row.node) and judge.allows(Resource.SERVICE, row.service_name)


def sees_health(judge: Authorizer, row: ServiceHealth) -> bool:
    """Whether an instance is seen, with its checks."""
    return judge.allows(Resource.NODE, row.node.node) and judge.allows(Resource.SERVICE, row.service.service)


def sees_check(judge: Authorizer, check: Check) -> bool:
    """Whether a check is seen."""
    if not judge.allows(Resource.NODE, check.node):
        return False
    return not check.service_name or judge.allows(Resource.SERVICE, check.service_name)


def sees_intention(judge: Authorizer, intention: Intention) -> bool:
    """Whether an intention is seen, from either of its ends."""
    ends = (intention.source_name, intention.destination_name)
    return any(judge.allows(Resource.INTENTION, end) for end in ends)


def query_name(query: PreparedQuery) -> str | None:
    """The name by which rules speak of a prepared query; None for one that only its id leads to."""
    return query.name if query.name or query.is_template else None


def sees_query(judge: Authorizer, query: PreparedQuery) -> bool:
    """Whether a prepared query is listed: those without a name only for who manages access control."""
    name = query_name(query)
    if judge.allows(Resource.ACL, access=Access.WRITE):
        return True
    return name is not None and judge.allows(Resource.QUERY, name)


def redacted(judge: Authorizer, query: PreparedQuery) -> PreparedQuery:
    """A prepared query without its token, for all but those who manage access control."""
    if not query.token or judge.allows(Resource.ACL, access=Access.WRITE):
        return query
    return msgspec.structs.replace(query, token=HIDDEN)


def rows_left(judge: Authorizer, rows: Iterable[T], sees: Callable[[Authorizer, T], bool]) -> list[T]:
    """The rows that are seen."""
    return [row for row in rows if sees(judge, row)]


def node_in_full_left(judge: Authorizer, node: NodeInFull) -> NodeInFull:
    """A node that is seen, with what is seen of what is on it."""
    return msgspec.structs.replace(
        node,
        services=[one for one in node.services if judge.allows(Resource.SERVICE, one.service)],
        checks=rows_left(judge, node.checks, sees_check),
    )


def behind_gateway_left(judge: Authorizer, rows: Iterable[BehindGateway]) -> list[BehindGateway]:
    """The services that are seen, with the instances that are; without those of which none is."""
    found: list[BehindGateway] = []
    for row in rows:
        if judge.allows(Resource.SERVICE, row.service.service.name):
            instances = rows_left(judge, row.instances, sees_health)
            if instances or not row.instances:
                found.append(msgspec.structs.replace(row, instances=instances))
    return found


def execution_left(judge: Authorizer, found: Execution) -> Execution:
    """What a prepared query found, as far as it is seen; its runs are shorter by what is not."""
    rows = iter(found.rows)
    runs = [rows_left(judge, islice(rows, length), sees_health) for length in found.runs]
    return msgspec.structs.replace(
        found, rows=[row for run in runs for row in run], runs=[len(run) for run in runs if run]
    )


def holders_left(judge: Authorizer, holders: AddressHolders) -> AddressHolders:
    """Who has an address, of those who are seen."""
    return AddressHolders(
        nodes=[one for one in holders.nodes if judge.allows(Resource.NODE, one.name)],
        services=[one for one in holders.services if judge.allows(Resource.SERVICE, one.name)],
    )


def sees_result(judge: Authorizer, result: OperationResult) -> bool:
    """Whether what an operation of a transaction found or wrote is told."""
    if result.key is not None:
        return judge.allows(Resource.KEY, result.key.key)
    if result.node is not None:
        return sees_node(judge, result.node)
    if result.service is not None:
        return judge.allows(Resource.SERVICE, result.service.service)
    if result.check is None:
        return True
    if result.check.service_name:
        return judge.allows(Resource.SERVICE, result.check.service_name)
    return judge.allows(Resource.NODE, result.check.node)
