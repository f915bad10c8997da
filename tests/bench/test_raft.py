"""The closed loop counts what was acknowledged within its time, and three real nodes commit."""

import asyncio
from pathlib import Path

import pytest

from lictor_bench.certificates import server_tls
from lictor_bench.raft import nodes, sync_ms
from lictor_bench.raft_node import closed_loop, percentile
from lictor_core.clock import SystemClock
from lictor_server.tls import load_tls


async def test_each_writer_has_one_write_under_way() -> None:
    under_way = most = 0

    async def write(number: int) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    figures = await closed_loop(write, writers=7, seconds=0.05, warm_up_s=0)
    assert most == 7
    assert figures.writes >= 7


async def test_writes_before_and_after_the_time_are_not_counted() -> None:
    written = 0

    async def write(number: int) -> None:
        nonlocal written
        written += 1
        await asyncio.sleep(0.03)

    figures = await closed_loop(write, writers=1, seconds=0.1, warm_up_s=0.1)
    assert 0 < figures.writes < written
    assert figures.p50_ms >= 30
    assert figures.rate == figures.writes / 0.1


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(1, 101)]
    assert percentile(values, 0.5) == 51
    assert percentile(values, 0.99) == 100
    assert percentile([], 0.5) == 0


def test_the_certificates_pass_the_checks_of_a_server(tmp_path: Path) -> None:
    clock = SystemClock()
    tls = load_tls(server_tls(tmp_path, clock), now=clock.now())
    assert tls.incoming_required
    assert tls.dialing_raft is not None


def test_syncs_are_timed(tmp_path: Path) -> None:
    took = sync_ms(tmp_path)
    assert took == sorted(took)
    assert took[0] > 0


@pytest.mark.slow
@pytest.mark.parametrize("is_whole", [False, True])
def test_real_nodes_commit(is_whole: bool) -> None:
    with nodes(count=3, is_whole=is_whole) as running:
        figures = running.write(4, 0.3)
        assert figures.leads
        assert figures.writes > 0
        assert 0 < figures.p50_ms <= figures.p99_ms
        assert running.cpu_s() > 0
