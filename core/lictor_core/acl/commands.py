"""The commands of access control. The leader makes them of what clients ask (`requests`): no client sends one itself.

A record comes as it is to be kept: ids, secrets, times and hashes were settled by the leader. Its links hold ids alone,
and its indexes are given by the state.
"""

from __future__ import annotations

from lictor_core.acl.records import AuthMethod, BindingRule, Policy, Role, Token
from lictor_core.command import CommandBase

__all__ = [
    "AclAuthMethodDelete",
    "AclAuthMethodSet",
    "AclBindingRuleDelete",
    "AclBindingRuleSet",
    "AclBootstrap",
    "AclPolicyDelete",
    "AclPolicySet",
    "AclRoleDelete",
    "AclRoleSet",
    "AclTokenSet",
    "AclTokensDelete",
]


class AclBootstrap(CommandBase, frozen=True, kw_only=True, tag="AclBootstrap"):
    """The first token that may do everything, once. `reset_index` of the former one, if it is right, allows another."""

    token: Token
    reset_index: int = 0


class AclTokenSet(CommandBase, frozen=True, kw_only=True, tag="AclTokenSet"):
    """Create a token under its accessor, or with `is_update` replace the one that has it. Secrets are unique."""

    token: Token
    is_update: bool = False


class AclTokensDelete(CommandBase, frozen=True, kw_only=True, tag="AclTokensDelete"):
    """Delete tokens by accessor; one that is gone already is no error."""

    accessor_ids: list[str]


class AclPolicySet(CommandBase, frozen=True, kw_only=True, tag="AclPolicySet"):
    """Create a policy under its id, or with `is_update` replace the one that has it. Names are unique in any case."""

    policy: Policy
    is_update: bool = False


class AclPolicyDelete(CommandBase, frozen=True, kw_only=True, tag="AclPolicyDelete"):
    """Delete a policy by id, and so take it from all that link to it."""

    id: str


class AclRoleSet(CommandBase, frozen=True, kw_only=True, tag="AclRoleSet"):
    """Create a role under its id, or with `is_update` replace the one that has it. Names are unique in any case."""

    role: Role
    is_update: bool = False


class AclRoleDelete(CommandBase, frozen=True, kw_only=True, tag="AclRoleDelete"):
    """Delete a role by id, and so take it from all that link to it."""

    id: str


class AclAuthMethodSet(CommandBase, frozen=True, kw_only=True, tag="AclAuthMethodSet"):
    """Create an auth method, or replace the one of that name; case does not count, and the type stays what it is."""

    method: AuthMethod


class AclAuthMethodDelete(CommandBase, frozen=True, kw_only=True, tag="AclAuthMethodDelete"):
    """Delete an auth method with its binding rules and the tokens that came of it."""

    name: str


class AclBindingRuleSet(CommandBase, frozen=True, kw_only=True, tag="AclBindingRuleSet"):
    """Create a binding rule under its id, or with `is_update` replace the one that has it."""

    rule: BindingRule
    is_update: bool = False


class AclBindingRuleDelete(CommandBase, frozen=True, kw_only=True, tag="AclBindingRuleDelete"):
    """Delete a binding rule by id."""

    id: str
