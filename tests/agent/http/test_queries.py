"""`/v1/query`. What it answers is held to Consul by `tests/compat/scenarios/http/queries.py`."""

from __future__ import annotations

import pytest

from lictor_core.commands import ReadMode
from lictor_core.errors import NoLeaderError
from lictor_core.registry import ReadOptions
from tests.agent.http.live import NODE, Live, Reply
from tests.support.recorder.json_types import as_list, at


async def created(live: Live, **fields: object) -> str:
    answer = await live.ask("POST", "/v1/query", {"Service": {"Service": "web"}, **fields})
    assert answer.status == 200, answer.text
    return answer.text_at("ID")


def names(answer: Reply) -> list[str]:
    """The nodes of what was found, in its order."""
    return [str(at(row, "Node.Node")) for row in as_list(answer.at("Nodes"))]


async def with_instances(live: Live, count: int) -> None:
    for number in range(count):
        body = {"Node": f"n{number}", "Address": f"192.0.2.{number}", "Service": {"Service": "web", "Tags": ["t"]}}
        assert (await live.put("/v1/catalog/register", body)).status == 200


async def test_callers_get_the_instances_in_orders_of_their_own(live: Live) -> None:
    await with_instances(live, 6)
    await created(live, Name="q")
    answers = [await live.get("/v1/query/q/execute") for _ in range(12)]
    orders = {tuple(names(answer)) for answer in answers}
    assert len(orders) > 1, "twelve callers were sent to the same instance first"
    assert {frozenset(order) for order in orders} == {frozenset(f"n{number}" for number in range(6))}


async def test_near_the_caller_is_near_whom_the_proxy_names(live: Live) -> None:
    await with_instances(live, 6)
    await created(live, Name="q", Service={"Service": "web", "Near": "_ip"})
    for _ in range(5):
        answer = await live.ask(
            "GET", "/v1/query/q/execute?limit=1", headers={"X-Forwarded-For": "192.0.2.4, 10.0.0.1"}
        )
        assert names(answer) == ["n4"]


async def test_near_the_agent_is_near_the_one_that_was_asked(live: Live) -> None:
    await with_instances(live, 6)
    own = {"ID": "own", "Name": "web", "Tags": ["t"]}
    assert (await live.put("/v1/agent/service/register", own)).status == 200
    await created(live, Name="q", Service={"Service": "web", "Near": "_agent"})
    for _ in range(5):
        answer = await live.get("/v1/query/q/execute?limit=1")
        assert names(answer) == [NODE]


async def test_a_query_that_cannot_be_kept_leaves_nothing(live: Live) -> None:
    refused = await live.ask(
        "POST", "/v1/query", {"Name": "q", "Service": {"Service": "${x}"}, "Template": {"Type": "x"}}
    )
    assert refused.status == 500
    assert (await live.get("/v1/query")).json == []


async def test_no_body_but_null_is_refused_with_a_reason(live: Live) -> None:
    answer = await live.ask("POST", "/v1/query", b"null")
    assert (answer.status, "Must be bound to a session" in answer.text) == (500, True)


async def test_an_instance_without_tags_and_checks_has_null_there(live: Live) -> None:
    await live.put("/v1/catalog/register", {"Node": "n", "Address": "192.0.2.1", "Service": {"Service": "web"}})
    await created(live, Name="q")
    answer = await live.get("/v1/query/q/execute")
    assert (answer.at("Nodes.0.Service.Tags"), answer.at("Nodes.0.Checks")) == (None, None)


async def test_what_was_found_last_is_told_to_who_takes_kept_answers_while_no_server_answers(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    await with_instances(live, 2)
    await created(live, Name="q")
    assert (await live.get("/v1/query/q/execute?cached")).headers["X-Cache"] == "MISS"
    asked: list[ReadMode] = []

    async def nobody(query: object, options: ReadOptions) -> None:
        asked.append(options.mode)
        raise NoLeaderError

    monkeypatch.setattr(live.registry, "read", nobody)
    answer = await live.get("/v1/query/q/execute?cached")
    assert answer.status == 200, answer.text
    assert sorted(names(answer)) == ["n0", "n1"]
    assert (answer.headers["X-Cache"], answer.at("KnownLeader")) == ("HIT", False)
    assert asked == [ReadMode.STALE], "whether anybody leads does not matter"
    assert (await live.get("/v1/query/q/execute")).status == 500
    assert (await live.get("/v1/query/other/execute?cached")).status == 500
