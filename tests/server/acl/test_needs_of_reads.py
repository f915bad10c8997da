"""Every query has a row, and a row leaves of its answer what the real Consul 1.8.7 left of the same."""

from __future__ import annotations

from typing import Final, cast, get_args

import pytest
from hypothesis import HealthCheck, given, settings

from lictor_core import queries as q
from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.caller import Caller
from lictor_core.acl.granted import Grants
from lictor_core.errors import PermissionDeniedError
from lictor_core.prepared import PreparedQuery
from lictor_core.queries import AnyQuery, Query
from lictor_core.records import NodeDigest
from lictor_core.transactions import (
    CheckOperation,
    KeyOperation,
    NodeOperation,
    Operation,
    ServiceOperation,
    TransactionAnswer,
)
from lictor_server.acl.needs_of_reads import NEEDS_OF_READS, Judging
from lictor_server.acl.reading import ReadJudge
from lictor_server.state import answer
from tests.core.acl.grants import grants_drawn
from tests.server import build
from tests.server.acl.world import IDS, judge_of, world

_STORE: Final = world()
_NOTHING: Final = ""
_NODES: Final = 'node_prefix "" { policy = "read" }'
_NA: Final = 'node "na" { policy = "read" }'
_WEB: Final = 'service "web" { policy = "read" }'
_SERVICES: Final = 'service_prefix "" { policy = "read" }'
_QUERIES: Final = 'query "qweb" { policy = "read" } query_prefix "qd" { policy = "write" }'
_KEYS: Final = 'key "a/1" { policy = "read" } key "b" { policy = "read" } key_prefix "b/" { policy = "list" }'


class _OneCaller:
    def __init__(self, judge: Authorizer) -> None:
        self._caller = Caller(authorizer=judge)

    def caller(self, secret: str) -> Caller:
        return self._caller


def _read(query: Query[object], judge: Authorizer, *, lists_keys: bool = False) -> object:
    """What a reader sees, as `Reads` asks for it."""
    reading = ReadJudge(_STORE, _OneCaller(judge), lists_keys=lists_keys)
    caller = reading.admitted(query, "")
    return reading.seen(query, caller, answer(_STORE, query), 1).value


_FIELDS: Final = {
    "CatalogService": ("node", "service_name"),
    "Check": ("node", "service_name", "check_id"),
    "ConfigEntry": ("kind", "name"),
    "Execution": ("service", "rows"),
    "Intention": ("source_name", "destination_name"),
    "KVEntry": ("key",),
    "Node": ("node",),
    "NodeCoordinate": ("node",),
    "NodeInFull": ("node", "services"),
    "NodeServiceList": ("node", "services"),
    "NodeServices": ("node", "services"),
    "PreparedQuery": ("name", "token"),
    "Service": ("service",),
    "ServiceHealth": ("node", "service"),
    "Session": ("node",),
    "UserEvent": ("name",),
}


def _shown(value: object) -> object:
    """The names in an answer."""
    match value:
        case None | str():
            return value
        case dict():
            return {key: _shown(one) for key, one in cast("dict[str, object]", value).items()}
        case list():
            return [_shown(one) for one in cast("list[object]", value)]
        case _:
            kind = type(value).__name__
    if kind not in _FIELDS:
        return kind
    return " ".join(str(_shown(cast(object, getattr(value, field)))) for field in _FIELDS[kind]).strip()


def test_every_query_has_a_row_and_nothing_else_has() -> None:
    assert set(get_args(AnyQuery)) == set(NEEDS_OF_READS)


def test_every_row_says_what_it_is() -> None:
    for kind, need in NEEDS_OF_READS.items():
        is_open = need.said.startswith("open: ")
        assert is_open == (need.require is None and need.left is None), kind


_ROWS: Final[list[tuple[str, Query[object], object]]] = [
    (_NOTHING, q.NodesQuery(), []),
    (_NODES, q.NodesQuery(), ["na", "nb"]),
    (_NA, q.NodesQuery(), ["na"]),
    (_WEB, q.ServicesQuery(), {"web": []}),
    (_NODES, q.ServicesQuery(), {}),
    (_WEB, q.ServiceInstancesQuery(service="web"), []),
    (_NODES, q.ServiceInstancesQuery(service="web"), []),
    (_NA + _WEB, q.ServiceInstancesQuery(service="web"), ["na web"]),
    (_NODES + _WEB, q.ServiceHealthQuery(service="web"), ["na web", "nb web"]),
    (_NODES + _WEB, q.ServiceHealthQuery(service="web", connect=True), ["na web", "nb web"]),
    (_NODES + _WEB, q.ServiceHealthQuery(service="db"), []),
    (_WEB, q.NodeServicesQuery(node="na"), None),
    (_NA, q.NodeServicesQuery(node="na"), "na {}"),
    (_NA + _WEB, q.NodeServicesQuery(node="na"), "na {'web1': 'web'}"),
    (_NA + _WEB, q.NodeServiceListQuery(node="na"), "na ['web']"),
    (_NA, q.NodeChecksQuery(node="na"), ["na  nc"]),
    (_NA + _WEB, q.NodeChecksQuery(node="na"), ["na  nc", "na web webc"]),
    (_WEB, q.ServiceChecksQuery(service="web"), []),
    (_NODES + _WEB, q.ServiceChecksQuery(service="web"), ["na web webc", "nb web webc"]),
    (_NA, q.ChecksInStateQuery(state="any"), ["na  nc"]),
    (_NA + _WEB, q.NodesInFullQuery(), ["na ['web']"]),
    (_WEB, q.NodeInFullQuery(node="na"), None),
    (_NODES + _WEB, q.AllServiceHealthQuery(), ["na web", "nb web"]),
    (_KEYS, q.KeyQuery(key="a/1"), "a/1"),
    (_KEYS, q.TreeQuery(prefix="a/"), ["a/1"]),
    (_KEYS, q.KeysQuery(prefix=""), ["a/1", "b", "b/1"]),
    (_KEYS, q.KeysQuery(prefix="", separator="/"), ["a/", "b", "b/"]),
    ('session "na" { policy = "read" }', q.SessionsQuery(), ["na"]),
    ('session "na" { policy = "read" }', q.NodeSessionsQuery(node="nb"), []),
    ('session "na" { policy = "read" }', q.SessionQuery(id=IDS["sb"]), None),
    (_NOTHING, q.IntentionsQuery(), []),
    (_WEB, q.IntentionsQuery(), ["web db", "db web", "* web"]),
    (_WEB, q.IntentionQuery(id=IDS["web-db"]), "web db"),
    (_WEB, q.IntentionMatchQuery(by="destination", name="*"), []),
    (_WEB, q.IntentionMatchQuery(by="destination", name="web"), ["db web", "* web"]),
    (_QUERIES, q.PreparedQueriesQuery(), ["qweb", "qdb <hidden>"]),
    (_NODES, q.PreparedQueriesQuery(), []),
    (_NOTHING, q.PreparedQueryQuery(id=IDS["nameless"]), ""),
    (_QUERIES, q.PreparedQueryQuery(id=IDS["qdb"]), "qdb <hidden>"),
    ('acl = "write" query_prefix "" { policy = "read" }', q.PreparedQueryQuery(id=IDS["qdb"]), "qdb of qdb"),
    (_NOTHING, q.PreparedQueryExecutionQuery(id_or_name="qweb"), "web []"),
    (_NA + _WEB, q.PreparedQueryExecutionQuery(id_or_name="qweb"), "web ['na web']"),
    (_WEB, q.ConfigEntriesQuery(kind="service-defaults"), ["service-defaults web"]),
    (_NOTHING, q.ConfigEntriesQuery(), ["proxy-defaults global"]),
    (_WEB, q.ConfigEntryQuery(kind="service-defaults", name="web"), "service-defaults web"),
    (_NOTHING, q.ConfigEntryQuery(kind="proxy-defaults", name="global"), "proxy-defaults global"),
    ('event "evweb" { policy = "read" }', q.EventsQuery(), ["evweb"]),
    (_NA, q.CoordinatesQuery(), ["na"]),
    (_NOTHING, q.CARootsQuery(), "CARoots"),
    (_NOTHING, q.DatacentersQuery(), ["dc1"]),
]  # fmt: skip


@pytest.mark.parametrize(("policy", "query", "seen"), _ROWS, ids=lambda one: str(one)[:70])
def test_a_reader_sees_what_the_policy_lets_through(policy: str, query: Query[object], seen: object) -> None:
    found = _shown(_read(query, judge_of(policy)))

    assert _in_order(found) == _in_order(seen)


def test_who_knows_the_name_of_a_prepared_query_may_have_it_to_run_it_and_not_its_token() -> None:
    found = _read(q.PreparedQueryRenderedQuery(id_or_name="qdb", to_run=True), judge_of(_NOTHING))
    assert isinstance(found, PreparedQuery)
    assert (found.name, found.token) == ("qdb", "")


def _in_order(names: object) -> object:
    return sorted(cast("list[str]", names)) if isinstance(names, list) else names


@pytest.mark.parametrize(
    ("policy", "query", "needed"),
    [
        (_KEYS, q.KeyQuery(key="zz"), "'key:read' on \"zz\""),
        (_NODES, q.IntentionQuery(id=IDS["web-db"]), "'intention:read' on \"db\""),
        (_NODES, q.IntentionMatchQuery(by="destination", name="*"), "'intention:read' on \"*\""),
        (_NODES, q.PreparedQueryQuery(id=IDS["qweb"]), "'query:read' on \"qweb\""),
        (_NODES, q.PreparedQueryRenderedQuery(id_or_name="qweb"), "'query:read' on \"qweb\""),
        (_NODES, q.ConfigEntryQuery(kind="service-defaults", name="zz"), "'service:read' on \"zz\""),
        (_NODES, q.DiscoveryChainQuery(service="web"), "'service:read' on \"web\""),
        (_NODES, q.ServiceConfigQuery(service="web"), "'service:read' on \"web\""),
        (_WEB, q.GatewayServicesQuery(gateway="gw"), "'service:read' on \"gw\""),
        (_WEB, q.BehindGatewayQuery(gateway="gw"), "'service:read' on \"gw\""),
        (_WEB, q.NodeCoordinatesQuery(node="na"), "'node:read' on \"na\""),
        ('operator = "read"', q.CAConfigurationQuery(), "'operator:write'"),
        (_NODES, q.CALedgerQuery(), "'operator:read'"),
        (_NODES, q.AutopilotQuery(), "'operator:read'"),
        (_NODES, q.TokensQuery(), "'acl:read'"),
        (_NODES, q.PoliciesQuery(), "'acl:read'"),
        (_NODES, q.BindingRulesQuery(), "'acl:read'"),
    ],
    ids=str,
)
def test_a_reader_without_the_permission_is_told_which_one_it_lacks(
    policy: str, query: Query[object], needed: str
) -> None:
    with pytest.raises(PermissionDeniedError, match=needed.replace("*", r"\*")):
        _read(query, judge_of(policy))


def test_many_keys_need_the_permission_to_list_them_where_that_is_asked_for() -> None:
    assert _shown(_read(q.KeysQuery(prefix="b/"), judge_of(_KEYS), lists_keys=True)) == ["b/1"]
    for prefix in ("", "b", "a/"):
        with pytest.raises(PermissionDeniedError, match="key:list"):
            _read(q.TreeQuery(prefix=prefix), judge_of(_KEYS), lists_keys=True)


def test_who_does_not_see_a_node_is_given_a_digest_that_nothing_has() -> None:
    seen = _read(q.NodeDigestQuery(node="na"), judge_of(_NA))
    unseen = _read(q.NodeDigestQuery(node="na"), judge_of(_NOTHING))

    assert seen == answer(_STORE, q.NodeDigestQuery(node="na"))
    assert isinstance(unseen, NodeDigest)
    assert unseen.digest == ""


def test_a_prepared_query_runs_by_its_own_token() -> None:
    callers = {"asks": judge_of(_NOTHING), "of qdb": judge_of(_NODES + _SERVICES)}

    class _Two:
        def caller(self, secret: str) -> Caller:
            return Caller(accessor_id=secret, authorizer=callers[secret])

    reading = ReadJudge(_STORE, _Two())

    assert reading.admitted(q.PreparedQueryExecutionQuery(id_or_name="qdb"), "asks").accessor_id == "of qdb"
    assert reading.admitted(q.PreparedQueryExecutionQuery(id_or_name="qweb"), "asks").accessor_id == "asks"


def test_operations_are_denied_one_by_one_and_what_they_find_is_filtered() -> None:
    judge = judge_of(_KEYS + _NA + _WEB)

    def ask(*operations: Operation) -> TransactionAnswer:
        found = _read(q.TransactionQuery(operations=operations), judge)
        assert isinstance(found, TransactionAnswer)
        return found

    denied = ask(KeyOperation(verb="check-index", key="a/1", index=7), KeyOperation(verb="check-not-exists", key="zz"))
    found = ask(
        KeyOperation(verb="get", key="a/1"),
        KeyOperation(verb="get", key="a/2"),
        KeyOperation(verb="get-tree", key="b"),
        NodeOperation(verb="get", node=build.node("na")),
        NodeOperation(verb="get", node=build.node("nb")),
        ServiceOperation(verb="get", node="nb", service=build.service("web", id="web1")),
        ServiceOperation(verb="get", node="na", service=build.service("db", id="db1")),
        CheckOperation(verb="get", check=build.check("nc", node="na")),
        CheckOperation(verb="get", check=build.check("dbc", node="na")),
    )

    assert [one.position for one in denied.errors] == [1]
    assert "'key:write' on \"zz\"" in denied.errors[0].text
    names = [_shown(one.key or one.node or one.service or one.check) for one in found.results]
    assert names == ["a/1", "b", "b/1", "na", "web", "na  nc"]


def _rows_of(answered: object) -> list[object] | None:
    return cast("list[object]", answered) if isinstance(answered, list) else None


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(grants_drawn())
def test_whatever_the_rules_nobody_sees_what_is_not_there_and_who_sees_all_sees_the_whole(grants: Grants) -> None:
    judge = Authorizer(grants)
    for _, query, _ in _ROWS:
        whole = answer(_STORE, query)
        try:
            seen = _read(query, judge)
        except PermissionDeniedError:
            assert judge.scope
            continue
        rows, seen_rows = _rows_of(whole), _rows_of(seen)
        cut = isinstance(query, q.KeysQuery | q.NodesInFullQuery | q.PreparedQueriesQuery)
        if rows is not None and seen_rows is not None and not cut:
            assert [one for one in rows if one in seen_rows] == seen_rows
        if not judge.scope:
            assert seen == whole


def test_rows_that_are_looked_at_bit_by_bit_come_to_the_same() -> None:
    judging = Judging(judge_of(_NA + _WEB + _KEYS + 'session "na" { policy = "read" }'), _STORE)
    for _, query, _ in _ROWS:
        need, rows = NEEDS_OF_READS[type(query)], _rows_of(answer(_STORE, query))
        if need.by_rows and need.left is not None:
            assert rows is not None, "it answers with a list"
            bits = [_rows_of(need.left(judging, query, [row])) or [] for row in rows]
            assert [row for bit in bits for row in bit] == need.left(judging, query, rows)
