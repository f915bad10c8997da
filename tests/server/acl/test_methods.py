"""Auth methods and binding rules at the leader's desk; messages are those of Consul 1.8.7."""

from __future__ import annotations

import msgspec
import pytest

from lictor_core.acl.records import AuthMethod, BindingRule
from lictor_core.acl.requests import (
    AclOrder,
    AuthMethodDelete,
    AuthMethodWrite,
    BindingRuleDelete,
    BindingRuleWrite,
)
from lictor_core.errors import AclRefusedError, RequestError
from tests.server.acl.auth.issuers import Issuer
from tests.server.acl.desks import Desk
from tests.server.build_acl import auth_method, binding_rule, id_of

ISSUER = Issuer()
CONFIG: dict[str, object] = {"JWTValidationPubKeys": [ISSUER.pem], "ClaimMappings": {"sub": "name"}}
METHOD = auth_method("m", config=CONFIG)
RULE = binding_rule("r", "m")


async def refused(desk: Desk, order: AclOrder) -> str:
    before = len(desk.proposed)
    with pytest.raises(AclRefusedError) as caught:
        await desk.order(order)
    assert len(desk.proposed) == before
    return str(caught.value)


async def written(desk: Desk, method: AuthMethod) -> AuthMethod:
    answer = await desk.order(AuthMethodWrite(method=method, is_update=False))
    assert answer.method is not None
    return answer.method


async def bound(desk: Desk, rule: BindingRule, *, is_update: bool = False) -> BindingRule:
    answer = await desk.order(BindingRuleWrite(rule=rule, is_update=is_update))
    assert answer.rule is not None
    return answer.rule


async def test_a_method_is_made_and_changed_by_name() -> None:
    desk = await Desk().begun()
    first = await written(desk, msgspec.structs.replace(METHOD, max_token_ttl="300s", token_locality="global"))
    assert first.max_token_ttl == "5m0s"
    again = await written(desk, msgspec.structs.replace(METHOD, name="M", type="", description="x", max_token_ttl="0s"))
    assert (again.name, again.type, again.max_token_ttl, again.token_locality) == ("M", "jwt", "", "")
    assert again.create_index == first.create_index


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "Invalid Auth Method: no Name is set"),
        ({"name": "m m"}, "Invalid Auth Method: invalid Name. Only alphanumeric characters, '-' and '_' are allowed"),
        ({"type": ""}, "Invalid Auth Method: Type should be one of: [jwt kubernetes]"),
        ({"type": "oidc"}, "Invalid Auth Method: Type should be one of: [jwt kubernetes]"),
        ({"config": {}}, "Invalid Auth Method: exactly one of 'JWTValidationPubKeys', 'JWKSURL', or 'OIDC"),
        ({"max_token_ttl": "1s"}, "MaxTokenTTL 1s cannot be less than 1m0s"),
        ({"max_token_ttl": "48h"}, "MaxTokenTTL 48h0m0s cannot be more than 24h0m0s"),
        ({"token_locality": "x"}, "Invalid Auth Method: TokenLocality should be one of 'local' or 'global'"),
    ],
)
async def test_what_cannot_be_a_method_is_refused(changes: dict[str, object], message: str) -> None:
    desk = await Desk().begun()
    method = msgspec.structs.replace(METHOD, **changes)
    assert (await refused(desk, AuthMethodWrite(method=method, is_update=False))).startswith(message)


async def test_the_type_of_a_method_stays() -> None:
    desk = await Desk().begun()
    await written(desk, METHOD)
    other = AuthMethodWrite(method=msgspec.structs.replace(METHOD, type="kubernetes"), is_update=True)
    assert await refused(desk, other) == "the Type field of an Auth Method is immutable"


async def test_settings_that_nest_too_deep_are_refused() -> None:
    desk = await Desk().begun()
    deep: dict[str, object] = {}
    for _ in range(200):
        deep = {"a": deep}
    with pytest.raises(RequestError, match="nests more than"):
        await desk.order(AuthMethodWrite(method=msgspec.structs.replace(METHOD, config=deep), is_update=False))


async def test_a_rule_is_made_and_changed_under_its_id() -> None:
    desk = await Desk().begun()
    await written(desk, METHOD)
    rule = await bound(desk, RULE)
    assert rule.id != RULE.id, "the leader gives it"
    changed = await bound(
        desk, msgspec.structs.replace(rule, auth_method="", bind_type="role", bind_name="b"), is_update=True
    )
    assert (changed.id, changed.auth_method, changed.bind_name) == (rule.id, "m", "b")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"auth_method": ""}, "Invalid Binding Rule: no AuthMethod is set"),
        ({"auth_method": "zz"}, 'cannot find auth method with name "zz"'),
        ({"bind_type": ""}, "Invalid Binding Rule: no BindType is set"),
        ({"bind_name": ""}, "Invalid Binding Rule: no BindName is set"),
        ({"bind_type": "foo"}, 'Invalid Binding Rule: unknown BindType "foo"'),
        ({"bind_name": "a b"}, "Invalid Binding Rule: invalid BindName"),
        ({"bind_name": "A"}, "Invalid Binding Rule: invalid BindName"),
        ({"bind_name": "a-${foo}"}, "Invalid Binding Rule: invalid BindName: "),
        ({"bind_name": "a-${value.name"}, "Invalid Binding Rule: invalid BindName: "),
        ({"selector": "foo == 1"}, "invalid Binding Rule: Selector is invalid: "),
    ],
)
async def test_what_cannot_be_a_rule_is_refused(changes: dict[str, object], message: str) -> None:
    desk = await Desk().begun()
    await written(desk, METHOD)
    rule = msgspec.structs.replace(RULE, **changes)
    assert (await refused(desk, BindingRuleWrite(rule=rule, is_update=False))).startswith(message)


@pytest.mark.parametrize("name", ["a-${value.name}", "${ value.name }", "Any_Role-1"])
async def test_names_of_roles_and_names_to_be_filled_in_are_taken(name: str) -> None:
    desk = await Desk().begun()
    await written(desk, METHOD)
    assert (await bound(desk, msgspec.structs.replace(RULE, bind_type="role", bind_name=name))).bind_name == name


async def test_a_rule_that_is_not_there_or_of_another_method_cannot_be_changed() -> None:
    desk = await Desk().begun()
    await written(desk, METHOD)
    await written(desk, msgspec.structs.replace(METHOD, name="n"))
    rule = await bound(desk, RULE)
    for changes, message in (
        ({"id": id_of("x")}, f"cannot find binding rule {id_of('x')}"),
        ({"id": "zz"}, "Binding Rule ID invalid UUID"),
        ({"auth_method": "n"}, "the AuthMethod field of an Binding Rule is immutable"),
    ):
        given = msgspec.structs.replace(rule, **changes)
        assert await refused(desk, BindingRuleWrite(rule=given, is_update=True)) == message


async def test_what_is_not_there_is_deleted_without_an_error() -> None:
    desk = await Desk().begun()
    await written(desk, METHOD)
    rule = await bound(desk, RULE)
    for _ in range(2):
        await desk.order(BindingRuleDelete(id=rule.id))
    await bound(desk, RULE)
    for _ in range(2):
        await desk.order(AuthMethodDelete(name="M"))
    assert desk.store.acl.rules() == []
    message = "failed acl binding rule lookup: index error: UUID must be 36 characters"
    assert await refused(desk, BindingRuleDelete(id="zz")) == message


async def test_no_setting_of_a_method_is_logged() -> None:
    desk = await Desk().begun()
    await written(desk, METHOD)
    assert "BEGIN" not in repr(desk.log.entries)
