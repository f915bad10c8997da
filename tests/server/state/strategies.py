"""Commands for properties: few names, written in both cases, so that most commands meet an earlier one."""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st

from lictor_core.commands import (
    AclAuthMethodDelete,
    AclAuthMethodSet,
    AclBindingRuleDelete,
    AclBindingRuleSet,
    AclBootstrap,
    AclPolicyDelete,
    AclPolicySet,
    AclRoleDelete,
    AclRoleSet,
    AclTokensDelete,
    AclTokenSet,
    Command,
    Deregister,
    EventFire,
    IntentionDelete,
    IntentionSet,
    KVDelete,
    KVDeleteTree,
    KVSet,
    NodeUpdate,
    PreparedQueryDelete,
    PreparedQuerySet,
    Register,
    SessionCreate,
    SessionDestroy,
)
from lictor_core.records import Check, IntentionAction, Service, ServiceKind, SessionBehavior
from tests.server import build, build_acl

__all__ = [
    "ENTRIES",
    "IDS",
    "KEYS",
    "NODES",
    "PREFIXES",
    "SERVICES",
    "SESSIONS",
    "STATUSES",
    "catalog_commands",
    "commands",
    "config_commands",
    "config_logs",
    "gateway_registrations",
    "key_commands",
    "lock_commands",
]

NODES = ("a", "A", "b", "c")
SERVICES = ("web", "Web", "db")
STATUSES = ("passing", "warning", "critical")
IDS = ("", "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222")
KEYS = ("x", "x/", "x/a", "x/b", "x/b/c", "y", "é/z")
SESSIONS = (
    "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa",
    "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb",
    "cccccccc-cccc-4ccc-8ccc-cccccccccccc",
)
PREFIXES = ("", "x", "x/", "x/b", "y", "nothing", "é")

nodes = st.builds(
    build.node,
    st.sampled_from(NODES),
    id=st.sampled_from(IDS),
    address=st.sampled_from(("192.0.2.1", "192.0.2.2")),
)
services = st.builds(
    build.service,
    st.sampled_from(SERVICES),
    id=st.sampled_from(("s1", "S1", "s2")),
    tags=st.lists(st.sampled_from(("t1", "t2")), max_size=3),
    address=st.sampled_from(("", "", "192.0.2.3")),
    proxy_for=st.sampled_from(("", "", "web", "DB")),
    native=st.booleans(),
)
checks = st.builds(
    build.check,
    st.sampled_from(("c1", "C1", "c2")),
    status=st.sampled_from(STATUSES),
    service_id=st.sampled_from(("", "s1", "S2")),
    output=st.sampled_from(("", "fine", "slow")),
    notes=st.sampled_from(("", "note")),
)


def _folded_id(check: Check) -> str:
    return check.check_id.lower()


registrations: st.SearchStrategy[Command] = st.builds(
    Register,
    node=nodes,
    service=st.none() | services,
    checks=st.lists(checks, max_size=2, unique_by=_folded_id),
    skip_node_update=st.booleans(),
)
deregistrations: st.SearchStrategy[Command] = st.builds(
    Deregister,
    node=st.sampled_from(NODES),
    service_id=st.sampled_from(("", "s1", "S2")),
    check_id=st.sampled_from(("", "c1", "C2")),
)


def _folded_service_id(service: Service) -> str:
    return service.id.lower()


def _nothing_twice(update: NodeUpdate) -> Command:
    """What comes is not what goes: such an update is refused."""
    services, checks = {one.id.lower() for one in update.services}, {one.check_id.lower() for one in update.checks}
    return msgspec.structs.replace(
        update,
        gone_services=[id for id in update.gone_services if id.lower() not in services],
        gone_checks=[id for id in update.gone_checks if id.lower() not in checks],
    )


node_updates: st.SearchStrategy[Command] = st.builds(
    NodeUpdate,
    node=nodes,
    skip_node_update=st.booleans(),
    gone_services=st.lists(st.sampled_from(("s1", "S2")), max_size=2),
    gone_checks=st.lists(st.sampled_from(("c1", "C2")), max_size=2),
    services=st.lists(services, max_size=2, unique_by=_folded_service_id),
    checks=st.lists(checks, max_size=2, unique_by=_folded_id),
).map(_nothing_twice)
catalog_commands = st.one_of(registrations, registrations, registrations, node_updates, deregistrations)

cas = st.none() | st.integers(min_value=0, max_value=12)
key_commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        KVSet,
        key=st.sampled_from(KEYS),
        value=st.sampled_from((b"", b"1", b"\xff\x00")),
        flags=st.sampled_from((0, 2**64 - 1)),
        cas=cas,
    ),
    st.builds(KVDelete, key=st.sampled_from(KEYS), cas=cas),
    st.builds(KVDeleteTree, prefix=st.sampled_from(PREFIXES)),
)
intention_ids = st.sampled_from(("i1", "i2", "i3"))
intentions = st.builds(
    build.intention,
    st.sampled_from(("web", "db", "*")),
    st.sampled_from(("web", "db", "*")),
    id=intention_ids,
    action=st.sampled_from(IntentionAction),
)
intention_commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(IntentionSet, intention=intentions), st.builds(IntentionDelete, id=intention_ids)
)
session_ids = st.sampled_from(SESSIONS)
times = st.integers(min_value=0, max_value=60).map(lambda seconds: seconds * 1000)
sessions = st.builds(
    build.session,
    session_ids,
    node=st.sampled_from(NODES),
    delay_s=st.sampled_from((0.0, 5.0, 90.0, -1.0)),
    behavior=st.sampled_from(SessionBehavior),
    checks=st.lists(st.sampled_from(("c1", "C2")), max_size=2),
    service_checks=st.lists(st.sampled_from(("c1",)), max_size=1),
)
lock_commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(SessionCreate, session=sessions),
    st.builds(SessionDestroy, id=session_ids, at_ms=times),
    st.builds(KVSet, key=st.sampled_from(KEYS), value=st.just(b"held"), acquire=session_ids, at_ms=times),
    st.builds(KVSet, key=st.sampled_from(KEYS), value=st.just(b"held"), acquire=session_ids, at_ms=times),
    st.builds(KVSet, key=st.sampled_from(KEYS), value=st.just(b"free"), release=session_ids, at_ms=times),
)
event_commands: st.SearchStrategy[Command] = st.builds(
    EventFire, event=st.builds(build.event, session_ids, st.sampled_from(("deploy", "stop")))
)
query_ids = st.sampled_from(tuple(f"{digit * 8}-bbbb-4bbb-8bbb-bbbbbbbbbbbb" for digit in "123"))
query_names = st.sampled_from(("", "a", "A", "ab", "b"))
queries = st.builds(
    build.prepared_query, query_names, id=query_ids, session=st.sampled_from(("", SESSIONS[0]))
) | st.builds(build.template, query_names, id=query_ids, service=st.just("web"))
prepared_commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(PreparedQuerySet, query=queries, is_update=st.booleans()),
    st.builds(PreparedQuerySet, query=queries),
    st.builds(PreparedQueryDelete, id=query_ids),
)
NAMES = ("a", "A", "b")
acl_tokens = st.builds(
    build_acl.token,
    st.sampled_from(("t1", "t2", "t3")),
    secret=st.sampled_from(("", "s1", "s2")),
    roles=st.sampled_from(((), ("a",), ("b",))),
    method=st.sampled_from(("", "", "m")),
)
linked_tokens = st.builds(build_acl.token, st.sampled_from(("t1", "t2")), st.sampled_from(("a", "b")))
acl_commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(AclTokenSet, token=acl_tokens | linked_tokens, is_update=st.booleans()),
    st.builds(AclTokensDelete, accessor_ids=st.lists(st.sampled_from(("t1", "t2")).map(build_acl.id_of), max_size=2)),
    st.builds(
        AclPolicySet,
        policy=st.builds(build_acl.policy, st.sampled_from(NAMES), st.sampled_from(("", "x"))),
        is_update=st.booleans(),
    ),
    st.builds(AclPolicySet, policy=st.just(build_acl.policy("c", id=build_acl.id_of("a"))), is_update=st.just(True)),
    st.builds(AclPolicyDelete, id=st.sampled_from(NAMES).map(build_acl.id_of)),
    st.builds(AclRoleSet, role=st.builds(build_acl.role, st.sampled_from(NAMES)), is_update=st.booleans()),
    st.builds(AclRoleSet, role=st.just(build_acl.role("b", "a")), is_update=st.booleans()),
    st.builds(AclRoleDelete, id=st.sampled_from(NAMES).map(build_acl.id_of)),
    st.builds(AclAuthMethodSet, method=st.builds(build_acl.auth_method, st.sampled_from(("m", "M", "n")))),
    st.builds(AclAuthMethodDelete, name=st.sampled_from(("m", "n"))),
    st.builds(
        AclBindingRuleSet,
        rule=st.builds(build_acl.binding_rule, st.sampled_from(("r1", "r2")), st.sampled_from(("m", "n"))),
        is_update=st.booleans(),
    ),
    st.builds(AclBindingRuleDelete, id=st.sampled_from(("r1", "r2")).map(build_acl.id_of)),
    st.builds(AclBootstrap, token=acl_tokens, reset_index=st.integers(min_value=0, max_value=9)),
)
commands = st.one_of(
    catalog_commands, key_commands, intention_commands, lock_commands, event_commands, prepared_commands, acl_commands
)
ENTRIES: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("service-defaults", "web", {"Protocol": "http"}),
    ("service-defaults", "db", {"Protocol": "http"}),
    ("service-defaults", "Web", {"Protocol": "tcp"}),
    ("proxy-defaults", "global", {"Config": {"protocol": "http"}}),
    ("proxy-defaults", "global", {"MeshGateway": {"Mode": "local"}}),
    ("service-resolver", "web", {"Redirect": {"Service": "db"}}),
    ("service-resolver", "web", {"ConnectTimeout": "1s"}),
    ("service-resolver", "db", {"Subsets": {"v1": {}}, "DefaultSubset": "v1"}),
    ("service-resolver", "db", {"Redirect": {"Service": "WEB"}}),
    ("service-splitter", "web", {"Splits": [{"Weight": 50}, {"Weight": 50, "Service": "db"}]}),
    ("service-splitter", "db", {"Splits": [{"Weight": 100, "Service": "web"}]}),
    ("service-router", "web", {"Routes": [{"Destination": {"Service": "db", "ServiceSubset": "v1"}}]}),
    ("ingress-gateway", "in", {"Listeners": [{"Port": 80, "Services": [{"Name": "web"}]}]}),
    (
        "ingress-gateway",
        "in",
        {"Listeners": [{"Port": 81, "Protocol": "http", "Services": [{"Name": "*"}, {"Name": "db", "Hosts": ["h"]}]}]},
    ),
    ("terminating-gateway", "out", {"Services": [{"Name": "DB", "SNI": "s"}]}),
    ("terminating-gateway", "out", {"Services": [{"Name": "*", "CAFile": "ca"}, {"Name": "db"}]}),
    ("terminating-gateway", "in", {"Services": []}),
    ("mesh", "mesh", {}),
    ("service-intentions", "db", {"Sources": [{"Name": "web", "Action": "allow"}, {"Name": "*", "Action": "deny"}]}),
    ("service-intentions", "db", {"Sources": [{"Name": "web", "Action": "deny"}], "Meta": {"a": "b"}}),
    (
        "service-intentions",
        "db",
        {"Sources": [{"Name": "web", "Permissions": [{"Action": "allow", "HTTP": {"PathExact": "/"}}]}]},
    ),
    (
        "service-intentions",
        "web",
        {"Sources": [{"Name": "db", "Action": "allow"}], "JWT": {"Providers": [{"Name": "okta"}]}},
    ),
    ("service-intentions", "DB", {"Sources": [{"Name": "web", "Action": "allow"}]}),
)
config_commands: st.SearchStrategy[Command] = st.one_of(
    st.sampled_from(ENTRIES).map(lambda one: build.config(*one)),
    st.sampled_from(ENTRIES).map(lambda one: build.config(*one)),
    st.builds(build.unconfig, st.sampled_from([kind for kind, _, _ in ENTRIES]), st.sampled_from(("web", "db", "in"))),
    st.builds(build.unconfig, st.just("terminating-gateway"), st.just("out")),
    st.builds(build.unconfig, st.just("proxy-defaults"), st.just("global")),
    st.builds(build.config, st.just("mesh"), st.just("mesh"), cas=cas),
    st.builds(build.unconfig, st.just("service-intentions"), st.just("db"), cas=cas),
)
gateway_registrations: st.SearchStrategy[Command] = st.builds(
    Register,
    node=nodes,
    service=st.builds(
        build.service,
        st.sampled_from(("in", "out", "web")),
        id=st.sampled_from(("s1", "s3")),
        kind=st.sampled_from((ServiceKind.INGRESS_GATEWAY, ServiceKind.TERMINATING_GATEWAY)),
    ),
)
config_logs = st.lists(
    st.one_of(catalog_commands, gateway_registrations, intention_commands, config_commands, config_commands),
    max_size=16,
)
"""Logs in which entries meet the catalog and intentions."""
