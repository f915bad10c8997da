"""`/v1/agent/monitor`: the log over HTTP, as long as somebody listens."""

from __future__ import annotations

import asyncio
import json

import pytest

from lictor_agent.log_listeners import LISTENERS_MAX
from tests.agent.http.live import Live
from tests.support.conditions import eventually


async def test_lines_come_as_they_are_logged(live: Live) -> None:
    url = f"http://127.0.0.1:{live.port}/v1/agent/monitor?loglevel=debug&logjson"
    async with asyncio.timeout(20), live.session.get(url) as answer:
        assert answer.status == 200
        assert answer.headers["Transfer-Encoding"] == "chunked"
        await live.get("/v1/catalog/nodes?watched")
        seen = ""
        while "/v1/catalog/nodes" not in seen:
            seen = (await answer.content.readline()).decode()
    assert json.loads(seen)["event"] == "http.request.answered"


async def test_one_who_goes_away_listens_no_more(live: Live) -> None:
    listeners = live.http.listeners
    assert listeners is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    writer.write(b"GET /v1/agent/monitor HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(20):
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
    assert len(listeners) == 1
    writer.close()
    await eventually(lambda: len(listeners) == 0, what="nobody listens")


async def test_http_1_0_has_no_chunks(live: Live) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    writer.write(b"GET /v1/agent/monitor?loglevel=debug HTTP/1.0\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"chunked" not in head
        assert b"Connection: close" in head
        assert (await reader.readline()).startswith(b"2")
    writer.close()


@pytest.mark.parametrize("level", ["loud", "7"])
async def test_an_unknown_level_is_refused(live: Live, level: str) -> None:
    answer = await live.get(f"/v1/agent/monitor?loglevel={level}")
    assert (answer.status, answer.text) == (400, f"Bad request: Unknown log level: {level}")


async def test_listeners_are_bounded(live: Live) -> None:
    writers: list[asyncio.StreamWriter] = []
    for _ in range(LISTENERS_MAX):
        reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
        writers.append(writer)
        writer.write(b"GET /v1/agent/monitor HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(20):
            await reader.readuntil(b"\r\n\r\n")
    answer = await live.get("/v1/agent/monitor")
    assert answer.status == 429
    for writer in writers:
        writer.close()
