"""`/v1/acl/*` of a cluster without ACLs. All of it is held to Consul by `tests/compat/scenarios/http/acl_off.py`."""

from __future__ import annotations

from lictor_agent.http.acl import ROUTES
from tests.agent.http.acl_live import MANAGEMENT, guarded
from tests.agent.http.live import Live
from tests.support.recorder.json_types import Json


async def test_whatever_is_asked_of_access_control_is_refused_as_disabled(live: Live) -> None:
    for route in ROUTES:
        path = f"{route.path}x" if route.path.endswith("/") else route.path
        for method in route.endpoints:
            answer = await live.ask(method, path)
            assert (answer.status, answer.text) == (401, "ACL support disabled"), f"{method} {path}"


async def test_a_body_is_not_looked_at(live: Live) -> None:
    assert (await live.put("/v1/agent/token/default", b"{bad")).status == 401


async def test_the_first_token_is_made_once() -> None:
    async with guarded() as acl:
        refused = await acl.ask("PUT", "bootstrap", token="")
        assert (refused.status, "no longer allowed (reset index:" in refused.text) == (403, True)


async def test_older_rules_are_translated_for_who_may_read_rules() -> None:
    async with guarded() as acl:
        rules = b'key "a" { policy = "read" }'
        told = await acl.ask("POST", "rules/translate", rules)
        assert told.text == 'key_prefix "a" {\n  policy = "read"\n}'
        assert (await acl.ask("POST", "rules/translate", b"key {")).status == 400
        assert (await acl.ask("POST", "rules/translate", rules, token="")).status == 403


async def test_a_token_is_told_what_it_may() -> None:
    async with guarded() as acl:
        await acl.made("policy", {"Name": "keys", "Rules": 'key_prefix "a/" { policy = "write" }'})
        secret = (await acl.made("token", {"Policies": [{"Name": "keys"}]})).text_at("SecretID")
        asked: list[Json] = [
            {"Resource": "key", "Segment": "a/", "Access": "write-prefix"},
            {"Resource": "key", "Segment": "b", "Access": "read"},
        ]
        told = await acl.live.ask("POST", "/v1/internal/acl/authorize", asked, {"X-Consul-Token": secret})
        assert told.column("Allow") == [True, False]


async def test_a_denial_is_explained_with_the_rules_that_speak_of_it() -> None:
    async with guarded() as acl:
        await acl.made("policy", {"Name": "ops", "Rules": 'service_prefix "w" { policy = "read" }'})
        made = await acl.made("token", {"Policies": [{"Name": "ops"}]})
        path = f"/v1/internal/acl/explain?accessor={made.text_at('AccessorID')}&resource=service&name=web&access=write"
        told = await acl.live.ask("GET", path, headers={"X-Consul-Token": MANAGEMENT})
        assert (told.at("Allowed"), told.at("ByDefault")) == (False, False)
        assert told.at("Considered") == [
            {"Rule": 'service_prefix "w" { policy = "read" }', "Policy": "ops", "Grants": "read", "Decides": True}
        ]
        own = await acl.live.ask("GET", path, headers={"X-Consul-Token": made.text_at("SecretID")})
        assert own.status == 403, "who may not read access control is told nothing of it"


async def test_what_cannot_be_explained_is_said() -> None:
    async with guarded() as acl:
        for query, status in (
            ("resource=thing&accessor=x", 400),
            ("resource=key&access=own&accessor=x", 400),
            ("resource=key", 400),
            ("resource=key&accessor=x", 404),
        ):
            path = f"/v1/internal/acl/explain?{query}"
            told = await acl.live.ask("GET", path, headers={"X-Consul-Token": MANAGEMENT})
            assert told.status == status, query
