"""Questions to a store, of all answer types in one list."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar, cast

import msgspec

from lictor_core.acl.queries import (
    AclBootstrapQuery,
    AuthMethodQuery,
    AuthMethodsQuery,
    BindingRuleQuery,
    BindingRulesQuery,
    PoliciesQuery,
    PolicyQuery,
    RoleQuery,
    RolesQuery,
    TokenQuery,
    TokenSelfQuery,
    TokensQuery,
)
from lictor_core.dumps import BehindGateway, NodeInFull
from lictor_core.prepared import Execution
from lictor_core.queries import (
    AddressQuery,
    AllServiceHealthQuery,
    BehindGatewayQuery,
    ChecksInStateQuery,
    ConfigEntriesQuery,
    ConfigEntryQuery,
    DiscoveryChainQuery,
    EventsQuery,
    GatewayServicesQuery,
    IngressHealthQuery,
    IntentionExactQuery,
    IntentionMatchQuery,
    IntentionQuery,
    IntentionsQuery,
    KeyQuery,
    KeysQuery,
    NodeChecksQuery,
    NodeDigestQuery,
    NodeHasAgentQuery,
    NodeInFullQuery,
    NodeQuery,
    NodeServiceListQuery,
    NodeServicesQuery,
    NodeSessionsQuery,
    NodesInFullQuery,
    NodesQuery,
    PreparedQueriesQuery,
    PreparedQueryExecutionQuery,
    PreparedQueryQuery,
    PreparedQueryRenderedQuery,
    Query,
    ServiceChecksQuery,
    ServiceConfigQuery,
    ServiceHealthQuery,
    ServiceInstancesQuery,
    ServicesQuery,
    SessionQuery,
    SessionsQuery,
    TreeQuery,
)
from lictor_core.records import Check, NodeDigest, ServiceHealth
from lictor_core.topics import Topic
from lictor_server.state import Store, answer
from tests.server import build_acl
from tests.server.state import strategies as any_of

__all__ = ["ALL", "EXACT", "Question", "without_outputs"]

T = TypeVar("T")


class Question(NamedTuple):
    """One query; `ask` gives its answer."""

    name: str
    topics: tuple[Topic, ...]
    ask: Callable[[Store], object]


def _question(query: Query[T]) -> Question:
    def ask(store: Store) -> object:
        return answer(store, query)

    return Question(repr(query), query.topics(), ask)


EXACT = [
    _question(NodesQuery()),
    _question(ServicesQuery()),
    _question(IntentionsQuery()),
    *(_question(ServiceHealthQuery(service=name)) for name in ("web", "db")),
    *(_question(ServiceHealthQuery(service=name, connect=True)) for name in ("web", "db")),
    *(_question(ServiceChecksQuery(service=name)) for name in ("web", "db")),
    *(_question(NodeServicesQuery(node=name)) for name in ("a", "b", "c", *any_of.IDS[1:])),
    *(_question(NodeChecksQuery(node=name)) for name in ("a", "b", "c")),
    *(_question(ChecksInStateQuery(state=status)) for status in ("any", *any_of.STATUSES)),
    *(_question(KeyQuery(key=key)) for key in any_of.KEYS),
    _question(SessionsQuery()),
    *(_question(SessionQuery(id=one)) for one in any_of.SESSIONS),
    *(_question(NodeSessionsQuery(node=name)) for name in ("a", "b", "c")),
    *(_question(EventsQuery(name=name)) for name in ("", "deploy", "stop")),
    _question(PreparedQueriesQuery()),
    _question(PoliciesQuery()),
    _question(AuthMethodsQuery()),
    _question(BindingRulesQuery()),
    *(_question(TreeQuery(prefix=prefix)) for prefix in any_of.PREFIXES),
    *(_question(IntentionMatchQuery(by="source", name=name)) for name in ("web", "db")),
    *(_question(IntentionMatchQuery(by="destination", name=name)) for name in ("web", "db")),
]
"""Questions whose topics speak of their answer alone: they wake if, and only if, it changed."""
ALL = [
    *EXACT,
    _question(NodesInFullQuery()),
    *(_question(BehindGatewayQuery(gateway=name)) for name in ("in", "out")),
    _question(AllServiceHealthQuery()),
    *(_question(NodeInFullQuery(node=name)) for name in ("a", "b", "c")),
    _question(PreparedQueryQuery(id="11111111-bbbb-4bbb-8bbb-bbbbbbbbbbbb")),
    _question(TokensQuery()),
    _question(TokensQuery(policy=build_acl.id_of("a"))),
    _question(TokensQuery(role=build_acl.id_of("b"))),
    _question(TokensQuery(auth_method="M")),
    *(_question(TokenQuery(accessor_id=build_acl.id_of(name))) for name in ("t1", "t2")),
    _question(TokenSelfQuery(secret_id="s1")),  # more would have the same name
    *(_question(PolicyQuery(name=name)) for name in ("a", "B")),
    _question(PolicyQuery(id=build_acl.id_of("a"))),
    _question(RolesQuery()),
    _question(RolesQuery(policy=build_acl.id_of("a"))),
    *(_question(RoleQuery(name=name)) for name in ("a", "B")),
    _question(AuthMethodQuery(name="m")),
    _question(BindingRulesQuery(auth_method="m")),
    _question(BindingRuleQuery(id=build_acl.id_of("r1"))),
    _question(AclBootstrapQuery()),
    *(_question(PreparedQueryRenderedQuery(id_or_name=name)) for name in ("a", "abc")),
    *(_question(PreparedQueryExecutionQuery(id_or_name=name)) for name in ("a", "abc")),
    *(_question(ConfigEntriesQuery(kind=kind)) for kind in ("", "service-resolver", "service-intentions")),
    *(_question(ConfigEntryQuery(kind="service-defaults", name=name)) for name in ("web", "db")),
    *(_question(ConfigEntryQuery(kind="service-intentions", name=name)) for name in ("web", "db", "*")),
    *(_question(DiscoveryChainQuery(service=name)) for name in ("web", "db")),
    *(_question(ServiceConfigQuery(service=name, upstreams=("api", "db"))) for name in ("web", "db")),
    *(_question(GatewayServicesQuery(gateway=name)) for name in ("in", "out")),
    *(_question(IngressHealthQuery(service=name)) for name in ("web", "db")),
    _question(ServicesQuery(node_meta=(("rack", "1"),))),
    *(_question(ServiceInstancesQuery(service=name)) for name in ("web", "db")),
    *(_question(ServiceInstancesQuery(service=name, connect=True)) for name in ("web", "db")),
    *(_question(ServiceHealthQuery(service=name, passing=True)) for name in ("web", "db")),
    *(_question(ServiceHealthQuery(service=name, tags=("t1",))) for name in ("web", "db")),
    *(_question(NodeQuery(node=name)) for name in ("a", "b", "c")),
    *(_question(NodeHasAgentQuery(node=name)) for name in ("a", "b", "c")),
    *(_question(AddressQuery(address=address)) for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3")),
    *(_question(NodeServiceListQuery(node=name)) for name in ("a", "b", "c")),
    *(_question(NodeDigestQuery(node=name)) for name in ("a", "b", "c")),
    *(_question(KeysQuery(prefix=prefix, separator="/")) for prefix in any_of.PREFIXES),
    *(_question(IntentionQuery(id=id)) for id in ("i1", "i2", "i3")),
    *(_question(IntentionExactQuery(source=one, destination="db")) for one in ("web", "*")),
]
"""Those, and questions that share topics with wider ones: they wake whenever their answer changed, or more often."""


def without_outputs(value: object) -> object:
    """An answer without what may change in silence: the output of checks, and where it changed."""
    match value:
        case Check():
            return msgspec.structs.replace(value, output="", modify_index=0)
        case ServiceHealth():
            quiet = [msgspec.structs.replace(check, output="", modify_index=0) for check in value.checks]
            return msgspec.structs.replace(value, checks=quiet)
        case NodeInFull():
            return msgspec.structs.replace(value, checks=list(map(without_outputs, value.checks)))
        case BehindGateway():
            return msgspec.structs.replace(value, instances=list(map(without_outputs, value.instances)))
        case Execution():
            return msgspec.structs.replace(value, rows=list(map(without_outputs, value.rows)))
        case NodeDigest():
            return msgspec.structs.replace(value, digest="")  # it is one of outputs, too
        case list():
            return [without_outputs(item) for item in cast(list[object], value)]
        case _:
            return value
