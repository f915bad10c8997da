"""The state that the golden files hold: at least one record of every kind, and nothing left to chance.

Changing this changes what today's code is asked to write, so a change comes with files of their own.
"""

from __future__ import annotations

from lictor_core.acl.records import NodeIdentity, ServiceIdentity
from lictor_core.authority import RootLife
from lictor_core.autopilot import AutopilotConfiguration
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
    AutopilotSet,
    CAConfigurationSet,
    CAKeyMaterial,
    CARootsSet,
    CASerialTake,
    Command,
    CoordinatesSet,
    Deregister,
    EventFire,
    IntentionDelete,
    IntentionSet,
    KeyringSet,
    KVDelete,
    KVDeleteTree,
    KVSet,
    NodeUpdate,
    PreparedQueryDelete,
    PreparedQuerySet,
    Proposal,
    RestoreBegin,
    RestorePiece,
    SessionCreate,
    SessionDestroy,
    Transaction,
)
from lictor_core.coordinates import Coordinate, NodeCoordinate
from lictor_core.records import IntentionAction
from lictor_core.transactions import CheckOperation, KeyOperation, NodeOperation, ServiceOperation
from lictor_server.state import Store, apply, apply_proposal
from tests.server import build_acl
from tests.server.build import (
    check,
    config,
    event,
    intention,
    node,
    prepared_query,
    register,
    service,
    session,
    template,
    unconfig,
)
from tests.server.state.restores import restore_commands
from tests.server.state.test_apply import root

__all__ = ["COMMANDS", "FIRST_INDEX", "filled", "later_commands", "restoring"]

FIRST_INDEX = 10
PLACE = Coordinate(vec=[0.25, -1.5, 0.0, 0.0, 0.0, 0.0, 0.0, 1e-5], error=1.5, adjustment=-0.125, height=1e-5)
_ENDED = "88888888-8888-4888-8888-888888888888"
_LIVING = "99999999-9999-4999-8999-999999999999"

ENTRIES: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("service-defaults", "web", {"Protocol": "http", "Meta": {"a": "b"}}),
    ("proxy-defaults", "global", {"Config": {"protocol": "http", "list": [1, 2.5, None]}}),
    ("service-resolver", "web", {"Subsets": {"v1": {"Filter": "a == b"}}, "ConnectTimeout": "1.5s"}),
    ("service-resolver", "gone", {}),
    ("service-splitter", "web", {"Splits": [{"Weight": 33.33}, {"Weight": 66.67, "ServiceSubset": "v1"}]}),
    ("service-router", "web", {"Routes": [{"Match": {"HTTP": {"PathPrefix": "/"}}}]}),
    ("ingress-gateway", "in", {"Listeners": [{"Port": 80, "Protocol": "http", "Services": [{"Name": "*"}]}]}),
    ("terminating-gateway", "out", {"Services": [{"Name": "*"}, {"Name": "outside", "SNI": "s"}]}),
    ("mesh", "mesh", {"TLS": {"Incoming": {"TLSMinVersion": "TLSv1_2"}}}),
    (
        "service-intentions",
        "api",
        {
            "Sources": [
                {"Name": "web", "Permissions": [{"Action": "allow", "HTTP": {"PathExact": "/"}}]},
                {"Name": "job", "Action": "allow"},
            ],
            "JWT": {"Providers": [{"Name": "okta"}]},
        },
    ),
)

COMMANDS: tuple[Command, ...] = (
    register(
        node("n1", id="11111111-1111-4111-8111-111111111111", meta={"rack": "a"}),
        service=service("web", tags=["b", "a"], address="192.0.2.2"),
        checks=[check("serfHealth"), check("web", service_id="web", output="fine")],
    ),
    register(node("n1"), service=service("web-proxy", proxy_for="web", port=21000)),
    register(node("N2", address="2001:db8::1"), service=service("db", native=True), checks=[check(status="critical")]),
    register(node("gone"), service=service("gone")),
    Deregister(node="gone"),
    KVSet(key="plain", value=b"value"),
    KVSet(key="bytes/\u00fc\U0001f600", value=bytes(range(256)), flags=2**64 - 1),
    KVSet(key="empty", value=b""),
    KVSet(key="gone", value=b"1"),
    KVDelete(key="gone"),
    IntentionSet(intention=intention("web", "db", id="22222222-2222-4222-8222-222222222222")),
    IntentionSet(intention=intention("*", "*", id="33333333-3333-4333-8333-333333333333", action=IntentionAction.DENY)),
    IntentionSet(intention=intention("a", "b", id="44444444-4444-4444-8444-444444444444")),
    IntentionDelete(id="44444444-4444-4444-8444-444444444444"),
    CARootsSet(
        cluster_id="55555555-5555-4555-8555-555555555555",
        roots=[root("aa")],
        keys=[CAKeyMaterial(root_id="aa", private_key="no key")],
        cas=0,
    ),
    CAConfigurationSet(provider="consul", config={"LeafCertTTL": "72h", "RotationPeriod": "2160h"}),
    CASerialTake(),
)
"""What every format can hold."""


def later_commands() -> list[Command]:
    """What came later: a restore of the above as it was in a log that was further on, and more."""
    ahead = Store("dc1")
    for index, command in enumerate(COMMANDS, FIRST_INDEX + 1000):
        apply(ahead, index, command)
    return [
        *restore_commands(ahead, piece_bytes=1000),
        KVDeleteTree(prefix="bytes/"),
        CARootsSet(
            cluster_id="55555555-5555-4555-8555-555555555555",
            roots=[root("aa")],
            keys=[CAKeyMaterial(root_id="aa", private_key="no key", intermediate_key="none")],
            cas=ahead.ca.roots_index,
            lives=[RootLife(root_id="aa", given=True, signer_begins=1.5, signer_ends=2.5, rotated_out_at=3.5)],
            configuration=CAConfigurationSet(provider="consul", config={}, force_without_cross_signing=True),
        ),
        CASerialTake(root_id="aa", until=1_767_225_600.5),
        NodeUpdate(
            node=node("n3", meta={"k": "v"}),
            gone_services=["a"],
            gone_checks=["b"],
            services=[service("cache")],
            checks=[check("cache", service_id="cache")],
        ),
        CoordinatesSet(updates=[NodeCoordinate(node="n1", segment="", coord=PLACE)]),
        AutopilotSet(config=AutopilotConfiguration(max_trailing_logs=99)),
        KeyringSet(boxes={"0123456789abcdef": b"sealed"}, cas=0),
        *(config(kind, name, body) for kind, name, body in ENTRIES),
        unconfig("service-resolver", "gone"),
        KVSet(key="later", value=b"1"),
        SessionCreate(session=session(_ENDED, ttl="10s", checks=["serfHealth"], service_checks=["web"])),
        KVSet(key="locked", value=b"1", acquire=_ENDED, at_ms=1000),
        KVSet(key="barred", value=b"1", acquire=_ENDED, at_ms=1100),
        KVSet(key="locked", value=b"2", release=_ENDED, at_ms=1200),
        SessionDestroy(id=_ENDED, at_ms=1500),
        SessionCreate(session=session(_LIVING, name="holder")),
        KVSet(key="locked", value=b"3", acquire=_LIVING, at_ms=2000),
        Transaction(
            at_ms=2100,
            operations=[
                KeyOperation(verb="set", key="together", value=b"1", flags=7),
                NodeOperation(verb="set", node=node("n4")),
                ServiceOperation(verb="set", node="n4", service=service("pair")),
                CheckOperation(verb="set", check=check("pair", node="n4", service_id="pair")),
            ],
        ),
        PreparedQuerySet(query=prepared_query("bound", id=_ENDED, session=_LIVING)),
        PreparedQuerySet(query=template("geo-", id=_LIVING, service="${name.suffix}", tags=["a", "!b"])),
        PreparedQuerySet(query=prepared_query("gone")),
        PreparedQueryDelete(id=prepared_query("gone").id),
        AclPolicySet(policy=build_acl.policy("Ops", 'key_prefix "" { policy = "read" }', datacenters=("dc1",))),
        AclPolicySet(policy=build_acl.policy("gone")),
        AclPolicyDelete(id=build_acl.id_of("gone")),
        AclRoleSet(role=build_acl.role("Crew", "ops", services=(ServiceIdentity(service_name="web"),))),
        AclRoleSet(role=build_acl.role("gone")),
        AclRoleDelete(id=build_acl.id_of("gone")),
        AclBootstrap(token=build_acl.token("first", description="first")),
        AclTokenSet(token=build_acl.token("other", "ops", roles=("crew",), expires="2027-01-02T03:04:05.000006Z")),
        AclTokenSet(token=build_acl.token("gone", nodes=(NodeIdentity(node_name="n1", datacenter="dc1"),))),
        AclTokensDelete(accessor_ids=[build_acl.id_of("gone")]),
        AclAuthMethodSet(method=build_acl.auth_method("k8s", config={"Host": "https://192.0.2.9", "List": [1, None]})),
        AclBindingRuleSet(rule=build_acl.binding_rule("rule", "k8s", selector='value.a == "b"')),
        AclBindingRuleSet(rule=build_acl.binding_rule("gone", "k8s")),
        AclBindingRuleDelete(id=build_acl.id_of("gone")),
        AclAuthMethodSet(method=build_acl.auth_method("gone")),
        AclAuthMethodDelete(name="gone"),
        EventFire(event=event("aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", payload=b"\xff", service="web", tag="a.*")),
    ]


def filled() -> Store:
    """What clients are given today: the commands above, restored into a log that was not as far."""
    store = Store("dc1")
    for index, command in enumerate(later_commands(), FIRST_INDEX):
        apply(store, index, command)
    write = Proposal(b"0123456789abcdef", store.index, False, KVSet(key="once", value=b"1"))
    apply_proposal(store, store.index + 1, write)
    return store


def restoring() -> Store:
    """What servers keep for themselves besides: a restore that is under way."""
    store = filled()
    apply(store, store.index + 1, RestoreBegin(id="r", size=1000, pieces=2, sha256=bytes(32)))
    apply(store, store.index + 1, RestorePiece(id="r", number=0, data=b"\0\0\1"))
    return store
