"""What is told of tokens, policies and auth methods."""

from __future__ import annotations

import msgspec
import pytest

from lictor_agent.http.acl_shown import legacy_shown, legacy_type, listed_policies, listed_tokens, token_shown
from lictor_core.acl.records import MANAGEMENT_ID, Link, Policy, Token

_TOKEN = Token(
    accessor_id="a",
    secret_id="s",
    description="d",
    local=False,
    create_time="",
    hash="",
    create_index=1,
    modify_index=2,
)
_POLICY = Policy(id="p", name="n", description="", rules="x", hash="", create_index=1, modify_index=1)


def test_a_list_tells_no_secret_and_no_rules() -> None:
    (shown,) = listed_tokens([msgspec.structs.replace(_TOKEN, rules="key {}", type="client", legacy=True)])
    assert {"SecretID", "Rules", "Type"} & set(shown) == set()
    assert shown["Legacy"] is True


def test_one_token_tells_its_secret_and_no_type() -> None:
    shown = token_shown(msgspec.structs.replace(_TOKEN, type="client", legacy=True))
    assert (shown["SecretID"], "Type" in shown, "Legacy" in shown) == ("s", False, False)


def test_an_older_management_token_is_shown_with_the_policy_it_comes_to() -> None:
    shown = token_shown(msgspec.structs.replace(_TOKEN, type="management", legacy=True))
    assert shown["Policies"] == [{"ID": MANAGEMENT_ID, "Name": "global-management"}]


def test_datacenters_of_a_listed_policy_are_null_where_it_counts_in_all() -> None:
    everywhere, here = listed_policies([_POLICY, msgspec.structs.replace(_POLICY, datacenters=("dc1",))])
    assert (everywhere["Datacenters"], here["Datacenters"]) == (None, ["dc1"])
    assert "Rules" not in everywhere


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, ""),
        ({"rules": "x"}, "client"),
        ({"type": "client"}, "client"),
        ({"type": "management"}, "management"),
        ({"policies": (Link(id=MANAGEMENT_ID),)}, "management"),
        ({"policies": (Link(id="other"),)}, ""),
    ],
)
def test_the_older_api_can_express_some_tokens(changes: dict[str, object], kind: str) -> None:
    token = msgspec.structs.replace(_TOKEN, **changes)
    assert legacy_type(token) == kind
    assert (legacy_shown(token) is None) == (kind == "")
