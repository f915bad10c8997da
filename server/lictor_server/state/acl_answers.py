"""Answers about access control. Links show the names as they are now; those of what is gone are not shown."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from lictor_core.acl.queries import (
    AclBootstrapQuery,
    AclBootstrapState,
    AuthMethodQuery,
    AuthMethodsQuery,
    BindingRuleQuery,
    BindingRulesQuery,
    PoliciesQuery,
    PolicyQuery,
    RoleQuery,
    RolesQuery,
    TokenQuery,
    TokenSelfQuery,
    TokensQuery,
)
from lictor_core.acl.records import AuthMethod, BindingRule, Link, Policy, Role, Token
from lictor_server.state.acl_tables import AclTables, N, NamedTable
from lictor_server.state.store import Store

__all__ = [
    "acl_bootstrap",
    "auth_method",
    "auth_methods",
    "binding_rule",
    "binding_rules",
    "policies",
    "policy",
    "role",
    "roles",
    "shown_role",
    "shown_token",
    "token",
    "token_self",
    "tokens",
]


def shown_token(acl: AclTables, token: Token) -> Token:
    """A token with the names of what it links to."""
    if not token.policies and not token.roles:
        return token
    return msgspec.structs.replace(
        token, policies=_shown(acl.policies, token.policies), roles=_shown(acl.roles, token.roles)
    )


def shown_role(acl: AclTables, role: Role) -> Role:
    """A role with the names of what it links to."""
    return msgspec.structs.replace(role, policies=_shown(acl.policies, role.policies)) if role.policies else role


def _shown(table: NamedTable[N], links: Iterable[Link]) -> tuple[Link, ...]:
    found = (table.get(link.id) for link in links)
    return tuple(Link(id=one.id, name=one.name) for one in found if one is not None)


def _links_to(links: Iterable[Link], id: str) -> bool:
    return any(link.id.lower() == id.lower() for link in links)


def tokens(store: Store, query: TokensQuery) -> list[Token]:
    """All tokens, or some."""
    found = store.acl.tokens()
    if not (query.policy or query.role or query.auth_method):
        return [shown_token(store.acl, one) for one in found]
    return [
        shown_token(store.acl, one)
        for one in found
        if (not query.policy or _links_to(one.policies, query.policy))
        and (not query.role or _links_to(one.roles, query.role))
        and (not query.auth_method or one.auth_method.lower() == query.auth_method.lower())
    ]


def token(store: Store, query: TokenQuery) -> Token | None:
    """One token."""
    return _shown_if_any(store, store.acl.token(query.accessor_id))


def token_self(store: Store, query: TokenSelfQuery) -> Token | None:
    """The token of a secret."""
    return _shown_if_any(store, store.acl.token_of_secret(query.secret_id))


def _shown_if_any(store: Store, found: Token | None) -> Token | None:
    return None if found is None else shown_token(store.acl, found)


def policies(store: Store, _query: PoliciesQuery) -> list[Policy]:
    """All policies."""
    return store.acl.policies.all()


def policy(store: Store, query: PolicyQuery) -> Policy | None:
    """One policy."""
    return store.acl.policies.get(query.id) if query.id else store.acl.policies.named(query.name)


def roles(store: Store, query: RolesQuery) -> list[Role]:
    """All roles, or some."""
    found = store.acl.roles.all()
    return [shown_role(store.acl, one) for one in found if not query.policy or _links_to(one.policies, query.policy)]


def role(store: Store, query: RoleQuery) -> Role | None:
    """One role."""
    found = store.acl.roles.get(query.id) if query.id else store.acl.roles.named(query.name)
    return None if found is None else shown_role(store.acl, found)


def auth_methods(store: Store, _query: AuthMethodsQuery) -> list[AuthMethod]:
    """All auth methods."""
    return store.acl.methods()


def auth_method(store: Store, query: AuthMethodQuery) -> AuthMethod | None:
    """One auth method."""
    return store.acl.method(query.name)


def binding_rules(store: Store, query: BindingRulesQuery) -> list[BindingRule]:
    """All binding rules, or some."""
    return store.acl.rules(query.auth_method)


def binding_rule(store: Store, query: BindingRuleQuery) -> BindingRule | None:
    """One binding rule."""
    return store.acl.rule(query.id)


def acl_bootstrap(store: Store, _query: AclBootstrapQuery) -> AclBootstrapState:
    """Whether it was done."""
    index = store.acl.bootstrap_index
    return AclBootstrapState(is_done=index > 0, reset_index=index)
