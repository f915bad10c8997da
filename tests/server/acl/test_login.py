"""Who logs in by an auth method gets what the rules give, and no more."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from lictor_core.acl.records import AuthMethod, Link, NodeIdentity, ServiceIdentity, Token
from lictor_core.acl.requests import AuthMethodDelete, AuthMethodWrite, BindingRuleWrite, Login, Logout
from lictor_core.acl.rules import Access, Resource
from lictor_core.acl.times import seconds_of
from lictor_core.errors import AclRefusedError, OverloadedError, PermissionDeniedError
from lictor_core.records import JsonObject
from lictor_server.acl.auth.identity import Identity, Shape
from lictor_server.acl.auth.kinds import Validators
from lictor_server.acl.login import BEARER_CHARS_MAX, LOGINS_AT_ONCE_MAX, META_MAX
from tests.server.acl.auth.issuers import Issuer, api_server
from tests.server.acl.desks import Desk
from tests.server.build_acl import auth_method, binding_rule
from tests.support.conditions import eventually

ISSUER = Issuer()
CONFIG: JsonObject = {
    "JWTValidationPubKeys": [ISSUER.pem],
    "ClaimMappings": {"sub": "name"},
    "ListClaimMappings": {"groups": "groups"},
}
METHOD = auth_method("m", config=CONFIG, max_ttl="5m")


async def with_rules(*rules: tuple[str, str, str]) -> Desk:
    """A desk with an auth method and rules: type, name and selector of each."""
    desk = await Desk().begun()
    await desk.order(AuthMethodWrite(method=METHOD, is_update=False))
    for bind_type, name, selector in rules:
        rule = binding_rule("r", "m", bind_type=bind_type, bind_name=name, selector=selector)
        await desk.order(BindingRuleWrite(rule=rule, is_update=False))
    return desk


def bearer(desk: Desk, **claims: object) -> str:
    now = desk.clock.now()
    return ISSUER.token({"sub": "bob", "iat": now, "exp": now + 100, **claims})


async def logged_in(desk: Desk, **claims: object) -> Token:
    answer = await desk.order(Login(auth_method="m", bearer_token=bearer(desk, **claims)), "")
    assert answer.token is not None
    return answer.token


async def test_a_login_gives_all_that_rules_choose_for_as_long_as_the_method_allows() -> None:
    desk = await with_rules(
        ("service", "svc-${value.name}", "value.name == bob"),
        ("service", "svc-bob", ""),
        ("node", "n-${value.name}", "admins in list.groups"),
        ("role", "crew", ""),
        ("role", "no-such-role", ""),
        ("service", "never", "value.name == eve"),
    )
    role = await desk.role("Crew")
    token = await logged_in(desk, groups=["admins"])
    assert token.service_identities == (ServiceIdentity(service_name="svc-bob"),)
    assert token.node_identities == (NodeIdentity(node_name="n-bob", datacenter="dc1"),)
    assert token.roles == (Link(id=role.id, name="Crew"),)
    assert (token.local, token.auth_method, token.description) == (True, "m", "token created via login")
    assert seconds_of(token.expiration_time) == desk.clock.now() + 300
    judge = desk.resolver.caller(token.secret_id).authorizer
    assert judge.allows(Resource.SERVICE, "svc-bob", Access.WRITE)
    assert not judge.allows(Resource.SERVICE, "svc-eve", Access.WRITE)
    desk.clock.advance(300.1)
    with pytest.raises(PermissionDeniedError):
        desk.resolver.caller(token.secret_id)


async def test_what_a_login_gives_comes_by_name_whatever_ids_the_rules_were_given() -> None:
    names = ["d", "a", "c", "e", "b", "g", "f"]
    desk = await with_rules(*(("service", name, "") for name in names))
    token = await logged_in(desk)
    assert [one.service_name for one in token.service_identities] == sorted(names)


async def test_what_is_left_in_a_login_stands_in_the_description() -> None:
    desk = await with_rules(("service", "web", ""))
    order = Login(auth_method="M", bearer_token=bearer(desk), meta={"b": "1", "a": "2"})
    answer = await desk.order(order, "")
    assert answer.token is not None
    assert answer.token.description == 'token created via login: {"a":"2","b":"1"}'


async def test_whom_no_rule_chooses_is_denied_and_no_token_made() -> None:
    desk = await with_rules(("service", "web", "value.name == eve"), ("role", "no-such-role", ""))
    before = len(desk.proposed)
    with pytest.raises(PermissionDeniedError) as caught:
        await logged_in(desk)
    assert str(caught.value) == (
        "Permission denied: auth method 'm' vouches for value.name='bob', but no binding rule of it chooses that, "
        "or only for roles that are not there"
    )
    assert len(desk.proposed) == before
    assert [one["identity"] for one in desk.log.named("acl.login.denied")] == ["value.name='bob'"]


@pytest.mark.parametrize("token", ["", "zz", Issuer().token({"sub": "bob", "iat": 1_767_225_600})])
async def test_for_whom_nobody_vouches_is_denied(token: str) -> None:
    desk = await with_rules(("service", "web", ""))
    with pytest.raises(PermissionDeniedError) as caught:
        await desk.order(Login(auth_method="m", bearer_token=token), "")
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize("name", ["", "none"])
async def test_an_unknown_method_is_unknown(name: str) -> None:
    desk = await with_rules()
    with pytest.raises(PermissionDeniedError, match=r"^ACL not found$"):
        await desk.order(Login(auth_method=name, bearer_token="x"), "")


@pytest.mark.parametrize("name", ["Bob Smith", "b/../x", "", "-", "b" * 300])
async def test_a_name_that_is_none_gives_no_token(name: str) -> None:
    desk = await with_rules(("service", "good", ""), ("service", "${value.name}", ""))
    with pytest.raises(AclRefusedError, match='computed "service" bind name for bind target is invalid'):
        await logged_in(desk, sub=name)


async def test_what_is_shown_is_bounded() -> None:
    desk = await with_rules(("service", "web", ""))
    with pytest.raises(AclRefusedError, match="a bearer token has at most"):
        await desk.order(Login(auth_method="m", bearer_token="x" * (BEARER_CHARS_MAX + 1)), "")
    for meta in ({str(number): "" for number in range(META_MAX + 1)}, {"a": "x" * 9000}):
        with pytest.raises(AclRefusedError, match="Meta"):
            await desk.order(Login(auth_method="m", bearer_token=bearer(desk), meta=meta), "")


async def test_a_method_for_all_datacenters_makes_tokens_for_all() -> None:
    desk = await with_rules(("service", "web", ""))
    method = msgspec.structs.replace(METHOD, token_locality="global", max_token_ttl="")
    await desk.order(AuthMethodWrite(method=method, is_update=True))
    token = await logged_in(desk)
    assert (token.local, token.expiration_time) == (False, "")


async def test_a_changed_method_judges_by_its_new_settings_at_once() -> None:
    desk = await with_rules(("service", "web", ""))
    await logged_in(desk)
    changed = msgspec.structs.replace(METHOD, config={**CONFIG, "JWTValidationPubKeys": [Issuer().pem]})
    await desk.order(AuthMethodWrite(method=changed, is_update=True))
    with pytest.raises(PermissionDeniedError, match="no known key"):
        await logged_in(desk)


async def test_a_rule_that_fits_the_method_no_more_chooses_nobody() -> None:
    desk = await with_rules(("service", "web", "value.name == bob"))
    changed = msgspec.structs.replace(METHOD, config={"JWTValidationPubKeys": [ISSUER.pem]})
    await desk.order(AuthMethodWrite(method=changed, is_update=True))
    with pytest.raises(PermissionDeniedError, match="no binding rule of it chooses that"):
        await logged_in(desk)


async def test_a_logout_destroys_the_token_that_is_shown() -> None:
    desk = await with_rules(("service", "web", ""))
    token, other = await logged_in(desk), await logged_in(desk)
    await desk.order(Logout(), token.secret_id)
    assert desk.store.acl.token(token.accessor_id) is None
    assert desk.store.acl.token(other.accessor_id) is not None
    with pytest.raises(PermissionDeniedError, match=r"^ACL not found$"):
        await desk.order(Logout(), token.secret_id)


async def test_only_what_came_of_a_login_ends_by_a_logout() -> None:
    desk = await with_rules()
    made = await desk.token()
    for secret, message in ((made.secret_id, "Permission denied"), ("", "ACL not found"), ("anonymous", "Permission")):
        with pytest.raises(PermissionDeniedError, match=message):
            await desk.order(Logout(), secret)
    assert desk.store.acl.token(made.accessor_id) is not None


async def test_the_end_of_a_method_ends_its_tokens() -> None:
    desk = await with_rules(("service", "web", ""))
    token = await logged_in(desk)
    await desk.order(AuthMethodDelete(name="m"))
    with pytest.raises(PermissionDeniedError):
        desk.resolver.caller(token.secret_id)


async def test_no_secret_of_a_login_is_logged() -> None:
    desk = await with_rules(("service", "web", ""))
    shown = bearer(desk)
    answer = await desk.order(Login(auth_method="m", bearer_token=shown), "")
    assert answer.token is not None
    assert shown not in repr(desk.log.entries)
    assert answer.token.secret_id not in repr(desk.log.entries)


class Slow:
    """A validator that vouches when it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.shape = Shape({}, ())

    async def validate(self, bearer_token: str) -> Identity:
        self.asked += 1
        await self.may_answer.wait()
        return Identity(None, {})


async def test_logins_under_way_are_bounded_and_a_method_that_changes_meanwhile_denies_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk, slow = await with_rules(("service", "web", "")), Slow()

    def of(validators: Validators, method: AuthMethod) -> Slow:
        return slow

    monkeypatch.setattr(Validators, "of", of)
    order = Login(auth_method="m", bearer_token="x")
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(_outcome(desk, order)) for _ in range(LOGINS_AT_ONCE_MAX)]
        await eventually(lambda: slow.asked == LOGINS_AT_ONCE_MAX, what="all of them asking")
        with pytest.raises(OverloadedError):
            await desk.order(order, "")
        await desk.order(AuthMethodWrite(method=METHOD, is_update=True))
        slow.may_answer.set()
    assert {task.result() for task in waiting} == {
        "Permission denied: auth method 'm' was changed during the login: try again"
    }
    assert (await desk.order(order, "")).token is not None, "there is room again"


async def _outcome(desk: Desk, order: Login) -> str:
    try:
        await desk.order(order, "")
    except PermissionDeniedError as error:
        return str(error)
    return ""


async def test_a_service_account_logs_in(tmp_path: Path) -> None:
    async with api_server(tmp_path) as kubernetes:
        desk = await Desk().begun()
        kubernetes.accounts["e30.e30.YmVhcmVy"] = ("default", "web", "uid-1")
        method = auth_method("k8s", type="kubernetes", config=kubernetes.config)
        await desk.order(AuthMethodWrite(method=method, is_update=False))
        rule = binding_rule(
            "r", "k8s", bind_name="${serviceaccount.name}", selector="serviceaccount.namespace == default"
        )
        await desk.order(BindingRuleWrite(rule=rule, is_update=False))
        answer = await desk.order(Login(auth_method="k8s", bearer_token="e30.e30.YmVhcmVy"), "")
        assert answer.token is not None
        assert answer.token.service_identities == (ServiceIdentity(service_name="web"),)
        with pytest.raises(PermissionDeniedError, match="service account jwt not valid"):
            await desk.order(Login(auth_method="k8s", bearer_token="e30.e30.eA"), "")
