"""The store of views: one fetch for all, changes that arrive, servers that go and come back, bounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from lictor_agent.views import ViewSettings, ViewStore
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.commands import KVSet
from lictor_core.errors import NoLeaderError, OverloadedError, PermissionDeniedError
from lictor_core.feed import FeedRequest
from lictor_core.queries import KeyQuery, ServiceHealthQuery
from lictor_core.registry import FeedSource
from tests.agent.harness import quiet_log, running_server
from tests.agent.views.source import QUICK, S_MAX, Away, Bench, bench
from tests.server.build import register, service
from tests.support.conditions import eventually

WEB = ServiceHealthQuery(service="web")


def ports(on: Bench) -> list[int]:
    view = on.store.peek(WEB)
    return [] if view is None else [row.service.port for row in view.value]


def stamp_of(on: Bench) -> int:
    view = on.store.peek(WEB)
    return 0 if view is None else view.stamp


async def has_ports(on: Bench, *wanted: int) -> None:
    await eventually(lambda: ports(on) == list(wanted), within_s=S_MAX, what=f"ports {wanted}")


async def test_however_many_ask_at_once_a_view_is_fetched_once() -> None:
    async with bench() as on:
        await on.server.write(register(service=service()))
        views = await asyncio.gather(*(on.store.fetch(WEB) for _ in range(50)))
        assert {id(view) for view in views} == {id(views[0])}
        assert [row.service.port for row in views[0].value] == [80]
        assert on.source.feeds == {"ServiceHealthQuery": 1}


async def test_a_view_follows_changes_without_being_asked() -> None:
    async with bench() as on:
        await on.store.fetch(WEB)
        assert ports(on) == []
        version = on.store.version
        await on.server.write(register(service=service(port=81)))
        await has_ports(on, 81)
        assert on.store.version > version
        assert on.source.feeds["ServiceHealthQuery"] == 1


async def test_a_view_outlives_its_server_and_goes_on_without_a_gap() -> None:
    async with bench() as on:
        await on.server.write(register(service=service(port=80)))
        await on.store.fetch(WEB)
        on.source.lose()
        await eventually(lambda: not on.store.is_fresh(WEB), within_s=S_MAX, what="it is lost")
        await on.server.write(register(service=service(port=81)))
        assert ports(on) == [80]
        stamp = stamp_of(on)
        on.source.find()
        await has_ports(on, 81)
        assert stamp_of(on) > stamp
        await eventually(lambda: on.store.is_fresh(WEB), within_s=S_MAX, what="it is followed again")


async def test_the_age_grows_while_the_servers_are_away_and_is_nothing_while_they_are_there() -> None:
    async with bench() as on:
        await on.store.fetch(WEB)
        await eventually(lambda: on.store.is_fresh(WEB), within_s=S_MAX, what="a tick came")
        assert (on.store.age_of(WEB), on.store.age_s) == (0.0, 0.0)
        on.source.lose()
        await eventually(lambda: 0 < on.store.age_of(WEB) < 10, within_s=S_MAX, what="it ages")
        age_s = on.store.age_of(WEB)
        await eventually(lambda: on.store.age_of(WEB) > age_s and on.store.age_s > 0, within_s=S_MAX, what="ever more")
        on.source.find()
        await eventually(lambda: on.store.age_of(WEB) == 0 and on.store.age_s == 0, within_s=S_MAX, what="it is young")


async def test_what_is_not_here_fails_while_the_servers_are_away_and_comes_later() -> None:
    async with bench() as on:
        on.source.lose()
        with pytest.raises(NoLeaderError):
            await on.store.fetch(WEB)
        assert len(on.store) == 0
        on.source.find()
        assert (await on.store.fetch(WEB)).value == []


async def test_waiting_ends_with_a_change_or_with_time() -> None:
    query = KeyQuery(key="k")
    async with bench() as on:
        view = await on.store.fetch(query)
        assert (await on.store.wait_above(query, view.index, 0.01)).index == view.index
        waiting = asyncio.ensure_future(on.store.wait_above(query, view.index, S_MAX))
        await on.server.write(KVSet(key="k", value=b"1"))
        found = await waiting
        assert found.value is not None
        assert found.value.value == b"1"


async def test_views_that_nobody_wants_go_and_stay_while_the_servers_are_away() -> None:
    settings = ViewSettings(idle_s=0.1, empty_idle_s=0.0, sweep_s=0.01, retry_s_min=0.005, retry_s_max=0.02)
    async with bench(settings) as on:
        await on.server.write(register(service=service()))
        await on.store.fetch(WEB)
        await eventually(lambda: len(on.store) == 0, within_s=S_MAX, what="it goes")
        await on.store.fetch(WEB)
        on.source.lose()
        await asyncio.sleep(0.3)  # three times what it would have had
        assert ports(on) == [80]


async def test_views_are_bounded_and_empty_ones_go_first() -> None:
    settings = ViewSettings(views_max=4, retry_s_min=0.005, retry_s_max=0.02)
    async with bench(settings) as on:
        await on.server.write(register(service=service()))
        await on.store.fetch(WEB)
        for number in range(10):
            await on.store.fetch(ServiceHealthQuery(service=f"nobody-{number}"))
        assert len(on.store) <= 4
        assert ports(on) == [80]


async def test_while_the_servers_are_away_new_names_push_out_no_view_that_has_something() -> None:
    settings = ViewSettings(views_max=2, retry_s_min=0.005, retry_s_max=0.02, fresh_s=0.1)
    async with bench(settings) as on:
        for name in ("web", "db"):
            await on.server.write(register(service=service(name)))
            await on.store.fetch(ServiceHealthQuery(service=name))
        on.source.lose()
        await eventually(lambda: on.store.age_s > 0, within_s=S_MAX, what="the servers are away")
        for number in range(5):
            with pytest.raises(OverloadedError):
                await on.store.fetch(ServiceHealthQuery(service=f"new-{number}"))
        kept = [name for name in ("web", "db") if on.store.peek(ServiceHealthQuery(service=name)) is not None]
        assert kept == ["web", "db"]


async def test_who_waits_is_bounded() -> None:
    async with bench(ViewSettings(waiting_max=1)) as on:
        view = await on.store.fetch(WEB)
        waiting = asyncio.ensure_future(on.store.wait_above(WEB, view.index, S_MAX))
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError, match="wait for views"):
            await on.store.wait_above(WEB, view.index, S_MAX)
        waiting.cancel()


async def test_a_callback_is_called_once_the_view_is_here_or_time_is_up() -> None:
    async with bench() as on:
        told: list[bool] = []
        on.store.when_here(WEB, told.append, S_MAX)
        assert told == []
        await eventually(lambda: told == [True], within_s=S_MAX, what="it is here")
        on.store.when_here(WEB, told.append, S_MAX)
        await eventually(lambda: told == [True, True], within_s=S_MAX, what="it was here")
        on.source.lose()
        on.store.when_here(KeyQuery(key="k"), told.append, S_MAX)
        await eventually(lambda: told == [True, True, False], within_s=S_MAX, what="it cannot be had")


async def test_narrow_questions_share_the_view_of_the_wide_one() -> None:
    async with bench() as on:
        narrow = ServiceHealthQuery(service="Web", passing=True, tags=("v1",))
        assert on.store.wide(narrow) == WEB


async def test_a_store_that_does_not_run_says_so() -> None:
    async with running_server() as (server, log, _):
        store = ViewStore(Away(server), clock=SystemClock(), rng=SeededRng(1), log=log)
        with pytest.raises(NoLeaderError, match="not running"):
            await store.fetch(WEB)


async def test_who_waits_when_the_agent_ends_is_told() -> None:
    async with running_server() as (server, _, _):
        log, _ = quiet_log()
        store = ViewStore(Away(server), clock=SystemClock(), rng=SeededRng(1), log=log)
        running = asyncio.ensure_future(store.run())
        await asyncio.sleep(0)
        waiting = asyncio.ensure_future(store.fetch(WEB))
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait((running,))
        with pytest.raises(NoLeaderError, match="stopping"):
            await waiting


async def test_a_view_that_its_server_does_not_feed_is_old_and_told_though_the_server_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when too many streams are open there: names are not answered from the past as if it were today."""
    settings = ViewSettings(retry_s_min=0.005, retry_s_max=0.02, sweep_s=0.05, fresh_s=2.5)
    async with bench(settings) as on:
        await on.store.fetch(WEB)
        feed = on.source.feed
        ended = asyncio.Event()

        async def refusing(request: FeedRequest) -> AsyncGenerator[bytes]:
            ended.set()
            raise OverloadedError("200000 streams are open on this server")
            yield b""

        monkeypatch.setattr(on.source, "feed", refusing)
        on.source.lose()
        on.source.find()
        await asyncio.wait_for(ended.wait(), S_MAX)
        await eventually(lambda: on.store.age_s > 2.5, within_s=S_MAX, what="its age")
        assert on.store.known_leader
        await eventually(lambda: on.told("agent.view.stuck") == 1, within_s=S_MAX, what="the event")
        monkeypatch.setattr(on.source, "feed", feed)
        await eventually(lambda: on.store.age_s == 0, within_s=S_MAX, what="the end of that")
        assert on.told("agent.view.stuck") == 1


class Judging:
    """A source that judges: some tokens see a service, all others are refused."""

    def __init__(self, inner: FeedSource, *seeing: str) -> None:
        self.inner, self.seeing = inner, set(seeing)
        self.ended = asyncio.Event()

    async def feed(self, request: FeedRequest) -> AsyncGenerator[bytes]:
        if request.token not in self.seeing:
            raise PermissionDeniedError("Permission denied")
        async for item in self.inner.feed(request):
            yield item
            if self.ended.is_set():
                raise PermissionDeniedError("Permission denied")

    def ticks(self) -> AsyncGenerator[bytes]:
        return self.inner.ticks()


async def test_each_token_has_views_of_its_own() -> None:
    async with bench() as on:
        await on.server.write(register(service=service()))
        mine, other = await on.store.fetch(WEB, "a"), await on.store.fetch(WEB, "b")
        assert mine is not other
        assert on.store.peek(WEB, "a") is mine
        assert on.store.peek(WEB) is None
        assert len(on.store) == 2


async def test_who_may_not_see_is_told_so_and_has_no_view() -> None:
    async with bench() as on, judged_store(on, Judging(on.source, "a")) as store:
        assert (await store.fetch(WEB, "a")).is_ready
        with pytest.raises(PermissionDeniedError):
            await store.fetch(WEB, "b")
        assert store.peek(WEB, "b") is None


async def test_a_view_whose_token_may_not_see_it_any_more_is_gone() -> None:
    async with bench() as on:
        source = Judging(on.source, "a")
        async with judged_store(on, source) as store:
            await store.fetch(WEB, "a")
            source.ended.set()
            await on.server.write(register(service=service()))
            await eventually(lambda: store.peek(WEB, "a") is None, within_s=S_MAX, what="it is gone")


@asynccontextmanager
async def judged_store(on: Bench, source: FeedSource) -> AsyncGenerator[ViewStore]:
    log, _ = quiet_log()
    store = ViewStore(source, clock=SystemClock(), rng=SeededRng(3), log=log, settings=QUICK)
    running = asyncio.ensure_future(store.run())
    await asyncio.sleep(0)
    try:
        yield store
    finally:
        running.cancel()
        await asyncio.wait((running,))
