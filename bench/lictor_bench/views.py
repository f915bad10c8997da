"""How long one change takes to reach 5,000 views, and what a follower costs its server in memory.

Server and views are in this one process, without sockets between them: what is measured is the publisher, the streams
and the fold of the views. Views are of one service of 10 instances, of which one changes at a time. Processor time
stands beside the delays, since a busy neighbour disturbs it less. `main` prints the table.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Callable, MutableMapping
from contextlib import aclosing
from pathlib import Path
from typing import Final

import structlog
import uvloop

from lictor_bench.report import Row, table
from lictor_core import collector
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.commands import Register
from lictor_core.feed import FeedRequest
from lictor_core.queries import ServiceHealthQuery
from lictor_core.records import Connect, Expose, MeshGateway, Node, Proxy, Service, ServiceHealth, Weights
from lictor_core.view import View
from lictor_server import Server, ServerSettings

__all__ = ["VIEWS", "main", "measure"]

VIEWS: Final = 5000
_CHANGES: Final = 20
_INSTANCES: Final = 10
_QUERY: Final = ServiceHealthQuery(service="web")
_KIB: Final = 1024


def main() -> None:
    """Measure and print."""
    print(table(f"One change to {VIEWS} views in one process", measure()))


def measure(views: int = VIEWS, changes: int = _CHANGES) -> list[Row]:
    """The figures."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measure(views, changes))


async def _measure(views: int, changes: int) -> list[Row]:
    log = structlog.wrap_logger(None, processors=[_drop])
    settings = ServerSettings(node_name="n1", node_id=SeededRng(1).uuid4(), server_port=0)
    server = Server(settings, clock=SystemClock(), rng=SeededRng(1), log=log.bind())
    await server.start()
    collector.settle()  # as agents and servers do once they run
    for number in range(_INSTANCES):
        await server.write(_registration(number, 80))
    delays: list[float] = []
    reached = asyncio.Event()
    state = {"began": 0.0, "missing": views}

    def note() -> None:
        delays.append(time.perf_counter() - state["began"])
        state["missing"] -= 1
        if not state["missing"]:
            reached.set()

    before = _rss()
    tasks = [asyncio.ensure_future(_follow(server, note)) for _ in range(views)]
    await reached.wait()
    # The first fill of each view is no part of what is asked here.
    delays.clear()
    per_follower = (_rss() - before) / views
    used_s = time.process_time()
    for change in range(changes):
        state["missing"], state["began"] = views, time.perf_counter()
        reached.clear()
        await server.write(_registration(change % _INSTANCES, 1000 + change))
        await reached.wait()
    used_s = time.process_time() - used_s
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await server.stop()
    delays.sort()
    return [
        Row("p50, write to view", delays[len(delays) // 2] * 1000, None, "ms"),
        Row("p99", delays[len(delays) * 99 // 100] * 1000, None, "ms", 100.0, smaller_is_better=True),
        Row("processor time of a change, for each view", used_s / changes / views * 1e6, None, "us"),
        Row("memory of a follower with its view", per_follower / _KIB, None, "KiB"),
    ]


def _drop(_logger: object, _name: str, _event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    raise structlog.DropEvent


async def _follow(server: Server, note: Callable[[], None]) -> None:
    view: View[list[ServiceHealth]] = View(_QUERY)
    async with aclosing(server.feed(FeedRequest(query=_QUERY))) as items:
        async for item in items:
            if view.apply(item):
                note()


def _registration(number: int, port: int) -> Register:
    name = f"node-{number}"
    node = Node(
        id="",
        node=name,
        address=f"192.0.2.{number + 1}",
        datacenter="dc1",
        tagged_addresses=None,
        meta=None,
        create_index=0,
        modify_index=0,
    )
    service = Service(
        id="web",
        service="web",
        tags=["primary"],
        address="",
        meta=None,
        port=port,
        weights=Weights(passing=1, warning=1),
        enable_tag_override=False,
        proxy=Proxy(mesh_gateway=MeshGateway(), expose=Expose()),
        connect=Connect(),
        create_index=0,
        modify_index=0,
    )
    return Register(node=node, service=service, checks=[])


def _rss() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
