"""How tokens, policies and the rest are printed; whole outputs are held to Consul's by `tests/compat`."""

import msgspec
import pytest

from lictor.api.calls.acl_records import ListedPolicy, ListedToken
from lictor.cli.access_printed import PolicyPrinted, TokenPrinted
from lictor.cli.access_shown import listed_policies, listed_roles, listed_tokens, policy_lines, token_lines
from lictor_core.acl.records import Link, Policy, ServiceIdentity, Token

_HASH = "/8EUtFlW+AUOYnPztmE/6X9l4echHCQhiBenK060urw="
_TOKEN = Token(
    accessor_id="a",
    secret_id="s",
    description="d",
    policies=(Link(id="1", name="one"),),
    service_identities=(ServiceIdentity(service_name="web"),),
    local=True,
    create_time="2026-01-02T03:04:05.678Z",
    hash=_HASH,
    create_index=5,
    modify_index=6,
)
_POLICY = Policy(id="p", name="n", description="", rules="x", hash=_HASH, create_index=1, modify_index=1)


def test_a_token_tells_its_links_and_identities() -> None:
    assert list(token_lines(_TOKEN, meta=False)) == [
        "AccessorID:       a",
        "SecretID:         s",
        "Description:      d",
        "Local:            true",
        "Create Time:      2026-01-02 03:04:05.678 +0000 UTC",
        "Policies:",
        "   1 - one",
        "Service Identities:",
        "   web (Datacenters: all)",
        "",
    ]


def test_a_hash_is_shown_in_hexadecimal_digits() -> None:
    assert "Hash:             ffc114b45956f8050e6273f3b6613fe97f65e1e7211c24218817a72b4eb4babc" in list(
        token_lines(_TOKEN, meta=True)
    )


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        ("2026-01-02T03:04:05+01:00", "2026-01-02 03:04:05 +0100 +0100"),
        ("soon", "soon"),
    ],
)
def test_times_are_shown_as_go_prints_them(time: str, shown: str) -> None:
    lines = list(token_lines(msgspec.structs.replace(_TOKEN, create_time=time), meta=False))
    assert f"Create Time:      {shown}" in lines


def test_no_secret_is_in_a_list() -> None:
    listed = msgspec.convert(
        {
            "AccessorID": "a",
            "Description": "d",
            "Local": False,
            "CreateTime": "",
            "Hash": None,
            "CreateIndex": 1,
            "ModifyIndex": 1,
        },
        ListedToken,
    )
    assert not any("Secret" in line for line in listed_tokens([listed], meta=True))
    assert "SecretID" not in msgspec.to_builtins(TokenPrinted.of(listed))
    assert msgspec.to_builtins(TokenPrinted.of(listed))["Legacy"] is False


def test_a_policy_as_json_tells_its_datacenters_in_any_case() -> None:
    assert msgspec.to_builtins(PolicyPrinted.of(_POLICY))["Datacenters"] is None
    assert list(policy_lines(_POLICY, meta=False))[-2:] == ["Rules:", "x"]


def test_an_empty_list_prints_nothing() -> None:
    empty: list[ListedPolicy] = []
    assert list(listed_policies(empty, meta=False)) == []
    assert list(listed_roles([], meta=True)) == []
