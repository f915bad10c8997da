"""Policies and roles at the leader's desk; messages are those of Consul 1.8.7."""

from __future__ import annotations

import pytest

from lictor_core.acl.records import MANAGEMENT_ID, Link, NodeIdentity, ServiceIdentity
from lictor_core.acl.requests import AclOrder, PolicyDelete, PolicyWrite, RoleDelete, RoleWrite
from lictor_core.errors import AclRefusedError, BodyTooLargeError
from lictor_server.acl.bootstrap import management_policy
from tests.server.acl.desks import Desk, given_policy, given_role
from tests.server.build_acl import id_of

READ = 'key_prefix "" { policy = "read" }'
NAME_WORDS = "invalid Name. Only alphanumeric characters, '-' and '_' are allowed"


async def refused(desk: Desk, order: AclOrder) -> str:
    before = len(desk.proposed)
    with pytest.raises(AclRefusedError) as caught:
        await desk.order(order)
    assert len(desk.proposed) == before
    return str(caught.value)


async def test_a_policy_is_made_and_changed_under_its_id() -> None:
    desk = await Desk().begun()
    policy = await desk.policy("p", READ)
    given = given_policy("q", "", id=policy.id.upper(), description="x", datacenters=("dc7", "dc1"))
    changed = (await desk.order(PolicyWrite(policy=given, is_update=True))).policy
    assert changed is not None
    assert (changed.id, changed.name, changed.datacenters) == (policy.id, "q", ("dc7", "dc1"))
    assert (changed.create_index, changed.hash == policy.hash) == (policy.create_index, False)
    again = await desk.policy("p")
    assert again.id != policy.id, "the former name is free"


@pytest.mark.parametrize(
    ("name", "rules", "message"),
    [
        ("", "", "Invalid Policy: no Name is set"),
        ("a b", "", f"Invalid Policy: {NAME_WORDS}"),
        ("a" * 129, "", f"Invalid Policy: {NAME_WORDS}"),
        ("TAKEN", "", 'Invalid Policy: A Policy with Name "TAKEN" already exists'),
    ],
)
async def test_what_cannot_be_a_policy_is_refused(name: str, rules: str, message: str) -> None:
    desk = await Desk().begun()
    await desk.policy("taken")
    assert await refused(desk, PolicyWrite(policy=given_policy(name, rules), is_update=False)) == message


async def test_a_policy_that_cannot_be_read_is_refused() -> None:
    desk = await Desk().begun()
    found = await refused(desk, PolicyWrite(policy=given_policy("p", "bad"), is_update=False))
    assert found.startswith("Failed to parse ACL rules: ")
    found = await refused(desk, PolicyWrite(policy=given_policy("p", 'key "a" { policy = "x" }'), is_update=False))
    assert found.startswith("Invalid key policy: ")
    with pytest.raises(BodyTooLargeError):
        await desk.order(PolicyWrite(policy=given_policy("p", "#" * 600_000), is_update=False))


async def test_the_longest_name_is_taken() -> None:
    desk = await Desk().begun()
    assert (await desk.policy("a" * 128)).name == "a" * 128
    assert (await desk.role("a" * 256)).name == "a" * 256


async def test_a_policy_that_is_not_there_cannot_be_changed() -> None:
    desk = await Desk().begun()
    await desk.policy("taken")
    policy = await desk.policy("p")
    for id, name, message in (
        (id_of("x"), "x", f"cannot find policy {id_of('x')}"),
        ("zz", "x", "Policy ID invalid UUID"),
        (policy.id, "Taken", 'Invalid Policy: A policy with name "Taken" already exists'),
    ):
        assert await refused(desk, PolicyWrite(policy=given_policy(name, id=id), is_update=True)) == message


async def test_the_management_policy_keeps_its_rules_and_stays() -> None:
    desk = await Desk().begun()
    own = management_policy()
    for fields, message in (
        ({"rules": "x"}, "Changing the Rules for the builtin global-management policy is not permitted"),
        (
            {"rules": own.rules, "datacenters": ("dc1",)},
            "Changing the Datacenters of the builtin global-management policy is not permitted",
        ),
    ):
        rules = str(fields.pop("rules"))
        given = given_policy("x", rules, id=MANAGEMENT_ID, **fields)
        assert await refused(desk, PolicyWrite(policy=given, is_update=True)) == message
    renamed = given_policy("everything", own.rules, id=MANAGEMENT_ID)
    await desk.order(PolicyWrite(policy=renamed, is_update=True))
    message = "Delete operation not permitted on the builtin global-management policy"
    assert await refused(desk, PolicyDelete(id=MANAGEMENT_ID)) == message


async def test_what_is_not_there_is_deleted_without_an_error() -> None:
    desk = await Desk().begun()
    policy, role = await desk.policy("p"), await desk.role("r")
    for _ in range(2):
        await desk.order(PolicyDelete(id=policy.id))
        await desk.order(RoleDelete(id=role.id))
    assert desk.store.acl.policies.get(policy.id) is None
    assert desk.store.acl.roles.get(role.id) is None
    wrong = "index error: UUID must be 36 characters"
    assert await refused(desk, PolicyDelete(id="zz")) == f"failed acl policy lookup: {wrong}"
    assert await refused(desk, RoleDelete(id="zz")) == f"failed acl role lookup: {wrong}"


async def test_a_role_is_made_and_changed_with_its_links() -> None:
    desk = await Desk().begun()
    policy = await desk.policy("Ops")
    role = await desk.role("crew", "OPS")
    assert role.policies == (Link(id=policy.id, name="Ops"),)
    given = given_role(
        "r2", id=role.id, service_identities=(ServiceIdentity(service_name="web", datacenters=("dc1",)),)
    )
    changed = (await desk.order(RoleWrite(role=given, is_update=True))).role
    assert changed is not None
    assert (changed.name, changed.policies, changed.create_index) == ("r2", (), role.create_index)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "Invalid Role: no Name is set"),
        ({"name": "r 1"}, f"Invalid Role: {NAME_WORDS}"),
        ({"name": "a" * 257}, f"Invalid Role: {NAME_WORDS}"),
        ({"name": "TAKEN"}, 'Invalid Role: A Role with Name "TAKEN" already exists'),
        ({"policies": (Link(id="", name="nope"),)}, 'No such ACL policy with name "nope"'),
        ({"policies": (Link(id=id_of("x")),)}, f"No such policy with ID: {id_of('x')}"),
        (
            {"service_identities": (ServiceIdentity(service_name=""),)},
            "Service identity is missing the service name field on this role",
        ),
        (
            {"node_identities": (NodeIdentity(node_name="a", datacenter=""),)},
            "Node identity is missing the datacenter field on this role",
        ),
    ],
)
async def test_what_cannot_be_a_role_is_refused(fields: dict[str, object], message: str) -> None:
    desk = await Desk().begun()
    await desk.role("taken")
    given = given_role(**{"name": "r", **fields})  # type: ignore[arg-type]
    assert await refused(desk, RoleWrite(role=given, is_update=False)) == message


async def test_a_role_that_is_not_there_cannot_be_changed() -> None:
    desk = await Desk().begun()
    await desk.role("taken")
    role = await desk.role("r")
    for id, name, message in (
        (id_of("x"), "x", f"cannot find role {id_of('x')}"),
        ("zz", "x", "Role ID invalid UUID"),
        (role.id, "Taken", 'Invalid Role: A role with name "Taken" already exists'),
    ):
        assert await refused(desk, RoleWrite(role=given_role(name, id=id), is_update=True)) == message
