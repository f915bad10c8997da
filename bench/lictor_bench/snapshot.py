"""How long a snapshot of a large state holds up a server that is written to, and how long such a server takes to start.

One server in this process with a data directory, 16 writers in a closed loop, and a timer of a millisecond on the same
event loop: what comes late by x was held up for x. On a shared machine it is held up by others too, so two more figures
are told: the same of a time without a snapshot, and how much processor time all threads of this process had between two
calls of the timer. Two states: 100,000 keys of 200 bytes; 5,000 nodes with ten instances each and a check for each.
There is no peer: Consul's snapshot is made in other threads.
"""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import random
import tempfile
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog
import uvloop
from structlog.testing import LogCapture

from lictor_bench.report import Row, table
from lictor_core import collector
from lictor_core.clock import SystemClock, SystemRng
from lictor_core.codec import encode_command
from lictor_core.commands import Command, KVSet, Register
from lictor_core.errors import CatchingUpError
from lictor_core.queries import KeyQuery
from lictor_core.records import (
    PASSING,
    Check,
    CheckDefinition,
    Connect,
    Expose,
    MeshGateway,
    Node,
    Proxy,
    Service,
    Weights,
)
from lictor_core.registry import ReadOptions
from lictor_server import Server, ServerSettings
from lictor_server.raft.settings import RaftSettings

__all__ = ["LateTimer", "instance_at", "key_at", "main", "measure"]

WRITERS: Final = 16
FILLERS: Final = 128
CONTROL_S: Final = 2.0
_LOG_SHARE: Final = 1.2
"""The snapshot is due after so many times the log of the first writes."""
_SNAPSHOT_S_MAX: Final = 120.0
_READY: Final = KeyQuery(key="ready")
_NODE_ID: Final = "5c1e2f30-0000-4000-8000-0000000000aa"

CommandAt = Callable[[int, int], Command]
"""The command for a number, in a generation: another generation changes what is there."""


def main() -> None:
    """Measure and print."""
    print(table("A large state: 100,000 keys of 200 bytes", measure(key_at, 100_000)))
    print(table("A large state: 5,000 nodes, 50,000 instances and checks", measure(instance_at, 50_000)))


def measure(command_at: CommandAt, count: int) -> list[Row]:
    """The rows of one state."""
    gc.disable()
    with tempfile.TemporaryDirectory() as directory:
        return uvloop.run(_measure(directory, command_at, count))


def key_at(number: int, generation: int) -> Command:
    """A key with a value of 200 bytes."""
    return KVSet(key=f"app/{number % 1000:03d}/{number:06d}", value=(b"%d/%d" % (number, generation)).ljust(200, b"."))


def instance_at(number: int, generation: int) -> Command:
    """One of ten instances of a node, with its check."""
    node, place = divmod(number, 10)
    service_id = f"service-{number % 500}-{place}"
    return Register(
        node=Node(
            id=str(uuid.UUID(int=node + 1)),
            node=f"node-{node:05d}",
            address=f"10.{node >> 16 & 255}.{node >> 8 & 255}.{node & 255}",
            datacenter="dc1",
            tagged_addresses=None,
            meta={"rack": f"r{node % 40}"},
            create_index=0,
            modify_index=0,
        ),
        service=Service(
            id=service_id,
            service=f"service-{number % 500}",
            tags=["a", f"v{generation % 3}"],
            address="",
            meta=None,
            port=8000 + place,
            weights=Weights(passing=1, warning=1),
            enable_tag_override=False,
            proxy=Proxy(mesh_gateway=MeshGateway(), expose=Expose()),
            connect=Connect(),
            create_index=0,
            modify_index=0,
        ),
        checks=[
            Check(
                node="",
                check_id=f"check-{place}",
                name="HTTP",
                status=PASSING,
                notes="",
                output=f"HTTP GET: 200 OK ({generation})",
                service_id=service_id,
                service_name="",
                service_tags=[],
                type="http",
                definition=CheckDefinition(),
                create_index=0,
                modify_index=0,
            )
        ],
    )


class LateTimer:
    """A timer of the running loop that notes how late it comes."""

    PERIOD_S: Final = 0.001

    def __init__(self) -> None:
        self.calls: list[tuple[float, float, float]] = []
        """When, by `time.perf_counter`; how late, in seconds; the process's processor time since the call before."""
        self._used_s = time.process_time()
        self._handle: asyncio.TimerHandle | None = None
        self._begin()

    def _begin(self) -> None:
        due = time.perf_counter() + self.PERIOD_S
        self._handle = asyncio.get_running_loop().call_later(self.PERIOD_S, self._tick, due)

    def _tick(self, due: float) -> None:
        now, used_s = time.perf_counter(), time.process_time()
        self.calls.append((now, now - due, used_s - self._used_s))
        self._used_s = used_s
        self._begin()

    def stop(self) -> None:
        """End it."""
        if self._handle is not None:
            self._handle.cancel()

    def late_between(self, begin: float, end: float) -> list[float]:
        """By how many seconds calls in that time came late, the largest first."""
        return sorted((late for when, late, _ in self.calls if begin <= when <= end + self.PERIOD_S), reverse=True)

    def used_between(self, begin: float, end: float) -> list[float]:
        """How many seconds the process computed between two calls in that time, the largest first."""
        return sorted((used for when, _, used in self.calls if begin <= when <= end + self.PERIOD_S), reverse=True)


@dataclasses.dataclass(frozen=True)
class _Start:
    took_s: float
    used_s: float

    def rows(self, name: str) -> list[Row]:
        return [
            Row(name, self.took_s, None, "s", 3.0, smaller_is_better=True),
            Row(f"{name}: processor time", self.used_s, None, "s", smaller_is_better=True),
        ]


@dataclasses.dataclass(frozen=True)
class _Bench:
    directory: str
    command_at: CommandAt
    count: int
    log: LogCapture
    due_bytes: int

    @asynccontextmanager
    async def server(self) -> AsyncGenerator[tuple[Server, _Start]]:
        """A running server, and how long it took until it answered."""
        logger = structlog.wrap_logger(
            None, processors=[self.log], wrapper_class=structlog.make_filtering_bound_logger(0)
        )
        settings = ServerSettings(
            node_name="bench",
            node_id=_NODE_ID,
            server_port=0,
            data_dir=self.directory,
            raft=RaftSettings(snapshot_log_bytes=self.due_bytes),
        )
        began, used_s = time.perf_counter(), time.process_time()
        server = Server(settings, clock=SystemClock(), rng=SystemRng(), log=logger)
        await server.start()
        try:
            await _ready(server)
            ready = _Start(time.perf_counter() - began, time.process_time() - used_s)
            collector.settle()  # as the agent does once it has started
            yield server, ready
        finally:
            await server.stop()
            gc.disable()

    async def fill(self, server: Server) -> None:
        numbers = iter(range(self.count))

        async def write() -> None:
            for number in numbers:
                await server.write(self.command_at(number, 0))

        async with asyncio.TaskGroup() as group:
            for _ in range(FILLERS):
                group.create_task(write())

    async def write_for_ever(self, server: Server, writer: int, times: list[tuple[float, float]]) -> None:
        chance, generation = random.Random(writer), 0
        while True:
            generation += 1
            began = time.perf_counter()
            await server.write(self.command_at(chance.randrange(self.count), generation))
            ended = time.perf_counter()
            times.append((ended, ended - began))

    async def snapshot_made(self) -> float:
        """How many seconds it took, once it is there."""
        while True:
            if (found := self._snapshot_s()) is not None:
                return found
            await asyncio.sleep(0.01)

    def _snapshot_s(self) -> float | None:
        for entry in self.log.entries:
            if entry["event"] == "raft.snapshot.failed":
                raise RuntimeError(f"the snapshot failed: {entry['reason']}")
            if entry["event"] == "raft.snapshot.written":
                return float(entry["elapsed_ms"]) / 1000
        return None


async def _ready(server: Server) -> None:
    while True:
        try:
            await server.read(_READY, ReadOptions())
        except CatchingUpError:
            continue
        return


async def _measure(directory: str, command_at: CommandAt, count: int) -> list[Row]:
    log_bytes = sum(len(encode_command(command_at(number, 0))) for number in range(count))
    bench = _Bench(directory, command_at, count, LogCapture(), int(log_bytes * _LOG_SHARE))
    async with bench.server() as (server, _):
        await bench.fill(server)
    async with bench.server() as (server, from_log):
        rows = await _with_writers(bench, server)
    async with bench.server() as (_, from_snapshot):
        pass
    return [*rows, *from_log.rows("start from the log"), *from_snapshot.rows("start from the snapshot")]


async def _with_writers(bench: _Bench, server: Server) -> list[Row]:
    times: list[tuple[float, float]] = []
    timer = LateTimer()
    async with asyncio.TaskGroup() as group:
        writers = [group.create_task(bench.write_for_ever(server, number, times)) for number in range(WRITERS)]
        control = time.perf_counter()
        async with asyncio.timeout(_SNAPSHOT_S_MAX):
            snapshot_s = await bench.snapshot_made()
        ended = time.perf_counter()
        await asyncio.sleep(CONTROL_S)
        for writer in writers:
            writer.cancel()
    timer.stop()
    before, after = (control, ended - snapshot_s - 0.05), (ended + 0.05, time.perf_counter())
    quiet = timer.late_between(*(after if after[1] - after[0] > before[1] - before[0] else before))
    during = timer.late_between(ended - snapshot_s - 0.02, ended)
    used = timer.used_between(ended - snapshot_s - 0.02, ended)
    written = sorted((took for when, took in times if ended - snapshot_s <= when <= ended), reverse=True)
    milliseconds = 1000.0
    return [
        Row("the snapshot took", snapshot_s, None, "s", smaller_is_better=True),
        Row(
            "longest hold-up of the loop meanwhile",
            _at(during, 0) * milliseconds,
            None,
            "ms",
            20,
            smaller_is_better=True,
        ),
        Row(
            "most processor time between two calls", _at(used, 0) * milliseconds, None, "ms", 20, smaller_is_better=True
        ),
        Row("99 of 100 hold-ups below", _at(during, 0.01) * milliseconds, None, "ms", smaller_is_better=True),
        Row("longest hold-up without a snapshot", _at(quiet, 0) * milliseconds, None, "ms", smaller_is_better=True),
        Row("writes meanwhile", len(written) / snapshot_s, None, "/s"),
        Row("p99 of a write meanwhile", _at(written, 0.01) * milliseconds, None, "ms"),
    ]


def _at(descending: list[float], share: float) -> float:
    """What `share` of the values lie above; 0 where there are none, as in a time too short for any."""
    return descending[int(len(descending) * share)] if descending else 0.0
