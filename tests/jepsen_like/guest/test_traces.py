"""What a run made is found by its name, whoever made it how; what others made stays."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from lictor_jepsen.guest.file import ClusterFile
from lictor_jepsen.guest.stay import Stay
from lictor_jepsen.guest.traces import LATE_S, Traces, in_doubt
from lictor_jepsen.net import Node
from lictor_jepsen.op import NEMESIS, Kind, Op
from lictor_jepsen.workload import Made
from tests.jepsen_like.guest.host import Host, hosting
from tests.jepsen_like.misbehaving import serving


def _stay(url: str, patience_s: float, stamp: str = "now") -> Stay:
    node = Node(1, "s1", "127.0.0.1")
    cluster = ClusterFile("x", (node,), (), {"s1": url}, (), None)
    return Stay(cluster, "catalog", (), 5.0, 1, 10.0, stamp, patience_s)


def _make(host: Host, stay: Stay) -> None:
    """One of each, in two places where there may be several."""
    for name in ("a", "b/c"):
        host.ask("PUT", f"/v1/kv/{stay.prefix}{name}", 1)
    host.ask("PUT", "/v1/session/create", {"Name": stay.prefix, "Checks": []})
    for number in (1, 2):
        service = {"Service": f"{stay.mark}k", "ID": f"{stay.mark}k-{number}"}
        node = {"Node": f"x-{stay.mark}k-{number}", "Address": "10.0.0.1"}
        host.ask("PUT", "/v1/catalog/register", {**node, "Service": service})
        host.ask("PUT", "/v1/agent/service/register", {"Name": f"{stay.mark}k", "ID": f"{stay.mark}own-{number}"})


@pytest.mark.slow
async def test_all_of_a_run_is_taken_away_and_nothing_of_another_one(tmp_path: Path) -> None:
    with hosting(tmp_path) as host:
        stay = _stay(host.owner_url, 20.0)
        other = stay._replace(stamp="then")
        await asyncio.to_thread(_make, host, stay)
        await asyncio.to_thread(_make, host, other)
        ghost = {"Service": f"{stay.mark}ghost", "ID": f"{stay.mark}ghost"}  # its agent knows nothing of it
        host.ask("PUT", "/v1/catalog/register", {"Node": "s1", "Address": "127.0.0.1", "Service": ghost})
        traces = Traces(stay, time.monotonic)
        assert await traces.remove() == [], "nothing was made, so nothing is looked for"
        assert len(host.left()["keys"]) == 4

        traces.made |= set(Made)
        assert await traces.remove() == []
        left = host.left()
        assert left["keys"] == [f"{other.prefix}a", f"{other.prefix}b/c"]
        assert left["nodes"] == [f"x-{other.mark}k-1", f"x-{other.mark}k-2"]
        assert left["services"] == [f"{other.mark}{name}" for name in ("k", "own-1", "own-2")]
        assert len(left["sessions"]) == 1
        assert await traces.remove() == [], "once more is nothing"


def test_a_write_that_nobody_knows_of_may_come_late_for_a_while() -> None:
    unknown = Op(1000.0, 0, Kind.INFO, "write")
    later = Op(1000.0 + LATE_S * 1000, 1, Kind.OK, "write")
    assert in_doubt([unknown])
    assert in_doubt([unknown, later._replace(time_ms=later.time_ms - 1)])
    assert not in_doubt([unknown, later])
    assert not in_doubt([unknown._replace(kind=Kind.FAIL), unknown._replace(process=NEMESIS)])
    assert not in_doubt([])


@pytest.mark.parametrize(
    ("status", "text", "told"),
    [
        (403, "Permission denied", "403 Permission denied"),
        (500, "No cluster leader", "500 No cluster leader"),
        (200, '["jepsen/x/1"]', "1 are still there, such as jepsen/x/1"),
    ],
)
async def test_what_cannot_be_taken_away_is_told_with_the_reason(status: int, text: str, told: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
        await writer.drain()

    async with serving(answer) as url:
        traces = Traces(_stay(url, 0.0), time.monotonic)
        traces.made.add(Made.KEYS)
        [left] = await traces.remove()
    assert left == f"the keys below jepsen/x-catalog-1-now/ could not be taken away: {told}"
