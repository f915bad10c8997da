"""Tokens at the leader's desk; messages are those that Consul 1.8.7 gave to the same requests."""

from __future__ import annotations

import pytest

from lictor_core.acl.records import ANONYMOUS_ID, Link, NodeIdentity, ServiceIdentity, Token
from lictor_core.acl.requests import LegacyWrite, TokenClone, TokenDelete, TokenWrite
from lictor_core.acl.times import seconds_of
from lictor_core.errors import AclRefusedError, PermissionDeniedError
from tests.server.acl.desks import ROOT, Desk, given_token
from tests.server.build_acl import id_of

A, B = "8d2a7a2c-4b5e-4a63-9bbb-222222222222", "8d2a7a2c-4b5e-4a63-9bbb-333333333333"
RESERVED = "00000000-0000-0000-0000-000000000009"
NEVER = 'Invalid Token: UUIDs with the prefix "00000000-0000-0000-0000-0000000000" are reserved'
WORDS = "Only alphanumeric characters, '-' and '_' are allowed"
FIELDS = dict[str, object]


def service(name: str, *datacenters: str) -> ServiceIdentity:
    return ServiceIdentity(service_name=name, datacenters=datacenters)


def node(name: str, datacenter: str = "dc1") -> NodeIdentity:
    return NodeIdentity(node_name=name, datacenter=datacenter)


async def refused(desk: Desk, order: TokenWrite | TokenDelete | TokenClone, token: str = ROOT) -> str:
    before = len(desk.proposed)
    with pytest.raises(AclRefusedError) as caught:
        await desk.order(order, token)
    assert len(desk.proposed) == before
    return str(caught.value)


async def test_a_new_token_has_what_nobody_gave() -> None:
    desk = await Desk().begun()
    token = await desk.token(description="d")
    other = await desk.token()
    assert len({token.accessor_id, token.secret_id, other.accessor_id, other.secret_id}) == 4
    assert seconds_of(token.create_time) == desk.clock.now()
    assert (token.expiration_time, token.local, token.legacy) == ("", False, False)
    assert token.create_index == token.modify_index > 0
    assert other.hash == "NLOoV2WBU8ieJIrYXXx8NRb5C2xU61pVVWRDLEIMxlU=", "Consul's own"


async def test_a_token_can_be_given_its_ids() -> None:
    desk = await Desk().begun()
    token = await desk.token(accessor_id=A, secret_id=B)
    assert (token.accessor_id, token.secret_id) == (A, B)
    assert desk.resolver.caller(B).accessor_id == A


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"policies": (Link(id="", name="nope"),)}, 'No such ACL policy with name "nope"'),
        ({"policies": (Link(id=id_of("x")),)}, f'No such ACL policy with ID "{id_of("x")}"'),
        ({"policies": (Link(id=""),)}, 'No such ACL policy with name ""'),
        (
            {"policies": (Link(id="zz"),)},
            'Error looking up policy for id "zz": failed acl policy lookup: index error: UUID must be 36 characters',
        ),
        ({"roles": (Link(id="", name="nope"),)}, 'No such ACL role with name "nope"'),
        ({"roles": (Link(id=id_of("x")),)}, f'No such ACL role with ID "{id_of("x")}"'),
        ({"accessor_id": A}, "Invalid Token: AccessorID is already in use"),
        ({"accessor_id": B}, "Invalid Token: AccessorID is already in use"),
        ({"secret_id": B}, "Invalid Token: SecretID is already in use"),
        ({"secret_id": A}, "Invalid Token: SecretID is already in use"),
        (
            {"accessor_id": "zz"},
            "Failed acl token lookup by accessor: failed acl token lookup: index error: UUID must be 36 characters",
        ),
        ({"secret_id": "zz"}, "Invalid Token: SecretID is not a valid UUID"),
        ({"secret_id": "anonymous"}, "Invalid Token: SecretID is not a valid UUID"),
        ({"accessor_id": RESERVED}, NEVER),
        ({"secret_id": RESERVED}, NEVER),
        ({"auth_method": "x"}, "AuthMethod field is disallowed outside of Login"),
        ({"rules": 'key "" { policy = "read" }'}, "Rules cannot be specified for this token"),
        (
            {"service_identities": (service("web", "dc1"),), "local": True},
            'Service identity "web" cannot specify a list of datacenters on a local token',
        ),
        ({"service_identities": (service("We b"),)}, f'Service identity "We b" has an invalid name. {WORDS}'),
        ({"service_identities": (service(""),)}, "Service identity is missing the service name field on this token"),
        ({"node_identities": (node("n1", ""),)}, "Node identity is missing the datacenter field on this token"),
        ({"node_identities": (node(""),)}, "Node identity is missing the node name field on this token"),
        ({"node_identities": (node("N1"),)}, f"Node identity has an invalid name. {WORDS}"),
        ({"expiration_time": "2000-01-01T00:00:00Z"}, "ExpirationTime cannot be before CreateTime"),
        (
            {"expiration_time": "2026-01-02T01:00:00Z"},
            "ExpirationTime cannot be more than 24h0m0s in the future (was 25h0m0s)",
        ),
        ({"policies": tuple(Link(id="", name=str(n)) for n in range(1025))}, None),
    ],
)
async def test_what_cannot_be_a_token_is_refused(fields: FIELDS, message: str | None) -> None:
    desk = await Desk().begun()
    await desk.token(accessor_id=A, secret_id=B)
    found = await refused(desk, TokenWrite(token=given_token(**fields), is_update=False))
    assert found == (message or "1025 policies are too many for one token or role; at most 1024 are taken")


@pytest.mark.parametrize(
    ("ttl_s", "message"),
    [
        (1.0, "ExpirationTime cannot be less than 1m0s in the future (was 1s)"),
        (-1.0, "Token Expiration TTL '-1s' should be > 0"),
        (25 * 3600.0, "ExpirationTime cannot be more than 24h0m0s in the future (was 25h0m0s)"),
    ],
)
async def test_a_ttl_out_of_bounds_is_refused(ttl_s: float, message: str) -> None:
    desk = await Desk().begun()
    assert await refused(desk, TokenWrite(token=given_token(), is_update=False, expires_in_s=ttl_s)) == message


async def test_a_ttl_and_a_time_exclude_one_another() -> None:
    desk = await Desk().begun()
    order = TokenWrite(token=given_token(expiration_time="2030-01-01T00:00:00Z"), is_update=False, expires_in_s=60.0)
    assert await refused(desk, order) == "Token Expiration TTL and Expiration Time cannot both be set"


async def test_a_token_with_a_ttl_ends_then() -> None:
    desk = await Desk().begun()
    answer = await desk.order(TokenWrite(token=given_token(), is_update=False, expires_in_s=60.0))
    assert answer.token is not None
    assert seconds_of(answer.token.expiration_time) == desk.clock.now() + 60
    desk.clock.advance(60.1)
    with pytest.raises(PermissionDeniedError):
        desk.resolver.caller(answer.token.secret_id)
    gone = TokenWrite(token=given_token(accessor_id=answer.token.accessor_id), is_update=True)
    assert await refused(desk, gone) == f'Cannot find token "{answer.token.accessor_id}"'
    with pytest.raises(PermissionDeniedError, match="ACL not found"):
        await desk.order(TokenClone(accessor_id=answer.token.accessor_id))


async def test_links_are_found_by_name_and_kept_by_id_each_once() -> None:
    desk = await Desk().begun()
    policy, role = await desk.policy("Ops"), await desk.role("crew")
    token = await desk.token(
        policies=(Link(id="", name="OPS"), Link(id=policy.id.upper())), roles=(Link(id="", name="CREW"),)
    )
    assert token.policies == (Link(id=policy.id, name="Ops"),)
    assert token.roles == (Link(id=role.id, name="crew"),)
    kept = desk.store.acl.token(token.accessor_id)
    assert kept is not None
    assert kept.policies == (Link(id=policy.id),)


async def test_identities_of_one_service_are_one_and_count_where_any_of_them_does() -> None:
    desk = await Desk().begun()
    token = await desk.token(
        service_identities=(
            service("web", "dc1"), service("web"), service("web", "dc2"),
            service("db", "dc1"), service("db", "dc2", "dc1"),
        ),
        node_identities=(node("n1"), node("n1"), node("n1", "dc2")),
    )  # fmt: skip
    assert token.service_identities == (service("db", "dc1", "dc2"), service("web"))
    assert token.node_identities == (node("n1"), node("n1", "dc2"))


async def test_an_update_keeps_what_cannot_change() -> None:
    desk = await Desk().begun()
    token = await desk.token(description="old", local=True)
    given = given_token(accessor_id=token.accessor_id, description="new", local=True, create_time="x", hash="x")
    answer = await desk.order(TokenWrite(token=given, is_update=True))
    assert answer.token is not None
    assert (answer.token.description, answer.token.secret_id) == ("new", token.secret_id)
    assert (answer.token.create_time, answer.token.create_index) == (token.create_time, token.create_index)
    assert answer.token.modify_index > token.modify_index
    assert answer.token.hash not in (token.hash, "x")


@pytest.mark.parametrize(
    ("fields", "ttl_s", "message"),
    [
        ({"secret_id": B}, None, "Changing a tokens SecretID is not permitted"),
        ({"local": True}, None, "cannot toggle local mode of {id}"),
        ({"auth_method": "x"}, None, "Cannot change AuthMethod of {id}"),
        ({}, 3600.0, "Cannot change expiration time of {id}"),
        ({"expiration_time": "2030-01-01T00:00:00Z"}, None, "Cannot change expiration time of {id}"),
        ({"rules": "x"}, None, "Rules cannot be specified for this token"),
    ],
)
async def test_what_cannot_change_is_refused(fields: FIELDS, ttl_s: float | None, message: str) -> None:
    desk = await Desk().begun()
    token = await desk.token()
    given = given_token(accessor_id=token.accessor_id, **fields)
    found = await refused(desk, TokenWrite(token=given, is_update=True, expires_in_s=ttl_s))
    assert found == message.format(id=token.accessor_id)


async def test_an_update_may_repeat_the_time_at_which_the_token_ends() -> None:
    desk = await Desk().begun()
    answer = await desk.order(TokenWrite(token=given_token(), is_update=False, expires_in_s=3600.0))
    assert answer.token is not None
    same = given_token(accessor_id=answer.token.accessor_id, expiration_time=answer.token.expiration_time)
    again = await desk.order(TokenWrite(token=same, is_update=True))
    assert again.token is not None
    assert again.token.expiration_time == answer.token.expiration_time


async def test_an_unknown_token_cannot_be_updated() -> None:
    desk = await Desk().begun()
    order = TokenWrite(token=given_token(accessor_id=A), is_update=True)
    assert await refused(desk, order) == f'Cannot find token "{A}"'


async def test_the_anonymous_token_can_be_given_rights_but_not_go() -> None:
    desk = await Desk().begun()
    policy = await desk.policy("p", 'key_prefix "" { policy = "read" }')
    given = given_token(accessor_id=ANONYMOUS_ID, policies=(Link(id=policy.id),))
    await desk.order(TokenWrite(token=given, is_update=True))
    assert [one.name for one in desk.resolver.grants("").policies] == ["p"]
    message = "Delete operation not permitted on the anonymous token"
    assert await refused(desk, TokenDelete(accessor_id=ANONYMOUS_ID)) == message


async def test_a_token_cannot_delete_itself() -> None:
    desk = await Desk().begun()
    root = desk.store.acl.token_of_secret(ROOT)
    assert root is not None
    message = "Deletion of the request's authorization token is not permitted"
    assert await refused(desk, TokenDelete(accessor_id=root.accessor_id)) == message


async def test_a_deleted_token_is_unknown_at_once_and_deleting_it_again_is_no_error() -> None:
    desk = await Desk().begun()
    token = await desk.token()
    for _ in range(2):
        await desk.order(TokenDelete(accessor_id=token.accessor_id))
    with pytest.raises(PermissionDeniedError, match="ACL not found"):
        desk.resolver.caller(token.secret_id)
    assert await refused(desk, TokenDelete(accessor_id="zz")) == "Accessor ID is missing or an invalid UUID"


async def test_a_clone_has_the_rights_but_not_the_ids() -> None:
    desk = await Desk().begun()
    policy = await desk.policy("p")
    source: Token = await desk.token(
        description="first", policies=(Link(id=policy.id),), local=True, service_identities=(service("web"),)
    )
    same, named = [
        (await desk.order(TokenClone(accessor_id=source.accessor_id, description=text))).token for text in ("", "c")
    ]
    assert same is not None
    assert named is not None
    assert len({source.secret_id, same.secret_id, named.secret_id}) == 3
    assert (same.description, named.description) == ("first", "c")
    for one in (same, named):
        assert (one.policies, one.local, one.service_identities) == (source.policies, True, (service("web"),))


async def test_what_has_no_clone_is_refused() -> None:
    desk = await Desk().begun()
    legacy = (await desk.order(LegacyWrite(name="old"))).token
    assert legacy is not None
    found = await refused(desk, TokenClone(accessor_id=legacy.accessor_id))
    assert found == "Cannot clone a legacy ACL with this endpoint"
    with pytest.raises(PermissionDeniedError, match="ACL not found"):
        await desk.order(TokenClone(accessor_id=A))


async def test_an_update_makes_a_token_of_the_older_api_one_of_todays() -> None:
    desk = await Desk().begun()
    legacy = (await desk.order(LegacyWrite(name="old", rules='key "a" { policy = "write" }'))).token
    assert legacy is not None
    given = given_token(accessor_id=legacy.accessor_id, description="new")
    token = (await desk.order(TokenWrite(token=given, is_update=True))).token
    assert token is not None
    assert (token.legacy, token.rules, token.type, token.secret_id) == (False, "", "", legacy.secret_id)
    assert desk.resolver.grants(token.secret_id).policies == ()
