"""Many agents in one process, for the measurement `agents`; its parent talks to it by lines of JSON.

Each of them is made of the parts of a real agent: its own connection to a server, its lease, its services with
anti-entropy, and the view of one service that all of them follow. Only what faces its users (HTTP, DNS, checks) is
left out.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import msgspec
import structlog
import uvloop

from lictor_agent import assembly
from lictor_agent.agent import Agent
from lictor_agent.backing import RemoteServers
from lictor_config.definitions import parse_service
from lictor_config.tree import Configuration, Join
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.errors import LictorError
from lictor_core.limits import WAIT_MAX_S
from lictor_core.queries import ServiceHealthQuery
from lictor_core.registry import ReadOptions

__all__ = ["AGENT", "MARK", "Figures", "Order", "Setup"]

AGENT: Final = "agent-"
"""How the names of all agents begin."""
MARK: Final = "mark"
"""The key of the metadata by which a change of the followed service is known."""
_AGAIN_S: Final = 0.5
_LOOK_S: Final = 0.02
"""How long it lets news gather before it looks whether an order is done: looking at thousands of agents takes time."""
_MISSING_MAX: Final = 5
_STARTING_MAX: Final = 64
"""Agents that start at once."""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is told first: how many agents it is, with numbers from `first` on, and where servers are."""

    first: int
    count: int
    services: int
    """Instances on each agent."""
    names: int
    """Names that all instances share out among them."""
    followed: str
    """The service whose view every agent has."""
    servers: tuple[str, ...]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What it is told then: to wait until every agent is a member with all its services in the catalog and its view
    here (`ready`), or until every view shows the mark `mark`, at most `within_s` seconds.
    """

    ready: bool = False
    mark: str = ""
    within_s: float = 60.0


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. `seen` are the moments, on the machine's monotonic clock, when the views showed the mark."""

    complete: bool
    seen: list[float] = []
    agents: int = 0
    """How many are ready."""
    missing: list[int] = []
    """The first few agents that keep it from being complete, by number."""


class Simulated:
    """One agent."""

    def __init__(self, setup: Setup, number: int, seen: Callable[[int, str], None]) -> None:
        """`seen` is told the mark of each reading of the view, the first one's too; empty where there is none."""
        clock, rng = SystemClock(), SeededRng(number)
        configuration = Configuration(
            node_name=f"{AGENT}{number:05d}",
            bind_addr="127.0.0.1",
            advertise_addr="127.0.0.1",
            join=Join(retry=setup.servers),
        )
        node_id = f"a9e00000-0000-4000-8000-{number:012d}"
        log = structlog.get_logger().bind(node=configuration.node_name)
        self._backing = RemoteServers(configuration, node_id, clock=clock, rng=rng, log=log)
        self._agent = Agent(
            identity=assembly.identity(configuration, node_id),
            registry=self._backing.registry,
            configuration=configuration,
            settings=assembly.agent_settings(configuration, {}),
            clock=clock,
            rng=rng,
            log=log,
            kept=self._backing.kept,
        )
        self._backing.at_connection(self._agent.reconnected)
        self._setup = setup
        self.number = number
        self._seen = seen

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep everything while the block runs."""
        await self._backing.start()
        try:
            async with self._agent.running(), asyncio.TaskGroup() as group:
                await self._register()
                following = group.create_task(self._follow())
                try:
                    yield
                finally:
                    following.cancel()
        finally:
            await self._backing.stop()

    async def _register(self) -> None:
        setup = self._setup
        for own in range(setup.services):
            number = (self.number * setup.services + own) % setup.names
            definition = {"ID": f"s{own}", "Name": f"service-{number:04d}", "Port": 8000 + own}
            await self._agent.register_service(parse_service(definition))

    async def _follow(self) -> None:
        query = ServiceHealthQuery(service=self._setup.followed)
        options = ReadOptions()
        while True:
            try:
                reading = (await self._backing.kept.read(query, options)).reading
            except LictorError:  # no server just now
                await asyncio.sleep(_AGAIN_S)
                continue
            marks = [(instance.service.meta or {}).get(MARK, "") for instance in reading.value]
            self._seen(self.number, "".join(marks))
            options = ReadOptions(min_index=reading.index, wait_s=WAIT_MAX_S)


class Crowd:
    """All agents of this process."""

    def __init__(self, setup: Setup) -> None:
        """To be made on the event loop that `run` is on."""
        self._setup = setup
        self._marks: dict[int, tuple[str, float]] = {}
        """By an agent's number: what its view shows, and since when."""
        self._news = asyncio.Event()
        self._agents = [Simulated(setup, setup.first + own, self._seen) for own in range(setup.count)]
        self._registered: set[int] = set()
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Start them, a few at a time, and keep them until `end`."""
        starting = asyncio.Semaphore(_STARTING_MAX)
        async with asyncio.TaskGroup() as group:
            for one in self._agents:
                group.create_task(self._keep(one, starting))

    def end(self) -> None:
        """Let all agents end."""
        self._over.set()

    async def carry_out(self, order: Order) -> Figures:
        """Wait for what is ordered."""
        try:
            async with asyncio.timeout(order.within_s):
                while self._missing(order):
                    self._news.clear()
                    await self._news.wait()
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            pass
        missing = self._missing(order)
        seen = [when for mark, when in self._marks.values() if mark == order.mark]
        ready = len(self._registered & self._marks.keys())
        return Figures(complete=not missing, seen=seen, agents=ready, missing=missing[:_MISSING_MAX])

    def _seen(self, number: int, mark: str) -> None:
        if self._marks.get(number, (None, 0.0))[0] != mark:
            self._marks[number] = mark, time.monotonic()
            self._news.set()

    def _missing(self, order: Order) -> list[int]:
        numbers = range(self._setup.first, self._setup.first + self._setup.count)
        if order.ready:
            return [one for one in numbers if one not in self._registered or one not in self._marks]
        return [one for one in numbers if self._marks.get(one, ("", 0.0))[0] != order.mark]

    async def _keep(self, one: Simulated, starting: asyncio.Semaphore) -> None:
        async with AsyncExitStack() as parts:
            async with starting:
                await parts.enter_async_context(one.running())
            self._registered.add(one.number)
            self._news.set()
            await self._over.wait()


async def _serve(setup: Setup) -> None:
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    crowd = Crowd(setup)
    async with asyncio.TaskGroup() as group:
        group.create_task(crowd.run())
        while line := await orders.readline():
            figures = await crowd.carry_out(msgspec.json.decode(line, type=Order))
            print(msgspec.json.encode(figures).decode(), flush=True)
        crowd.end()


def main() -> None:
    """Be the agents that the first argument tells."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger("error"),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # In processes of their own the collector would walk what one agent holds. Here it walked that of thousands again
    # and again, more than half of all processor time, and none of them lived meanwhile.
    gc.disable()
    setup = msgspec.json.decode(sys.argv[1], type=Setup)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(setup))


if __name__ == "__main__":
    main()
