"""`/v1/acl/polic*`, `/v1/acl/role*`. Held to Consul by `tests/compat/scenarios/http/acl_policies.py`."""

from __future__ import annotations

from tests.agent.http.acl_live import guarded


async def test_a_policy_is_found_by_id_and_name_and_listed_without_its_rules() -> None:
    async with guarded() as acl:
        rules = 'key_prefix "" { policy = "read" }'
        made = await acl.made("policy", {"Name": "keys", "Rules": rules})
        for path in (f"policy/{made.text_at('ID')}", "policy/name/keys"):
            assert (await acl.ask("GET", path)).text_at("Rules") == rules
        listed = await acl.ask("GET", "policies")
        assert "Rules" not in listed.text
        assert listed.column("Datacenters") == [None, None]


async def test_a_policy_that_is_not_there_is_refused_and_a_role_not_found() -> None:
    async with guarded() as acl:
        assert (await acl.ask("GET", "policy/name/nope")).status == 403
        assert (await acl.ask("GET", "role/name/nope")).status == 404
        assert (await acl.ask("GET", "policy/x")).status == 500
        assert (await acl.ask("GET", "role/")).status == 400


async def test_who_has_a_policy_may_what_it_says_now() -> None:
    async with guarded() as acl:
        id = (await acl.made("policy", {"Name": "keys", "Rules": ""})).text_at("ID")
        await acl.made("role", {"Name": "reader", "Policies": [{"ID": id}]})
        secret = (await acl.made("token", {"Roles": [{"Name": "reader"}]})).text_at("SecretID")

        async def status() -> int:
            return (await acl.live.ask("GET", "/v1/kv/a", headers={"X-Consul-Token": secret})).status

        assert await status() == 403
        await acl.made(f"policy/{id}", {"Name": "keys", "Rules": 'key "a" { policy = "read" }'})
        assert await status() == 404
        assert (await acl.ask("DELETE", f"policy/{id}")).json is True
        assert await status() == 403
