"""The older API. Held to Consul by `tests/compat/scenarios/http/acl_legacy.py`."""

from __future__ import annotations

from tests.agent.http.acl_live import guarded

_SECRET = "00000001-1111-4111-8111-111111111111"


async def test_an_older_token_is_named_by_its_secret() -> None:
    async with guarded() as acl:
        body = {"ID": _SECRET, "Name": "old", "Rules": 'key "a" { policy = "read" }'}
        assert (await acl.made("create", body)).json == {"ID": _SECRET}
        shown = await acl.ask("GET", f"info/{_SECRET}", token="")
        assert shown.column("Type") == ["client"]
        read = await acl.live.ask("GET", "/v1/kv/ab", headers={"X-Consul-Token": _SECRET})
        assert read.status == 404, "in the older words every name is a prefix"
        assert (await acl.ask("PUT", f"destroy/{_SECRET}")).json is True
        assert (await acl.ask("GET", f"info/{_SECRET}")).json == []


async def test_secrets_are_listed_for_who_may_write_tokens_alone() -> None:
    async with guarded() as acl:
        await acl.made("create", {"ID": _SECRET, "Name": "old"})
        await acl.made("policy", {"Name": "reader", "Rules": 'acl = "read"'})
        reader = (await acl.made("token", {"Policies": [{"Name": "reader"}]})).text_at("SecretID")
        assert _SECRET in (await acl.ask("GET", "list")).text
        assert (await acl.ask("GET", "list", token=reader)).status == 403
        assert (await acl.ask("PUT", f"clone/{_SECRET}", token=reader)).status == 403
