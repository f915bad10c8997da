"""`/v1/connect/intentions/exact`, which Consul 1.8.7 does not have yet."""

from __future__ import annotations

import asyncio

import pytest

from lictor_core.records import JsonObject
from tests.agent.http.live import Live
from tests.support.recorder.json_types import as_list, as_object

ANY: JsonObject = {"Action": "allow", "HTTP": {"PathPrefix": "/"}}
WEB_TO_DB = "/v1/connect/intentions/exact?source=web&destination=db"


async def test_an_intention_is_made_replaced_and_removed_by_its_names(live: Live) -> None:
    assert (await live.get(WEB_TO_DB)).status == 404
    assert (await live.put(WEB_TO_DB, {"Action": "allow", "Description": "d"})).json is True
    made = await live.get(WEB_TO_DB)
    assert [made.at(key) for key in ("SourceName", "DestinationName", "Action")] == ["web", "db", "allow"]
    assert (await live.put(WEB_TO_DB, {"Action": "deny"})).json is True
    replaced = await live.get(WEB_TO_DB)
    assert (replaced.at("Action"), replaced.at("Description"), replaced.at("ID")) == ("deny", "", made.at("ID"))
    for _ in range(2):
        assert (await live.ask("DELETE", WEB_TO_DB)).json is True
    assert (await live.get("/v1/connect/intentions")).json == []


async def test_of_several_who_make_it_at_once_the_last_one_wins(live: Live) -> None:
    actions = ["allow", "deny"] * 4
    answers = await asyncio.gather(*(live.put(WEB_TO_DB, {"Action": action}) for action in actions))
    assert [(one.status, one.text) for one in answers] == [(200, "true")] * len(actions)
    assert len(as_list((await live.get("/v1/connect/intentions")).json)) == 1


async def test_permissions_are_written_read_and_replaced(live: Live) -> None:
    permissions: list[JsonObject] = [{"Action": "allow", "HTTP": {"PathPrefix": "/", "Methods": ["GET"]}}]
    await live.put("/v1/connect/intentions/exact?source=job&destination=db", {"Action": "allow", "Meta": {"a": "b"}})
    assert (await live.put(WEB_TO_DB, {"permissions": permissions, "Description": "d"})).json is True
    made = await live.get(WEB_TO_DB)
    assert (made.at("Permissions"), made.at("Description"), made.at("Action")) == (permissions, "d", "deny")
    entry = await live.get("/v1/config/service-intentions/db")
    assert [one["Name"] for one in map(as_object, as_list(entry.at("Sources")))] == ["job", "web"]
    assert entry.at("Sources.0.LegacyMeta") == {"a": "b"}
    assert (await live.put(WEB_TO_DB, {"Action": "allow"})).json is True
    plain = await live.get(WEB_TO_DB)
    assert (plain.at("Action"), plain.at("ID")) == ("allow", made.at("ID"))
    assert "Permissions" not in as_object(plain.json)


async def test_a_demand_of_the_entry_holds_for_what_is_added(live: Live) -> None:
    await live.put(
        "/v1/config",
        {"Kind": "jwt-provider", "Name": "okta", "JSONWebKeySet": {"Local": {"Filename": "/etc/okta.jwks"}}},
    )
    demand: JsonObject = {"Providers": [{"Name": "okta"}]}
    sources: list[JsonObject] = [{"Name": "job", "Action": "allow"}]
    entry: JsonObject = {"Kind": "service-intentions", "Name": "db", "Sources": sources, "JWT": demand}
    assert (await live.put("/v1/config", entry)).json is True
    assert (await live.put(WEB_TO_DB, {"Action": "allow"})).json is True
    made = await live.get(WEB_TO_DB)
    assert (made.at("Action"), made.at("JWT")) == ("deny", demand)


async def test_of_several_permissions_at_once_none_is_lost(live: Live) -> None:
    permissions: list[JsonObject] = [{"Action": "allow", "HTTP": {"PathPrefix": "/"}}]
    paths = [f"/v1/connect/intentions/exact?source=s{number}&destination=db" for number in range(3)]
    answers = await asyncio.gather(*(live.put(path, {"Permissions": permissions}) for path in paths))
    assert [(one.status, one.text) for one in answers] == [(200, "true")] * 3
    assert len(as_list((await live.get("/v1/connect/intentions")).json)) == 3


async def test_a_refusal_that_nobody_else_caused_is_told_at_once(live: Live) -> None:
    entry: JsonObject = {"Kind": "service-intentions", "Name": "DB", "Sources": [{"Name": "web", "Action": "allow"}]}
    assert (await live.put("/v1/config", entry)).json is True
    permissions: list[JsonObject] = [{"Action": "allow", "HTTP": {"PathPrefix": "/"}}]
    answer = await live.put(WEB_TO_DB, {"Permissions": permissions})
    assert (answer.status, "names of entries ignore case" in answer.text) == (400, True), answer.text


async def test_names_of_the_path_win_over_those_of_the_body(live: Live) -> None:
    await live.put(WEB_TO_DB, {"SourceName": "other", "DestinationName": "other", "Action": "allow"})
    assert (await live.get(WEB_TO_DB)).at("SourceName") == "web"


async def test_it_is_the_intention_that_has_an_id_elsewhere(live: Live) -> None:
    body = {"SourceName": "web", "DestinationName": "db", "Action": "allow"}
    created = await live.ask("POST", "/v1/connect/intentions", body)
    assert (await live.get(WEB_TO_DB)).at("ID") == created.at("ID")


async def test_one_may_wait_for_it(live: Live) -> None:
    await live.put(WEB_TO_DB, {"Action": "allow"})
    index = (await live.get(WEB_TO_DB)).index
    waiting = asyncio.ensure_future(live.get(f"{WEB_TO_DB}&index={index}&wait=30s"))
    await live.put(WEB_TO_DB, {"Action": "deny"})
    async with asyncio.timeout(20):
        assert (await waiting).at("Action") == "deny"


@pytest.mark.parametrize(
    ("method", "query", "body", "reason"),
    [
        ("GET", "source=web", None, "'destination' not set"),
        ("GET", "destination=db", None, "'source' not set"),
        ("DELETE", "source=a/b/c&destination=db", None, "at most one '/'"),
        ("PUT", "source=web&destination=db", {"Action": "perhaps"}, "Action must be set"),
        ("PUT", "source=w*&destination=db", {"Action": "allow"}, "wildcard character"),
        ("PUT", "source=web&destination=db", {"Foo": 1}, "Foo"),
        ("PUT", "source=web&destination=db", {"Permissions": "all"}, "must be a list"),
        ("PUT", "source=web&destination=db", {"Permissions": [{"Action": "allow"}]}, "Permissions[0].HTTP"),
        ("PUT", "source=web&destination=db", {"Permissions": [ANY], "Action": "allow"}, "excludes Permissions"),
        ("PUT", "source=web&destination=db", {"Permissions": [ANY], "Meta": {"a": "b"}}, "Meta must not"),
        ("PUT", "source=web&destination=*", {"Permissions": [ANY]}, "every destination"),
        ("PUT", "source=web&destination=db", [], "is an object"),
        ("PUT", "source=web&destination=db", b"{", "decode failed"),
    ],
)
async def test_what_is_wrong_is_a_400_that_names_it(
    live: Live, method: str, query: str, body: object, reason: str
) -> None:
    answer = await live.ask(method, f"/v1/connect/intentions/exact?{query}", body)
    assert (answer.status, reason in answer.text) == (400, True), answer.text
