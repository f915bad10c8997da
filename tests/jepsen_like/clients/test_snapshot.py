"""The gate between clients, and a save and restore of a real server."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from lictor_jepsen.clients.snapshot import Gate, SnapshotClient
from lictor_jepsen.db import Cluster, lictor
from lictor_jepsen.disk import Folders
from lictor_jepsen.interpreter import serving
from lictor_jepsen.net import Loopback
from lictor_jepsen.op import Invocation, Kind, Mode


async def test_who_closes_the_gate_is_alone_and_others_wait_for_it_to_open() -> None:
    gate = Gate()
    inside: list[str] = []
    release = asyncio.Event()

    async def pass_through(name: str) -> None:
        async with gate.passed():
            inside.append(name)
            await release.wait()

    async def close() -> None:
        async with gate.closed():
            assert release.is_set(), "those inside come out first"
            inside.append("alone")

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        tasks = [group.create_task(pass_through("first"))]
        await asyncio.sleep(0)
        tasks.append(group.create_task(close()))
        await asyncio.sleep(0)
        tasks.append(group.create_task(pass_through("later")))
        for _ in range(10):
            await asyncio.sleep(0)
        assert inside == ["first"]
        release.set()
    assert inside == ["first", "alone", "later"]


async def test_a_snapshot_that_was_not_saved_is_not_restored() -> None:
    client = SnapshotClient("http://127.0.0.1:1", Gate())
    outcome = await client.invoke(Invocation("restore", "snapshots", (7, True)))
    assert (outcome.kind, outcome.error) == (Kind.FAIL, "there is no snapshot 7")


@pytest.mark.slow
async def test_a_restore_brings_back_keys_and_the_session_that_held_a_lock(tmp_path: Path) -> None:
    cluster = Cluster(lictor(), Loopback(1), Folders(tmp_path / "data"), tmp_path)
    client = SnapshotClient(cluster.url(cluster.nodes[0]), Gate())
    try:
        await cluster.start(cluster.nodes[0])
        assert await serving(cluster, time.monotonic) is not None
        for f, value in (("hold", None), ("write", 1), ("save", 4), ("write", 2), ("drop", None)):
            outcome = await client.invoke(Invocation(f, "a" if f == "write" else "snapshots", value))
            assert outcome.kind is Kind.OK, outcome
        restored = await client.invoke(Invocation("restore", "snapshots", (4, True)))
        read = await client.invoke(Invocation("read", "a", mode=Mode.DEFAULT))
    finally:
        await cluster.stop()
    assert isinstance(restored.value, tuple), restored
    number, content, is_locked, is_held = restored.value
    assert (number, is_locked, is_held, read.value) == (4, True, True, 1)
    assert isinstance(content, tuple)
    assert ("a", 1) in content
