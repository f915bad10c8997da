"""What a token comes to in a datacenter, and where each part of it is from."""

from __future__ import annotations

import msgspec
import pytest

from lictor_core.acl.commands import AclPolicySet, AclRoleDelete, AclRoleSet
from lictor_core.acl.records import MANAGEMENT_ID, NodeIdentity, ServiceIdentity, Token
from lictor_core.acl.rules import Resource
from lictor_core.commands import Command
from lictor_core.errors import PermissionDeniedError
from lictor_server.acl.granting import granted
from lictor_server.state import Store, apply
from tests.server.build_acl import id_of, policy, role, token

READ_KEYS = 'key_prefix "" { policy = "read" }'


def filled(*commands: Command) -> Store:
    store = Store("dc1")
    for index, command in enumerate(commands, 10):
        assert apply(store, index, command)[0].rejection is None
    return store


def names(store: Store, one: Token) -> list[str]:
    return [each.name for each in granted(store.acl, one, "dc1")]


def test_policies_come_before_identities_and_roles_each_once_and_say_by_which_role() -> None:
    store = filled(
        AclPolicySet(policy=policy("a", READ_KEYS)),
        AclPolicySet(policy=policy("b")),
        AclRoleSet(role=role("Crew", "a", "b", services=(ServiceIdentity(service_name="db"),))),
        AclRoleSet(role=role("other", "b")),
    )
    one = token("t", "a", roles=("crew", "other"), services=(ServiceIdentity(service_name="web"),))
    assert names(store, one) == [
        "a",
        "identity of service web",
        "b by role Crew",
        "identity of service db by role Crew",
    ]


def test_what_is_gone_grants_nothing() -> None:
    store = filled(AclRoleSet(role=role("r")), AclRoleDelete(id=id_of("r")))
    assert names(store, token("t", "gone", roles=("r",))) == []


def test_policies_and_identities_count_in_their_datacenters_alone() -> None:
    store = filled(
        AclPolicySet(policy=policy("here", datacenters=("dc2", "dc1"))),
        AclPolicySet(policy=policy("there", datacenters=("dc2",))),
    )
    one = token(
        "t",
        "here",
        "there",
        services=(
            ServiceIdentity(service_name="web", datacenters=("dc1",)),
            ServiceIdentity(service_name="far", datacenters=("dc2",)),
        ),
        nodes=(NodeIdentity(node_name="n1", datacenter="dc1"), NodeIdentity(node_name="n2", datacenter="dc2")),
    )
    assert names(store, one) == ["here", "identity of service web", "identity of node n1"]


def test_the_management_policy_grants_everything_whatever_its_text() -> None:
    store = filled(AclPolicySet(policy=policy("global-management", id=MANAGEMENT_ID)))
    one = msgspec.structs.replace(
        token("t"), policies=(msgspec.structs.replace(token("t", "x").policies[0], id=MANAGEMENT_ID),)
    )
    assert [each.is_management for each in granted(store.acl, one, "dc1")] == [True]


def test_a_policy_that_cannot_be_read_denies_all() -> None:
    store = filled(AclPolicySet(policy=policy("odd", 'key "a" { policy = "some" }')))
    with pytest.raises(PermissionDeniedError, match="policy 'odd' cannot be read"):
        granted(store.acl, token("t", "odd"), "dc1")


def test_rules_of_the_older_api_count_with_every_name_a_prefix() -> None:
    one = msgspec.structs.replace(token("t"), legacy=True, type="client", rules='key "a" { policy = "write" }')
    (found,) = granted(Store("dc1").acl, one, "dc1")
    assert [(rule.resource, rule.name, rule.is_prefix) for rule in found.rules] == [(Resource.KEY, "a", True)]
    management = msgspec.structs.replace(one, type="management", rules="")
    assert granted(Store("dc1").acl, management, "dc1")[0].is_management
