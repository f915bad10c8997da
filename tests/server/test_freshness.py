"""How fresh a read is, by mode, on a follower whose leader the test plays."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import cast

import pytest

from lictor_core.commands import ReadMode
from lictor_core.errors import CatchingUpError, NoLeaderError
from lictor_server.freshness import Contact, Freshness
from lictor_server.raft import Driver


@dataclasses.dataclass
class Follower:
    """What `Freshness` asks of the driver and its core."""

    is_leader: bool = False
    leader: str | None = "n2"
    caught_up: bool = True
    age_s: float | None = 0.25
    up_s: float = 60.0
    can_serve: bool = False
    can_serve_strictly: bool = False
    waited_for: list[int] = dataclasses.field(default_factory=list[int])

    @property
    def core(self) -> Follower:
        return self

    async def applied(self, index: int) -> None:
        self.waited_for.append(index)


HOLD_S = 0.2


class Leader:
    """Answers with rising indexes, once it is let."""

    def __init__(self) -> None:
        self.asked: list[bool] = []
        self.is_asked = asyncio.Event()
        self.free = asyncio.Event()
        self.error: Exception | None = None

    async def read_index(self, strict: bool) -> int:
        self.asked.append(strict)
        self.is_asked.set()
        number = len(self.asked)
        await self.free.wait()
        if self.error is not None:
            raise self.error
        return number


@pytest.fixture
def follower() -> Follower:
    return Follower()


@pytest.fixture
def leader() -> Leader:
    return Leader()


@pytest.fixture
def freshness(follower: Follower, leader: Leader) -> Freshness:
    return Freshness(cast(Driver, follower), leader.read_index, hold_s=HOLD_S)


async def test_a_stale_read_answers_at_once_and_says_how_old_it_may_be(freshness: Freshness) -> None:
    assert await freshness.reached(ReadMode.STALE) == Contact(250, True)


async def test_a_stale_read_without_a_leader_says_so(freshness: Freshness, follower: Follower) -> None:
    follower.leader = None
    assert await freshness.reached(ReadMode.STALE) == Contact(250, False)


async def test_nothing_is_answered_before_the_server_has_caught_up(freshness: Freshness, follower: Follower) -> None:
    follower.caught_up, follower.age_s = False, None
    assert freshness.age_s == float("inf")
    with pytest.raises(CatchingUpError):
        await freshness.reached(ReadMode.STALE)


async def test_what_is_not_proven_yet_is_as_old_as_the_server_and_too_old_for_any_bound(
    freshness: Freshness, follower: Follower, leader: Leader
) -> None:
    follower.age_s = None
    leader.free.set()
    assert await freshness.reached(ReadMode.STALE) == Contact(60_000, True)
    assert await freshness.reached(ReadMode.STALE, 3600.0) == Contact(0, True)
    assert (leader.asked, freshness.age_s) == ([False], float("inf"))


async def test_a_stale_read_that_would_be_too_old_is_a_default_one(
    freshness: Freshness, follower: Follower, leader: Leader
) -> None:
    leader.free.set()
    assert await freshness.reached(ReadMode.STALE, 1.0) == Contact(250, True)
    assert await freshness.reached(ReadMode.STALE, 0.2) == Contact(0, True)
    assert (leader.asked, follower.waited_for) == ([False], [1])


@pytest.mark.parametrize(("mode", "strict"), [(ReadMode.DEFAULT, False), (ReadMode.CONSISTENT, True)])
async def test_a_fresh_read_waits_for_what_the_leader_had_committed(
    freshness: Freshness, follower: Follower, leader: Leader, mode: ReadMode, strict: bool
) -> None:
    leader.free.set()
    assert await freshness.reached(mode) == Contact(0, True)
    assert (leader.asked, follower.waited_for) == ([strict], [1])


async def test_views_are_fed_at_once_and_one_that_is_ahead_once_the_state_here_is_current(
    freshness: Freshness, follower: Follower, leader: Leader
) -> None:
    leader.free.set()
    await freshness.fed(False)
    assert (leader.asked, follower.waited_for) == ([], [])
    await freshness.fed(True)
    assert (leader.asked, follower.waited_for) == ([False], [1])


async def test_reads_of_a_moment_share_one_question(freshness: Freshness, leader: Leader) -> None:
    leader.free.set()
    await asyncio.gather(*(freshness.reached(ReadMode.DEFAULT) for _ in range(100)))
    assert len(leader.asked) == 1


async def test_a_read_never_takes_the_answer_to_a_question_that_was_asked_before_it(
    freshness: Freshness, follower: Follower, leader: Leader
) -> None:
    early = asyncio.ensure_future(freshness.reached(ReadMode.DEFAULT))
    await leader.is_asked.wait()
    late = [asyncio.ensure_future(freshness.reached(ReadMode.DEFAULT)) for _ in range(3)]
    await asyncio.sleep(0)
    leader.free.set()
    await asyncio.gather(early, *late)
    assert len(leader.asked) == 2
    assert sorted(follower.waited_for) == [1, 2, 2, 2]


async def test_everybody_who_waited_hears_the_error_and_the_next_asks_anew(
    freshness: Freshness, leader: Leader
) -> None:
    leader.error = NoLeaderError()
    leader.free.set()
    results = await asyncio.gather(*(freshness.reached(ReadMode.DEFAULT) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [NoLeaderError] * 3
    leader.error = None
    assert await freshness.reached(ReadMode.DEFAULT) == Contact(0, True)


async def test_who_gives_up_waiting_takes_nobody_along(freshness: Freshness, leader: Leader) -> None:
    first = asyncio.ensure_future(freshness.reached(ReadMode.DEFAULT))
    second = asyncio.ensure_future(freshness.reached(ReadMode.DEFAULT))
    await asyncio.sleep(0)
    first.cancel()
    leader.free.set()
    assert await asyncio.wait_for(second, 30) == Contact(0, True)


async def test_a_leader_with_its_lease_answers_without_asking(
    freshness: Freshness, follower: Follower, leader: Leader
) -> None:
    follower.can_serve = True
    assert await freshness.reached(ReadMode.DEFAULT) == Contact(0, True)
    assert freshness.at_once(ReadMode.DEFAULT)
    assert not freshness.at_once(ReadMode.CONSISTENT), "others have to confirm it"
    follower.can_serve_strictly = True
    assert freshness.at_once(ReadMode.CONSISTENT)
    assert leader.asked == []


async def test_stopping_tells_who_waits(freshness: Freshness, leader: Leader) -> None:
    waiting = asyncio.ensure_future(freshness.reached(ReadMode.DEFAULT))
    await leader.is_asked.wait()
    freshness.stop()
    with pytest.raises(NoLeaderError):
        await asyncio.wait_for(waiting, 30)


@pytest.mark.parametrize("passes", [0, 1, 2])
async def test_stopping_tells_also_those_whose_question_was_not_asked_yet(
    freshness: Freshness, leader: Leader, passes: int
) -> None:
    early = asyncio.ensure_future(freshness.reached(ReadMode.DEFAULT))
    for _ in range(passes):
        await asyncio.sleep(0)
    late = asyncio.ensure_future(freshness.reached(ReadMode.DEFAULT))
    await asyncio.sleep(0)
    freshness.stop()
    leader.error = NoLeaderError()  # as the stopped forwarder answers from now on
    leader.free.set()
    results = await asyncio.wait_for(asyncio.gather(early, late, return_exceptions=True), 30)
    assert [type(result) for result in results] == [NoLeaderError] * 2
    with pytest.raises(NoLeaderError):
        await asyncio.wait_for(freshness.reached(ReadMode.DEFAULT), 30)


async def test_a_mistake_of_ours_in_one_question_leaves_nobody_waiting(freshness: Freshness, leader: Leader) -> None:
    leader.error = ZeroDivisionError()
    early = asyncio.ensure_future(freshness.reached(ReadMode.DEFAULT))
    await leader.is_asked.wait()
    late = asyncio.ensure_future(freshness.reached(ReadMode.DEFAULT))
    await asyncio.sleep(0)
    leader.free.set()
    results = await asyncio.wait_for(asyncio.gather(early, late, return_exceptions=True), 30)
    assert [type(result) for result in results] == [ZeroDivisionError] * 2


async def test_a_read_behind_one_that_finds_no_leader_is_held_no_longer_than_that_one(
    freshness: Freshness, follower: Follower, leader: Leader
) -> None:
    early = asyncio.ensure_future(freshness.reached(ReadMode.DEFAULT))
    await leader.is_asked.wait()
    follower.leader = None
    async with asyncio.timeout(10):
        with pytest.raises(NoLeaderError):
            await freshness.reached(ReadMode.DEFAULT)
        with pytest.raises(NoLeaderError):
            await early
    freshness.stop()


async def test_a_read_waits_on_for_a_leader_that_is_known_and_slow(freshness: Freshness, leader: Leader) -> None:
    read = asyncio.ensure_future(freshness.reached(ReadMode.DEFAULT))
    done, _ = await asyncio.wait([read], timeout=2 * HOLD_S)
    assert not done
    leader.free.set()
    assert await read == Contact(0, True)
