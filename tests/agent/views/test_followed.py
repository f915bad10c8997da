"""One followed view: what ends its feed is told, and asked for anew from where it stands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from lictor_agent.views.followed import Followed
from lictor_core.backoff import Backoff
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.errors import OverloadedError
from lictor_core.feed import Bookmark, FeedRequest, encode_change, encode_snapshot
from lictor_core.queries import KeysQuery
from tests.agent.harness import quiet_log
from tests.support.conditions import eventually

QUERY = KeysQuery(prefix="")


class Playbook:
    """A source that plays one list of items for each time it is asked, then an error; after the last it is silent."""

    def __init__(self, *plays: list[bytes]) -> None:
        self.plays = list(plays)
        self.asked: list[Bookmark | None] = []

    async def feed(self, request: FeedRequest) -> AsyncGenerator[bytes]:
        self.asked.append(request.after)
        if not self.plays:
            await asyncio.Event().wait()
        for item in self.plays.pop(0):
            yield item
        raise OverloadedError("subscribe anew")

    async def ticks(self) -> AsyncGenerator[bytes]:
        yield b""


def at(stamp: int) -> Bookmark:
    return Bookmark("c1", stamp)


async def followed(playbook: Playbook, *, times: int) -> Followed[list[str]]:
    """What is followed once the source was asked so many times, or given up."""
    one, (log, _) = Followed(QUERY, 0.0), quiet_log()
    backoff = Backoff(SeededRng(1), first_s=0.001, max_s=0.002)
    task = asyncio.ensure_future(one.follow(playbook, backoff, SystemClock(), log, lambda _: None))
    await eventually(lambda: len(playbook.asked) == times or task.done(), within_s=20, what="it is asked again")
    task.cancel()
    await asyncio.wait((task,))
    return one


async def test_a_feed_that_ends_is_asked_for_from_where_the_view_stands() -> None:
    snapshot, change = encode_snapshot(at(5), 5, ["a"]), encode_change(at(7), 7, 5, [])
    playbook = Playbook([*snapshot], [change], [])
    one = await followed(playbook, times=4)
    assert playbook.asked == [None, at(5), at(7), at(7)]
    assert one.view.value == ["a"]


async def test_a_gap_ends_the_feed_and_the_view_stays() -> None:
    gap = encode_change(at(9), 9, 8, [])
    playbook = Playbook([*encode_snapshot(at(5), 5, ["a"]), gap])
    one = await followed(playbook, times=2)
    assert playbook.asked == [None, at(5)]
    assert "does not follow" in str(one.error)
    assert one.view.value == ["a"]
    assert one.lost_at is not None


async def test_a_view_that_never_was_is_given_up_at_the_first_error() -> None:
    playbook = Playbook([])
    one = await followed(playbook, times=2)
    assert playbook.asked == [None]
    assert not one.view.is_ready
    assert "subscribe anew" in str(one.error)


async def test_pieces_of_a_snapshot_that_was_cut_off_are_forgotten() -> None:
    pieces = encode_snapshot(at(6), 6, ["x" * 200_000, "y" * 200_000])
    assert len(pieces) == 2
    playbook = Playbook([*encode_snapshot(at(5), 5, ["a"])], [pieces[0]], [pieces[1]])
    one = await followed(playbook, times=4)
    assert one.view.value == ["a"]
    assert "piece missing" in str(one.error)


async def test_a_view_is_not_current_before_the_whole_of_what_came_meanwhile_is_there() -> None:
    """What it has is as old as it was, however quickly its server answers."""
    pieces = encode_snapshot(at(6), 6, ["x" * 200_000, "y" * 200_000])

    class Slow(Playbook):
        async def feed(self, request: FeedRequest) -> AsyncGenerator[bytes]:
            self.asked.append(request.after)
            if len(self.asked) == 1:
                for item in encode_snapshot(at(5), 5, ["a"]):
                    yield item
                raise OverloadedError("subscribe anew")
            yield pieces[0]
            half.set()
            await rest.wait()
            yield pieces[1]
            whole.set()
            await asyncio.Event().wait()

    half, rest, whole = asyncio.Event(), asyncio.Event(), asyncio.Event()
    one, (log, _) = Followed(QUERY, 0.0), quiet_log()
    backoff = Backoff(SeededRng(1), first_s=0.001, max_s=0.002)
    task = asyncio.ensure_future(one.follow(Slow(), backoff, SystemClock(), log, lambda _: None))
    async with asyncio.timeout(20):
        await half.wait()
        assert one.lost_at is not None
        rest.set()
        await whole.wait()
    assert one.lost_at is None
    task.cancel()
    await asyncio.wait((task,))
