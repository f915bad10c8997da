"""Who may order what at the leader's desk."""

from __future__ import annotations

import pytest

from lictor_core.acl.records import AuthMethod, BindingRule, Link
from lictor_core.acl.requests import (
    AclOrder,
    AuthMethodDelete,
    AuthMethodWrite,
    BindingRuleDelete,
    BindingRuleWrite,
    Bootstrap,
    Explain,
    LegacyDelete,
    LegacyWrite,
    Login,
    Logout,
    PolicyDelete,
    PolicyWrite,
    RoleDelete,
    RoleWrite,
    TokenClone,
    TokenDelete,
    TokenWrite,
)
from lictor_core.acl.rules import Access, Resource
from lictor_core.errors import AuthenticationError, NotFoundError, PermissionDeniedError
from lictor_server.acl.settings import AclSettings
from tests.server.acl.desks import Desk, given_policy, given_role, given_token
from tests.server.build_acl import auth_method, binding_rule, id_of

ID = id_of("x")
METHOD: AuthMethod = auth_method("m")
RULE: BindingRule = binding_rule("r", "m")
WRITES: tuple[AclOrder, ...] = (
    TokenWrite(token=given_token(), is_update=False),
    TokenClone(accessor_id=ID),
    TokenDelete(accessor_id=ID),
    PolicyWrite(policy=given_policy("p"), is_update=False),
    PolicyDelete(id=ID),
    RoleWrite(role=given_role("r"), is_update=False),
    RoleDelete(id=ID),
    AuthMethodWrite(method=METHOD, is_update=False),
    AuthMethodDelete(name="m"),
    BindingRuleWrite(rule=RULE, is_update=False),
    BindingRuleDelete(id=ID),
    LegacyWrite(),
    LegacyDelete(id="x"),
)
OPEN: tuple[AclOrder, ...] = (Bootstrap(), Login(auth_method="m", bearer_token="x"), Logout())
NAMES = [type(order).__name__ for order in WRITES]


READS: tuple[AclOrder, ...] = (Explain(accessor_id=ID, resource=Resource.KEY, access=Access.READ),)


def test_every_order_is_above() -> None:
    assert {type(order).__name__ for order in (*WRITES, *OPEN, *READS)} == {kind.__name__ for kind in AclOrder.__args__}


@pytest.mark.parametrize("order", WRITES, ids=NAMES)
async def test_who_may_not_write_access_control_changes_nothing(order: AclOrder) -> None:
    desk = await Desk().begun()
    await desk.policy("reader", 'acl = "read"')
    reader = await desk.token(policies=(Link(id="", name="reader"),))
    before = len(desk.proposed)
    for secret in ("", "unknown", reader.secret_id):
        with pytest.raises(PermissionDeniedError):
            await desk.order(order, secret)
    assert len(desk.proposed) == before


@pytest.mark.parametrize("order", [*WRITES, *OPEN], ids=lambda order: type(order).__name__)
async def test_without_access_control_nothing_is_ordered(order: AclOrder) -> None:
    desk = await Desk(AclSettings(initial_management="root")).begun()
    assert desk.proposed == []
    with pytest.raises(AuthenticationError, match=r"^ACL support disabled$"):
        await desk.order(order)


async def test_who_may_write_by_a_policy_alone_does_all_of_it() -> None:
    desk = await Desk().begun()
    await desk.policy("writer", 'acl = "write"')
    writer = await desk.token(policies=(Link(id="", name="writer"),))
    answer = await desk.order(PolicyWrite(policy=given_policy("p"), is_update=False), writer.secret_id)
    assert answer.policy is not None


async def test_no_secret_is_logged() -> None:
    desk = await Desk().begun()
    token = await desk.token()
    await desk.order(TokenDelete(accessor_id=token.accessor_id))
    assert [one["event"] for one in desk.log.entries][-2:] == ["acl.token.written", "acl.token.deleted"]
    assert token.secret_id not in repr(desk.log.entries)
    assert desk.settings.initial_management not in repr(desk.log.entries) + repr(desk.settings)


async def test_it_explains_what_a_token_may_and_which_role_brings_it() -> None:
    desk = await Desk().begun()
    await desk.policy("keys", 'key "a" { policy = "read" }')
    await desk.role("crew", "keys")
    token = await desk.token(roles=(Link(id="", name="crew"),))
    order = Explain(accessor_id=token.accessor_id, resource=Resource.KEY, name="a", access=Access.WRITE)
    explanation = (await desk.order(order)).explanation
    assert explanation is not None
    assert (explanation.allowed, explanation.accessor_id) == (False, token.accessor_id)
    assert [(one.policy, one.decides) for one in explanation.considered] == [("keys by role crew", True)]


async def test_only_who_may_read_access_control_has_it_explained() -> None:
    desk = await Desk().begun()
    token = await desk.token()
    order = Explain(accessor_id=token.accessor_id, resource=Resource.KEY, access=Access.READ)
    with pytest.raises(PermissionDeniedError, match="acl:read"):
        await desk.order(order, token.secret_id)


async def test_what_is_not_there_is_not_explained() -> None:
    desk = await Desk().begun()
    with pytest.raises(NotFoundError, match="no token has the accessor"):
        await desk.order(Explain(accessor_id=ID, resource=Resource.KEY, access=Access.READ))
