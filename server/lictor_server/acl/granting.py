"""What a token comes to: all that its policies, roles and identities grant in this datacenter. Pure.

What comes by a role says so in its name, so that whoever explains a judgement can tell where a rule is from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from lictor_core.acl.granted import GrantedPolicy
from lictor_core.acl.identities import node_identity_policy, service_identity_policy
from lictor_core.acl.records import MANAGEMENT_ID, Link, NodeIdentity, Policy, ServiceIdentity, Token
from lictor_core.errors import PermissionDeniedError, RequestError
from lictor_server.acl.texts import legacy_rules, policy_rules
from lictor_server.state.acl_tables import AclTables

__all__ = ["LEGACY_MANAGEMENT", "granted"]

LEGACY_MANAGEMENT = "management"
"""The type of a token of the older API that may do everything."""


def granted(acl: AclTables, token: Token, datacenter: str) -> tuple[GrantedPolicy, ...]:
    """All that counts of `token` in `datacenter`, each policy once, the token's own first.

    Raises `PermissionDeniedError` for a policy that cannot be read: without it others might grant what it denies.
    """
    found: dict[str, GrantedPolicy] = {}
    for key, one in _all(acl, token, datacenter):
        found.setdefault(key, one)
    return tuple(found.values())


def _all(acl: AclTables, token: Token, datacenter: str) -> Iterator[tuple[str, GrantedPolicy]]:
    yield from _of_policies(acl, token.policies, datacenter)
    yield from _of_identities(token.service_identities, token.node_identities, datacenter)
    if token.legacy:
        yield "legacy", _legacy(token)
    for link in token.roles:
        role = acl.roles.get(link.id)
        if role is None:
            continue
        by_role = (
            *_of_policies(acl, role.policies, datacenter),
            *_of_identities(role.service_identities, role.node_identities, datacenter),
        )
        for key, one in by_role:
            yield key, msgspec.structs.replace(one, name=f"{one.name} by role {role.name}")


def _of_policies(acl: AclTables, links: Iterable[Link], datacenter: str) -> Iterator[tuple[str, GrantedPolicy]]:
    for link in links:
        policy = acl.policies.get(link.id)
        if policy is not None and (not policy.datacenters or datacenter in policy.datacenters):
            yield f"policy {policy.id.lower()}", _of_policy(policy)


def _of_policy(policy: Policy) -> GrantedPolicy:
    if policy.id == MANAGEMENT_ID:
        return GrantedPolicy(name=policy.name, is_management=True)
    try:
        return GrantedPolicy(name=policy.name, rules=policy_rules(policy.rules))
    except RequestError as error:
        raise PermissionDeniedError(f"Permission denied: policy {policy.name!r} cannot be read: {error}") from error


def _of_identities(
    services: Iterable[ServiceIdentity], nodes: Iterable[NodeIdentity], datacenter: str
) -> Iterator[tuple[str, GrantedPolicy]]:
    for service in services:
        if not service.datacenters or datacenter in service.datacenters:
            yield f"service {service.service_name}", service_identity_policy(service)
    for node in nodes:
        if node.datacenter == datacenter:
            yield f"node {node.node_name}", node_identity_policy(node)


def _legacy(token: Token) -> GrantedPolicy:
    if token.type == LEGACY_MANAGEMENT:
        return GrantedPolicy(name="legacy management", is_management=True)
    try:
        return GrantedPolicy(name="legacy rules", rules=legacy_rules(token.rules))
    except RequestError as error:
        raise PermissionDeniedError(
            f"Permission denied: the rules of token {token.accessor_id} cannot be read: {error}"
        ) from error
