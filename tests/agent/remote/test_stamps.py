"""Questions for stamps: one to the server for all of a moment, and nobody's end is another one's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from lictor_agent.remote.stamps import Stamps
from lictor_core.calls import STAMPS_MAX, StampsRequest
from lictor_core.commands import KVSet, ReadMode
from lictor_core.errors import LictorError, PeerError
from lictor_core.queries import KeyQuery
from lictor_core.registry import ReadOptions
from lictor_server import Server
from tests.agent.remote.registries import connected, remote
from tests.server.conftest import Log
from tests.support.conditions import eventually

A, B = KeyQuery(key="a"), KeyQuery(key="b")
DEFAULT, CONSISTENT = ReadMode.DEFAULT, ReadMode.CONSISTENT


@dataclass
class Asked:
    """Stands for the server in use: `stamps` by key, or an error."""

    stamps: dict[str, int] = field(default_factory=lambda: {"a": 7, "b": 9})
    error: LictorError | None = None
    extra: tuple[int, ...] = ()
    requests: list[StampsRequest] = field(default_factory=list[StampsRequest])
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: StampsRequest) -> list[int]:
        self.requests.append(request)
        await self.open.wait()
        if self.error is not None:
            raise self.error
        return [self.stamps[query.key] for query in request.queries if isinstance(query, KeyQuery)] + [*self.extra]


async def test_questions_of_one_moment_are_one_and_each_query_is_in_it_once() -> None:
    asked = Asked()
    asked.open.set()
    stamps = Stamps(asked)
    assert await asyncio.gather(*(stamps.of(one, DEFAULT) for one in (A, B, A))) == [7, 9, 7]
    assert asked.requests == [StampsRequest(queries=(A, B), mode=DEFAULT)]


async def test_a_question_that_comes_after_one_has_left_is_another_one() -> None:
    asked = Asked()
    stamps = Stamps(asked)
    first = asyncio.ensure_future(stamps.of(A, DEFAULT))
    await eventually(lambda: len(asked.requests) == 1, what="the question")
    second = asyncio.ensure_future(stamps.of(A, DEFAULT))
    await eventually(lambda: len(asked.requests) == 2, what="the second question")
    asked.open.set()
    assert [await first, await second] == [7, 7]


async def test_questions_of_different_strictness_are_not_mixed() -> None:
    asked = Asked()
    asked.open.set()
    stamps = Stamps(asked)
    await asyncio.gather(stamps.of(A, DEFAULT), stamps.of(A, CONSISTENT))
    assert {(one.mode, one.queries) for one in asked.requests} == {(DEFAULT, (A,)), (CONSISTENT, (A,))}


async def test_who_goes_away_takes_nobody_along() -> None:
    asked = Asked()
    stamps = Stamps(asked)
    leaving, staying = (asyncio.ensure_future(stamps.of(A, DEFAULT)) for _ in range(2))
    await eventually(lambda: len(asked.requests) == 1, what="the question")
    leaving.cancel()
    await asyncio.wait([leaving])
    asked.open.set()
    assert await staying == 7


@pytest.mark.parametrize("asked", [Asked(error=PeerError("lost")), Asked(extra=(1,))], ids=["lost", "wrong"])
async def test_an_error_or_a_wrong_answer_tells_no_stamp(asked: Asked) -> None:
    asked.open.set()
    assert await Stamps(asked).of(A, DEFAULT) is None


async def test_no_more_queries_are_asked_at_once_than_the_bound() -> None:
    asked = Asked()
    asked.stamps = {str(number): number for number in range(STAMPS_MAX + 1)}
    asked.open.set()
    stamps = Stamps(asked)
    told = await asyncio.gather(*(stamps.of(KeyQuery(key=key), DEFAULT) for key in asked.stamps))
    assert told == [*range(STAMPS_MAX), None]


async def test_the_stamp_is_that_of_a_reading_made_now_and_moves_with_the_next_write(server: Server, log: Log) -> None:
    async with connected(log, f"127.0.0.1:{server.server_port}") as registry:
        for number in range(20):
            await server.write(KVSet(key="a", value=str(number).encode()))
            told = await registry.stamp(A, DEFAULT)
            assert told == (await server.read(A, ReadOptions())).stamp == await registry.stamp(A, CONSISTENT)


async def test_without_a_server_there_is_no_stamp(log: Log) -> None:
    async with remote(log, "127.0.0.1:1") as registry:
        assert await registry.stamp(A, DEFAULT) is None
