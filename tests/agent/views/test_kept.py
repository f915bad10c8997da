"""Reads of what is kept: hits and misses, ages, waiting, and what the hot path goes by."""

from __future__ import annotations

import asyncio

import pytest

from lictor_agent.views import KeptInViews
from lictor_core.clock import SeededRng
from lictor_core.errors import FilterError, NoLeaderError
from lictor_core.queries import CARootsQuery, ServiceHealthQuery
from lictor_core.registry import ReadOptions
from tests.agent.views.source import S_MAX, bench
from tests.server.build import check, register, service
from tests.support.conditions import eventually

WEB = ServiceHealthQuery(service="web")
NOW = ReadOptions()


async def test_the_first_read_is_a_miss_and_the_next_ones_hits() -> None:
    async with bench() as on:
        await on.server.write(register(service=service()))
        assert [(await on.kept.read(WEB, NOW)).is_hit for _ in range(3)] == [False, True, True]
        assert (await on.kept.read(CARootsQuery(), NOW)).is_hit is False


async def test_a_narrow_question_is_answered_from_the_wide_one() -> None:
    async with bench() as on:
        await on.server.write(register(service=service(), checks=[check(service_id="web", status="warning")]))
        whole = await on.kept.read(WEB, NOW)
        healthy = await on.kept.read(ServiceHealthQuery(service="WEB", passing=True), NOW)
        assert (len(whole.reading.value), healthy.reading.value, healthy.is_hit) == (1, [], True)
        assert whole.reading.index == healthy.reading.index


async def test_one_view_serves_many_filters() -> None:
    async with bench() as on:
        await on.server.write(register(service=service(port=80)))
        for port, found in ((80, 1), (81, 0)):
            kept = await on.kept.read(ServiceHealthQuery(service="web", filter=f"Service.Port == {port}"), NOW)
            assert len(kept.reading.value) == found
        assert len(on.store) == 1


async def test_a_filter_of_many_rows_holds_nobody_up() -> None:
    async with bench() as on:
        for number in range(120):
            await on.server.write(register(service=service(id=f"web{number}", port=number)))
        await on.kept.read(WEB, NOW)
        chosen = " or ".join(f"Service.Port == {number}" for number in range(100, 200))
        reading = asyncio.ensure_future(on.kept.read(ServiceHealthQuery(service="web", filter=chosen), NOW))
        passes = 0
        while not reading.done():
            await asyncio.sleep(0)
            passes += 1
        kept = await reading
        assert (len(kept.reading.value), kept.is_hit) == (20, True)
        assert passes > 1, "it was worked out in one go"


async def test_a_wrong_filter_is_refused_before_the_read_waits() -> None:
    async with bench() as on:
        wrong = ServiceHealthQuery(service="web", filter="(")
        with pytest.raises(FilterError):
            async with asyncio.timeout(S_MAX):
                await on.kept.read(wrong, ReadOptions(min_index=2**40, wait_s=600))
        assert len(on.store) == 0


async def test_a_blocked_read_ends_with_a_change() -> None:
    async with bench() as on:
        index = (await on.kept.read(WEB, NOW)).reading.index
        waiting = asyncio.ensure_future(on.kept.read(WEB, ReadOptions(min_index=index, wait_s=S_MAX)))
        await asyncio.sleep(0)
        await on.server.write(register(service=service()))
        kept = await waiting
        assert (len(kept.reading.value), kept.is_hit) == (1, False)
        assert kept.reading.index > index


async def test_what_is_kept_equals_what_the_server_answers() -> None:
    async with bench() as on:
        await on.server.write(register(service=service(), checks=[check(service_id="web", output="fine")]))
        kept, told = (await on.kept.read(WEB, NOW)).reading, await on.server.read(WEB, NOW)
        assert (kept.value, kept.index, kept.stamp) == (told.value, told.index, told.stamp)


async def test_while_the_servers_are_away_answers_have_an_age_and_the_hot_path_is_off() -> None:
    async with bench() as on:
        assert on.kept.stamp(WEB) is None
        stamp = (await on.kept.read(WEB, NOW)).reading.stamp
        await eventually(lambda: on.kept.stamp(WEB) == stamp, within_s=S_MAX, what="it is current")
        on.source.lose()
        await eventually(lambda: on.kept.stamp(WEB) is None, within_s=S_MAX, what="it is lost")
        kept = await on.kept.read(WEB, NOW)
        assert kept.is_hit
        assert kept.age_s > 0
        with pytest.raises(NoLeaderError):
            await on.kept.read(CARootsQuery(), NOW)


async def test_where_tokens_are_judged_answers_say_whose_they_are_and_never_the_secret() -> None:
    async with bench() as on:
        kept = KeptInViews(on.store, SeededRng(4), is_judged=True)
        scopes = [(await kept.read(WEB, ReadOptions(token=token))).reading.scope for token in ("", "a", "b", "a")]
        assert len(set(scopes)) == 3
        assert all(scopes), "who shows no token sees less than all, too"
        assert scopes[1] == scopes[3]
        assert "secret" not in (await kept.read(WEB, ReadOptions(token="secret"))).reading.scope
        assert len(on.store) == 4
        await eventually(lambda: kept.stamp(WEB, "a") is not None, within_s=S_MAX, what="it is current")
        assert kept.stamp(WEB, "never asked") is None


async def test_without_access_control_there_is_one_view_whatever_the_token() -> None:
    async with bench() as on:
        for token in ("", "a", "b"):
            assert (await on.kept.read(WEB, ReadOptions(token=token))).reading.scope == ""
        assert len(on.store) == 1
