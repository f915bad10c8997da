"""Answering queries: pure reads of the store, in the shape and order of Consul 1.8's answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeVar, cast

from lictor_core.acl import queries as acl
from lictor_core.agreement import node_digest
from lictor_core.autopilot import AutopilotConfiguration
from lictor_core.ca_status import CALedger, CALedgerQuery
from lictor_core.config_records import ChainAnswer, ConfigEntry, GatewayService, ServiceConfig
from lictor_core.coordinates import NodeCoordinate, nearest_first
from lictor_core.dumps import (
    AllServiceHealthQuery,
    BehindGateway,
    BehindGatewayQuery,
    NodeInFull,
    NodeInFullQuery,
    NodesInFullQuery,
)
from lictor_core.entries.base import as_json
from lictor_core.entries.compiler import ChainQuestion, compile_chain
from lictor_core.entries.resolved import resolved
from lictor_core.errors import RequestError
from lictor_core.filter import filtered
from lictor_core.names import trust_domain
from lictor_core.narrowing import has_pairs, has_tags, narrowed_health
from lictor_core.prepared import Execution, PreparedQuery
from lictor_core.queries import (
    AddressQuery,
    AutopilotQuery,
    CAConfigurationQuery,
    CARootsQuery,
    ChecksInStateQuery,
    ConfigEntriesQuery,
    ConfigEntryQuery,
    CoordinatesQuery,
    DatacentersQuery,
    DiscoveryChainQuery,
    EventsQuery,
    GatewayServicesQuery,
    IngressHealthQuery,
    IntentionExactQuery,
    IntentionMatchQuery,
    IntentionQuery,
    IntentionsQuery,
    KeyQuery,
    KeyringQuery,
    KeysQuery,
    NodeChecksQuery,
    NodeCoordinatesQuery,
    NodeDigestQuery,
    NodeHasAgentQuery,
    NodeQuery,
    NodeServiceListQuery,
    NodeServicesQuery,
    NodeSessionsQuery,
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
    TransactionQuery,
    TreeQuery,
)
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
    Service,
    ServiceHealth,
    Session,
    UserEvent,
)
from lictor_core.sealed_ring import SealedRing
from lictor_core.transactions import TransactionAnswer
from lictor_core.virtual_addresses import VirtualAddress, VirtualAddressesQuery
from lictor_server.state import acl_answers
from lictor_server.state.catalog import SERF_CHECK_ID
from lictor_server.state.configuring import shown_entries, shown_entry
from lictor_server.state.executing import execute, render
from lictor_server.state.store import Store
from lictor_server.state.transactions import look_up

__all__ = ["answer"]

T = TypeVar("T")
MetaPairs = tuple[tuple[str, str], ...]


def answer(store: Store, query: Query[T]) -> T:
    """What `query` asks for, at the store's index. Lists are shared between readers: nobody changes them.

    Raises `FilterError` for a filter that cannot be applied.
    """
    return filtered(query, cast(T, _TABLE[type(query)](store, query)))


def _has_meta(node: Node | None, pairs: MetaPairs) -> bool:
    return has_pairs(None if node is None else node.meta, pairs)


def _near(store: Store, near: str, rows: list[T], node_of: Callable[[T], str]) -> list[T]:
    """`rows`, sorted by distance from the node `near` when that has a coordinate."""
    known = store.coordinates.known
    origin = known.get(near.lower()) if near else None
    return rows if origin is None else nearest_first(rows, node_of, origin, known)


def _nodes(store: Store, query: NodesQuery) -> list[Node]:
    found = [node for node in store.catalog.nodes() if _has_meta(node, query.node_meta)]
    return _near(store, query.near, found, lambda node: node.node)


def _services(store: Store, query: ServicesQuery) -> dict[str, list[str]]:
    if not query.node_meta:
        return store.catalog.service_tags()
    tags: dict[str, set[str]] = {}
    for node in _nodes(store, NodesQuery(node_meta=query.node_meta)):
        for service in store.catalog.services_on(node.node):
            tags.setdefault(service.service, set()).update(service.tags)
    return {name: sorted(tags[name]) for name in sorted(tags)}


def _datacenters(store: Store, _query: DatacentersQuery) -> list[str]:
    return [store.datacenter]


def _service_instances(store: Store, query: ServiceInstancesQuery) -> list[CatalogService]:
    catalog, gateways = store.catalog, store.gateways
    instances = gateways.mesh_instances(query.service) if query.connect else catalog.instances(query.service)
    found = [
        _flat(node, service)
        for node, service in instances
        if has_tags(service.tags, query.tags) and _has_meta(node, query.node_meta)
    ]
    return _near(store, query.near, found, lambda instance: instance.node)


def _flat(node: Node, service: Service) -> CatalogService:
    return CatalogService(
        id=node.id,
        node=node.node,
        address=node.address,
        datacenter=node.datacenter,
        tagged_addresses=node.tagged_addresses,
        node_meta=node.meta,
        service_kind=service.kind,
        service_id=service.id,
        service_name=service.service,
        service_tags=service.tags,
        service_address=service.address,
        service_tagged_addresses=service.tagged_addresses,
        service_weights=service.weights,
        service_meta=service.meta or {},  # Consul shows no null here, unlike in a service's own record
        service_port=service.port,
        service_enable_tag_override=service.enable_tag_override,
        service_proxy=service.proxy,
        service_connect=service.connect,
        create_index=service.create_index,
        modify_index=service.modify_index,
    )


def _service_health(store: Store, query: ServiceHealthQuery) -> list[ServiceHealth]:
    rows = narrowed_health(query, store.health.of(query.service, connect=query.connect))
    return _near(store, query.near, rows, lambda row: row.node.node)


def _ingress_health(store: Store, query: IngressHealthQuery) -> list[ServiceHealth]:
    rows = narrowed_health(query, store.health.of_ingress(query.service))
    return _near(store, query.near, rows, lambda row: row.node.node)


def _config_entry(store: Store, query: ConfigEntryQuery) -> ConfigEntry | None:
    return shown_entry(store, query.kind, query.name)


def _config_entries(store: Store, query: ConfigEntriesQuery) -> list[ConfigEntry]:
    return shown_entries(store, query.kind)


def _service_config(store: Store, query: ServiceConfigQuery) -> ServiceConfig:
    return resolved(store.entries.set(), query.service, query.upstreams)


def _gateway_services(store: Store, query: GatewayServicesQuery) -> list[GatewayService]:
    return store.gateways.services_of(query.gateway)


def _behind_gateway(store: Store, query: BehindGatewayQuery) -> list[BehindGateway]:
    services = store.gateways.services_of(query.gateway)
    return [BehindGateway(service=one, instances=store.health.of(one.service.name)) for one in services]


def _discovery_chain(store: Store, query: DiscoveryChainQuery) -> ChainAnswer:
    question = ChainQuestion(
        service=query.service,
        datacenter=query.datacenter or store.datacenter,
        own_datacenter=store.datacenter,
        trust_domain=trust_domain(store.ca.cluster_id),
        protocol=query.protocol,
        connect_timeout=query.connect_timeout,
        mesh_gateway=query.mesh_gateway,
    )
    try:
        chain = compile_chain(store.entries.set(), question)
    except RequestError as error:
        return ChainAnswer(chain=None, flaw=str(error))
    return ChainAnswer(chain=as_json(chain))


def _named_node(store: Store, name_or_id: str) -> Node | None:
    return store.catalog.node(name_or_id) or store.catalog.node_of_id(name_or_id)


def _node_services(store: Store, query: NodeServicesQuery) -> NodeServices | None:
    node = _named_node(store, query.node)
    if node is None:
        return None
    return NodeServices(node=node, services={one.id: one for one in store.catalog.services_on(node.node)})


def _node_service_list(store: Store, query: NodeServiceListQuery) -> NodeServiceList:
    node = _named_node(store, query.node)
    services = [] if node is None else list(store.catalog.services_on(node.node))
    return NodeServiceList(node=node, services=services)


def _nodes_in_full(store: Store, _query: NodesInFullQuery) -> list[NodeInFull]:
    return [_in_full(store, node) for node in store.catalog.nodes()]


def _node_in_full(store: Store, query: NodeInFullQuery) -> NodeInFull | None:
    node = store.catalog.node(query.node)
    return None if node is None else _in_full(store, node)


def _in_full(store: Store, node: Node) -> NodeInFull:
    return NodeInFull(
        id=node.id,
        node=node.node,
        address=node.address,
        tagged_addresses=node.tagged_addresses,
        meta=node.meta,
        services=list(store.catalog.services_on(node.node)),
        checks=list(store.catalog.checks_on(node.node)),
    )


def _all_service_health(store: Store, _query: AllServiceHealthQuery) -> list[ServiceHealth]:
    names = store.catalog.service_tags()  # as they are written: a list of health holds every way of writing its name
    return [row for name in names for row in store.health.of(name) if row.service.service == name]


def _node_checks(store: Store, query: NodeChecksQuery) -> list[Check]:
    return list(store.catalog.checks_on(query.node))


def _node_digest(store: Store, query: NodeDigestQuery) -> NodeDigest:
    catalog = store.catalog
    digest = node_digest(catalog.node(query.node), catalog.services_on(query.node), catalog.checks_on(query.node))
    return NodeDigest(digest=digest, nodes=catalog.node_count)


def _on_nodes_with(store: Store, checks: Iterable[Check], pairs: MetaPairs) -> list[Check]:
    return [check for check in checks if not pairs or _has_meta(store.catalog.node(check.node), pairs)]


def _service_checks(store: Store, query: ServiceChecksQuery) -> list[Check]:
    found = _on_nodes_with(store, store.catalog.checks_of_service(query.service), query.node_meta)
    return _near(store, query.near, found, lambda check: check.node)


def _checks_in_state(store: Store, query: ChecksInStateQuery) -> list[Check]:
    found = _on_nodes_with(store, store.catalog.checks_in_state(query.state), query.node_meta)
    return _near(store, query.near, found, lambda check: check.node)


def _key(store: Store, query: KeyQuery) -> KVEntry | None:
    return store.kv.get(query.key)


def _tree(store: Store, query: TreeQuery) -> list[KVEntry]:
    return store.kv.under(query.prefix)


def _keys(store: Store, query: KeysQuery) -> list[str]:
    return store.kv.names(query.prefix, query.separator)


def _sessions(store: Store, _query: SessionsQuery) -> list[Session]:
    return store.sessions.all()


def _node_sessions(store: Store, query: NodeSessionsQuery) -> list[Session]:
    return store.sessions.on_node(query.node)


def _session(store: Store, query: SessionQuery) -> Session | None:
    return store.sessions.get(query.id)


def _events(store: Store, query: EventsQuery) -> list[UserEvent]:
    return store.events.all(query.name)


def _transaction(store: Store, query: TransactionQuery) -> TransactionAnswer:
    return look_up(store, query.operations)


def _prepared_queries(store: Store, _query: PreparedQueriesQuery) -> list[PreparedQuery]:
    return store.prepared.all()


def _prepared_query(store: Store, query: PreparedQueryQuery) -> PreparedQuery | None:
    return store.prepared.get(query.id)


def _prepared_query_rendered(store: Store, query: PreparedQueryRenderedQuery) -> PreparedQuery | None:
    return render(store, query.id_or_name)


def _prepared_query_execution(store: Store, query: PreparedQueryExecutionQuery) -> Execution | None:
    return execute(store, query.id_or_name, query.origin, connect=query.connect)


def _intentions(store: Store, _query: IntentionsQuery) -> list[Intention]:
    return store.intentions.all()


def _intention(store: Store, query: IntentionQuery) -> Intention | None:
    return store.intentions.get(query.id)


def _intention_exact(store: Store, query: IntentionExactQuery) -> Intention | None:
    return store.intentions.between(query.source, query.destination)


def _intention_match(store: Store, query: IntentionMatchQuery) -> list[Intention]:
    return store.intentions.matching(query.by, query.name)


def _ca_roots(store: Store, _query: CARootsQuery) -> CARoots:
    return store.ca.trusted()


def _ca_ledger(store: Store, _query: CALedgerQuery) -> CALedger:
    return CALedger(roots=store.ca.trusted(), lives=store.ca.lives(), configuration=store.ca.shown_configuration())


def _ca_configuration(store: Store, _query: CAConfigurationQuery) -> CAConfiguration:
    return store.ca.shown_configuration()


def _autopilot(store: Store, _query: AutopilotQuery) -> AutopilotConfiguration:
    return store.autopilot.shown()


def _keyring(store: Store, _query: KeyringQuery) -> SealedRing:
    return store.keyring.shown()


def _coordinates(store: Store, _query: CoordinatesQuery) -> list[NodeCoordinate]:
    return store.coordinates.all()


def _node_coordinates(store: Store, query: NodeCoordinatesQuery) -> list[NodeCoordinate]:
    return store.coordinates.of(query.node)


def _virtual_addresses(store: Store, _query: VirtualAddressesQuery) -> list[VirtualAddress]:
    return store.virtual.all()


def _node(store: Store, query: NodeQuery) -> Node | None:
    return store.catalog.node(query.node)


def _node_has_agent(store: Store, query: NodeHasAgentQuery) -> bool:
    return store.catalog.check_on(query.node, SERF_CHECK_ID) is not None


def _address(store: Store, query: AddressQuery) -> AddressHolders:
    return store.addresses.holders(query.address)


Q = TypeVar("Q")
Step = Callable[[Store, object], object]


def _entry(kind: type[Q], step: Callable[[Store, Q], object]) -> tuple[type[object], Step]:
    return kind, cast(Step, step)


_TABLE: Final[dict[type[object], Step]] = dict(
    (
        _entry(NodesQuery, _nodes),
        _entry(ServicesQuery, _services),
        _entry(DatacentersQuery, _datacenters),
        _entry(ServiceInstancesQuery, _service_instances),
        _entry(ServiceHealthQuery, _service_health),
        _entry(NodeServicesQuery, _node_services),
        _entry(NodeServiceListQuery, _node_service_list),
        _entry(NodesInFullQuery, _nodes_in_full),
        _entry(NodeInFullQuery, _node_in_full),
        _entry(AllServiceHealthQuery, _all_service_health),
        _entry(NodeChecksQuery, _node_checks),
        _entry(NodeDigestQuery, _node_digest),
        _entry(ServiceChecksQuery, _service_checks),
        _entry(IngressHealthQuery, _ingress_health),
        _entry(ConfigEntryQuery, _config_entry),
        _entry(ConfigEntriesQuery, _config_entries),
        _entry(ServiceConfigQuery, _service_config),
        _entry(BehindGatewayQuery, _behind_gateway),
        _entry(GatewayServicesQuery, _gateway_services),
        _entry(DiscoveryChainQuery, _discovery_chain),
        _entry(ChecksInStateQuery, _checks_in_state),
        _entry(KeyQuery, _key),
        _entry(TreeQuery, _tree),
        _entry(KeysQuery, _keys),
        _entry(IntentionsQuery, _intentions),
        _entry(IntentionQuery, _intention),
        _entry(IntentionExactQuery, _intention_exact),
        _entry(IntentionMatchQuery, _intention_match),
        _entry(CARootsQuery, _ca_roots),
        _entry(CAConfigurationQuery, _ca_configuration),
        _entry(CALedgerQuery, _ca_ledger),
        _entry(AutopilotQuery, _autopilot),
        _entry(KeyringQuery, _keyring),
        _entry(VirtualAddressesQuery, _virtual_addresses),
        _entry(NodeQuery, _node),
        _entry(NodeHasAgentQuery, _node_has_agent),
        _entry(AddressQuery, _address),
        _entry(CoordinatesQuery, _coordinates),
        _entry(NodeCoordinatesQuery, _node_coordinates),
        _entry(SessionsQuery, _sessions),
        _entry(NodeSessionsQuery, _node_sessions),
        _entry(SessionQuery, _session),
        _entry(EventsQuery, _events),
        _entry(TransactionQuery, _transaction),
        _entry(PreparedQueriesQuery, _prepared_queries),
        _entry(PreparedQueryQuery, _prepared_query),
        _entry(PreparedQueryRenderedQuery, _prepared_query_rendered),
        _entry(PreparedQueryExecutionQuery, _prepared_query_execution),
        _entry(acl.TokensQuery, acl_answers.tokens),
        _entry(acl.TokenQuery, acl_answers.token),
        _entry(acl.TokenSelfQuery, acl_answers.token_self),
        _entry(acl.PoliciesQuery, acl_answers.policies),
        _entry(acl.PolicyQuery, acl_answers.policy),
        _entry(acl.RolesQuery, acl_answers.roles),
        _entry(acl.RoleQuery, acl_answers.role),
        _entry(acl.AuthMethodsQuery, acl_answers.auth_methods),
        _entry(acl.AuthMethodQuery, acl_answers.auth_method),
        _entry(acl.BindingRulesQuery, acl_answers.binding_rules),
        _entry(acl.BindingRuleQuery, acl_answers.binding_rule),
        _entry(acl.AclBootstrapQuery, acl_answers.acl_bootstrap),
    )
)
