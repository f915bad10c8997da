"""Tokens of the older API at the leader's desk; messages are those of Consul 1.8.7."""

from __future__ import annotations

import pytest

from lictor_core.acl.requests import AclOrder, LegacyDelete, LegacyWrite
from lictor_core.acl.rules import Access, Resource
from lictor_core.errors import AclRefusedError, PermissionDeniedError
from tests.server.acl.desks import ROOT, Desk

RULES = 'key "a" { policy = "write" }'


async def refused(desk: Desk, order: AclOrder) -> str:
    with pytest.raises(AclRefusedError) as caught:
        await desk.order(order)
    return str(caught.value)


async def test_a_token_is_named_by_its_secret_and_judged_by_its_own_rules() -> None:
    desk = await Desk().begun()
    token = (await desk.order(LegacyWrite(id="mine", name="n", rules=RULES))).token
    assert token is not None
    assert (token.secret_id, token.description, token.type, token.legacy) == ("mine", "n", "client", True)
    judge = desk.resolver.caller("mine").authorizer
    assert judge.allows(Resource.KEY, "abc", Access.WRITE), "every name is a prefix"
    assert not desk.resolver.caller("mine").authorizer.allows(Resource.ACL, "", Access.WRITE)


async def test_writing_it_again_replaces_what_it_says() -> None:
    desk = await Desk().begun()
    first = (await desk.order(LegacyWrite(id="mine", rules=RULES))).token
    again = (await desk.order(LegacyWrite(id="mine", name="x", is_update=True))).token
    assert first is not None
    assert again is not None
    assert (again.accessor_id, again.rules, again.description) == (first.accessor_id, "", "x")


async def test_without_an_id_it_gets_one() -> None:
    desk = await Desk().begun()
    tokens = [(await desk.order(LegacyWrite())).token for _ in range(2)]
    assert len({token.secret_id for token in tokens if token is not None}) == 2


async def test_the_type_management_may_do_everything() -> None:
    desk = await Desk().begun()
    await desk.order(LegacyWrite(id="boss", type="management"))
    assert desk.resolver.caller("boss").scope == ""


async def test_what_cannot_be_one_is_refused() -> None:
    desk = await Desk().begun()
    assert await refused(desk, LegacyWrite(type="zz")) == "Invalid ACL Type"
    assert (await refused(desk, LegacyWrite(rules="bad"))).startswith("ACL rule compilation failed: Failed to parse")
    unknown = 'key "x" { policy = "foo" }'
    assert (await refused(desk, LegacyWrite(rules=unknown))).startswith(
        "ACL rule compilation failed: Invalid key policy"
    )
    for id in ("anonymous", ROOT):
        assert await refused(desk, LegacyWrite(id=id)) == "Cannot use legacy endpoint to modify a non-legacy token"
    assert "reserved" in await refused(desk, LegacyWrite(id="00000000-0000-0000-0000-000000000009"))
    assert "at most 1024 characters" in await refused(desk, LegacyWrite(id="x" * 1025))


async def test_it_is_destroyed_by_its_secret() -> None:
    desk = await Desk().begun()
    await desk.order(LegacyWrite(id="mine"))
    for _ in range(2):
        await desk.order(LegacyDelete(id="mine"))
    with pytest.raises(PermissionDeniedError, match="ACL not found"):
        desk.resolver.caller("mine")
    with pytest.raises(PermissionDeniedError, match="Cannot delete anonymous token"):
        await desk.order(LegacyDelete(id="anonymous"))
    assert await refused(desk, LegacyDelete(id="")) == "Missing ACL ID"
