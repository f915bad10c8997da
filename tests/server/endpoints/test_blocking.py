"""Blocking queries: who waits holds little, is woken by what concerns it alone, and leaves nothing behind."""

from __future__ import annotations

import asyncio

import pytest

from lictor_core import topics as on
from lictor_core.clock import SeededRng
from lictor_core.errors import OverloadedError
from lictor_core.limits import BLOCKED_QUERIES_MAX
from lictor_server.endpoints.blocking import BlockedQueries
from lictor_server.state import Store, Watches, apply
from tests.server.build import node, register, service

SERVICES = 100


class Bench:
    """A store, and those who wait on it."""

    def __init__(self, blocked_max: int = BLOCKED_QUERIES_MAX) -> None:
        self.store, self.watches = Store("dc1"), Watches()
        self.blocked = BlockedQueries(self.store, self.watches, SeededRng(1), blocked_max=blocked_max)

    def write(self, name: str, port: int) -> None:
        _, change = apply(self.store, self.store.index + 1, register(node(), service=service(name, port=port)))
        self.watches.fire(change)

    def wait(self, name: str, wait_s: float = 600.0) -> asyncio.Future[None]:
        topics = [on.service(name)]
        return asyncio.ensure_future(self.blocked.until_above(topics, self.store.wake_index(topics), wait_s))


async def wake_up() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.mark.slow
async def test_of_50000_who_wait_a_change_wakes_those_it_concerns() -> None:
    bench = Bench()
    for number in range(SERVICES):
        bench.write(f"web-{number}", 80)
    waiting = [bench.wait(f"web-{number % SERVICES}") for number in range(BLOCKED_QUERIES_MAX)]
    await wake_up()
    assert len(bench.watches) == BLOCKED_QUERIES_MAX
    with pytest.raises(OverloadedError):
        await bench.wait("web-0")
    bench.write("web-7", 81)
    await wake_up()
    woken = [number for number, task in enumerate(waiting) if task.done()]
    assert woken == list(range(7, BLOCKED_QUERIES_MAX, SERVICES))
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert len(bench.watches) == 0


async def test_one_who_need_not_wait_gets_no_pause() -> None:
    bench = Bench(blocked_max=0)
    bench.write("web", 80)
    topics = [on.service("web")]
    assert bench.blocked.pause(topics, 0, 600.0) is None
    assert bench.blocked.pause(topics, bench.store.index, 0.0) is None
    with pytest.raises(OverloadedError, match="0 blocking queries"):
        bench.blocked.pause(topics, bench.store.index, 1.0)


async def test_a_change_of_something_else_under_the_same_topic_is_waited_through() -> None:
    bench = Bench()
    bench.write("web", 80)
    waiting = asyncio.ensure_future(bench.blocked.until_above([on.service("web")], 5, 600.0))
    await wake_up()
    bench.write("web", 81)
    await wake_up()
    assert not waiting.done(), "index 2 is not above 5"
    for port in range(82, 87):
        bench.write("web", port)
    await wake_up()
    assert waiting.done()


async def test_time_ends_a_wait_and_nothing_is_left() -> None:
    bench = Bench()
    bench.write("web", 80)
    async with asyncio.timeout(10):
        await bench.wait("web", 0.01)
    assert len(bench.watches) == 0


async def test_all_are_sent_home_also_those_whose_pause_is_about_to_begin() -> None:
    bench = Bench()
    bench.write("web", 80)
    late = bench.blocked.pause([on.service("web")], bench.store.index, 600.0)
    waiting = bench.wait("web")
    await wake_up()
    bench.blocked.send_home()
    assert late is not None
    async with asyncio.timeout(10):
        await asyncio.gather(waiting, late.over())
