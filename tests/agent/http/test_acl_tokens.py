"""`/v1/acl/token*`. What it answers is held to Consul by `tests/compat/scenarios/http/acl_tokens.py`."""

from __future__ import annotations

from tests.agent.http.acl_live import guarded
from tests.support.recorder.json_types import as_list, as_object


async def test_a_token_is_made_read_copied_and_deleted() -> None:
    async with guarded() as acl:
        made = await acl.made("token", {"Description": "d", "ServiceIdentities": [{"ServiceName": "web"}]})
        accessor, secret = made.text_at("AccessorID"), made.text_at("SecretID")
        assert (await acl.ask("GET", f"token/{accessor}")).text_at("SecretID") == secret
        assert (await acl.ask("GET", "token/self", token=secret)).text_at("Description") == "d"
        copied = await acl.made(f"token/{accessor}/clone", {})
        assert copied.at("ServiceIdentities") == [{"ServiceName": "web"}]
        assert copied.text_at("SecretID") != secret
        assert (await acl.ask("DELETE", f"token/{accessor}")).json is True
        gone = await acl.ask("GET", f"token/{accessor}")
        assert (gone.status, gone.text) == (403, "ACL not found")
        assert (await acl.ask("GET", "token/self", token=secret)).status == 403


async def test_a_list_of_tokens_has_no_secret() -> None:
    async with guarded() as acl:
        secret = (await acl.made("token", {"Description": "d"})).text_at("SecretID")
        listed = await acl.ask("GET", "tokens")
        assert "SecretID" not in listed.text
        assert secret not in listed.text
        assert {str(as_object(one)["Description"]) for one in as_list(listed.json)} >= {"d", "Anonymous Token"}


async def test_who_may_read_sees_no_secret_of_others() -> None:
    async with guarded() as acl:
        await acl.made("policy", {"Name": "reader", "Rules": 'acl = "read"'})
        reader = (await acl.made("token", {"Policies": [{"Name": "reader"}]})).text_at("SecretID")
        other = await acl.made("token", {"Description": "other"})
        seen = await acl.ask("GET", f"token/{other.text_at('AccessorID')}", token=reader)
        assert seen.text_at("SecretID") == "<hidden>"
        refused = await acl.ask("PUT", "token", {}, token=reader)
        assert refused.status == 403
        assert refused.text.startswith("Permission denied: token with AccessorID")
        assert reader not in refused.text


async def test_a_token_is_updated_under_its_own_accessor_alone() -> None:
    async with guarded() as acl:
        accessor = (await acl.made("token", {})).text_at("AccessorID")
        assert (await acl.made(f"token/{accessor}", {"Description": "new"})).text_at("Description") == "new"
        mismatch = await acl.ask("PUT", f"token/{accessor}", {"AccessorID": "ffffffff-0000-4000-8000-00000000dead"})
        assert (mismatch.status, "do not match" in mismatch.text) == (400, True)


async def test_tokens_are_chosen_by_one_thing_at_a_time() -> None:
    async with guarded() as acl:
        refused = await acl.ask("GET", "tokens?policy=x&role=y")
        assert (refused.status, "one of policy, role" in refused.text) == (500, True)
