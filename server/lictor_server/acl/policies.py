"""Policies and roles: made, changed, deleted. Rules and messages are those of Consul 1.8.7."""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_core.acl.commands import AclPolicyDelete, AclPolicySet, AclRoleDelete, AclRoleSet
from lictor_core.acl.records import MANAGEMENT_ID, Link, Policy, Role
from lictor_core.acl.requests import AclAnswer, PolicyDelete, PolicyWrite, RoleDelete, RoleWrite
from lictor_core.errors import AclRefusedError, BodyTooLargeError, RequestError
from lictor_server.acl.hashes import hash_of_policy, hash_of_role
from lictor_server.acl.means import Means
from lictor_server.acl.names import (
    LINKS_MAX,
    checked_name,
    is_uuid,
    known_policies,
    node_identities,
    service_identities,
    why_no_lookup,
)
from lictor_server.acl.texts import policy_rules
from lictor_server.state.acl_answers import shown_role

__all__ = ["PolicyDesk"]

_POLICY_NAME_MAX: Final = 128
_ROLE_NAME_MAX: Final = 256


class PolicyDesk:
    """What the leader does about policies and roles. Who may ask was settled before."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def write_policy(self, order: PolicyWrite) -> AclAnswer:
        """Create or replace a policy."""
        given, means = order.policy, self._means
        policies = means.acl.policies
        if order.is_update and not is_uuid(given.id):
            raise AclRefusedError("Policy ID invalid UUID")
        checked_name(given.name, "Invalid Policy", _POLICY_NAME_MAX)
        holder = policies.named(given.name)
        if order.is_update:
            old = policies.get(given.id)
            if old is None:
                raise AclRefusedError(f"cannot find policy {given.id}")
            if holder is not None and holder is not old:
                raise AclRefusedError(f'Invalid Policy: A policy with name "{given.name}" already exists')
            _check_management(old, given)
            given = msgspec.structs.replace(given, id=old.id)
        elif holder is not None:
            raise AclRefusedError(f'Invalid Policy: A Policy with Name "{given.name}" already exists')
        else:
            given = msgspec.structs.replace(given, id=means.new_id(lambda id: policies.get(id) is not None))
        if given.id != MANAGEMENT_ID:
            _check_rules(given.rules)
        if len(given.datacenters) > LINKS_MAX:
            raise AclRefusedError(f"Invalid Policy: {len(given.datacenters)} datacenters are over {LINKS_MAX}")
        policy = msgspec.structs.replace(given, hash=hash_of_policy(given))
        await means.propose(AclPolicySet(policy=policy, is_update=order.is_update))
        means.log.info("acl.policy.written", policy=policy.name, id=policy.id, is_new=not order.is_update)
        return AclAnswer(policy=policies.get(policy.id) or policy)

    async def delete_policy(self, order: PolicyDelete) -> AclAnswer:
        """Delete a policy; one that is not there is no error."""
        if flaw := why_no_lookup(order.id, "policy"):
            raise AclRefusedError(flaw)
        if order.id == MANAGEMENT_ID:
            raise AclRefusedError("Delete operation not permitted on the builtin global-management policy")
        policy = self._means.acl.policies.get(order.id)
        if policy is not None:
            await self._means.propose(AclPolicyDelete(id=policy.id))
            self._means.log.info("acl.policy.deleted", policy=policy.name, id=policy.id)
        return AclAnswer()

    async def write_role(self, order: RoleWrite) -> AclAnswer:
        """Create or replace a role."""
        given, means = order.role, self._means
        roles = means.acl.roles
        if order.is_update and not is_uuid(given.id):
            raise AclRefusedError("Role ID invalid UUID")
        checked_name(given.name, "Invalid Role", _ROLE_NAME_MAX)
        holder = roles.named(given.name)
        if order.is_update:
            old = roles.get(given.id)
            if old is None:
                raise AclRefusedError(f"cannot find role {given.id}")
            if holder is not None and holder is not old:
                raise AclRefusedError(f'Invalid Role: A role with name "{given.name}" already exists')
            given = msgspec.structs.replace(given, id=old.id)
        elif holder is not None:
            raise AclRefusedError(f'Invalid Role: A Role with Name "{given.name}" already exists')
        else:
            given = msgspec.structs.replace(given, id=means.new_id(lambda id: roles.get(id) is not None))
        role = self._linked(given)
        await means.propose(AclRoleSet(role=role, is_update=order.is_update))
        means.log.info("acl.role.written", role=role.name, id=role.id, is_new=not order.is_update)
        return AclAnswer(role=shown_role(means.acl, roles.get(role.id) or role))

    async def delete_role(self, order: RoleDelete) -> AclAnswer:
        """Delete a role; one that is not there is no error."""
        if flaw := why_no_lookup(order.id, "role"):
            raise AclRefusedError(flaw)
        role = self._means.acl.roles.get(order.id)
        if role is not None:
            await self._means.propose(AclRoleDelete(id=role.id))
            self._means.log.info("acl.role.deleted", role=role.name, id=role.id)
        return AclAnswer()

    def _linked(self, given: Role) -> Role:
        for link in given.policies:
            if is_uuid(link.id) and self._means.acl.policies.get(link.id) is None:
                raise AclRefusedError(f"No such policy with ID: {link.id}")
        links: tuple[Link, ...] = known_policies(self._means.acl, given.policies)
        role = msgspec.structs.replace(
            given,
            policies=links,
            service_identities=service_identities(given.service_identities, "role", local=False),
            node_identities=node_identities(given.node_identities, "role"),
        )
        return msgspec.structs.replace(role, hash=hash_of_role(role))


def _check_rules(text: str) -> None:
    """Raise `AclRefusedError` for what no token could be judged by."""
    try:
        policy_rules(text)
    except BodyTooLargeError:
        raise
    except RequestError as error:
        raise AclRefusedError(str(error)) from error


def _check_management(old: Policy, given: Policy) -> None:
    if old.id != MANAGEMENT_ID:
        return
    for what, is_same in (("Rules", given.rules == old.rules), ("Datacenters", given.datacenters == old.datacenters)):
        if not is_same:
            noun = f"Changing the {what} for" if what == "Rules" else f"Changing the {what} of"
            raise AclRefusedError(f"{noun} the builtin global-management policy is not permitted")
