"""Queries: what can be read from the registry, and on what each answer depends.

A query is a value: it names one read with its arguments, can go over the wire, and is a key for caches. `topics()` says
which changes could change its answer. The type argument is the type of the answer. It has over 500 lines because it is
the list of all of them, by which they are decoded.
"""

from __future__ import annotations

from typing import ClassVar, TypeVar, cast, get_args

from lictor_core import topics as on
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
from lictor_core.autopilot import AutopilotQuery
from lictor_core.ca_status import CALedgerQuery
from lictor_core.config_queries import (
    ConfigEntriesQuery,
    ConfigEntryQuery,
    DiscoveryChainQuery,
    GatewayServicesQuery,
    IngressHealthQuery,
    ServiceConfigQuery,
)
from lictor_core.coordinates import NodeCoordinate
from lictor_core.dumps import AllServiceHealthQuery, BehindGatewayQuery, NodeInFullQuery, NodesInFullQuery
from lictor_core.prepared_queries import (
    PreparedQueriesQuery,
    PreparedQueryExecutionQuery,
    PreparedQueryQuery,
    PreparedQueryRenderedQuery,
)
from lictor_core.query import FilterableQuery, Query
from lictor_core.records import (
    AddressHolders,
    CAConfiguration,
    CARoots,
    CatalogService,
    Check,
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
from lictor_core.sealed_ring import KeyringQuery
from lictor_core.topics import Topic
from lictor_core.transactions import Operation, TransactionAnswer
from lictor_core.virtual_addresses import VirtualAddressesQuery

__all__ = [
    "AclBootstrapQuery",
    "AddressQuery",
    "AllServiceHealthQuery",
    "AnyQuery",
    "AuthMethodQuery",
    "AuthMethodsQuery",
    "AutopilotQuery",
    "BehindGatewayQuery",
    "BindingRuleQuery",
    "BindingRulesQuery",
    "CAConfigurationQuery",
    "CALedgerQuery",
    "CARootsQuery",
    "ChecksInStateQuery",
    "ConfigEntriesQuery",
    "ConfigEntryQuery",
    "CoordinatesQuery",
    "DatacentersQuery",
    "DiscoveryChainQuery",
    "EventsQuery",
    "FilterableQuery",
    "GatewayServicesQuery",
    "IngressHealthQuery",
    "IntentionExactQuery",
    "IntentionMatchQuery",
    "IntentionQuery",
    "IntentionsQuery",
    "KeyQuery",
    "KeyringQuery",
    "KeysQuery",
    "NodeChecksQuery",
    "NodeCoordinatesQuery",
    "NodeDigestQuery",
    "NodeHasAgentQuery",
    "NodeInFullQuery",
    "NodeQuery",
    "NodeServiceListQuery",
    "NodeServicesQuery",
    "NodeSessionsQuery",
    "NodesInFullQuery",
    "NodesQuery",
    "PoliciesQuery",
    "PolicyQuery",
    "PreparedQueriesQuery",
    "PreparedQueryExecutionQuery",
    "PreparedQueryQuery",
    "PreparedQueryRenderedQuery",
    "Query",
    "RoleQuery",
    "RolesQuery",
    "ServiceChecksQuery",
    "ServiceConfigQuery",
    "ServiceHealthQuery",
    "ServiceInstancesQuery",
    "ServicesQuery",
    "SessionQuery",
    "SessionsQuery",
    "TokenQuery",
    "TokenSelfQuery",
    "TokensQuery",
    "TransactionQuery",
    "TreeQuery",
    "VirtualAddressesQuery",
    "answer_type",
]

T = TypeVar("T")


class NodesQuery(FilterableQuery[list[Node]], frozen=True, kw_only=True, tag="Nodes"):
    """All nodes, by name; with `node_meta` those that have all these pairs. `near` sorts by distance from a node."""

    listed: ClassVar[str] = "node"
    node_meta: tuple[tuple[str, str], ...] = ()
    near: str = ""

    def topics(self) -> tuple[Topic, ...]:
        return _near((on.NODES,), self.near)


class ServicesQuery(Query[dict[str, list[str]]], frozen=True, kw_only=True, tag="Services"):
    """All service names with the union of their instances' tags; with `node_meta` on such nodes only."""

    node_meta: tuple[tuple[str, str], ...] = ()

    def topics(self) -> tuple[Topic, ...]:
        return (on.INSTANCES, on.NODES) if self.node_meta else (on.SERVICES,)


class DatacentersQuery(Query[list[str]], frozen=True, kw_only=True, tag="Datacenters"):
    """The names of the known datacenters, nearest first."""

    def topics(self) -> tuple[Topic, ...]:
        return (on.DATACENTERS,)


class ServiceInstancesQuery(FilterableQuery[list[CatalogService]], frozen=True, kw_only=True, tag="ServiceInstances"):
    """The instances of a service, whatever their health; `connect` asks for its mesh-capable instances instead."""

    listed: ClassVar[str] = "catalog_service"
    service: str
    tags: tuple[str, ...] = ()
    node_meta: tuple[tuple[str, str], ...] = ()
    near: str = ""
    connect: bool = False

    def topics(self) -> tuple[Topic, ...]:
        return _near((on.connect(self.service) if self.connect else on.service(self.service),), self.near)


class ServiceHealthQuery(FilterableQuery[list[ServiceHealth]], frozen=True, kw_only=True, tag="ServiceHealth"):
    """The instances of a service with their checks; `passing` leaves out any with a check that is not."""

    listed: ClassVar[str] = "health"
    service: str
    tags: tuple[str, ...] = ()
    node_meta: tuple[tuple[str, str], ...] = ()
    near: str = ""
    connect: bool = False
    passing: bool = False

    def topics(self) -> tuple[Topic, ...]:
        return _near((on.connect(self.service) if self.connect else on.service(self.service),), self.near)


class NodeServicesQuery(FilterableQuery[NodeServices | None], frozen=True, kw_only=True, tag="NodeServices"):
    """A node, named by its name or id, and its instances by id; None when there is no such node."""

    listed: ClassVar[str] = "service"
    node: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.node(self.node), on.node_services(self.node))


class NodeServiceListQuery(FilterableQuery[NodeServiceList], frozen=True, kw_only=True, tag="NodeServiceList"):
    """The same as `NodeServicesQuery`, as a list; an unknown node gives a null node and no services."""

    listed: ClassVar[str] = "service"
    node: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.node(self.node), on.node_services(self.node))


class NodeChecksQuery(FilterableQuery[list[Check]], frozen=True, kw_only=True, tag="NodeChecks"):
    """All checks on a node."""

    listed: ClassVar[str] = "check"
    node: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.node_checks(self.node),)


class NodeDigestQuery(Query[NodeDigest], frozen=True, kw_only=True, tag="NodeDigest"):
    """A hash of what the catalog has of a node, without what the servers keep there themselves, for its agent."""

    node: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.node(self.node), on.node_services(self.node), on.node_checks(self.node), on.NODES)


class ServiceChecksQuery(FilterableQuery[list[Check]], frozen=True, kw_only=True, tag="ServiceChecks"):
    """The checks of a service's instances (not those of their nodes)."""

    listed: ClassVar[str] = "check"
    service: str
    node_meta: tuple[tuple[str, str], ...] = ()
    near: str = ""

    def topics(self) -> tuple[Topic, ...]:
        return _near((on.service_checks(self.service),), self.near)


class ChecksInStateQuery(FilterableQuery[list[Check]], frozen=True, kw_only=True, tag="ChecksInState"):
    """The checks in a state: `any`, `passing`, `warning` or `critical`."""

    listed: ClassVar[str] = "check"
    state: str
    node_meta: tuple[tuple[str, str], ...] = ()
    near: str = ""

    def topics(self) -> tuple[Topic, ...]:
        return _near((on.checks_in_state(self.state),), self.near)


class KeyQuery(Query[KVEntry | None], frozen=True, kw_only=True, tag="Key"):
    """One key."""

    key: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.key(self.key),)


class TreeQuery(Query[list[KVEntry]], frozen=True, kw_only=True, tag="Tree"):
    """Every key under a prefix with its value, in byte order of the keys."""

    prefix: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.key_prefix(self.prefix),)


class KeysQuery(Query[list[str]], frozen=True, kw_only=True, tag="Keys"):
    """The names under a prefix, in byte order; with `separator` only up to and including its next occurrence."""

    prefix: str
    separator: str = ""

    def topics(self) -> tuple[Topic, ...]:
        return (on.key_prefix(self.prefix),)


class IntentionsQuery(FilterableQuery[list[Intention]], frozen=True, kw_only=True, tag="Intentions"):
    """All intentions, highest precedence first."""

    listed: ClassVar[str] = "intention"

    def topics(self) -> tuple[Topic, ...]:
        return (on.INTENTIONS,)


class IntentionQuery(Query[Intention | None], frozen=True, kw_only=True, tag="Intention"):
    """One intention by id."""

    id: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.INTENTIONS,)


class IntentionExactQuery(Query[Intention | None], frozen=True, kw_only=True, tag="IntentionExact"):
    """The intention with exactly this source and destination."""

    source: str
    destination: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.intention_destination(self.destination),)


class IntentionMatchQuery(Query[list[Intention]], frozen=True, kw_only=True, tag="IntentionMatch"):
    """The intentions that could decide for a name, in deciding order. `by` is `source` or `destination`."""

    by: str
    name: str

    def topics(self) -> tuple[Topic, ...]:
        of = on.intention_source if self.by == "source" else on.intention_destination
        return (of(self.name), of("*"))


class CARootsQuery(Query[CARoots], frozen=True, kw_only=True, tag="CARoots"):
    """The roots that leaves may chain to."""

    def topics(self) -> tuple[Topic, ...]:
        return (on.CA_ROOTS,)


class CAConfigurationQuery(Query[CAConfiguration], frozen=True, kw_only=True, tag="CAConfiguration"):
    """The CA's settings, secrets left out."""

    def topics(self) -> tuple[Topic, ...]:
        return (on.CA_CONFIGURATION,)


class CoordinatesQuery(Query[list[NodeCoordinate]], frozen=True, kw_only=True, tag="Coordinates"):
    """The network coordinates of all nodes, by name."""

    def topics(self) -> tuple[Topic, ...]:
        return (on.COORDINATES,)


class NodeCoordinatesQuery(Query[list[NodeCoordinate]], frozen=True, kw_only=True, tag="NodeCoordinates"):
    """The network coordinates of one node, one for each of its segments; empty when none are known."""

    node: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.COORDINATES,)


class SessionsQuery(Query[list[Session]], frozen=True, kw_only=True, tag="Sessions"):
    """All sessions, by id."""

    def topics(self) -> tuple[Topic, ...]:
        return (on.SESSIONS,)


class NodeSessionsQuery(Query[list[Session]], frozen=True, kw_only=True, tag="NodeSessions"):
    """The sessions of a node, by id."""

    node: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.node_sessions(self.node),)


class SessionQuery(Query[Session | None], frozen=True, kw_only=True, tag="Session"):
    """One session by id; case does not count."""

    id: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.session(self.id),)


class EventsQuery(Query[list[UserEvent]], frozen=True, kw_only=True, tag="Events"):
    """The newest events, oldest first: all, or those of a name. Whom they are for is judged by who reads them."""

    name: str = ""

    def topics(self) -> tuple[Topic, ...]:
        return (on.events(self.name),)


class NodeQuery(Query[Node | None], frozen=True, kw_only=True, tag="Node"):
    """A node by name, without what is on it."""

    node: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.node(self.node),)


class NodeHasAgentQuery(Query[bool], frozen=True, kw_only=True, tag="NodeHasAgent"):
    """Whether an agent runs on a node, or ran: the servers watch its health."""

    node: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.node_checks(self.node),)


class AddressQuery(Query[AddressHolders], frozen=True, kw_only=True, tag="Address"):
    """Who has an IP address. It changes with any node and any instance: to be asked now and then, not followed."""

    address: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.NODES, on.INSTANCES)


class TransactionQuery(Query[TransactionAnswer], frozen=True, kw_only=True, tag="Transaction"):
    """What these operations find, none of which changes anything. Nobody waits for it, so it names no topic."""

    operations: tuple[Operation, ...]

    def topics(self) -> tuple[Topic, ...]:
        return ()


def _near(topics: tuple[Topic, ...], near: str) -> tuple[Topic, ...]:
    """What an answer depends on that is sorted by distance, when it is."""
    return (*topics, on.DISTANCES) if near else topics


AnyQuery = (
    NodesQuery
    | ServicesQuery
    | DatacentersQuery
    | ServiceInstancesQuery
    | ServiceHealthQuery
    | NodeQuery
    | NodeHasAgentQuery
    | AddressQuery
    | NodeServicesQuery
    | NodeServiceListQuery
    | NodeChecksQuery
    | NodeDigestQuery
    | ServiceChecksQuery
    | ChecksInStateQuery
    | KeyQuery
    | TreeQuery
    | KeysQuery
    | IntentionsQuery
    | IntentionQuery
    | IntentionExactQuery
    | IntentionMatchQuery
    | CARootsQuery
    | CAConfigurationQuery
    | CALedgerQuery
    | AutopilotQuery
    | KeyringQuery
    | CoordinatesQuery
    | NodeCoordinatesQuery
    | SessionsQuery
    | NodeSessionsQuery
    | SessionQuery
    | EventsQuery
    | ConfigEntryQuery
    | ConfigEntriesQuery
    | DiscoveryChainQuery
    | GatewayServicesQuery
    | IngressHealthQuery
    | ServiceConfigQuery
    | TransactionQuery
    | NodesInFullQuery
    | NodeInFullQuery
    | AllServiceHealthQuery
    | BehindGatewayQuery
    | PreparedQueriesQuery
    | PreparedQueryQuery
    | PreparedQueryRenderedQuery
    | PreparedQueryExecutionQuery
    | VirtualAddressesQuery
    | TokensQuery
    | TokenQuery
    | TokenSelfQuery
    | PoliciesQuery
    | PolicyQuery
    | RolesQuery
    | RoleQuery
    | AuthMethodsQuery
    | AuthMethodQuery
    | BindingRulesQuery
    | BindingRuleQuery
    | AclBootstrapQuery
)
"""Every query, for decoding."""


def answer_type(kind: type[Query[T]]) -> type[T]:
    """The type of the answers to queries of this kind, for decoding."""
    (base,) = cast("tuple[object, ...]", vars(kind)["__orig_bases__"])
    (answer,) = get_args(base)
    return cast("type[T]", answer)
