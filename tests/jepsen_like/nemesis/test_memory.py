"""A process that gets no more memory says so and ends, and has enough again when it is started."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from lictor_jepsen.db import Cluster, Program
from lictor_jepsen.disk import Folders
from lictor_jepsen.nemesis import FAULTS, Surroundings
from lictor_jepsen.net import Loopback, Node
from tests.support.conditions import eventually

TAKES_MORE = """
import sys, time
print("up", flush=True)
kept = []
while True:
    time.sleep(0.02)
    kept.append(bytearray(256 * 1024))
"""
FAULT = "memory-short"


@pytest.fixture
async def hungry(tmp_path: Path) -> AsyncIterator[Surroundings]:
    program = Program("hungry", (sys.executable, "-c", TAKES_MORE), (), clock_can_jump=False)
    cluster = Cluster(program, Loopback(1), disks := Folders(tmp_path / "data"), tmp_path)
    await cluster.start(cluster.nodes[0])
    await eventually(lambda: "up" in cluster.log_path(cluster.nodes[0]).read_text(), what="the program runs")

    async def leader() -> Node | None:
        return None

    yield Surroundings(cluster, disks, leader).acting(FAULT)
    await cluster.stop()


async def test_a_process_without_more_memory_ends_and_says_so_and_is_started_with_enough(hungry: Surroundings) -> None:
    cluster, [node] = hungry.cluster, hungry.cluster.nodes
    told = await FAULTS[FAULT].begin(hungry, Random(7))
    assert told.startswith("from now on no more memory than they have and n1 ")
    await eventually(lambda: not cluster.runs(node), what="the process ends")
    assert "MemoryError" in cluster.log_path(node).read_text()
    await FAULTS[FAULT].end(hungry)
    assert cluster.runs(node)
    assert resource.prlimit(cluster.pid(node), resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY
    assert cluster.deaths == ["n1 ended by itself with exit code 1"]


async def test_who_lives_through_it_has_no_limit_any_more(around: Surroundings) -> None:
    pids = [around.cluster.pid(node) for node in around.cluster.nodes]
    before = [resource.prlimit(pid, resource.RLIMIT_AS) for pid in pids]
    await FAULTS[FAULT].begin(around.acting(FAULT), Random(7))
    assert [resource.prlimit(pid, resource.RLIMIT_AS) for pid in pids] != before
    await FAULTS[FAULT].end(around.acting(FAULT))
    assert [resource.prlimit(pid, resource.RLIMIT_AS) for pid in pids] == before


async def test_who_is_gone_before_anybody_noticed_needs_no_memory(around: Surroundings) -> None:
    """The loop hears of a death later than the system: a power cut may have been a moment ago."""
    gone, *_ = around.cluster.nodes
    pid = around.cluster.pid(gone)
    _end(pid)
    assert around.cluster.runs(gone), "as far as the loop knows"
    await FAULTS[FAULT].begin(around.acting(FAULT), Random(7))
    await FAULTS[FAULT].end(around.acting(FAULT))


def _end(pid: int) -> None:
    """Kill a process, and wait until it is gone without letting the loop hear of it."""
    os.killpg(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
