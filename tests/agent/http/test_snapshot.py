"""`/v1/snapshot`: over a real socket, the whole state there and back."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lictor_agent.http import HttpSettings
from lictor_core.archive import read_archive
from tests.agent.http.live import Live, live_agent

GOLDEN = Path(__file__).parents[2] / "server" / "golden"


async def test_what_is_restored_is_what_was_saved(live: Live) -> None:
    await live.put("/v1/kv/a", b"saved")
    before = await live.get("/v1/kv/a")
    archive = await live.get("/v1/snapshot")
    assert archive.status == 200
    assert archive.headers["Content-Type"] == "application/x-gzip"
    assert archive.headers["X-Consul-Knownleader"] == "true"
    assert archive.headers["X-Consul-Lastcontact"] == "0"
    assert archive.index >= before.index
    await live.put("/v1/kv/a", b"later")
    later = await live.put("/v1/kv/b", b"later")
    assert later.status == 200
    latest = await live.get("/v1/kv/b")
    answer = await live.put("/v1/snapshot", archive.body)
    assert (answer.status, answer.body) == (200, b"")
    again = await live.get("/v1/kv/a")
    assert again.json == before.json
    assert again.index > latest.index
    gone = await live.get("/v1/kv/b")
    assert gone.status == 404
    assert gone.index > latest.index


async def test_a_blocked_query_is_answered_by_a_restore(live: Live) -> None:
    await live.put("/v1/kv/a", b"saved")
    archive = (await live.get("/v1/snapshot")).body
    await live.put("/v1/kv/a", b"later")
    index = (await live.get("/v1/kv/a")).index
    blocked = asyncio.ensure_future(live.get(f"/v1/kv/a?index={index}&wait=30s"))
    await live.get("/v1/kv/a")
    await live.put("/v1/snapshot", archive)
    answer = await asyncio.wait_for(blocked, 10)
    assert answer.text_at("0.Value") == "c2F2ZWQ="
    assert answer.index > index


async def test_a_large_state_goes_there_and_back(live: Live) -> None:
    """Larger than a request body elsewhere, than a piece of the log, and than the buffers of a socket."""
    for number in range(20):
        await live.put(f"/v1/kv/large/{number}", os.urandom(300_000))
    archive = await live.get("/v1/snapshot?stale")
    assert len(archive.body) > 6_000_000
    meta = read_archive(io.BytesIO(archive.body), len)
    assert meta.index == archive.index
    values = (await live.get("/v1/kv/large/?recurse")).json
    await live.ask("DELETE", "/v1/kv/large/?recurse")
    url = f"http://127.0.0.1:{live.port}/v1/snapshot"
    async with live.session.put(url, data=io.BytesIO(archive.body)) as answer:
        assert answer.status == 200
    assert (await live.get("/v1/kv/large/?recurse")).json == values


async def test_an_archive_is_sent_as_it_is_also_to_those_who_take_gzip(live: Live) -> None:
    answer = await live.ask("GET", "/v1/snapshot", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    assert answer.body.startswith(b"\x1f\x8b")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "cut off"),
        (b"nonsense", "no gzip"),
        ((GOLDEN / "consul-1.8.7.snap").read_bytes(), "a snapshot of Consul"),
        ((GOLDEN / "consul-1.8.7.snap").read_bytes()[:-30], "a snapshot of Consul"),
    ],
)
async def test_what_is_no_snapshot_of_ours_is_refused(live: Live, body: bytes, text: str) -> None:
    await live.put("/v1/kv/a", b"1")
    answer = await live.put("/v1/snapshot", body)
    assert answer.status == 500
    assert text in answer.text
    assert (await live.get("/v1/kv/a?raw")).body == b"1"


async def test_a_cut_archive_changes_nothing(live: Live) -> None:
    archive = (await live.get("/v1/snapshot")).body
    await live.put("/v1/kv/a", b"1")
    answer = await live.put("/v1/snapshot", archive[:-10])
    assert (answer.status, "cut off" in answer.text) == (500, True)
    assert (await live.get("/v1/kv/a?raw")).body == b"1"


async def test_other_datacenters_and_stale_restores_are_refused(live: Live) -> None:
    for method in ("GET", "PUT"):
        answer = await live.ask(method, "/v1/snapshot?dc=elsewhere")
        assert (answer.status, answer.text) == (500, "No path to datacenter")
    answer = await live.put("/v1/snapshot?stale", b"")
    assert (answer.status, answer.text) == (500, "stale not allowed for restore")


async def test_an_archive_beyond_the_bound_is_refused_with_or_without_its_length() -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(100)

    async with live_agent(HttpSettings(snapshot_bytes_max=1000)) as live:
        assert (await live.put("/v1/snapshot", bytes(1001))).status == 413
        url = f"http://127.0.0.1:{live.port}/v1/snapshot"
        async with live.session.put(url, data=parts()) as answer:
            assert answer.status == 413


async def test_a_body_that_stops_is_not_waited_for_for_ever() -> None:
    async with live_agent(HttpSettings(body_s_max=0.1)) as live:
        reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
        writer.write(b"PUT /v1/snapshot HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n"), 10)
        assert b" 408 " in head
        writer.close()
        await writer.wait_closed()


async def test_a_client_that_goes_away_in_the_middle_of_a_snapshot_hurts_nobody(live: Live) -> None:
    for number in range(20):
        await live.put(f"/v1/kv/large/{number}", os.urandom(400_000))
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port, limit=1024)
    writer.write(b"GET /v1/snapshot HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readexactly(1000)
    writer.transport.abort()
    assert (await live.get("/v1/status/leader")).status == 200
