"""What the commands about access control have in common."""

import stat
from pathlib import Path

import pytest

from lictor.cli.access import (
    json_argument,
    linked,
    merged,
    node_identities,
    policy_id,
    service_identities,
    token_id,
    write_private,
)
from lictor.cli.api import Api
from lictor.cli.errors import CommandError
from lictor_core.acl.records import ANONYMOUS_ID
from lictor_core.records import JsonObject
from tests.client.fake_agent import Reply, fake_agent

_POLICIES = b"""[
 {"ID": "aaaa1111", "Name": "a", "Description": "", "Datacenters": null, "Hash": "",
  "CreateIndex": 1, "ModifyIndex": 1},
 {"ID": "aaaa2222", "Name": "b", "Description": "", "Datacenters": null, "Hash": "",
  "CreateIndex": 1, "ModifyIndex": 1}
]"""


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("web", {"ServiceName": "web"}),
        ("web:dc1,dc2", {"ServiceName": "web", "Datacenters": ["dc1", "dc2"]}),
    ],
)
def test_a_service_identity_may_name_datacenters(text: str, identity: JsonObject) -> None:
    assert service_identities([text]) == [identity]


@pytest.mark.parametrize("text", ["", ":dc1", "web:", "a:b:c"])
def test_a_service_identity_that_is_none_is_told(text: str) -> None:
    with pytest.raises(CommandError, match="-service-identity"):
        service_identities([text])


def test_a_node_identity_names_its_datacenter() -> None:
    assert node_identities(["n1:dc1"]) == [{"NodeName": "n1", "Datacenter": "dc1"}]
    for text in ("n1", "n1:", ":dc1", "a:b:c", ""):
        with pytest.raises(CommandError, match="-node-identity"):
            node_identities([text])


def test_links_are_by_id_or_by_name() -> None:
    assert linked(["1"], ["n"]) == [{"ID": "1"}, {"Name": "n"}]


def test_what_is_linked_already_is_not_linked_once_more() -> None:
    old: list[JsonObject] = [{"ID": "1", "Name": "one"}]
    assert merged(old, [{"Name": "one"}, {"ID": "1"}, {"Name": "two"}], "ID", "Name") == [*old, {"Name": "two"}]
    assert merged(None, [{"ID": "1"}], "ID") == [{"ID": "1"}]


@pytest.mark.parametrize("text", ["{", "[]", "5"])
def test_settings_that_are_no_object_are_told(text: str) -> None:
    with pytest.raises(CommandError, match="-config"):
        json_argument(text, "-config")
    assert json_argument("", "-config") == {}


def test_an_id_is_found_by_digits_that_begin_no_other() -> None:
    with fake_agent(lambda _: Reply(body=_POLICIES)) as agent:
        api = Api({"http_addr": agent.address}, "", stale=False)
        try:
            assert policy_id(api, "aaaa1") == "aaaa1111"
            with pytest.raises(CommandError, match="2 policy ids begin with aaaa"):
                policy_id(api, "aaaa")
            with pytest.raises(CommandError, match='no policy has an id that begins with "b"'):
                policy_id(api, "b")
            asked = len(agent.seen)
            assert policy_id(api, "x" * 36) == "x" * 36
            assert token_id(api, "anonymous") == ANONYMOUS_ID
            assert len(agent.seen) == asked, "whole ids are not asked for"
        finally:
            api.close()


def test_a_secret_is_written_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    target = tmp_path / "token"
    target.write_text("old")
    target.chmod(0o666)
    write_private(str(target), "new")
    assert (target.read_text(), stat.S_IMODE(target.stat().st_mode)) == ("new", 0o600)
    with pytest.raises(OSError, match="No such file"):
        write_private(str(tmp_path / "none" / "token"), "x")
    assert list(tmp_path.iterdir()) == [target]
