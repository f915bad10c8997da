"""`/v1/connect/intentions*`."""

from __future__ import annotations

import asyncio

import pytest

from tests.agent.http.live import Live
from tests.support.recorder.json_types import as_list, as_object, at

NOBODY = "11111111-2222-3333-4444-555555555555"
ROOT = "/v1/connect/intentions"


async def create(live: Live, source: str, destination: str, action: str) -> str:
    answer = await live.ask("POST", ROOT, {"SourceName": source, "DestinationName": destination, "Action": action})
    assert answer.status == 200, answer.text
    return answer.text_at("ID")


async def allowed(live: Live, source: str, destination: str) -> object:
    return (await live.get(f"{ROOT}/check?source={source}&destination={destination}")).at("Allowed")


async def test_the_most_exact_intention_decides(live: Live) -> None:
    assert await allowed(live, "web", "db") is True
    await create(live, "*", "db", "deny")
    await create(live, "web", "db", "allow")
    assert await allowed(live, "web", "db") is True
    assert await allowed(live, "api", "db") is False
    assert await allowed(live, "default/api", "default/db") is False


async def test_an_intention_is_read_changed_and_removed(live: Live) -> None:
    intention_id = await create(live, "web", "db", "deny")
    read = as_object((await live.get(f"{ROOT}/{intention_id}")).json)
    assert (read["Precedence"], read["SourceType"], read["Meta"]) == (9, "consul", {})
    read["Action"] = "allow"
    assert (await live.put(f"{ROOT}/{intention_id}", read)).json == {"ID": intention_id}
    assert await allowed(live, "web", "db") is True
    assert (await live.ask("DELETE", f"{ROOT}/{intention_id}")).json is True
    assert (await live.get(f"{ROOT}/{intention_id}")).status == 404


async def test_match_lists_by_name_in_deciding_order(live: Live) -> None:
    exact = await create(live, "web", "db", "allow")
    wild = await create(live, "*", "*", "deny")
    found = await live.get(f"{ROOT}/match?by=destination&name=db&name=other")
    assert [at(rule, "ID") for rule in as_list(found.at("db"))] == [exact, wild]
    assert [at(rule, "ID") for rule in as_list(found.at("other"))] == [wild]
    assert (await live.get(f"{ROOT}/match?by=source&name=nobody")).at("nobody.0.ID") == wild


async def test_a_name_that_no_intention_speaks_of_is_null(live: Live) -> None:
    assert (await live.get(f"{ROOT}/match?by=source&name=nobody")).json == {"nobody": None}


async def test_a_match_can_be_waited_for(live: Live) -> None:
    index = (await live.get(f"{ROOT}/match?by=destination&name=db")).index
    waiting = asyncio.ensure_future(live.get(f"{ROOT}/match?by=destination&name=db&index={index}&wait=30s"))
    await asyncio.wait([waiting], timeout=0.1)
    await create(live, "web", "db", "deny")
    async with asyncio.timeout(30):
        assert '"deny"' in (await waiting).text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"DestinationName": "db", "Action": "allow"}, "SourceName must be set"),
        ({"SourceName": "a", "DestinationName": "b", "Action": "maybe"}, "Action must be set to 'allow' or 'deny'"),
        ({"SourceName": "a*", "DestinationName": "b", "Action": "deny"}, "cannot be used with partial values"),
        ({"SourceName": "a", "DestinationName": "b", "Action": "deny", "SourceType": "x"}, "SourceType must be set"),
        ({"SourceName": "a", "DestinationName": "b", "Action": "deny", "ID": NOBODY}, "ID must be empty"),
        (
            {"SourceName": "a", "DestinationName": "b", "Action": "deny", "Description": "d" * 513},
            "Description exceeds",
        ),
        ({"SourceName": "a", "DestinationName": "b", "Action": "deny", "Colour": 1}, 'unknown field "Colour"'),
        ({}, "3 errors occurred"),
    ],
)
async def test_a_wrong_intention_is_refused_with_500_as_consul_does(live: Live, body: object, words: str) -> None:
    answer = await live.ask("POST", ROOT, body)
    assert answer.status == 500
    assert words in answer.text
    assert (await live.get(ROOT)).json == []


async def test_two_intentions_between_the_same_names_are_refused(live: Live) -> None:
    first = await create(live, "web", "db", "deny")
    answer = await live.ask("POST", ROOT, {"SourceName": "web", "DestinationName": "db", "Action": "allow"})
    assert answer.status == 500
    assert first in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", f"{ROOT}/nonsense", 400, "UUID must be 36 characters"),
        ("GET", f"{ROOT}/{'z' * 8}-zzzz-zzzz-zzzz-{'z' * 12}", 400, "invalid byte: U+007A 'z'"),
        ("GET", f"{ROOT}/{NOBODY}", 404, "Intention not found"),
        ("DELETE", f"{ROOT}/{NOBODY}", 500, "Cannot delete non-existent intention"),
        ("PUT", f"{ROOT}/{NOBODY}", 500, "Cannot modify non-existent intention"),
        ("GET", f"{ROOT}/match?name=db", 500, "required query parameter 'by' not set"),
        ("GET", f"{ROOT}/match?by=colour&name=db", 500, "'by' parameter must be one of"),
        ("GET", f"{ROOT}/match?by=source", 500, "required query parameter 'name' not set"),
        ("GET", f"{ROOT}/match?by=source&name=a/b/c", 500, "at most one '/'"),
        ("GET", f"{ROOT}/match?by=source" + "&name=a" * 101, 400, "too many"),
        ("GET", f"{ROOT}/check?source=a", 500, "required query parameter 'destination' not set"),
        ("GET", f"{ROOT}/check?source=a&destination=b&source-type=x", 500, "unsupported SourceType"),
    ],
)
async def test_a_wrong_question_is_told_what_is_wrong(
    live: Live, method: str, path: str, status: int, words: str
) -> None:
    body = {"SourceName": "a", "DestinationName": "b", "Action": "deny"} if method == "PUT" else None
    answer = await live.ask(method, path, body)
    assert answer.status == status
    assert words in answer.text
