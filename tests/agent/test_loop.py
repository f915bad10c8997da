"""Anti-entropy against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import msgspec
import pytest

from lictor_agent import plan as plan_module
from lictor_agent.local import LocalService, LocalState
from lictor_agent.loop import SyncLoop
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.commands import Command, Deregister, NodeUpdate, Outcome, Register
from lictor_core.errors import LictorError, NoLeaderError, PermissionDeniedError
from lictor_core.queries import NodeChecksQuery, NodeServicesQuery, Query
from lictor_core.records import PASSING, Check, Service
from lictor_core.registry import Reading, ReadOptions, Registry
from lictor_server import Server
from tests.agent.builders import NODE, identity, local_check, local_service, node, service
from tests.agent.harness import quiet_log, running_server
from tests.server.build import renewal
from tests.support.conditions import eventually

T = TypeVar("T")


class Weather:
    """A registry whose calls fail as the test says."""

    def __init__(self, registry: Server) -> None:
        self._registry = registry
        self.failure: LictorError | None = None
        self.refused: set[str] = set()
        self.written: list[Command] = []

    async def read(self, query: Query[T], options: ReadOptions) -> Reading[T]:
        if self.failure is not None:
            raise self.failure
        return await self._registry.read(query, options)

    async def write(self, command: Command, *, token: str = "") -> Outcome:
        if self.failure is not None:
            raise self.failure
        if isinstance(command, NodeUpdate) and self.refused & {one.id for one in command.services}:
            raise PermissionDeniedError("Permission denied")
        self.written.append(command)
        return await self._registry.write(command, token=token)

    def __getattr__(self, name: str) -> object:
        return getattr(self._registry, name)


class Bench:
    """A sync loop between a local state and a server."""

    def __init__(self, server: Server, output_wait_s: float) -> None:
        self.server = server
        self.local = LocalState()
        self.weather = Weather(server)
        log, self.logged = quiet_log()
        registry: Registry = self.weather  # type: ignore[assignment]  # what it does not define it passes on
        self.loop = SyncLoop(
            self.local, node(), registry, SystemClock(), SeededRng(1), log, output_wait_s=output_wait_s
        )

    def refusals(self) -> list[object]:
        """The levels at which refusals were told."""
        return [one["log_level"] for one in self.logged.entries if one["event"] == "agent.sync.refused"]

    def was_refused(self, times: int) -> bool:
        return len(self.refusals()) >= times

    async def services(self) -> dict[str, Service]:
        reading = await self.server.read(NodeServicesQuery(node=NODE), ReadOptions())
        return {} if reading.value is None else {k: v for k, v in reading.value.services.items() if k != "consul"}

    async def checks(self) -> dict[str, Check]:
        reading = await self.server.read(NodeChecksQuery(node=NODE), ReadOptions())
        return {one.check_id: one for one in reading.value if one.check_id != "serfHealth"}


@asynccontextmanager
async def _bench(output_wait_s: float = 300.0) -> AsyncGenerator[Bench]:
    async with running_server() as (server, _, _), asyncio.TaskGroup() as group:
        bench = Bench(server, output_wait_s)
        task = group.create_task(bench.loop.run())
        try:
            yield bench
        finally:
            task.cancel()


async def test_what_is_registered_is_in_the_catalog_when_flushed() -> None:
    async with _bench() as bench:
        bench.local.put_service(local_service())
        bench.local.put_check(local_check("c", service_id="web"), 0.0)
        await bench.loop.flushed(5.0)
        assert (set(await bench.services()), set(await bench.checks())) == ({"web"}, {"c"})
        bench.local.remove_service("web")
        await bench.loop.flushed(5.0)
        assert (await bench.services(), await bench.checks()) == ({}, {})


async def test_the_node_gets_its_metadata_and_addresses() -> None:
    async with _bench() as bench:
        bench.local.put_service(local_service())
        await bench.loop.flushed(5.0)
        found = bench.server.view().node(NODE)
        assert found is not None
        assert (found.meta, found.tagged_addresses) == (node().meta, node().tagged_addresses)


async def test_a_full_comparison_removes_strangers_and_brings_back_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan_module, "SYNC_EVERY_S", 0.1)
    async with _bench() as bench:
        await bench.server.renew(renewal(identity().member()))
        bench.local.put_service(local_service())
        await bench.loop.flushed(5.0)
        await bench.server.write(Deregister(node=NODE, service_id="web"))
        await bench.server.write(Register(node=node(), service=service("stranger")))
        seen: list[set[str]] = []

        async def look() -> None:
            while not seen or seen[-1] != {"web"}:
                seen.append(set(await bench.services()))
                await asyncio.sleep(0.01)

        await asyncio.wait_for(look(), 30)
        servers_own = await bench.server.read(NodeServicesQuery(node=NODE), ReadOptions())
        assert servers_own.value is not None
        assert "consul" in servers_own.value.services


async def test_tags_that_others_set_are_taken_over_where_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_module, "SYNC_EVERY_S", 0.1)
    async with _bench() as bench:
        mine = service("web", tags=("mine",), enable_tag_override=True)
        bench.local.put_service(LocalService(service=mine))
        await bench.loop.flushed(5.0)
        theirs = msgspec.structs.replace(mine, tags=["theirs"])
        await bench.server.write(Register(node=node(), service=theirs))
        await eventually(lambda: bench.local.services["web"].service.tags == ["theirs"], what="tags are adopted")
        assert (await bench.services())["web"].tags == ["theirs"]


async def test_a_status_goes_at_once_and_an_output_alone_later() -> None:
    async with _bench(output_wait_s=0.4) as bench:
        bench.local.put_check(local_check("c", status=PASSING), 0.0)
        await bench.loop.flushed(5.0)
        clock = SystemClock()
        bench.local.set_status("c", PASSING, "one", clock.monotonic())
        await bench.loop.flushed(5.0)
        assert (await bench.checks())["c"].output == ""
        assert bench.local.untold_outputs == {"c"}
        await eventually(lambda: bench.local.untold_outputs == set(), what="the output is told")
        assert (await bench.checks())["c"].output == "one"
        bench.local.set_status("c", "critical", "two", clock.monotonic())
        await bench.loop.flushed(5.0)
        assert (await bench.checks())["c"].output == "two"


async def test_while_the_servers_are_away_flushing_gives_up_and_later_all_is_told() -> None:
    async with _bench() as bench:
        bench.local.put_service(local_service("first"))
        await bench.loop.flushed(5.0)
        assert set(await bench.services()) == {"first"}
        bench.weather.failure = NoLeaderError()
        bench.local.put_service(local_service())
        async with asyncio.timeout(30):
            await bench.loop.flushed(0.2)
        assert set(await bench.services()) == {"first"}
        bench.local.put_service(local_service("later"))
        bench.weather.failure = None
        await bench.loop.flushed(5.0)
        assert set(await bench.services()) == {"first", "web", "later"}
        assert any(one["event"] == "agent.sync.failed" for one in bench.logged.entries)


async def test_the_same_refusal_is_told_once_and_shown_until_the_servers_take_it() -> None:
    async with _bench() as bench:
        bench.weather.refused = {"bad"}
        bench.local.put_service(local_service("bad"))
        await eventually(lambda: "bad" in bench.loop.refusals.services, within_s=20, what="it is refused")
        assert bench.loop.refusals.services == {"bad": "Permission denied"}
        for times in (2, 3, 4):
            bench.loop.look_again()
            await eventually(partial(bench.was_refused, times), within_s=20, what="it is tried again")
        assert bench.refusals().count("warning") == 1
        bench.weather.refused = set()
        bench.loop.look_again()
        await eventually(lambda: not bench.loop.refusals.services, within_s=20, what="it is taken")


async def test_a_refused_registration_does_not_keep_others_back() -> None:
    async with _bench() as bench:
        bench.weather.refused = {"bad"}
        bench.local.put_service(local_service("bad"))
        bench.local.put_service(local_service("good"))
        await bench.loop.flushed(5.0)
        assert set(await bench.services()) == {"good"}
        assert [one["service_ids"] for one in bench.logged.entries if one["event"] == "agent.sync.refused"] == [["bad"]]


async def test_nothing_is_written_when_nothing_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_module, "SYNC_EVERY_S", 0.05)
    async with _bench() as bench:
        bench.local.put_service(local_service())
        bench.local.put_check(local_check("c", service_id="web"), 0.0)
        await bench.loop.flushed(5.0)
        written = len(bench.weather.written)
        await asyncio.sleep(0.3)
        assert len(bench.weather.written) == written
