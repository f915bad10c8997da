"""Writing of access control: what the state itself must judge, so that it holds whatever else was on its way.

The leader judged everything before, by the state as it was then; here is what two writes together could break. Messages
are those of Consul 1.8.7.
"""

from __future__ import annotations

from collections.abc import Iterable

from lictor_core.acl.commands import (
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
)
from lictor_core.acl.records import Link, Token
from lictor_core.acl.times import ends_at
from lictor_core.commands import Rejection
from lictor_core.errors import AclRefusedError, PermissionDeniedError
from lictor_server.state.acl_tables import ACL_ROWS_MAX
from lictor_server.state.indexes import Change
from lictor_server.state.store import Store

__all__ = [
    "bootstrap",
    "drop_auth_method",
    "drop_binding_rule",
    "drop_policy",
    "drop_role",
    "drop_tokens",
    "set_auth_method",
    "set_binding_rule",
    "set_policy",
    "set_role",
    "set_token",
    "why_no_bootstrap",
]

Result = bool | int | Rejection


def why_no_bootstrap(store: Store, reset_index: int) -> str:
    """Why there is no bootstrap with this `reset_index`; empty when there may be one."""
    done = store.acl.bootstrap_index
    if done == 0 or reset_index == done:
        return ""
    return f"Permission denied: ACL bootstrap no longer allowed (reset index: {done})"


def bootstrap(store: Store, change: Change, command: AclBootstrap) -> Result:
    """The first token. It is `True` that it was done."""
    if refusal := why_no_bootstrap(store, command.reset_index):
        return Rejection(code=PermissionDeniedError.code, message=refusal)
    result = set_token(store, change, AclTokenSet(token=command.token))
    if result is True:
        store.acl.bootstrap_index = change.index
    return result


def set_token(store: Store, change: Change, command: AclTokenSet) -> Result:
    """Create or replace a token."""
    token, acl = command.token, store.acl
    old = acl.token(token.accessor_id)
    if command.is_update and old is None:
        return _refuse(f'Cannot find token "{token.accessor_id}"')
    if old is not None and not command.is_update:
        return _refuse("Invalid Token: AccessorID is already in use")
    if old is not None and old.secret_id != token.secret_id:
        return _refuse("Changing a tokens SecretID is not permitted")
    if old is None and acl.token_of_secret(token.secret_id) is not None:
        return _refuse("Invalid Token: SecretID is already in use")
    try:
        ends_at(token.expiration_time)
    except AclRefusedError as error:
        return _refuse(str(error))
    refusal = (
        _why_no_policies(store, token.policies, 'No such ACL policy with ID "{id}"')
        or _why_no_roles(store, token)
        or _why_no_method(store, token)
        or (_why_no_more(acl.token_count(), "tokens") if old is None else None)
    )
    if refusal is not None:
        return refusal
    acl.put_token(change, token)
    return True


def drop_tokens(store: Store, change: Change, command: AclTokensDelete) -> Result:
    """Delete tokens."""
    for accessor_id in command.accessor_ids:
        store.acl.drop_token(change, accessor_id)
    return True


def set_policy(store: Store, change: Change, command: AclPolicySet) -> Result:
    """Create or replace a policy."""
    policy, policies = command.policy, store.acl.policies
    old, holder = policies.get(policy.id), policies.named(policy.name)
    if command.is_update and old is None:
        return _refuse(f"cannot find policy {policy.id}")
    if old is not None and not command.is_update:
        return _refuse(f"there is a policy {policy.id} already: give this one a new id")
    if holder is not None and holder is not old:
        return _refuse(f'Invalid Policy: A Policy with Name "{policy.name}" already exists')
    if old is None and (refusal := _why_no_more(len(policies), "policies")) is not None:
        return refusal
    policies.put(change, policy)
    return True


def drop_policy(store: Store, change: Change, command: AclPolicyDelete) -> Result:
    """Delete a policy: who links to it shows that no more, and gains nothing by another one, which has another id."""
    store.acl.policies.drop(change, command.id)
    return True


def set_role(store: Store, change: Change, command: AclRoleSet) -> Result:
    """Create or replace a role."""
    role, roles = command.role, store.acl.roles
    old, holder = roles.get(role.id), roles.named(role.name)
    if command.is_update and old is None:
        return _refuse(f"cannot find role {role.id}")
    if old is not None and not command.is_update:
        return _refuse(f"there is a role {role.id} already: give this one a new id")
    if holder is not None and holder is not old:
        return _refuse(f'Invalid Role: A Role with Name "{role.name}" already exists')
    refusal = _why_no_policies(store, role.policies, "No such policy with ID: {id}")
    if refusal is None and old is None:
        refusal = _why_no_more(len(roles), "roles")
    if refusal is not None:
        return refusal
    roles.put(change, role)
    return True


def drop_role(store: Store, change: Change, command: AclRoleDelete) -> Result:
    """Delete a role."""
    store.acl.roles.drop(change, command.id)
    return True


def set_auth_method(store: Store, change: Change, command: AclAuthMethodSet) -> Result:
    """Create or replace an auth method."""
    old = store.acl.method(command.method.name)
    if old is not None and old.type != command.method.type:
        return _refuse("the Type field of an Auth Method is immutable")
    if old is None and (refusal := _why_no_more(len(store.acl.methods()), "auth methods")) is not None:
        return refusal
    store.acl.put_method(change, command.method)
    return True


def drop_auth_method(store: Store, change: Change, command: AclAuthMethodDelete) -> Result:
    """Delete an auth method with all that hangs on it."""
    store.acl.drop_method(change, command.name)
    return True


def set_binding_rule(store: Store, change: Change, command: AclBindingRuleSet) -> Result:
    """Create or replace a binding rule."""
    rule, acl = command.rule, store.acl
    old = acl.rule(rule.id)
    if command.is_update and old is None:
        return _refuse(f"cannot find binding rule {rule.id}")
    if old is not None and not command.is_update:
        return _refuse(f"there is a binding rule {rule.id} already: give this one a new id")
    if old is not None and old.auth_method.lower() != rule.auth_method.lower():
        return _refuse("the AuthMethod field of an Binding Rule is immutable")
    if acl.method(rule.auth_method) is None:
        return _refuse(f'cannot find auth method with name "{rule.auth_method}"')
    if old is None and (refusal := _why_no_more(len(acl.rules()), "binding rules")) is not None:
        return refusal
    acl.put_rule(change, rule)
    return True


def drop_binding_rule(store: Store, change: Change, command: AclBindingRuleDelete) -> Result:
    """Delete a binding rule."""
    store.acl.drop_rule(change, command.id)
    return True


def _why_no_policies(store: Store, links: Iterable[Link], message: str) -> Rejection | None:
    for link in links:
        if store.acl.policies.get(link.id) is None:
            return _refuse(message.format(id=link.id))
    return None


def _why_no_roles(store: Store, token: Token) -> Rejection | None:
    for link in token.roles:
        if store.acl.roles.get(link.id) is None:
            return _refuse(f'No such ACL role with ID "{link.id}"')
    return None


def _why_no_method(store: Store, token: Token) -> Rejection | None:
    """A login may be overtaken by the end of its auth method: its token would outlive that."""
    if token.auth_method and store.acl.method(token.auth_method) is None:
        return _refuse(f"No such auth method with Name: {token.auth_method}")
    return None


def _why_no_more(there_are: int, what: str) -> Rejection | None:
    if there_are < ACL_ROWS_MAX:
        return None
    return _refuse(f"there are {ACL_ROWS_MAX} {what}, and no more are kept: delete some first")


def _refuse(message: str) -> Rejection:
    return Rejection(code=AclRefusedError.code, message=message)
