"""Blocking reads: woken by what they asked about, ended by their wait, with the headers of their family."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from lictor_agent.http import blocking
from lictor_agent.http.blocking import cache_headers
from lictor_agent.kept import KeptReading
from lictor_core.filter import predicate
from lictor_core.registry import Reading
from tests.agent.http.live import Live, Reply
from tests.support.conditions import eventually


async def opened(live: Live, path: str) -> asyncio.Task[Reply]:
    """A request that is under way: it has been sent, and is not answered within a moment."""
    task = asyncio.ensure_future(live.get(path))
    done, _ = await asyncio.wait([task], timeout=0.1)
    assert not done, task.result()
    return task


async def test_a_change_wakes_who_waits_for_it(live: Live) -> None:
    index = (await live.get("/v1/kv/a")).index
    waiting = await opened(live, f"/v1/kv/a?index={index}&wait=30s")
    await live.put("/v1/kv/a", b"now")
    answer = await waiting
    assert answer.status == 200
    assert answer.index > index


async def test_a_change_of_another_thing_wakes_nobody(live: Live) -> None:
    index = (await live.get("/v1/health/service/web")).index
    waiting = await opened(live, f"/v1/health/service/web?index={index}&wait=30s")
    await live.put("/v1/catalog/register", {"Node": "n", "Address": "192.0.2.1", "Service": {"Service": "other"}})
    done, _ = await asyncio.wait([waiting], timeout=0.1)
    assert not done
    await live.put("/v1/catalog/register", {"Node": "n", "Address": "192.0.2.1", "Service": {"Service": "web"}})
    assert len(str((await waiting).json)) > 2


async def test_the_wait_ends_with_what_there_is(live: Live) -> None:
    await live.put("/v1/kv/a", b"v")
    index = (await live.get("/v1/kv/a")).index
    began = time.monotonic()
    answer = await live.get(f"/v1/kv/a?index={index}&wait=200ms")
    assert 0.15 < time.monotonic() - began < 5
    assert (answer.status, answer.index) == (200, index)


async def test_an_index_that_is_past_answers_at_once(live: Live) -> None:
    await live.put("/v1/kv/a", b"v")
    async with asyncio.timeout(30):
        assert (await live.get("/v1/kv/a?index=1&wait=60s")).status == 200


async def test_each_family_has_its_headers(live: Live) -> None:
    consistency = "X-Consul-Effective-Consistency"
    assert (await live.get("/v1/health/service/consul?stale")).headers[consistency] == "stale"
    assert (await live.get("/v1/catalog/nodes?consistent")).headers[consistency] == "consistent"
    assert consistency not in (await live.get("/v1/kv/a")).headers
    assert "X-Consul-Index" not in (await live.get("/v1/catalog/datacenters")).headers


async def test_an_unknown_datacenter_marks_errors_of_the_catalog(live: Live) -> None:
    answer = await live.get("/v1/health/service/web?dc=elsewhere")
    assert (answer.status, answer.text) == (500, "No path to datacenter")
    assert (answer.headers["X-Consul-Index"], answer.headers["X-Consul-Knownleader"]) == ("1", "false")
    assert "X-Consul-Index" not in (await live.get("/v1/kv/a?dc=elsewhere")).headers


async def test_cached_reads_tell_whether_they_came_from_the_cache(live: Live) -> None:
    first = await live.get("/v1/health/service/web?cached")
    second = await live.get("/v1/health/service/web?cached")
    assert "Age" not in first.headers
    assert [answer.headers["X-Cache"] for answer in (first, second)] == ["MISS", "HIT"]
    assert second.headers["Age"] == "0"
    assert "X-Cache" not in (await live.get("/v1/kv/a?cached")).headers


async def test_watchers_of_one_thing_sleep_while_another_changes(live: Live) -> None:
    index = (await live.get("/v1/kv/quiet")).index
    watchers = [asyncio.ensure_future(live.get(f"/v1/kv/quiet?index={index}&wait=60s")) for _ in range(100)]
    await asyncio.wait(watchers, timeout=0.3)
    for number in range(50):
        await live.put(f"/v1/kv/loud/{number}", b"")
    done, _ = await asyncio.wait(watchers, timeout=0.1)
    assert not done
    await live.put("/v1/kv/quiet", b"!")
    async with asyncio.timeout(10):
        answers = await asyncio.gather(*watchers)
    assert {answer.status for answer in answers} == {200}


@pytest.mark.parametrize(
    "path",
    [
        "agent/services",
        "agent/checks",
        "catalog/nodes",
        "catalog/service/consul",
        "catalog/connect/consul",
        "catalog/node/judge",
        "catalog/node-services/judge",
        "health/node/judge",
        "health/checks/consul",
        "health/service/consul",
        "health/service/consul?cached",
        "health/connect/consul",
        "health/state/any",
        "connect/intentions",
    ],
)
async def test_a_filter_that_is_none_is_refused_with_its_flaw(live: Live, path: str) -> None:
    answer = await live.get(f"/v1/{path}{'&' if '?' in path else '?'}filter=Colour%20%3D%20red")
    assert answer.status == 500
    assert "character 8" in answer.text


async def test_a_wrong_filter_is_refused_before_the_read_waits(live: Live) -> None:
    async with asyncio.timeout(10):
        answer = await live.get("/v1/catalog/nodes?filter=(&index=999999&wait=60s")
    assert (answer.status, answer.headers["X-Consul-Index"]) == (500, "1")


async def test_a_filter_changes_what_is_listed_and_not_the_index(live: Live) -> None:
    web = {"Node": "far", "Address": "192.0.2.1", "Service": {"Service": "web"}}
    await live.put("/v1/catalog/register", web)
    whole = await live.get("/v1/catalog/service/web")
    for filter, nodes in (("Node%20!%3D%20far", []), ("Node%20%3D%3D%20far", ["far"])):
        answer = await live.get(f"/v1/catalog/service/web?filter={filter}")
        assert (answer.column("Node"), answer.index) == (nodes, whole.index)


async def test_answers_to_several_filters_are_kept_apart(live: Live) -> None:
    for _ in range(3):
        for filter, found in (("Service%20%3D%3D%20consul", True), ("Service%20%3D%3D%20x", False)):
            answer = await live.get(f"/v1/catalog/node-services/judge?filter={filter}")
            assert ('"consul"' in answer.text) is found


@pytest.mark.parametrize(("age_s", "age"), [(0.0, "0"), (12.3, "12")])
def test_an_answer_that_is_kept_tells_its_age(age_s: float, age: str) -> None:
    kept = KeptReading(Reading(value=None, index=1, stamp=1), age_s, True)
    assert dict(cache_headers(kept, is_hit=True)) == {"Age": age, "X-Cache": "HIT"}
    assert dict(cache_headers(kept, is_hit=False)) == {"X-Cache": "MISS"}


async def test_a_plain_request_that_waits_is_answered_by_its_change_on_the_same_connection(live: Live) -> None:
    await live.put("/v1/kv/a", b"1")
    index, before = (await live.get("/v1/kv/a")).index, blocked(live)
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    question = f"GET /v1/kv/a?index={index}&wait=60s HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    answers: list[bytes] = []
    for value in (b"2", b"3"):
        writer.write(question)
        await joined(live, before, 1)
        await live.put("/v1/kv/a", value)
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
            answers.append(await reader.readexactly(length))
        newer = head.lower().partition(b"x-consul-index: ")[2].partition(b"\r")[0]
        question = question.replace(b"index=%d&" % index, b"index=%s&" % newer)
        index = int(newer)
    assert [b'"Value":"Mg=="' in answers[0], b'"Value":"Mw=="' in answers[1]] == [True, True]
    writer.close()


async def test_a_client_that_leaves_while_it_waits_leaves_nothing_behind(live: Live) -> None:
    await live.put("/v1/kv/a", b"1")
    index, before = (await live.get("/v1/kv/a")).index, blocked(live)
    _, writer = await asyncio.open_connection("127.0.0.1", live.port)
    writer.write(f"GET /v1/kv/a?index={index}&wait=60s HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await joined(live, before, 1)
    writer.close()
    await joined(live, before, 0)


async def test_time_is_up_also_for_a_plain_request(live: Live) -> None:
    await live.put("/v1/kv/a", b"1")
    index = (await live.get("/v1/kv/a")).index
    async with asyncio.timeout(10):
        answer = await live.get(f"/v1/kv/a?index={index}&wait=10ms")
    assert (answer.status, answer.index) == (200, index)


async def test_many_who_waited_for_the_same_are_given_the_same_bytes(live: Live) -> None:
    await live.put("/v1/kv/a", b"1")
    index, before = (await live.get("/v1/kv/a")).index, blocked(live)
    waiting = [asyncio.ensure_future(live.get(f"/v1/kv/a?index={index}&wait=60s")) for _ in range(50)]
    await joined(live, before, 50)
    await live.put("/v1/kv/a", b"2")
    async with asyncio.timeout(10):
        answers = await asyncio.gather(*waiting)
    assert {answer.body for answer in answers} == {(await live.get("/v1/kv/a")).body}
    again = asyncio.ensure_future(live.get(f"/v1/kv/a?index={index}&wait=60s"))
    async with asyncio.timeout(10):
        assert (await again).at("0.Value") == "Mg==", "what is behind is answered at once"


def blocked(live: Live) -> int:
    return len(live.registry._watches)  # pyright: ignore[reportPrivateUsage]


async def joined(live: Live, before: int, count: int) -> None:
    await eventually(lambda: blocked(live) == before + count, within_s=10, what=f"{count} wait")


async def test_the_first_filter_of_a_process_is_read_beside_the_loop(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside: list[Callable[[], bool]] = []

    async def aside(job: Callable[[], bool]) -> bool:
        beside.append(job)
        return job()

    monkeypatch.setattr(blocking, "aside", aside)
    predicate.cache_clear()
    for port in (80, 81):
        assert (await live.get(f"/v1/health/service/web?filter=Service.Port=={port}")).status == 200
    assert len(beside) == 1
    predicate.cache_clear()
    assert (await live.get("/v1/health/service/web?filter=((")).status == 500
