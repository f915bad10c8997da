"""What the state itself refuses of access control, and what goes with what."""

from __future__ import annotations

import pytest

from lictor_core.acl.commands import (
    AclAuthMethodDelete,
    AclAuthMethodSet,
    AclBindingRuleSet,
    AclBootstrap,
    AclPolicyDelete,
    AclPolicySet,
    AclRoleDelete,
    AclRoleSet,
    AclTokensDelete,
    AclTokenSet,
)
from lictor_core.acl.queries import AclBootstrapQuery, BindingRulesQuery, RolesQuery, TokenQuery, TokensQuery
from lictor_core.commands import Command, Rejection
from lictor_core.errors import AclRefusedError, PermissionDeniedError
from lictor_server.state import Store, answer, apply
from tests.server.build_acl import auth_method, binding_rule, id_of, policy, role, token


def filled(*commands: Command) -> Store:
    store = Store("dc1")
    for index, command in enumerate(commands, 10):
        outcome, _ = apply(store, index, command)
        assert outcome.rejection is None
    return store


def refusal(store: Store, command: Command) -> Rejection:
    outcome, change = apply(store, store.index + 1, command)
    assert outcome.rejection is not None
    assert not change
    return outcome.rejection


def test_names_of_policies_are_unique_whatever_their_case() -> None:
    store = filled(AclPolicySet(policy=policy("Ops")))
    found = refusal(store, AclPolicySet(policy=policy("oPS", id=id_of("another"))))
    assert found == Rejection(
        code=AclRefusedError.code, message='Invalid Policy: A Policy with Name "oPS" already exists'
    )


def test_a_policy_can_change_the_case_of_its_own_name_and_frees_the_former_one() -> None:
    store = filled(
        AclPolicySet(policy=policy("Ops")),
        AclPolicySet(policy=policy("oPS"), is_update=True),
        AclPolicySet(policy=policy("other", id=id_of("ops")), is_update=True),
        AclPolicySet(policy=policy("OPS", id=id_of("new"))),
    )
    assert {one.name for one in store.acl.policies.all()} == {"OPS", "other"}
    assert store.acl.policies.named("Other") == store.acl.policies.get(id_of("ops"))


def test_names_of_roles_are_unique_whatever_their_case() -> None:
    store = filled(AclRoleSet(role=role("Ops")))
    found = refusal(store, AclRoleSet(role=role("oPS", id=id_of("another"))))
    assert found.message == 'Invalid Role: A Role with Name "oPS" already exists'


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (AclTokenSet(token=token("t")), "Invalid Token: AccessorID is already in use"),
        (AclTokenSet(token=token("u", secret="s")), "Invalid Token: SecretID is already in use"),
        (AclTokenSet(token=token("u"), is_update=True), f'Cannot find token "{id_of("u")}"'),
        (AclTokenSet(token=token("t", secret="x"), is_update=True), "Changing a tokens SecretID is not permitted"),
        (AclTokenSet(token=token("u", "none")), f'No such ACL policy with ID "{id_of("none")}"'),
        (AclTokenSet(token=token("u", roles=("none",))), f'No such ACL role with ID "{id_of("none")}"'),
        (AclTokenSet(token=token("u", method="none")), "No such auth method with Name: none"),
        (AclTokenSet(token=token("u", expires="soon")), "'soon' is no time: write it as in 2026-01-02T15:04:05Z"),
        (AclPolicySet(policy=policy("x"), is_update=True), f"cannot find policy {id_of('x')}"),
        (AclRoleSet(role=role("x"), is_update=True), f"cannot find role {id_of('x')}"),
        (AclRoleSet(role=role("x", "none")), f"No such policy with ID: {id_of('none')}"),
        (AclAuthMethodSet(method=auth_method("M", type="x")), "the Type field of an Auth Method is immutable"),
        (AclBindingRuleSet(rule=binding_rule("x", "none")), 'cannot find auth method with name "none"'),
        (AclBindingRuleSet(rule=binding_rule("x", "m"), is_update=True), f"cannot find binding rule {id_of('x')}"),
        (
            AclBindingRuleSet(rule=binding_rule("r", "n"), is_update=True),
            "the AuthMethod field of an Binding Rule is immutable",
        ),
    ],
)
def test_what_does_not_hold_together_is_refused(command: Command, message: str) -> None:
    store = filled(
        AclTokenSet(token=token("t", secret="s")),
        AclAuthMethodSet(method=auth_method("m")),
        AclAuthMethodSet(method=auth_method("n")),
        AclBindingRuleSet(rule=binding_rule("r", "m")),
    )
    assert refusal(store, command) == Rejection(code=AclRefusedError.code, message=message)


def test_a_deleted_policy_is_taken_out_of_tokens_and_roles() -> None:
    store = filled(
        AclPolicySet(policy=policy("a")),
        AclPolicySet(policy=policy("b")),
        AclRoleSet(role=role("r", "a", "b")),
        AclTokenSet(token=token("t", "a", "b", roles=("r",))),
        AclPolicyDelete(id=id_of("a")),
    )
    shown = answer(store, TokenQuery(accessor_id=id_of("t")))
    assert shown is not None
    assert [link.name for link in shown.policies] == ["b"]
    assert [[link.name for link in one.policies] for one in answer(store, RolesQuery())] == [["b"]]
    apply(store, 90, AclRoleDelete(id=id_of("r")))
    shown = answer(store, TokenQuery(accessor_id=id_of("t")))
    assert shown is not None
    assert shown.roles == ()


def test_links_show_the_name_as_it_is_now() -> None:
    store = filled(
        AclPolicySet(policy=policy("a")),
        AclTokenSet(token=token("t", "a")),
        AclPolicySet(policy=policy("renamed", id=id_of("a")), is_update=True),
    )
    assert [one.policies[0].name for one in answer(store, TokensQuery())] == ["renamed"]


def test_tokens_are_listed_by_what_they_link_to() -> None:
    store = filled(
        AclPolicySet(policy=policy("a")),
        AclRoleSet(role=role("r")),
        AclAuthMethodSet(method=auth_method("m")),
        AclTokenSet(token=token("of policy", "a")),
        AclTokenSet(token=token("of role", roles=("r",))),
        AclTokenSet(token=token("of method", method="m")),
    )
    found = [
        answer(store, TokensQuery(policy=id_of("a").upper())),
        answer(store, TokensQuery(role=id_of("r"))),
        answer(store, TokensQuery(auth_method="M")),
    ]
    assert [[one.accessor_id for one in rows] for rows in found] == [
        [id_of("of policy")],
        [id_of("of role")],
        [id_of("of method")],
    ]


def test_an_auth_method_goes_with_its_rules_and_its_tokens() -> None:
    store = filled(
        AclAuthMethodSet(method=auth_method("m")),
        AclAuthMethodSet(method=auth_method("n")),
        AclBindingRuleSet(rule=binding_rule("r", "m")),
        AclBindingRuleSet(rule=binding_rule("s", "n")),
        AclTokenSet(token=token("t", method="M", secret="gone")),
        AclTokenSet(token=token("u", method="n")),
        AclAuthMethodDelete(name="M"),
    )
    assert [one.id for one in answer(store, BindingRulesQuery())] == [id_of("s")]
    assert [one.accessor_id for one in answer(store, TokensQuery())] == [id_of("u")]
    assert store.acl.token_of_secret("gone") is None


def test_a_deleted_token_has_no_secret_any_more() -> None:
    store = filled(AclTokenSet(token=token("t", secret="s")), AclTokensDelete(accessor_ids=[id_of("t"), "none"]))
    assert store.acl.token_of_secret("s") is None
    assert apply(store, 90, AclTokenSet(token=token("u", secret="s")))[0].rejection is None


def test_there_is_one_bootstrap_unless_the_reset_index_is_known() -> None:
    store = filled(AclBootstrap(token=token("first")))
    assert answer(store, AclBootstrapQuery()).reset_index == 10
    for wrong in (0, 9):
        found = refusal(store, AclBootstrap(token=token("second"), reset_index=wrong))
        assert found.code == PermissionDeniedError.code
        assert found.message == "Permission denied: ACL bootstrap no longer allowed (reset index: 10)"
    outcome, _ = apply(store, 20, AclBootstrap(token=token("second"), reset_index=10))
    assert outcome.rejection is None
    assert answer(store, AclBootstrapQuery()).reset_index == 20
    assert len(answer(store, TokensQuery())) == 2, "who had the first token keeps it"


def test_secrets_are_in_no_text_of_a_record() -> None:
    one = token("t", secret="deep-secret")
    assert "deep-secret" not in repr(AclTokenSet(token=one)) + repr([one]) + f"{one}"
    method = auth_method("m", config={"ServiceAccountJWT": "deep-secret"})
    assert "deep-secret" not in repr(AclAuthMethodSet(method=method))
