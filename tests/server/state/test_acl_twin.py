"""The tables of access control against a dumb twin: plain lists, everything searched for anew."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

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
from lictor_core.acl.queries import AuthMethodsQuery, BindingRulesQuery, PoliciesQuery, RolesQuery, TokensQuery
from lictor_core.acl.records import AuthMethod, BindingRule, Link, Policy, Role, Token
from lictor_core.commands import Command
from lictor_server.state import Store, answer, apply
from lictor_server.state.snapshot import restore, take
from tests.server.state import strategies as any_of

FIRST = 3
Record = Token | Policy | Role | AuthMethod | BindingRule


def key_of(record: Record) -> str:
    match record:
        case Token():
            return record.accessor_id.lower()
        case AuthMethod():
            return record.name.lower()
        case _:
            return record.id.lower()


class Twin:
    """Carries out what the real state did not refuse."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def of(self, kind: type[Record]) -> list[Record]:
        return sorted((one for one in self.records if type(one) is kind), key=key_of)

    def put(self, index: int, record: Record) -> None:
        old = [one for one in self.records if type(one) is type(record) and key_of(one) == key_of(record)]
        self.records = [one for one in self.records if one not in old]
        created = old[0].create_index if old else index
        self.records.append(msgspec.structs.replace(record, create_index=created, modify_index=index))

    def drop(self, kind: type[Record], key: str) -> None:
        self.records = [one for one in self.records if type(one) is not kind or key_of(one) != key.lower()]

    def apply(self, index: int, command: Command) -> None:
        match command:
            case AclTokenSet() | AclBootstrap():
                self.put(index, command.token)
            case AclTokensDelete():
                for accessor_id in command.accessor_ids:
                    self.drop(Token, accessor_id)
            case AclPolicySet():
                self.put(index, command.policy)
            case AclPolicyDelete():
                self.drop(Policy, command.id)
            case AclRoleSet():
                self.put(index, command.role)
            case AclRoleDelete():
                self.drop(Role, command.id)
            case AclAuthMethodSet():
                self.put(index, command.method)
            case AclAuthMethodDelete():
                self.drop(AuthMethod, command.name)
                self.records = [one for one in self.records if not _hangs_on(one, command.name)]
            case AclBindingRuleSet():
                self.put(index, command.rule)
            case AclBindingRuleDelete():
                self.drop(BindingRule, command.id)
            case _:
                raise AssertionError(command)

    def shown(self, links: tuple[Link, ...], kind: type[Policy] | type[Role]) -> tuple[Link, ...]:
        rows = [one for one in self.records if isinstance(one, kind)]
        return tuple(Link(id=one.id, name=one.name) for link in links for one in rows if one.id == link.id)

    def tokens(self) -> list[Record]:
        return [
            msgspec.structs.replace(one, policies=self.shown(one.policies, Policy), roles=self.shown(one.roles, Role))
            for one in self.of(Token)
            if isinstance(one, Token)
        ]

    def roles(self) -> list[Record]:
        return [
            msgspec.structs.replace(one, policies=self.shown(one.policies, Policy))
            for one in self.of(Role)
            if isinstance(one, Role)
        ]


def _hangs_on(record: Record, method: str) -> bool:
    return isinstance(record, Token | BindingRule) and record.auth_method.lower() == method.lower()


@given(st.lists(any_of.acl_commands, max_size=40), st.booleans())
@settings(deadline=None)
def test_access_control_is_kept_as_its_twin_keeps_it(log: list[Command], is_restored: bool) -> None:
    store, twin = Store("dc1"), Twin()
    for index, command in enumerate(log, FIRST):
        outcome, _ = apply(store, index, command)
        if outcome.rejection is None:
            twin.apply(index, command)
    if is_restored:
        store = restore(take(store))
    assert answer(store, TokensQuery()) == twin.tokens()
    assert answer(store, RolesQuery()) == twin.roles()
    assert answer(store, PoliciesQuery()) == twin.of(Policy)
    assert answer(store, AuthMethodsQuery()) == twin.of(AuthMethod)
    assert answer(store, BindingRulesQuery()) == twin.of(BindingRule)
    tokens = [one for one in twin.of(Token) if isinstance(one, Token)]
    assert len({one.secret_id for one in tokens}) == len(tokens), "a secret is of one token"
    for one in tokens:
        assert store.acl.token_of_secret(one.secret_id) == one
    for rows in (twin.of(Policy), twin.of(Role)):
        names = [one.name.lower() for one in rows if isinstance(one, Policy | Role)]
        assert len(set(names)) == len(names), "a name is of one record"
    for policy in twin.of(Policy):
        assert isinstance(policy, Policy)
        assert store.acl.policies.named(policy.name.swapcase()) == policy
    methods = {key_of(one) for one in twin.of(AuthMethod)}
    assert {one.auth_method.lower() for one in tokens if one.auth_method} <= methods
