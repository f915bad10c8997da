"""The connection to one of the servers: lost, silent, without a leader, better elsewhere."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import NoReturn

import pytest

from lictor_agent.remote import link as module
from lictor_agent.remote.link import ServerLink
from lictor_agent.remote.ranking import Ranking
from lictor_agent.remote.settings import RemoteSettings
from lictor_core.calls import Bulletin
from lictor_core.clock import Rng, SeededRng, SystemClock
from lictor_core.codec import pack
from lictor_core.errors import ClusterError, ConfigurationError, NoLeaderError, RequestError
from lictor_server import RpcPool
from lictor_server.rpc import Methods, RpcListener
from lictor_server.rpc.visitor import Visitor
from tests.agent.remote.registries import AGENT_ID, settings
from tests.server.conftest import Log
from tests.support.conditions import eventually
from tests.support.ports import free_port

pytestmark = pytest.mark.timeout(30)
_numbers = itertools.count(1)


class SpreadRng(SeededRng):
    """Remembers between which bounds chance had to choose, and chooses the lower one."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.drawn: list[tuple[float, float]] = []

    def uniform(self, low: float, high: float) -> float:
        """See the class."""
        self.drawn.append((low, high))
        return low


class Told(Methods):
    """A server that says of the servers what a test wants."""

    def __init__(self) -> None:
        self.servers: tuple[str, ...] = ()
        self.address = ""
        self.is_ready = True
        self.is_silent = False
        self.attending = 0
        self.attended = 1
        self.looks = 0
        self.changed = asyncio.Event()

    def bulletin(self) -> bytes:
        return pack(
            Bulletin(
                name=self.address,
                address=self.address,
                servers=self.servers or (self.address,),
                is_ready=self.is_ready,
                applied_index=7,
                attended=self.attended,
            )
        )

    def tell(self) -> None:
        """Tell everybody what is so now."""
        self.changed.set()
        self.changed = asyncio.Event()

    async def call(self, method: str, payload: bytes, visitor: Visitor) -> bytes:
        """See the class."""
        self.looks += 1
        if self.is_silent:
            await asyncio.Event().wait()
        return self.bulletin()

    def stream(self, method: str, payload: bytes, visitor: Visitor) -> AsyncGenerator[bytes] | None:
        """See the class."""
        return self._attended() if method == "attend" else None

    async def _attended(self) -> AsyncGenerator[bytes]:
        self.attending += 1
        try:
            while True:
                yield self.bulletin()
                await self.changed.wait()
        finally:
            self.attending -= 1


@asynccontextmanager
async def telling(log: Log, port: int = 0) -> AsyncGenerator[Told]:
    """A server of that kind."""
    told = Told()
    listener = RpcListener(
        told, address="127.0.0.1", port=port, connections_max=9, in_flight_max=9, log=log.logger, idle_max_s=60.0
    )
    await listener.start()
    told.address = f"127.0.0.1:{listener.port}"
    try:
        yield told
    finally:
        await listener.stop()


@asynccontextmanager
async def linked(log: Log, given: RemoteSettings, rng: Rng | None = None) -> AsyncGenerator[ServerLink]:
    """A link that looks for servers."""
    pool = RpcPool(rng=SeededRng(next(_numbers)))
    link = ServerLink(given, pool, clock=SystemClock(), rng=rng or SeededRng(1), log=log.logger)
    run = asyncio.ensure_future(link.run())
    try:
        yield link
    finally:
        run.cancel()
        await asyncio.wait([run])
        link.stop()
        await pool.stop()


async def test_the_first_that_is_found_names_the_others_and_the_preferred_of_all_is_kept(log: Log) -> None:
    async with telling(log) as one, telling(log) as two:
        one.servers = two.servers = (one.address, two.address)
        async with linked(log, settings(one.address)) as link:
            await eventually(lambda: link.current != "", what="a server")
            assert link.current == link.servers[0]
            assert set(link.servers) == {one.address, two.address}
            assert link.seen_index == 7


async def test_a_lost_server_is_told_at_once_and_the_next_is_taken(log: Log) -> None:
    async with telling(log) as left:
        lost = telling(log)
        gone = await lost.__aenter__()
        connected = list[str]()
        gone.servers = (gone.address,)
        async with linked(log, settings(gone.address)) as link:
            link.at_connection(lambda: connected.append(link.current))
            await eventually(lambda: link.current == gone.address, what="the first server")
            gone.servers = left.servers = (gone.address, left.address)
            gone.tell()
            await eventually(lambda: len(link.servers) == 2, what="news of the other")
            await lost.__aexit__(None, None, None)
            await eventually(lambda: link.current == left.address, what="the other server")
            assert connected == [gone.address, left.address]
            assert len(log.named("agent.server.lost")) == 1


async def test_a_silent_server_is_left_for_another(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENCE_S_MAX", 0.1)
    monkeypatch.setattr(module, "_LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(module, "LOOK_S_MAX", 0.2)
    async with telling(log) as one, telling(log) as two:
        one.servers = two.servers = (one.address, two.address)
        async with linked(log, settings(one.address, two.address)) as link:
            await eventually(lambda: link.current != "", what="a server")
            silent, other = (one, two) if link.current == one.address else (two, one)
            silent.is_silent = True
            await eventually(lambda: link.current == other.address, what="the other server")


async def leave_for_its_silence(link: ServerLink, patience_s: float) -> float:
    """Have it leave the server in use, and come to the other one; how long it waited for a sign of life."""
    left, began = link.current, time.monotonic()
    await link.doubt(left, patience_s)
    waited_s = time.monotonic() - began
    await eventually(lambda: link.current not in ("", left), what="the other server")
    return waited_s


async def test_each_server_that_is_left_for_its_silence_buys_the_next_one_more_time(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STEADY_S", 60.0)
    async with telling(log) as one, telling(log) as two:
        one.servers = two.servers = (one.address, two.address)
        async with linked(log, settings(one.address, two.address)) as link:
            await eventually(lambda: link.current != "", what="a server")
            one.is_silent = two.is_silent = True
            for times in (1, 2, module.PATIENCE_MAX, module.PATIENCE_MAX):
                assert 0.1 * times <= await leave_for_its_silence(link, 0.1)


async def test_patience_is_what_it_was_after_a_steady_time(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEADY_S", 0.0)
    async with telling(log) as one, telling(log) as two:
        one.servers = two.servers = (one.address, two.address)
        async with linked(log, settings(one.address, two.address)) as link:
            await eventually(lambda: link.current != "", what="a server")
            one.is_silent = two.is_silent = True
            for _ in range(4):
                assert await leave_for_its_silence(link, 1.0) < 2.0


@pytest.mark.parametrize(("agents", "spread_s"), [(1, 0.0), (1_050, 2.0), (1_000_000, 4.0)])
async def test_the_agents_of_a_lost_server_look_for_another_one_spread_over_a_time_that_their_number_makes(
    log: Log, monkeypatch: pytest.MonkeyPatch, agents: int, spread_s: float
) -> None:
    rng = SpreadRng(1)
    async with telling(log) as left:
        lost = telling(log)
        gone = await lost.__aenter__()
        gone.attended = agents
        async with linked(log, settings(gone.address), rng) as link:
            await eventually(lambda: link.current == gone.address, what="the first server")
            gone.servers = (gone.address, left.address)
            gone.tell()
            await eventually(lambda: len(link.servers) == 2, what="news of the other")
            rng.drawn.clear()
            await lost.__aexit__(None, None, None)
            await eventually(lambda: link.current == left.address, what="the other server")
            assert (0.0, spread_s) in rng.drawn


async def test_a_server_in_doubt_is_left_unless_it_gives_a_sign_of_life(log: Log) -> None:
    async with telling(log) as one, telling(log) as two:
        one.servers = two.servers = (one.address, two.address)
        async with linked(log, settings(one.address, two.address)) as link:
            await eventually(lambda: link.current != "", what="a server")
            first, other = (one, two) if link.current == one.address else (two, one)
            await link.doubt(first.address, 5.0)
            assert link.current == first.address
            first.is_silent = True
            await link.doubt(other.address, 0.1)
            assert link.current == first.address, "another one is in doubt"
            await link.doubt(first.address, 0.1)
            await eventually(lambda: link.current == other.address, what="the other server")


async def test_a_server_without_a_leader_is_left_only_for_one_that_has_one(log: Log) -> None:
    async with telling(log) as one, telling(log) as two:
        one.servers = two.servers = (one.address, two.address)
        one.is_ready = two.is_ready = False
        async with linked(log, settings(one.address)) as link:
            await eventually(lambda: link.current != "", what="a server")
            first = link.current
            assert not await link.left(first)
            other = two if first == one.address else one
            other.is_ready = True
            with link.pinned():
                assert not await link.left(first)
            assert await link.left(first)
            assert link.current == other.address


async def test_a_server_that_belongs_to_no_cluster_yet_keeps_no_agent_from_those_that_do(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows of no server but itself, and must not be believed in that."""
    monkeypatch.setattr(module, "_UNREADY_S", 0.1)
    monkeypatch.setattr(module, "_LOOK_EVERY_S", 0.05)
    async with telling(log) as one, telling(log) as two:
        ranking = Ranking(AGENT_ID)
        ranking.add((one.address, two.address))
        blank, other = (one, two) if ranking.servers[0] == one.address else (two, one)
        blank.is_ready = False
        async with linked(log, settings(blank.address, other.address)) as link:
            await eventually(lambda: link.current == other.address, what="the server that has a leader")


async def test_where_no_known_server_has_a_leader_those_to_be_joined_are_looked_for(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_UNREADY_S", 0.1)
    monkeypatch.setattr(module, "_LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(module, "_SEARCH_EVERY_S", 0.1)
    port = free_port()
    async with telling(log) as alone, linked(log, settings(alone.address, f"127.0.0.1:{port}")) as link:
        await eventually(lambda: link.current == alone.address, what="the only server")
        alone.is_ready = False
        alone.tell()
        async with telling(log, port) as come:
            await eventually(lambda: link.current == come.address, what="the one that came")


async def test_a_preferred_server_that_is_back_gets_its_agent_again_unless_it_is_pinned(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOVE_S", 0.05)
    monkeypatch.setattr(module, "_LOOK_EVERY_S", 0.02)
    monkeypatch.setattr("lictor_agent.remote.ranking.FAILED_S", 0.1)
    async with telling(log) as one, telling(log) as two:
        one.servers = (one.address,)
        async with linked(log, settings(one.address)) as link:
            await eventually(lambda: link.current == one.address, what="the only server")
            with link.pinned():
                both = (one.address, two.address)
                one.servers = two.servers = both
                one.tell()
                await eventually(lambda: len(link.servers) == 2, what="the other server")
                await asyncio.sleep(0.3)
                assert link.current == one.address
            preferred = link.servers[0]
            await eventually(lambda: link.current == preferred, what="the preferred server")
            assert log.named("agent.server.lost") == []
            if preferred != one.address:
                (told,) = log.named("agent.server.left")
                assert (told["address"], told["better"]) == (one.address, preferred)


async def test_who_was_to_be_found_but_is_not_is_an_error_after_so_many_attempts(log: Log) -> None:
    given = settings(f"127.0.0.1:{free_port()}", retry_max=2, retry_interval_s=0.05)
    pool = RpcPool(rng=SeededRng(1))
    link = ServerLink(given, pool, clock=SystemClock(), rng=SeededRng(1), log=log.logger)
    with pytest.raises(ExceptionGroup) as caught:
        await link.run()
    assert [type(error) for error in caught.value.exceptions] == [ConfigurationError]
    assert "in 2 attempts (retry_max)" in str(caught.value.exceptions[0])
    await pool.stop()


async def test_who_waits_for_a_server_gets_the_one_that_comes_in_time(log: Log) -> None:
    port = free_port()
    async with linked(log, settings(f"127.0.0.1:{port}")) as link:
        await asyncio.sleep(0)
        waiting = asyncio.ensure_future(link.server(20.0))
        with pytest.raises(NoLeaderError, match="No known Consul servers"):
            await link.server(0.01)
        async with telling(log, port) as told:
            assert await waiting == told.address


async def test_nobody_answers_is_told_with_reasons(log: Log) -> None:
    async with linked(log, settings()) as link:
        with pytest.raises(ClusterError, match="no server answered at"):
            await link.join(("127.0.0.1:1",))


async def test_a_server_that_refuses_this_agent_is_not_used(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    async with telling(log) as told:

        async def refuse(method: str, payload: bytes, visitor: Visitor) -> NoReturn:
            raise RequestError("you do not belong here")

        monkeypatch.setattr(told, "call", refuse)
        async with linked(log, settings(told.address)) as link:
            await eventually(lambda: log.named("agent.join.refused") != [], what="the event")
            assert link.current == ""
