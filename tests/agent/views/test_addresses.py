"""Who has an address: asked once, kept for a moment, and for longer while the servers are away."""

from __future__ import annotations

import asyncio

import pytest

from lictor_agent.views import AddressBook
from lictor_agent.views.addresses import ASKING_MAX, KEPT_S
from lictor_core.errors import NoLeaderError, OverloadedError
from lictor_core.queries import Query
from lictor_core.records import AddressHolder, AddressHolders
from lictor_core.registry import ColdViewError, Reading, ReadOptions
from tests.support.clock import ManualClock
from tests.support.conditions import eventually

N1 = AddressHolders(nodes=[AddressHolder(name="n1", datacenter="dc1")], services=[])


class Servers:
    """Servers that may be away."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False
        self.tokens: list[str] = []
        self.answer = asyncio.Event()
        self.answer.set()

    async def read(self, query: Query[AddressHolders], options: ReadOptions) -> Reading[AddressHolders]:
        self.asked += 1
        self.tokens.append(options.token)
        await self.answer.wait()
        if self.away:
            raise NoLeaderError
        return Reading(value=N1, index=5, stamp=5)


def made() -> tuple[Servers, AddressBook, ManualClock]:
    servers, clock = Servers(), ManualClock()
    return servers, AddressBook(servers.read, clock), clock


async def ask(book: AddressBook, address: str = "192.0.2.1", *, times: int = 1) -> list[bool]:
    told: list[bool] = []
    for _ in range(times):
        with pytest.raises(ColdViewError) as cold:
            book.holders_at(address)
        cold.value.bring(told.append)
    await eventually(lambda: len(told) == times, within_s=20, what="everybody is told")
    return told


async def test_an_address_is_asked_for_once_and_then_known() -> None:
    servers, book, _ = made()
    assert await ask(book, times=3) == [True, True, True]
    assert (book.holders_at("192.0.2.1"), servers.asked) == (N1, 1)


async def test_it_is_asked_for_again_when_it_is_old() -> None:
    servers, book, clock = made()
    await ask(book)
    epoch = book.epoch
    clock.advance(KEPT_S)
    assert book.epoch == epoch + 1
    await ask(book)
    assert servers.asked == 2


async def test_what_was_known_is_good_while_the_servers_are_away() -> None:
    servers, book, clock = made()
    await ask(book)
    servers.away = True
    clock.advance(KEPT_S)
    assert await ask(book) == [True]
    assert book.holders_at("192.0.2.1") == N1
    assert await ask(book, "192.0.2.2") == [False]


async def test_questions_under_way_are_bounded() -> None:
    servers, book, _ = made()
    servers.answer.clear()
    told: list[bool] = []
    for number in range(ASKING_MAX):
        with pytest.raises(ColdViewError) as cold:
            book.holders_at(str(number))
        cold.value.bring(told.append)
    with pytest.raises(ColdViewError) as cold:
        book.holders_at("another")
    with pytest.raises(OverloadedError):
        cold.value.bring(told.append)
    await asyncio.sleep(0)  # they are under way
    book.close()
    await eventually(lambda: len(told) == ASKING_MAX, within_s=20, what="everybody is told")
    assert not any(told)


async def test_another_token_is_told_nothing_of_what_the_former_one_was() -> None:
    servers, book, _ = made()
    await ask(book)
    servers.answer.clear()
    told: list[bool] = []
    with pytest.raises(ColdViewError) as cold:
        book.holders_at("192.0.2.2")
    cold.value.bring(told.append)
    await eventually(lambda: servers.asked == 2, within_s=20, what="it is asked")
    book.use_token("t")
    servers.answer.set()
    await eventually(lambda: told == [False], within_s=20, what="the answer comes too late")
    assert await ask(book) == [True]
    assert servers.tokens == ["", "", "t"]
