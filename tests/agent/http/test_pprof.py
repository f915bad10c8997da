"""`/debug/pprof/*`: profiles over HTTP."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from tests.agent.http.live import Live


@pytest.mark.parametrize("name", ["profile?seconds=1", "heap", "allocs", "goroutine", "threadcreate"])
async def test_a_profile_is_packed_for_pprof(debugged: Live, name: str) -> None:
    answer = await debugged.get(f"/debug/pprof/{name}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/octet-stream")
    assert b"count" in gzip.decompress(answer.body)


@pytest.mark.parametrize("name", ["heap", "goroutine", "threadcreate"])
async def test_people_can_read_it(debugged: Live, name: str) -> None:
    assert f"{name} profile: total" in (await debugged.get(f"/debug/pprof/{name}?debug=1")).text


async def test_one_profile_of_the_processor_is_taken_at_a_time(debugged: Live) -> None:
    answers = await asyncio.gather(*(debugged.get("/debug/pprof/profile?seconds=3") for _ in range(3)))
    assert sorted(answer.status for answer in answers) == [200, 429, 429]
    async with asyncio.timeout(30):
        while (await debugged.get("/debug/pprof/profile?seconds=1")).status != 200:
            pass


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("", 200, "goroutine"),
        ("cmdline", 200, ""),
        ("symbol", 200, "num_symbols: 1"),
        ("trace", 501, "not written in Go"),
        ("nope", 404, "there are profile, heap"),
        ("profile?seconds=601", 400, "at most 600"),
    ],
)
async def test_what_else_there_is(debugged: Live, path: str, status: int, word: str) -> None:
    answer = await debugged.get(f"/debug/pprof/{path}")
    assert (answer.status, word in answer.text) == (status, True)


async def test_without_enable_debug_nothing_is_told(live: Live) -> None:
    for path in ("", "profile", "heap", "nope"):
        answer = await live.get(f"/debug/pprof/{path}")
        assert (answer.status, answer.text) == (401, "ACL support disabled")
