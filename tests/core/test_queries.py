"""Each query names what its answer depends on."""

import typing
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_core import queries, topics
from lictor_core.ca_status import CALedgerQuery
from lictor_core.queries import AnyQuery, Query
from lictor_core.topics import Topic
from tests.support.strategies import values_of

QUERIES: tuple[type[Query[object]], ...] = typing.get_args(AnyQuery)
S, N = "Web", "Node-1"

TOPICS: list[tuple[Query[typing.Any], set[Topic]]] = [
    (queries.NodesQuery(), {topics.NODES}),
    (queries.ServicesQuery(), {topics.SERVICES}),
    (queries.ServicesQuery(node_meta=(("a", "b"),)), {topics.INSTANCES, topics.NODES}),
    (queries.DatacentersQuery(), {topics.DATACENTERS}),
    (queries.ServiceInstancesQuery(service=S), {Topic("service", "web")}),
    (queries.ServiceInstancesQuery(service=S, connect=True), {Topic("connect", "web")}),
    (queries.ServiceHealthQuery(service=S), {Topic("service", "web")}),
    (queries.ServiceHealthQuery(service=S, connect=True), {Topic("connect", "web")}),
    (queries.NodeServicesQuery(node=N), {Topic("node", "node-1"), Topic("node-services", "node-1")}),
    (queries.NodeServiceListQuery(node=N), {Topic("node", "node-1"), Topic("node-services", "node-1")}),
    (queries.NodeChecksQuery(node=N), {Topic("node-checks", "node-1")}),
    (
        queries.NodeDigestQuery(node=N),
        {Topic("node", "node-1"), Topic("node-services", "node-1"), Topic("node-checks", "node-1"), topics.NODES},
    ),
    (queries.ServiceChecksQuery(service=S), {Topic("service-checks", "web")}),
    (queries.ChecksInStateQuery(state="critical"), {Topic("checks-state", "critical")}),
    (queries.KeyQuery(key="A/b"), {Topic("key", "A/b")}),
    (queries.TreeQuery(prefix="A/"), {Topic("key-prefix", "A/")}),
    (queries.KeysQuery(prefix="A/", separator="/"), {Topic("key-prefix", "A/")}),
    (
        queries.ServiceConfigQuery(service=S, upstreams=("Db",)),
        {
            Topic("config-entry", "proxy-defaults/global"),
            Topic("config-entry", "service-defaults/web"),
            Topic("config-entry", "service-defaults/db"),
        },
    ),
    (queries.IntentionsQuery(), {topics.INTENTIONS}),
    (queries.IntentionQuery(id="x"), {topics.INTENTIONS}),
    (queries.IntentionExactQuery(source="a", destination="b"), {Topic("intention-destination", "b")}),
    (queries.IntentionMatchQuery(by="source", name="a"), {topics.intention_source("a"), topics.intention_source("*")}),
    (
        queries.IntentionMatchQuery(by="destination", name="a"),
        {topics.intention_destination("a"), topics.intention_destination("*")},
    ),
    (queries.CARootsQuery(), {topics.CA_ROOTS}),
    (queries.CAConfigurationQuery(), {topics.CA_CONFIGURATION}),
    (CALedgerQuery(), {topics.CA_ROOTS, topics.CA_CONFIGURATION, topics.CA_LEAVES}),
    (queries.AutopilotQuery(), {topics.AUTOPILOT}),
    (queries.KeyringQuery(), {topics.KEYRING}),
    (queries.NodeQuery(node=N), {Topic("node", "node-1")}),
    (queries.NodeHasAgentQuery(node=N), {Topic("node-checks", "node-1")}),
    (queries.AddressQuery(address="192.0.2.1"), {topics.NODES, topics.INSTANCES}),
    (queries.CoordinatesQuery(), {topics.COORDINATES}),
    (queries.NodeCoordinatesQuery(node=N), {topics.COORDINATES}),
    (queries.SessionsQuery(), {topics.SESSIONS}),
    (queries.SessionQuery(id="AB"), {Topic("session", "ab")}),
    (queries.NodeSessionsQuery(node="N1"), {Topic("node-sessions", "n1")}),
    (queries.EventsQuery(), {topics.EVENTS}),
    (queries.EventsQuery(name="Deploy"), {Topic("events", "Deploy")}),
    (queries.ConfigEntriesQuery(), {topics.CONFIG}),
    (queries.ConfigEntriesQuery(kind="mesh"), {Topic("config-kind", "mesh")}),
    (queries.ConfigEntryQuery(kind="service-router", name="Web"), {Topic("config-entry", "service-router/web")}),
    (queries.DiscoveryChainQuery(service="Web"), {Topic("chain", "web"), topics.CHAINS, topics.CA_ROOTS}),
    (queries.GatewayServicesQuery(gateway="GW"), {Topic("gateway", "gw")}),
    (queries.IngressHealthQuery(service=S), {Topic("ingress", "web")}),
    (queries.IngressHealthQuery(service=S, near=N), {Topic("ingress", "web"), topics.DISTANCES}),
    (queries.TransactionQuery(operations=()), set()),
    (queries.NodesInFullQuery(), {topics.NODES, topics.INSTANCES, Topic("checks-state", "any")}),
    (
        queries.BehindGatewayQuery(gateway="g"),
        {topics.gateway("g"), topics.NODES, topics.INSTANCES, Topic("checks-state", "any")},
    ),
    (queries.AllServiceHealthQuery(), {topics.NODES, topics.INSTANCES, Topic("checks-state", "any")}),
    (
        queries.NodeInFullQuery(node=N),
        {Topic("node", "node-1"), Topic("node-services", "node-1"), Topic("node-checks", "node-1")},
    ),
    (queries.VirtualAddressesQuery(), {topics.VIRTUAL_ADDRESSES}),
    (queries.TokensQuery(), {topics.ACL_TOKENS, topics.ACL_POLICIES, topics.ACL_ROLES}),
    (queries.TokenQuery(accessor_id="x"), {topics.ACL_TOKENS, topics.ACL_POLICIES, topics.ACL_ROLES}),
    (queries.TokenSelfQuery(secret_id="x"), {topics.ACL_TOKENS, topics.ACL_POLICIES, topics.ACL_ROLES}),
    (queries.PoliciesQuery(), {topics.ACL_POLICIES}),
    (queries.PolicyQuery(id="x"), {topics.ACL_POLICIES}),
    (queries.RolesQuery(), {topics.ACL_ROLES, topics.ACL_POLICIES}),
    (queries.RoleQuery(id="x"), {topics.ACL_ROLES, topics.ACL_POLICIES}),
    (queries.AuthMethodsQuery(), {topics.ACL_AUTH_METHODS}),
    (queries.AuthMethodQuery(name="x"), {topics.ACL_AUTH_METHODS}),
    (queries.BindingRulesQuery(), {topics.ACL_BINDING_RULES}),
    (queries.BindingRuleQuery(id="x"), {topics.ACL_BINDING_RULES}),
    (queries.AclBootstrapQuery(), {topics.ACL_TOKENS}),
    (queries.PreparedQueriesQuery(), {topics.PREPARED_QUERIES}),
    (queries.PreparedQueryQuery(id="x"), {topics.PREPARED_QUERIES}),
    (queries.PreparedQueryRenderedQuery(id_or_name="x"), {topics.PREPARED_QUERIES}),
    (
        queries.PreparedQueryExecutionQuery(id_or_name="x"),
        {topics.PREPARED_QUERIES, topics.INSTANCES, topics.NODES, Topic("checks-state", "any"), topics.DISTANCES},
    ),
    (queries.NodesQuery(near=N), {topics.NODES, topics.DISTANCES}),
    (queries.ServiceInstancesQuery(service=S, near=N), {Topic("service", "web"), topics.DISTANCES}),
    (queries.ServiceHealthQuery(service=S, near=N), {Topic("service", "web"), topics.DISTANCES}),
    (queries.ServiceChecksQuery(service=S, near=N), {Topic("service-checks", "web"), topics.DISTANCES}),
    (queries.ChecksInStateQuery(state="any", near=N), {Topic("checks-state", "any"), topics.DISTANCES}),
]


@pytest.mark.parametrize(("query", "expected"), TOPICS, ids=[type(query).__name__ for query, _ in TOPICS])
def test_a_query_depends_on_its_topics(query: Query[object], expected: set[Topic]) -> None:
    assert set(query.topics()) == expected


def test_every_query_is_in_the_table_above() -> None:
    assert {type(query) for query, _ in TOPICS} == set(QUERIES)


@pytest.mark.parametrize(
    "kind", [kind for kind in QUERIES if kind is not queries.TransactionQuery], ids=lambda kind: kind.__name__
)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_a_query_that_is_waited_for_is_a_key_for_caches(kind: type[Query[object]], data: st.DataObject) -> None:
    query = data.draw(values_of(kind))
    assert {query: 1}[query] == 1
    assert query.topics()


def test_names_that_ignore_case_share_a_topic() -> None:
    ignoring: list[Callable[[str], Topic]] = [topics.node, topics.node_services, topics.node_checks, topics.service]
    ignoring += [topics.service_checks, topics.connect]
    assert all(make("WEB") == make("web") for make in ignoring)
    heeding: list[Callable[[str], Topic]] = [topics.key, topics.key_prefix, topics.intention_source]
    heeding += [topics.intention_destination]
    assert all(make("WEB") != make("web") for make in heeding)
