"""A new server catches up with its leader: how long that takes, and how much it holds the leader's event loop up.

Two processes, the log and the real state in both. The leader fills itself, drops its log behind a snapshot or keeps it,
as its settings say, and goes on writing while the other one starts from nothing. Told are the time until it has all,
the longest pass of the core, in processor time, and the longest that the leader's loop did not come round, beside the
same before the other one came: on a machine that others use too only the difference says anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final

import msgspec
import structlog
import uvloop

from lictor_bench.dev_agents import end, free_ports
from lictor_bench.report import Row, table
from lictor_core.clock import SystemClock, SystemRng
from lictor_core.codec import encode_command
from lictor_core.commands import KVSet
from lictor_core.errors import RequestError
from lictor_core.peers import PeerSet, RaftServer
from lictor_server.exchange import SnapshotExchange
from lictor_server.machine import Machine
from lictor_server.raft import Driver, RaftCore
from lictor_server.raft.hello import LinkIdentity
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.transport import LinkEvents, PeerLinks
from lictor_server.rpc import Methods, RpcListener
from lictor_server.rpc.visitor import Visitor
from lictor_server.state import Watches
from lictor_server.storage import Storage
from lictor_server.tls import PLAIN

__all__ = ["CatchUp", "Stalls", "main", "measure"]

_VALUE: Final = b"v" * 200
_CLUSTER: Final = "0c0ffee0-0000-4000-8000-000000000000"
_LEADER: Final = "5c1e2f30-0000-4000-8000-000000000001"
_FOLLOWER: Final = "5c1e2f30-0000-4000-8000-000000000002"
_AT_ONCE: Final = 500
_LOOK_S: Final = 0.002
_WITHIN_S: Final = 120.0
_KEPT: Final = RaftSettings(snapshot_log_bytes=1 << 40, log_memory_bytes=1 << 40, log_entries_max=1 << 30)


class _Nothing(Methods):
    def __init__(self) -> None:
        pass

    def stream(self, method: str, payload: bytes, visitor: Visitor) -> None:
        """There is nothing to subscribe to."""

    async def call(self, method: str, payload: bytes, visitor: Visitor) -> bytes:
        """There is nothing to call."""
        raise RequestError(f"{method}: only catching up is measured here")


class Stalls:
    """The longest pass of a core, in processor time, so that others on the machine do not count; and the longest that
    the loop did not come round, by the clock. Seconds, since `begin`.
    """

    def __init__(self, core: RaftCore) -> None:
        self._pump = core.pump
        core.pump = self._timed  # type: ignore[method-assign]  # the driver has no other ear
        self.pass_s = self.loop_s = 0.0
        self._task = asyncio.get_running_loop().create_task(self._watch())

    def begin(self) -> None:
        """Forget what was."""
        self.pass_s = self.loop_s = 0.0

    def end(self) -> None:
        """Watch no more."""
        self._task.cancel()

    def _timed(self) -> bool:
        began = time.thread_time()
        try:
            return self._pump()
        finally:
            self.pass_s = max(self.pass_s, time.thread_time() - began)

    async def _watch(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(_LOOK_S)
            self.loop_s = max(self.loop_s, time.perf_counter() - before - _LOOK_S)


class _Node:
    """A server without a door."""

    def __init__(self, id: str, addresses: dict[str, str], directory: Path, settings: RaftSettings) -> None:
        rng, log = SystemRng(), structlog.get_logger()
        self._id, self._addresses = id, addresses
        self.storage = Storage(directory, "dc1", settings, rng=rng, log=log)
        self.links = PeerLinks(
            LinkEvents(
                on_connected=lambda id: self.core.connected(id),
                on_disconnected=lambda id: self.core.disconnected(id),
                on_message=lambda id, message: self.driver.receive(id, message),
            ),
            rng=rng,
            log=log,
            tls=PLAIN,
        )
        watches = Watches()
        self.core = RaftCore(
            id,
            self.storage.peer_set,
            settings=settings,
            log=self.storage.wal,
            wire=self.links,
            apply=Machine(self.storage.store, watches).apply,
        )
        self.driver = Driver(self.core, settings, on_leadership=_ignore, on_leader=_ignore, on_failure=_give_up)
        self.exchange = SnapshotExchange(
            self.storage.store, watches, self.driver, self.storage, settings, clock=SystemClock(), log=log
        )
        host, _, port = addresses[id].rpartition(":")
        self._listener = RpcListener(
            _Nothing(),
            address=host,
            port=int(port),
            connections_max=64,
            in_flight_max=64,
            log=log,
            tls=PLAIN,
            raft=self.links.accept,
        )

    def set_of(self, *, with_follower: bool) -> PeerSet:
        """The leader alone, or with the follower, which does not vote."""
        servers = [RaftServer(id=_LEADER, name="leader", address=self._addresses[_LEADER])]
        if with_follower:
            servers.append(RaftServer(id=_FOLLOWER, name="follower", address=self._addresses[_FOLLOWER], voter=False))
        return PeerSet(cluster_id=_CLUSTER, servers=tuple(servers))

    async def start(self, *, founds: bool) -> None:
        """Begin to serve."""
        await self._listener.start()
        own = self._addresses[self._id]
        self.links.introduce(LinkIdentity("dc1", self._id, self._id, own, _CLUSTER))
        self.links.set_peers(self._addresses)
        self.storage.wal.start(on_durable=self._note_durable, on_failure=self.driver.fail)
        if founds:
            self.core.found(self.set_of(with_follower=False))
        self.driver.start()

    async def stop(self) -> None:
        """End."""
        self.driver.stop()
        await self._listener.stop()
        await self.links.stop()
        await self.exchange.stop()
        await self.storage.close()

    async def write(self, first: int, count: int) -> None:
        """Write the keys from number `first` on."""
        for begin in range(first, first + count, _AT_ONCE):
            numbers = range(begin, min(begin + _AT_ONCE, first + count))
            payloads = [encode_command(KVSet(key=f"bench/{number}", value=_VALUE)) for number in numbers]
            await asyncio.gather(*(self.driver.propose(payload) for payload in payloads))

    def _note_durable(self) -> None:
        self.driver.log_synced()
        self.exchange.consider()


@dataclasses.dataclass(frozen=True, slots=True)
class CatchUp:
    """What was seen; seconds."""

    took_s: float
    pass_s: float
    loop_s: float
    idle_loop_s: float
    """The longest that the loop did not come round in as long a time before, with the same writes going on."""
    follower_loop_s: float
    installed: bool


def main() -> None:
    """Measure and print."""
    rows: list[Row] = []
    for name, keys, kept in (("100,000 keys by snapshot", 100_000, False), ("400,000 entries of log", 400_000, True)):
        seen = measure(keys, is_log_kept=kept)
        rows += [
            Row(f"{name}: until the new server has all", seen.took_s, None, "s", smaller_is_better=True),
            Row(f"{name}: longest pass of the leader's core", seen.pass_s * 1000, None, "ms", smaller_is_better=True),
            Row(f"{name}: longest stall of the leader's loop", seen.loop_s * 1000, None, "ms", smaller_is_better=True),
            Row(f"{name}: the same before", seen.idle_loop_s * 1000, None, "ms", smaller_is_better=True),
            Row(f"{name}: of the follower's", seen.follower_loop_s * 1000, None, "ms", smaller_is_better=True),
        ]
    print(table("A new server catches up, 200-byte values", rows))


def measure(keys: int, *, is_log_kept: bool) -> CatchUp:
    """Fill a leader with `keys`, and start another server."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_lead(keys, _KEPT if is_log_kept else RaftSettings()))


async def _lead(keys: int, settings: RaftSettings) -> CatchUp:
    addresses = {id: f"127.0.0.1:{port}" for id, port in zip((_LEADER, _FOLLOWER), free_ports(2), strict=True)}
    async with contextlib.AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lictor-bench-")))
        node = _Node(_LEADER, addresses, directory / "leader", settings)
        gc.freeze()  # as an agent does: modules are not looked at again and again
        await node.start(founds=True)
        stack.push_async_callback(node.stop)
        await _until(lambda: node.driver.leads)
        await node.write(0, keys)
        stalls = Stalls(node.core)
        stack.callback(stalls.end)
        stack.push_async_callback(_settled, asyncio.get_running_loop().create_task(_keep_writing(node, keys)))
        stalls.begin()
        await asyncio.sleep(3)
        idle = stalls.loop_s
        follower = stack.enter_context(_follower(addresses, directory / "follower"))
        stalls.begin()
        began = time.monotonic()
        node.core.change_peers(node.set_of(with_follower=True), _ignore_all)
        node.driver.kick()
        await _until(lambda: _is_level(node))
        took, pass_s, loop_s = time.monotonic() - began, stalls.pass_s, stalls.loop_s
        output, _ = await asyncio.get_running_loop().run_in_executor(None, follower.communicate, b"\n", 30)
        theirs = msgspec.json.decode(output, type=tuple[float, bool])
        return CatchUp(took, pass_s, loop_s, idle, theirs[0], theirs[1])


def _is_level(node: _Node) -> bool:
    progress = node.core.progress().get(_FOLLOWER)
    return progress is not None and progress.match_index >= node.core.applied_index - _AT_ONCE


async def _keep_writing(node: _Node, first: int) -> None:
    while True:
        await node.write(first, 20)
        first += 20
        await asyncio.sleep(0.02)


async def _settled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


@contextlib.contextmanager
def _follower(addresses: dict[str, str], directory: Path) -> Generator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "lictor_bench.catch_up", msgspec.json.encode([addresses, str(directory)]).decode()]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        end(process)


async def _follow(addresses: dict[str, str], directory: Path) -> None:
    """Be the follower until the parent says a line, then tell the longest stall and whether a snapshot came."""
    node = _Node(_FOLLOWER, addresses, directory, RaftSettings())
    stalls = Stalls(node.core)
    gc.freeze()
    await node.start(founds=False)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    await orders.readline()
    print(msgspec.json.encode((stalls.loop_s, node.storage.wal.snapshot_index > 0)).decode(), flush=True)
    stalls.end()
    await node.stop()


async def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WITHIN_S
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"it did not happen within {_WITHIN_S:g} s")
        await asyncio.sleep(_LOOK_S)


def _ignore(news: object) -> None:
    """Nobody needs to know."""


def _ignore_all(result: object, reason: object) -> None:
    """Nobody needs to know."""


def _give_up(error: BaseException) -> None:
    raise error


if __name__ == "__main__":
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger("warning"),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    if len(sys.argv) > 1:
        their_addresses, their_directory = msgspec.json.decode(sys.argv[1], type=tuple[dict[str, str], str])
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_follow(their_addresses, Path(their_directory)))
    else:
        main()
