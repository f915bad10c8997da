"""What the endpoints of access control have in common."""

from __future__ import annotations

import pytest

from lictor_agent.http.acl_calls import required
from lictor_agent.http.errors import Refusal
from tests.agent.http.acl_live import guarded


def test_what_is_missing_in_the_path_is_named() -> None:
    assert required("x", "token ID") == "x"
    with pytest.raises(Refusal, match="Missing token ID"):
        required("", "token ID")


async def test_a_wrong_body_says_what_it_was_to_be() -> None:
    async with guarded() as acl:
        refused = await acl.ask("PUT", "policy", {"Name": 5})
        assert (refused.status, refused.text.startswith("Bad request: Policy decoding failed: ")) == (400, True)


async def test_another_datacenter_is_unknown() -> None:
    async with guarded() as acl:
        for method, path in (("GET", "tokens?dc=dc9"), ("PUT", "bootstrap?dc=dc9"), ("POST", "logout?dc=dc9")):
            assert (await acl.ask(method, path)).status == 500, path
