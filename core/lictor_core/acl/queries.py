"""What can be asked about access control. Secrets are hidden from who may only read."""

from __future__ import annotations

import msgspec

from lictor_core import topics as on
from lictor_core.acl.records import AuthMethod, BindingRule, Policy, Role, Token
from lictor_core.hiding import shown_without
from lictor_core.query import Query
from lictor_core.topics import Topic

__all__ = [
    "AclBootstrapQuery",
    "AclBootstrapState",
    "AuthMethodQuery",
    "AuthMethodsQuery",
    "BindingRuleQuery",
    "BindingRulesQuery",
    "PoliciesQuery",
    "PolicyQuery",
    "RoleQuery",
    "RolesQuery",
    "TokenQuery",
    "TokenSelfQuery",
    "TokensQuery",
]


class AclBootstrapState(msgspec.Struct, frozen=True, kw_only=True):
    """`reset_index` is what the reset file must say for another bootstrap; 0 while it was never done."""

    is_done: bool
    reset_index: int


class TokensQuery(Query[list[Token]], frozen=True, kw_only=True, tag="Tokens"):
    """Tokens by accessor: all, or those that link to this policy, this role, or come of this auth method."""

    policy: str = ""
    role: str = ""
    auth_method: str = ""

    def topics(self) -> tuple[Topic, ...]:
        return (on.ACL_TOKENS, on.ACL_POLICIES, on.ACL_ROLES)


class TokenQuery(Query[Token | None], frozen=True, kw_only=True, tag="Token"):
    """One token by accessor."""

    accessor_id: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.ACL_TOKENS, on.ACL_POLICIES, on.ACL_ROLES)


class TokenSelfQuery(Query[Token | None], frozen=True, kw_only=True, tag="TokenSelf"):
    """The token of this secret, asked by its bearer."""

    secret_id: str

    def __repr__(self) -> str:
        return shown_without(self, "secret_id")

    def topics(self) -> tuple[Topic, ...]:
        return (on.ACL_TOKENS, on.ACL_POLICIES, on.ACL_ROLES)


class PoliciesQuery(Query[list[Policy]], frozen=True, kw_only=True, tag="Policies"):
    """All policies, by id."""

    def topics(self) -> tuple[Topic, ...]:
        return (on.ACL_POLICIES,)


class PolicyQuery(Query[Policy | None], frozen=True, kw_only=True, tag="Policy"):
    """One policy, by id or by name (the one that is not empty)."""

    id: str = ""
    name: str = ""

    def topics(self) -> tuple[Topic, ...]:
        return (on.ACL_POLICIES,)


class RolesQuery(Query[list[Role]], frozen=True, kw_only=True, tag="Roles"):
    """All roles by id, or those that link to this policy."""

    policy: str = ""

    def topics(self) -> tuple[Topic, ...]:
        return (on.ACL_ROLES, on.ACL_POLICIES)


class RoleQuery(Query[Role | None], frozen=True, kw_only=True, tag="Role"):
    """One role, by id or by name."""

    id: str = ""
    name: str = ""

    def topics(self) -> tuple[Topic, ...]:
        return (on.ACL_ROLES, on.ACL_POLICIES)


class AuthMethodsQuery(Query[list[AuthMethod]], frozen=True, kw_only=True, tag="AuthMethods"):
    """All auth methods, by name."""

    def topics(self) -> tuple[Topic, ...]:
        return (on.ACL_AUTH_METHODS,)


class AuthMethodQuery(Query[AuthMethod | None], frozen=True, kw_only=True, tag="AuthMethod"):
    """One auth method."""

    name: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.ACL_AUTH_METHODS,)


class BindingRulesQuery(Query[list[BindingRule]], frozen=True, kw_only=True, tag="BindingRules"):
    """All binding rules by id, or those of an auth method."""

    auth_method: str = ""

    def topics(self) -> tuple[Topic, ...]:
        return (on.ACL_BINDING_RULES,)


class BindingRuleQuery(Query[BindingRule | None], frozen=True, kw_only=True, tag="BindingRule"):
    """One binding rule."""

    id: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.ACL_BINDING_RULES,)


class AclBootstrapQuery(Query[AclBootstrapState], frozen=True, kw_only=True, tag="AclBootstrap"):
    """Whether the cluster can still be bootstrapped."""

    def topics(self) -> tuple[Topic, ...]:
        return (on.ACL_TOKENS,)
