"""One server of the measurement `raft`, in a process of its own that its parent talks to by lines of JSON.

Two kinds. `LogNode` is the log and nothing else: core, driver, links, server port and the log on the disk, with a state
machine that only counts. `DoorNode` is a whole server behind its door, with the real state. Both write at the leader in
a closed loop: each of so many writers has one write under way.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Protocol

import msgspec
import structlog
import uvloop

from lictor_core import collector
from lictor_core.clock import SystemClock, SystemRng
from lictor_core.codec import encode_command
from lictor_core.commands import KVSet, ReadMode
from lictor_core.errors import RequestError
from lictor_core.peers import PeerSet, RaftServer
from lictor_server import Server, ServerSettings
from lictor_server.raft import Driver, RaftCore
from lictor_server.raft.hello import LinkIdentity
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.transport import LinkEvents, PeerLinks
from lictor_server.raft.wire import Message
from lictor_server.rpc import Methods, RpcListener
from lictor_server.rpc.visitor import Visitor
from lictor_server.storage import Storage
from lictor_server.tls import PLAIN, TlsSettings, load_tls

__all__ = ["WARM_UP_S", "Figures", "Order", "Setup", "closed_loop", "percentile"]

_VALUE: Final = b"v" * 200
_KEYS: Final = 10_000
WARM_UP_S: Final = 0.3
_CLUSTER: Final = "0c0ffee0-0000-4000-8000-000000000000"


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What a node is told first. `addresses` are those of all nodes, by id; the lowest id founds the cluster."""

    id: str
    addresses: dict[str, str]
    directory: str
    tls: TlsSettings | None
    is_whole: bool
    """Whether it is a whole server, not the log alone."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a node is told then, again and again: to write, or with no writers to say whether it leads."""

    writers: int = 0
    seconds: float = 0.0


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an order."""

    leads: bool
    writes: int = 0
    seconds: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0

    @property
    def rate(self) -> float:
        """Writes a second."""
        return self.writes / self.seconds if self.seconds else 0.0


class Node(Protocol):
    """What is measured."""

    @property
    def leads(self) -> bool:
        """Whether writes are taken here."""
        ...

    async def start(self) -> None:
        """Begin."""
        ...

    async def write(self, number: int) -> object:
        """One write, acknowledged."""
        ...

    async def stop(self) -> None:
        """End."""
        ...


class _Nothing(Methods):
    """The server port answers no request here."""

    def __init__(self) -> None:
        pass

    def stream(self, method: str, payload: bytes, visitor: Visitor) -> None:
        """There is nothing to subscribe to."""

    async def call(self, method: str, payload: bytes, visitor: Visitor) -> bytes:
        """There is nothing to call."""
        raise RequestError(f"{method}: only the log is measured here")


class LogNode:
    """The log alone."""

    def __init__(self, setup: Setup) -> None:
        clock, rng, log = SystemClock(), SystemRng(), structlog.get_logger()
        tls = PLAIN if setup.tls is None else load_tls(setup.tls, now=clock.now())
        self._setup = setup
        self._settings = RaftSettings()
        self._storage = Storage(Path(setup.directory), "dc1", self._settings, rng=rng, log=log)
        self._applied = 0
        self._links = PeerLinks(
            LinkEvents(
                on_connected=lambda id: self._core.connected(id),
                on_disconnected=lambda id: self._core.disconnected(id),
                on_message=self._receive,
            ),
            rng=rng,
            log=log,
            tls=tls,
        )
        self._core = RaftCore(
            setup.id, None, settings=self._settings, log=self._storage.wal, wire=self._links, apply=self._apply
        )
        self._driver = Driver(self._core, self._settings, on_leadership=_ignore, on_leader=_ignore, on_failure=_give_up)
        self._payloads = itertools.cycle(
            [encode_command(KVSet(key=f"bench/{number}", value=_VALUE)) for number in range(_KEYS)]
        )
        host, _, port = setup.addresses[setup.id].rpartition(":")
        self._listener = RpcListener(
            _Nothing(),
            address=host,
            port=int(port),
            connections_max=64,
            in_flight_max=64,
            log=log,
            tls=tls,
            raft=self._links.accept,
        )

    @property
    def leads(self) -> bool:
        return self._driver.leads

    async def start(self) -> None:
        await self._listener.start()
        own = self._setup.addresses[self._setup.id]
        self._links.introduce(LinkIdentity("dc1", self._setup.id, self._setup.id, own, _CLUSTER))
        self._links.set_peers(self._setup.addresses)
        self._storage.wal.start(on_durable=self._note_durable, on_failure=self._driver.fail)
        if self._setup.id == min(self._setup.addresses):
            servers = tuple(RaftServer(id=id, name=id, address=at) for id, at in self._setup.addresses.items())
            self._core.found(PeerSet(cluster_id=_CLUSTER, servers=servers))
        self._driver.start()

    async def write(self, number: int) -> object:
        return await self._driver.propose(next(self._payloads))

    async def stop(self) -> None:
        self._driver.stop()
        await self._listener.stop()
        await self._links.stop()
        await self._storage.close()

    def _apply(self, index: int, payload: bytes) -> int:
        self._applied += 1
        return self._applied

    def _receive(self, id: str, message: Message) -> None:
        self._core.receive(id, message)
        self._driver.kick()

    def _note_durable(self) -> None:
        self._core.log_synced()
        self._driver.kick()


class DoorNode:
    """A whole server."""

    def __init__(self, setup: Setup) -> None:
        _, _, port = setup.addresses[setup.id].rpartition(":")
        settings = ServerSettings(
            node_name=setup.id,
            node_id=setup.id,
            server_port=int(port),
            data_dir=setup.directory,
            bootstrap_expect=len(setup.addresses),
            retry_join=tuple(setup.addresses.values()),
            tls=setup.tls,
        )
        self._server = Server(settings, clock=SystemClock(), rng=SystemRng(), log=structlog.get_logger())
        self._keys = itertools.cycle([f"bench/{number}" for number in range(_KEYS)])

    @property
    def leads(self) -> bool:
        return self._server.index_at_once(ReadMode.DEFAULT) is not None

    async def start(self) -> None:
        await self._server.start()

    async def write(self, number: int) -> object:
        return await self._server.write(KVSet(key=next(self._keys), value=_VALUE))

    async def stop(self) -> None:
        await self._server.stop()


async def closed_loop(
    write: Callable[[int], Awaitable[object]], *, writers: int, seconds: float, warm_up_s: float = WARM_UP_S
) -> Figures:
    """`writers` that each write again as soon as they are answered; counted after `warm_up_s`, for `seconds`."""
    took: list[float] = []
    began = time.monotonic() + warm_up_s
    ends = began + seconds

    async def one(number: int) -> None:
        while (before := time.monotonic()) < ends:
            await write(number)
            if began <= before and (after := time.monotonic()) < ends:
                took.append(after - before)

    async with asyncio.TaskGroup() as group:
        for number in range(writers):
            group.create_task(one(number))
    took.sort()
    return Figures(
        leads=True,
        writes=len(took),
        seconds=seconds,
        p50_ms=percentile(took, 0.5) * 1000,
        p99_ms=percentile(took, 0.99) * 1000,
    )


def percentile(ordered: list[float], part: float) -> float:
    """The value that `part` of `ordered` are not above; 0 of nothing."""
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else 0.0


async def serve(setup: Setup) -> None:
    """Be a node until the parent closes its end."""
    node: Node = DoorNode(setup) if setup.is_whole else LogNode(setup)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    await node.start()
    collector.settle()
    try:
        while line := await orders.readline():
            order = msgspec.json.decode(line, type=Order)
            figures = Figures(leads=node.leads)
            if order.writers:
                figures = await closed_loop(node.write, writers=order.writers, seconds=order.seconds)
            print(msgspec.json.encode(figures).decode(), flush=True)
    finally:
        await node.stop()


def _ignore(_: object) -> None:
    """Nobody needs to know."""


def _give_up(error: BaseException) -> None:
    raise error


if __name__ == "__main__":
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger("warning"),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(msgspec.json.decode(sys.argv[1], type=Setup)))
