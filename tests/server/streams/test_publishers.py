"""Publishers of a running server: made on demand, woken by what they depend on, bounded, and ended with the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

import pytest

from lictor_core.clock import SystemClock
from lictor_core.commands import Command, KVSet
from lictor_core.errors import FilterError, NoLeaderError, OverloadedError
from lictor_core.feed import Bookmark, FeedRequest, decode_tick
from lictor_core.queries import AnyQuery, KeyQuery, NodesQuery, Query, ServiceHealthQuery
from lictor_core.records import KVEntry, ServiceHealth
from lictor_core.view import View
from lictor_server import Server
from lictor_server.state import Store, Watches, apply
from lictor_server.streams import Publishers
from tests.server import build
from tests.support.conditions import eventually

WEB = ServiceHealthQuery(service="web")
KEY = cast("Query[object]", KeyQuery(key="k"))
S_MAX = 20.0


class Small:
    """A store with publishers around it."""

    def __init__(self, *, publishers_max: int = 10, followers_max: int = 10, linger_s: float = 60.0) -> None:
        self.store, self.watches, self.index = Store("dc1"), Watches(), 2
        self.publishers = Publishers(
            self.store,
            self.watches,
            lambda: "c1",
            SystemClock(),
            fresh=self.fresh,
            publishers_max=publishers_max,
            followers_max=followers_max,
            linger_s=linger_s,
        )

    async def fresh(self, is_behind: bool) -> None:
        """The store of a test is always current."""

    def write(self, command: Command) -> int:
        self.index += 1
        _, change = apply(self.store, self.index, command)
        return self.watches.fire(change)

    def set_key(self, value: bytes) -> int:
        return self.write(KVSet(key="k", value=value))


async def next_of(items: AsyncGenerator[bytes]) -> bytes:
    async with asyncio.timeout(S_MAX):
        return await anext(items)


async def taken(view: View[object], items: AsyncGenerator[bytes]) -> object:
    view.apply(await next_of(items))
    return view.value


async def test_a_follower_gets_the_answer_and_then_each_change() -> None:
    small, view = Small(), View(KEY)
    async with aclosing(small.publishers.follow(KEY, None)) as items:
        assert await taken(view, items) is None
        small.set_key(b"1")
        assert cast(KVEntry, await taken(view, items)).value == b"1"
        assert view.index == 3


async def test_changes_of_one_pass_of_the_loop_are_told_as_one() -> None:
    small, view = Small(), View(KEY)
    async with aclosing(small.publishers.follow(KEY, None)) as items:
        await taken(view, items)
        for value in (b"1", b"2", b"3"):
            small.set_key(value)
        assert cast(KVEntry, await taken(view, items)).value == b"3"


async def test_an_output_that_wakes_nobody_is_told_all_the_same() -> None:
    small, query = Small(), cast("Query[object]", WEB)
    small.write(build.register(service=build.service(), checks=[build.check(service_id="web", output="fine")]))
    view = View(query)
    async with aclosing(small.publishers.follow(query, None)) as items:
        await taken(view, items)
        index = view.index
        small.write(build.register(service=build.service(), checks=[build.check(service_id="web", output="slow")]))
        rows = cast("list[ServiceHealth]", await taken(view, items))
        assert rows[0].checks[0].output == "slow"
        assert view.index == index


async def test_who_comes_back_goes_on_where_it_stood() -> None:
    small, view = Small(), View(KEY)
    async with aclosing(small.publishers.follow(KEY, None)) as items:
        await taken(view, items)
    small.set_key(b"1")
    async with aclosing(small.publishers.follow(KEY, view.bookmark)) as items:
        item = await next_of(items)
        assert view.apply(item)
        assert cast(KVEntry, view.value).value == b"1"
    assert len(small.publishers) == 1
    async with aclosing(small.publishers.follow(KEY, view.bookmark)) as items:
        assert not view.apply(await next_of(items)), "it stands"


async def test_who_is_too_far_behind_is_cut_off_and_holds_up_nobody() -> None:
    small, quick = Small(), View(KEY)
    async with (
        aclosing(small.publishers.follow(KEY, None)) as slow,
        aclosing(small.publishers.follow(KEY, None)) as items,
    ):
        await next_of(slow)
        await taken(quick, items)
        for number in range(300):
            small.set_key(str(number).encode())
            await taken(quick, items)
        assert cast(KVEntry, quick.value).value == b"299"
        with pytest.raises(OverloadedError, match="subscribe anew"):
            await next_of(slow)


async def test_a_wrong_filter_is_refused_to_who_would_follow_it() -> None:
    small = Small()
    wrong = cast("Query[object]", NodesQuery(filter="("))
    with pytest.raises(FilterError):
        await next_of(small.publishers.follow(wrong, None))
    assert len(small.publishers) == 0


async def test_followers_and_publishers_are_bounded() -> None:
    small = Small(publishers_max=1, followers_max=2)
    other = cast("Query[object]", KeyQuery(key="other"))
    async with aclosing(small.publishers.follow(KEY, None)) as items:
        await next_of(items)
        with pytest.raises(OverloadedError, match="queries are followed"):
            await next_of(small.publishers.follow(other, None))
        async with aclosing(small.publishers.follow(KEY, None)) as second:
            await next_of(second)
            with pytest.raises(OverloadedError, match="streams are open"):
                await next_of(small.publishers.follow(KEY, None))
    async with aclosing(small.publishers.follow(other, None)) as items:
        await next_of(items)  # in the place of one that nobody follows
    assert (len(small.publishers), small.publishers.followers) == (1, 0)


async def test_of_the_publishers_that_nobody_follows_the_one_left_first_makes_room() -> None:
    small = Small(publishers_max=3)
    a, b, c, d = (cast("Query[object]", KeyQuery(key=key)) for key in "abcd")
    async with aclosing(small.publishers.follow(a, None)) as followed:
        await next_of(followed)
        for query in (b, c, b, d, d):
            async with aclosing(small.publishers.follow(query, None)) as items:
                await next_of(items)
        kept = small.publishers._desks  # pyright: ignore[reportPrivateUsage]  # nothing outside tells which are kept
        assert [query for query, _ in kept] == [a, b, d]
    small.publishers.close()


async def test_a_publisher_goes_when_nobody_came_back() -> None:
    small = Small(linger_s=0.01)
    async with aclosing(small.publishers.follow(KEY, None)) as items:
        await next_of(items)
    await eventually(lambda: len(small.publishers) == 0, within_s=S_MAX, what="the publisher goes")
    assert small.set_key(b"1") == 0, "nothing is woken for it"


async def test_at_the_end_every_stream_ends() -> None:
    small = Small()
    items = small.publishers.follow(KEY, None)
    await next_of(items)
    waiting = asyncio.ensure_future(next_of(items))
    await asyncio.sleep(0)
    small.publishers.close()
    with pytest.raises(NoLeaderError, match="stopping"):
        await waiting
    with pytest.raises(NoLeaderError, match="stopping"):
        await next_of(small.publishers.follow(KEY, None))


async def test_the_door_feeds_views(server: Server) -> None:
    await server.write(build.register(service=build.service()))
    view = View(WEB)
    async with aclosing(server.feed(FeedRequest(query=WEB))) as items:
        view.apply(await next_of(items))
        assert [row.service.port for row in view.value] == [80]
        await server.write(build.register(service=build.service(port=81)))
        view.apply(await next_of(items))
        assert [row.service.port for row in view.value] == [81]


async def test_an_answer_that_is_newer_than_the_log_is_taken_back_by_a_fresh_server(server: Server) -> None:
    request = FeedRequest(query=cast(AnyQuery, KEY), after=None)
    async with aclosing(server.feed(request)) as items:
        view = View(KEY)
        view.apply(await next_of(items))
        assert view.bookmark is not None
        ahead = View(KEY)
        ahead.bookmark = Bookmark(view.bookmark.cluster, 10_000)
        async with aclosing(server.feed(FeedRequest(query=cast(AnyQuery, KEY), after=ahead.bookmark))) as others:
            assert ahead.apply(await next_of(others))
            assert ahead.bookmark == view.bookmark


async def test_ticks_tell_how_fresh_a_server_is(server: Server) -> None:
    await server.write(KVSet(key="k", value=b""))
    async with aclosing(server.ticks()) as ticks:
        tick = decode_tick(await next_of(ticks))
    assert tick.known_leader
    assert (tick.last_contact_ms, tick.cluster != "", tick.index > 1) == (0, True, True)


async def test_streams_end_when_their_server_stops(server: Server) -> None:
    ticks = server.ticks()
    await next_of(ticks)
    waiting = asyncio.ensure_future(next_of(ticks))
    await asyncio.sleep(0)
    await server.stop()
    with pytest.raises(NoLeaderError):
        await waiting
