"""`/v1/event/*`."""

from __future__ import annotations

import asyncio

from lictor_agent.events import event_index
from lictor_core.limits import EVENTS_KEPT_MAX
from tests.agent.http.live import NODE, Live


async def test_an_event_is_listed_with_its_time(live: Live) -> None:
    empty = await live.get("/v1/event/list")
    assert (empty.json, empty.index) == ([], 1)
    fired = await live.put("/v1/event/fire/deploy?node=ju", b"hello")
    shown = {
        "ID": fired.text_at("ID"),
        "Name": "deploy",
        "Payload": "aGVsbG8=",
        "NodeFilter": "ju",
        "ServiceFilter": "",
        "TagFilter": "",
        "Version": 1,
    }
    assert fired.json == {**shown, "LTime": 0}
    listed = await live.get("/v1/event/list")
    assert listed.json == [{**shown, "LTime": 1}]
    assert listed.index == event_index(fired.text_at("ID"))


async def test_events_for_others_are_not_listed(live: Live) -> None:
    await live.put("/v1/event/fire/a?node=other")
    await live.put("/v1/event/fire/b?service=none")
    await live.put(f"/v1/event/fire/c?node={NODE}")
    assert (await live.get("/v1/event/list")).column("Name") == ["c"]


async def test_waiting_ends_with_an_event_of_the_name_and_for_this_agent(live: Live) -> None:
    await live.put("/v1/event/fire/deploy")
    first = await live.get("/v1/event/list?name=deploy")
    waiting = asyncio.ensure_future(live.get(f"/v1/event/list?name=deploy&index={first.index}&wait=60s"))
    await live.put("/v1/event/fire/stop")
    await live.put("/v1/event/fire/deploy?node=other")
    await asyncio.wait([waiting], timeout=0.3)
    assert not waiting.done()
    await live.put("/v1/event/fire/deploy", b"2")
    async with asyncio.timeout(10):
        answer = await waiting
    assert answer.column("Payload") == [None, "Mg=="]


async def test_waiting_with_an_older_index_ends_at_once_and_with_the_newest_after_the_wait(live: Live) -> None:
    await live.put("/v1/event/fire/deploy")
    async with asyncio.timeout(10):
        newest = await live.get("/v1/event/list?index=12345&wait=60s")
        assert (await live.get(f"/v1/event/list?index={newest.index}&wait=50ms")).index == newest.index


async def test_only_the_newest_events_are_listed_in_order(live: Live) -> None:
    for number in range(EVENTS_KEPT_MAX + 3):
        await live.put(f"/v1/event/fire/n{number}")
    listed = await live.get("/v1/event/list")
    assert listed.column("Name") == [f"n{number}" for number in range(3, EVENTS_KEPT_MAX + 3)]
    assert listed.column("LTime") == list(range(4, EVENTS_KEPT_MAX + 4))


async def test_wrong_events_are_refused(live: Live) -> None:
    for path, body, status, text in (
        ("", None, 400, "Missing name"),
        ("a?node=(", None, 500, "Invalid node filter: error parsing regexp: missing ): ("),
        ("a?tag=x", None, 500, "Cannot provide tag filter without service filter"),
        ("a?dc=dc2", None, 500, "No path to datacenter"),
    ):
        answer = await live.put(f"/v1/event/fire/{path}", body)
        assert (answer.status, answer.text) == (status, text)
    for size in (490, 5000):
        assert (await live.put("/v1/event/fire/big", b"x" * size)).status == 500
    assert (await live.put("/v1/event/fire/big", b"x" * 400)).status == 200
