"""What every query needs, and what is left of its answer: one table, with a row for each.

A query is *judged* (refused as a whole), or *filtered* (its answer lacks what the caller does not see, as if that were
not there), or both, or *open*. Which, and by what, is as Consul 1.8.7 does it; queries that Consul does not have need
what those need that tell the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar, cast

import msgspec

from lictor_core import queries as q
from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.records import Token
from lictor_core.acl.rules import Access, Resource
from lictor_core.config_records import ConfigEntry, GatewayService
from lictor_core.coordinates import NodeCoordinate
from lictor_core.dumps import BehindGateway, NodeInFull
from lictor_core.prepared import Execution, PreparedQuery
from lictor_core.records import (
    AddressHolders,
    Intention,
    KVEntry,
    Node,
    NodeDigest,
    NodeServiceList,
    NodeServices,
    ServiceHealth,
    Session,
    UserEvent,
)
from lictor_core.transactions import TransactionAnswer
from lictor_core.virtual_addresses import VirtualAddress
from lictor_server.acl.entries import require_reading_entry, sees_entry
from lictor_server.acl.keys import names_left
from lictor_server.acl.operations import denied_operations
from lictor_server.acl.visible import (
    HIDDEN,
    behind_gateway_left,
    execution_left,
    holders_left,
    node_in_full_left,
    query_name,
    redacted,
    rows_left,
    sees_check,
    sees_health,
    sees_instance,
    sees_intention,
    sees_node,
    sees_query,
    sees_result,
)
from lictor_server.state import Store

__all__ = ["NEEDS_OF_READS", "Judging", "ReadNeed"]

Q = TypeVar("Q")
A = TypeVar("A")
R = TypeVar("R")


class Judging(NamedTuple):
    """By what a query is judged. `lists_keys`: many keys at once are read by who may list them."""

    judge: Authorizer
    store: Store
    lists_keys: bool = False


class ReadNeed(NamedTuple):
    """What one kind of query needs.

    `require` raises `PermissionDeniedError`, before anything is looked up. `left` gives what the caller sees of the
    answer, and may raise the same; who sees all of what it is `about` is given the whole without it. With `by_rows` it
    looks at each row of a list by itself, so that a long list can be looked at bit by bit. `said` is for people.
    """

    said: str
    require: Callable[[Judging, object], None] | None = None
    left: Callable[[Judging, object, object], object] | None = None
    about: tuple[Resource, ...] = ()
    by_rows: bool = False


def _open(because: str) -> ReadNeed:
    return ReadNeed(f"open: {because}")


def _judged(said: str, require: Callable[[Judging, Q], None]) -> ReadNeed:
    return ReadNeed(said, require=cast("Callable[[Judging, object], None]", require))


def _filtered(said: str, left: Callable[[Judging, Q, A], A], *about: Resource) -> ReadNeed:
    return ReadNeed(said, left=cast("Callable[[Judging, object, object], object]", left), about=about)


def _rows(sees: Callable[[Authorizer, R], bool], *about: Resource) -> ReadNeed:
    def left(by: Judging, query: object, rows: list[R]) -> list[R]:
        return rows_left(by.judge, rows, sees)

    said = ", ".join(f"{one}:read" for one in about) + " of each row"
    return _filtered(said, left, *about)._replace(by_rows=True)


def _operator(access: Access) -> ReadNeed:
    def require(by: Judging, query: object) -> None:
        by.judge.require(Resource.OPERATOR, access=access)

    return _judged(f"operator:{access.word}", require)


def _acl() -> ReadNeed:
    def require(by: Judging, query: object) -> None:
        by.judge.require(Resource.ACL)

    return _judged("acl:read", require)


def _acl_secrets(left: Callable[[Judging, Q, A], A]) -> ReadNeed:
    hiding = cast("Callable[[Judging, object, object], object]", left)
    return _acl()._replace(said="acl:read; secrets are shown with acl:write alone", left=hiding)


def _token(judge: Authorizer, token: Token) -> Token:
    shown = judge.allows(Resource.ACL, access=Access.WRITE)
    return token if shown else msgspec.structs.replace(token, secret_id=HIDDEN)


def _tokens_left(by: Judging, query: object, rows: list[Token]) -> list[Token]:
    return [_token(by.judge, one) for one in rows]


def _token_left(by: Judging, query: object, token: Token | None) -> Token | None:
    return None if token is None else _token(by.judge, token)


def _instances(sees: Callable[[Authorizer, R], bool]) -> ReadNeed:
    def left(by: Judging, query: q.ServiceInstancesQuery | q.ServiceHealthQuery, rows: list[R]) -> list[R]:
        if query.connect and not by.judge.allows(Resource.SERVICE, query.service):
            return []
        return rows_left(by.judge, rows, sees)

    said = "node:read, service:read of each row; of the mesh also service:read of whom it leads to"
    return _filtered(said, left, Resource.NODE, Resource.SERVICE)._replace(by_rows=True)


def _ingress(by: Judging, query: q.IngressHealthQuery, rows: list[ServiceHealth]) -> list[ServiceHealth]:
    return rows_left(by.judge, rows, sees_health) if by.judge.allows(Resource.SERVICE, query.service) else []


def _services(by: Judging, query: object, tags: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: of for name, of in tags.items() if by.judge.allows(Resource.SERVICE, name)}


def _node(by: Judging, query: object, node: Node | None) -> Node | None:
    return node if node is not None and sees_node(by.judge, node) else None


def _has_agent(by: Judging, query: q.NodeHasAgentQuery, found: bool) -> bool:
    return found and by.judge.allows(Resource.NODE, query.node)


def _holders(by: Judging, query: object, holders: AddressHolders) -> AddressHolders:
    return holders_left(by.judge, holders)


def _node_services(by: Judging, query: object, found: NodeServices | None) -> NodeServices | None:
    if found is None or not sees_node(by.judge, found.node):
        return None
    seen = {id: one for id, one in found.services.items() if by.judge.allows(Resource.SERVICE, one.service)}
    return msgspec.structs.replace(found, services=seen)


def _node_service_list(by: Judging, query: object, found: NodeServiceList) -> NodeServiceList:
    if found.node is None or not sees_node(by.judge, found.node):
        return NodeServiceList(node=None, services=[])
    seen = [one for one in found.services if by.judge.allows(Resource.SERVICE, one.service)]
    return msgspec.structs.replace(found, services=seen)


def _digest(by: Judging, query: q.NodeDigestQuery, digest: NodeDigest) -> NodeDigest:
    """Who does not see a node is given a digest that nothing has: then it compares what it does see."""
    return digest if by.judge.allows(Resource.NODE, query.node) else msgspec.structs.replace(digest, digest="")


def _nodes_in_full(by: Judging, query: object, nodes: list[NodeInFull]) -> list[NodeInFull]:
    return [node_in_full_left(by.judge, one) for one in nodes if by.judge.allows(Resource.NODE, one.node)]


def _node_in_full(by: Judging, query: object, node: NodeInFull | None) -> NodeInFull | None:
    if node is None or not by.judge.allows(Resource.NODE, node.node):
        return None
    return node_in_full_left(by.judge, node)


def _gateway(by: Judging, query: q.GatewayServicesQuery | q.BehindGatewayQuery) -> None:
    by.judge.require(Resource.SERVICE, query.gateway)


def _gateway_services(by: Judging, query: object, rows: list[GatewayService]) -> list[GatewayService]:
    return [one for one in rows if by.judge.allows(Resource.SERVICE, one.service.name)]


def _behind_gateway(by: Judging, query: object, rows: list[BehindGateway]) -> list[BehindGateway]:
    return behind_gateway_left(by.judge, rows)


def _key(by: Judging, query: q.KeyQuery) -> None:
    by.judge.require(Resource.KEY, query.key)


def _prefix(by: Judging, query: q.TreeQuery | q.KeysQuery) -> None:
    if by.lists_keys:
        by.judge.require(Resource.KEY, query.prefix, Access.LIST)


def _tree(by: Judging, query: object, rows: list[KVEntry]) -> list[KVEntry]:
    return [one for one in rows if by.judge.allows(Resource.KEY, one.key)]


def _keys(by: Judging, query: q.KeysQuery, names: list[str]) -> list[str]:
    return names_left(by.judge, by.store.kv.names(query.prefix, ""), query.prefix, query.separator)


def _intention(by: Judging, query: object, found: Intention | None) -> Intention | None:
    if found is not None and not sees_intention(by.judge, found):
        by.judge.require(Resource.INTENTION, found.destination_name)
    return found


def _intention_match(by: Judging, query: q.IntentionMatchQuery) -> None:
    by.judge.require(Resource.INTENTION, query.name)


def _coordinates(judge: Authorizer, row: NodeCoordinate) -> bool:
    return judge.allows(Resource.NODE, row.node)


def _node_coordinates(by: Judging, query: q.NodeCoordinatesQuery) -> None:
    by.judge.require(Resource.NODE, query.node)


def _sees_session(judge: Authorizer, row: Session) -> bool:
    return judge.allows(Resource.SESSION, row.node)


def _session(by: Judging, query: object, found: Session | None) -> Session | None:
    return found if found is not None and _sees_session(by.judge, found) else None


def _sees_event(judge: Authorizer, row: UserEvent) -> bool:
    return judge.allows(Resource.EVENT, row.name)


def _entry(by: Judging, query: q.ConfigEntryQuery) -> None:
    require_reading_entry(by.judge, query.kind, query.name)


def _entries(by: Judging, query: object, rows: list[ConfigEntry]) -> list[ConfigEntry]:
    return [one for one in rows if sees_entry(by.judge, one.kind, one.name)]


def _of_service(by: Judging, query: q.DiscoveryChainQuery | q.ServiceConfigQuery) -> None:
    by.judge.require(Resource.SERVICE, query.service)


def _transaction(by: Judging, query: q.TransactionQuery, answer: TransactionAnswer) -> TransactionAnswer:
    denied = denied_operations(by.store, by.judge, query.operations)
    if denied:
        return TransactionAnswer(errors=denied)
    return msgspec.structs.replace(answer, results=rows_left(by.judge, answer.results, sees_result))


def _prepared_queries(by: Judging, query: object, rows: list[PreparedQuery]) -> list[PreparedQuery]:
    return [redacted(by.judge, one) for one in rows if sees_query(by.judge, one)]


def _prepared_query(by: Judging, query: object, found: PreparedQuery | None) -> PreparedQuery | None:
    if found is None:
        return None
    name = query_name(found)
    if name is not None:
        by.judge.require(Resource.QUERY, name)
    return redacted(by.judge, found)


def _rendered(by: Judging, query: q.PreparedQueryRenderedQuery, found: PreparedQuery | None) -> PreparedQuery | None:
    if found is not None and query.to_run:
        return msgspec.structs.replace(found, token="")
    if found is not None and query_name(found) is None:
        # As lists have it: who knows its id is shown it, and told nothing more.
        by.judge.require(Resource.ACL, access=Access.WRITE)
    return _prepared_query(by, query, found)


def _execution(by: Judging, query: object, found: Execution | None) -> Execution | None:
    return None if found is None else execution_left(by.judge, found)


def _virtual_addresses(by: Judging, query: object, rows: list[VirtualAddress]) -> list[VirtualAddress]:
    """Here names are in lower case; in rules they are as services write theirs."""
    seen = {name.lower() for name in by.store.catalog.service_tags() if by.judge.allows(Resource.SERVICE, name)}
    return [one for one in rows if one.service in seen or by.judge.allows(Resource.SERVICE, one.service)]


_NODE, _SERVICE = Resource.NODE, Resource.SERVICE

NEEDS_OF_READS: Final[dict[type[object], ReadNeed]] = {
    q.NodesQuery: _rows(sees_node, _NODE),
    q.ServicesQuery: _filtered("service:read of each name", _services, _SERVICE),
    q.DatacentersQuery: _open("the names of datacenters"),
    q.ServiceInstancesQuery: _instances(sees_instance),
    q.ServiceHealthQuery: _instances(sees_health),
    q.NodeQuery: _filtered("node:read", _node, _NODE),
    q.NodeHasAgentQuery: _filtered("node:read", _has_agent, _NODE),
    q.AddressQuery: _filtered("node:read, service:read of each holder", _holders, _NODE, _SERVICE),
    q.NodeServicesQuery: _filtered("node:read; service:read of each instance", _node_services, _NODE, _SERVICE),
    q.NodeServiceListQuery: _filtered("node:read; service:read of each instance", _node_service_list, _NODE, _SERVICE),
    q.NodeChecksQuery: _rows(sees_check, _NODE, _SERVICE),
    q.NodeDigestQuery: _filtered("node:read", _digest, _NODE),
    q.ServiceChecksQuery: _rows(sees_check, _NODE, _SERVICE),
    q.ChecksInStateQuery: _rows(sees_check, _NODE, _SERVICE),
    q.KeyQuery: _judged("key:read", _key),
    q.TreeQuery: ReadNeed(
        "key:read of each key; with acl.enable_key_list_policy key:list of the prefix",
        require=cast("Callable[[Judging, object], None]", _prefix),
        left=cast("Callable[[Judging, object, object], object]", _tree),
        about=(Resource.KEY,),
        by_rows=True,
    ),
    q.KeysQuery: ReadNeed(
        "key:read of each key; with acl.enable_key_list_policy key:list of the prefix",
        require=cast("Callable[[Judging, object], None]", _prefix),
        left=cast("Callable[[Judging, object, object], object]", _keys),
        about=(Resource.KEY,),
    ),
    q.IntentionsQuery: _rows(sees_intention, Resource.INTENTION),
    q.IntentionQuery: _filtered("intention:read of either end", _intention, Resource.INTENTION),
    q.IntentionExactQuery: _filtered("intention:read of either end", _intention, Resource.INTENTION),
    q.IntentionMatchQuery: _judged("intention:read of the name", _intention_match),
    q.CARootsQuery: _open("whom to trust is no secret, and needed before there is a token"),
    q.CAConfigurationQuery: _operator(Access.WRITE),
    q.CALedgerQuery: _operator(Access.READ),
    q.AutopilotQuery: _operator(Access.READ),
    q.KeyringQuery: _open("it is sealed for those who know one of its keys"),
    q.CoordinatesQuery: _rows(_coordinates, _NODE),
    q.NodeCoordinatesQuery: _judged("node:read", _node_coordinates),
    q.SessionsQuery: _rows(_sees_session, Resource.SESSION),
    q.NodeSessionsQuery: _rows(_sees_session, Resource.SESSION),
    q.SessionQuery: _filtered("session:read of its node", _session, Resource.SESSION),
    q.EventsQuery: _rows(_sees_event, Resource.EVENT),
    q.ConfigEntryQuery: _judged("service:read, intention:read, or nothing, by the kind", _entry),
    q.ConfigEntriesQuery: _filtered("the same of each entry", _entries, _SERVICE, Resource.INTENTION),
    q.DiscoveryChainQuery: _judged("service:read", _of_service),
    q.GatewayServicesQuery: ReadNeed(
        "service:read of the gateway, and of each service",
        require=cast("Callable[[Judging, object], None]", _gateway),
        left=cast("Callable[[Judging, object, object], object]", _gateway_services),
        about=(_SERVICE,),
    ),
    q.IngressHealthQuery: _filtered("service:read; node:read, service:read of each row", _ingress, _NODE, _SERVICE),
    q.ServiceConfigQuery: _judged("service:read", _of_service),
    q.TransactionQuery: _filtered("each operation what it needs by itself", _transaction),
    q.NodesInFullQuery: _filtered("node:read; service:read of what is there", _nodes_in_full, _NODE, _SERVICE)._replace(
        by_rows=True
    ),
    q.NodeInFullQuery: _filtered("node:read; service:read of what is there", _node_in_full, _NODE, _SERVICE),
    q.AllServiceHealthQuery: _rows(sees_health, _NODE, _SERVICE),
    q.BehindGatewayQuery: ReadNeed(
        "service:read of the gateway and of each service; node:read of each instance",
        require=cast("Callable[[Judging, object], None]", _gateway),
        left=cast("Callable[[Judging, object, object], object]", _behind_gateway),
        about=(_NODE, _SERVICE),
    ),
    q.PreparedQueriesQuery: _filtered("query:read of each name; tokens with acl:write alone", _prepared_queries),
    q.PreparedQueryQuery: _filtered("query:read of its name, if it has one", _prepared_query),
    q.PreparedQueryRenderedQuery: _filtered(
        "query:read of its name; without one acl:write; to run it its name is enough", _rendered
    ),
    q.PreparedQueryExecutionQuery: _filtered("node:read, service:read of each row", _execution, _NODE, _SERVICE),
    q.VirtualAddressesQuery: _filtered("service:read of each name", _virtual_addresses, _SERVICE),
    q.TokensQuery: _acl_secrets(_tokens_left),
    q.TokenQuery: _acl_secrets(_token_left),
    q.TokenSelfQuery: _open("who asks shows the secret of the token"),
    q.PoliciesQuery: _acl(),
    q.PolicyQuery: _acl(),
    q.RolesQuery: _acl(),
    q.RoleQuery: _acl(),
    q.AuthMethodsQuery: _acl(),
    q.AuthMethodQuery: _acl(),
    q.BindingRulesQuery: _acl(),
    q.BindingRuleQuery: _acl(),
    q.AclBootstrapQuery: _open("whether there is a first token is told by an attempt to bootstrap as well"),
}
"""Each query by its type."""
