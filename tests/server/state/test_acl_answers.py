"""Answers about access control, where nothing is there."""

from __future__ import annotations

import pytest

from lictor_core.acl import queries as acl
from lictor_core.acl.commands import AclPolicySet, AclTokenSet
from lictor_core.queries import Query
from lictor_server.state import Store, answer, apply
from tests.server.build_acl import id_of, policy, token


@pytest.mark.parametrize(
    "query",
    [
        acl.TokenQuery(accessor_id="x"),
        acl.TokenSelfQuery(secret_id="x"),
        acl.PolicyQuery(id="x"),
        acl.PolicyQuery(name="x"),
        acl.RoleQuery(id="x"),
        acl.AuthMethodQuery(name="x"),
        acl.BindingRuleQuery(id="x"),
    ],
)
def test_what_is_not_there_is_none(query: Query[object]) -> None:
    assert answer(Store("dc1"), query) is None


def test_a_bearer_finds_its_own_token_with_names() -> None:
    store = Store("dc1")
    apply(store, 5, AclPolicySet(policy=policy("Ops")))
    apply(store, 6, AclTokenSet(token=token("t", "ops", secret="s")))
    found = answer(store, acl.TokenSelfQuery(secret_id="s"))
    assert found is not None
    assert (found.accessor_id, [link.name for link in found.policies]) == (id_of("t"), ["Ops"])
    assert (found.create_index, found.modify_index) == (6, 6)
