"""Several real servers in one process, on loopback, as tests need them."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from lictor_core.clock import SystemClock, SystemRng
from lictor_core.errors import LictorError
from lictor_core.registry import LeaderStatus
from lictor_server import RaftSettings, Server, ServerSettings
from lictor_server.coordinates import CoordinateSettings
from tests.server.conftest import Log

__all__ = ["Cluster", "cluster_of", "until"]

WITHIN_S = 20.0
QUICK = RaftSettings(hold_s=10.0)


async def until(condition: Callable[[], Awaitable[bool]], *, what: str) -> None:
    """Return as soon as `condition` holds."""
    deadline = time.monotonic() + WITHIN_S
    while not await condition():
        assert time.monotonic() < deadline, f"{what}: not within {WITHIN_S} s"
        await asyncio.sleep(0.02)


@dataclasses.dataclass
class Cluster:
    """Servers by number, from 1 on; one that is stopped can be started again on its directory."""

    log: Log
    directory: Path | None
    size: int
    raft: RaftSettings = QUICK
    coordinates: CoordinateSettings = dataclasses.field(default_factory=CoordinateSettings)
    servers: dict[int, Server] = dataclasses.field(default_factory=dict[int, Server])
    seeds: tuple[str, ...] = ()

    def settings(self, number: int) -> ServerSettings:
        return ServerSettings(
            node_name=f"s{number}",
            node_id=f"00000000-0000-4000-8000-{number:012d}",
            server_port=0,
            bootstrap_expect=self.size,
            retry_join=self.seeds or ("127.0.0.1:1",),
            data_dir="" if self.directory is None else str(self.directory / str(number)),
            raft=self.raft,
            coordinates=self.coordinates,
            rpc_per_client_max=0,  # all of a test come from one address
        )

    async def start(self, number: int) -> Server:
        """Start a server; the first one is whom the others join."""
        server = Server(
            self.settings(number), clock=SystemClock(), rng=SystemRng(), log=self.log.logger.bind(number=number)
        )
        await server.start()
        self.servers[number] = server
        self.seeds = (*self.seeds, f"127.0.0.1:{server.server_port}")
        return server

    async def stop(self, number: int) -> None:
        await self.servers.pop(number).stop()

    async def statuses(self) -> dict[int, LeaderStatus]:
        return {number: await server.leader_status() for number, server in self.servers.items()}

    async def leader(self) -> int:
        """The number of the one server that leads, once all agree."""
        found: list[int] = []

        async def agreed() -> bool:
            statuses = await self.statuses()
            leaders = [number for number, status in statuses.items() if status.is_self]
            found[:] = leaders
            return len(leaders) == 1 and len({status.address for status in statuses.values()}) == 1

        await until(agreed, what="one leader whom all know")
        return found[0]

    async def founded(self) -> None:
        """Wait until every server has the set of servers, and knows that it is committed.

        Votes alone make a leader. One that is stopped before its set has reached anybody leaves no cluster behind.
        """

        async def everywhere() -> bool:
            statuses = (await self.statuses()).values()
            return all(
                len(one.peer_set.servers) == self.size and one.applied_index >= one.peer_set.index for one in statuses
            )

        await until(everywhere, what="a set of servers that all have")

    async def followers(self) -> list[int]:
        leader = await self.leader()
        return [number for number in self.servers if number != leader]

    async def same_state(self) -> None:
        """Wait until all have applied the same."""

        async def equal() -> bool:
            return len({status.applied_index for status in (await self.statuses()).values()}) == 1

        await until(equal, what="servers that have applied the same")


@asynccontextmanager
async def cluster_of(
    size: int,
    log: Log,
    *,
    directory: Path | None = None,
    raft: RaftSettings = QUICK,
    coordinates: CoordinateSettings | None = None,
) -> AsyncGenerator[Cluster]:
    """`size` servers that found a cluster."""
    cluster = Cluster(log, directory, size, raft, coordinates or CoordinateSettings())
    try:
        for number in range(1, size + 1):
            await cluster.start(number)
        await cluster.founded()
        await cluster.leader()
        yield cluster
    finally:
        for number in list(cluster.servers):
            try:
                await cluster.stop(number)
            except LictorError as error:
                log.logger.error("test.stop.failed", reason=str(error))
