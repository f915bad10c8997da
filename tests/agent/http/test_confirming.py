"""Questions whether answers hold: one to the servers for all of a moment, and nobody's end is another one's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from lictor_agent.http.confirming import Confirmed
from lictor_agent.http.confirming import Confirming as Asking
from lictor_core.calls import STAMPS_MAX
from lictor_core.commands import ReadMode
from lictor_core.queries import KeyQuery, Query
from lictor_core.registry import Confirmation
from tests.support.conditions import eventually

A, B = KeyQuery(key="a"), KeyQuery(key="b")
DEFAULT, CONSISTENT = ReadMode.DEFAULT, ReadMode.CONSISTENT


@dataclass(eq=False)
class Subject:
    """Something that was read; `told` has what was told of it, once for all who asked."""

    query: Query[object]
    mode: ReadMode = DEFAULT
    token: str = ""
    told: list[Confirmed | None] = field(default_factory=list[Confirmed | None])


Confirming = Asking[Subject]


def answer(subject: Subject, confirmed: Confirmed | None) -> bytes | None:
    """What those are told who asked: the stamp in words."""
    subject.told.append(confirmed)
    return None if confirmed is None else b"stamp %d" % confirmed.stamp


@dataclass
class Asked:
    """Stands for the servers: `stamps` by key, or nothing told."""

    stamps: dict[str, int] = field(default_factory=lambda: {"a": 7, "b": 9})
    tells: bool = True
    extra: tuple[int, ...] = ()
    requests: list[tuple[tuple[Query[object], ...], ReadMode]] = field(
        default_factory=list[tuple[tuple[Query[object], ...], ReadMode]]
    )
    open: asyncio.Event = field(default_factory=asyncio.Event)
    tokens: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])

    async def __call__(
        self, queries: Sequence[Query[object]], mode: ReadMode, tokens: Sequence[str] = ()
    ) -> Confirmation | None:
        self.requests.append((tuple(queries), mode))
        self.tokens.append(tuple(tokens))
        await self.open.wait()
        stamps = [self.stamps[query.key] for query in queries if isinstance(query, KeyQuery)]
        return Confirmation([*stamps, *self.extra], 5) if self.tells else None


def asking(confirming: Confirming, subject: Subject) -> asyncio.Future[bytes | None]:
    """What is told; None at once when nothing was asked."""
    told: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
    if not confirming.ask(subject, told.set_result):
        told.set_result(None)
    return told


async def test_questions_of_one_moment_are_one_and_each_query_is_in_it_once() -> None:
    asked = Asked()
    asked.open.set()
    confirming = Confirming(asked, answer)
    first, second, same_query = Subject(A), Subject(B), Subject(A)
    told = await asyncio.gather(*(asking(confirming, one) for one in (first, second, first, same_query)))
    assert told == [b"stamp 7", b"stamp 9", b"stamp 7", b"stamp 7"]
    assert asked.requests == [((A, B), DEFAULT)]
    assert first.told == same_query.told == [Confirmed(7, 5, True)], "the answer is made once for all who asked"
    await eventually(lambda: confirming.under_way == set(), what="the end of the question")


async def test_one_query_by_two_tokens_is_asked_for_each() -> None:
    asked = Asked()
    asked.open.set()
    confirming = Confirming(asked, answer)
    await asyncio.gather(*(asking(confirming, Subject(A, token=token)) for token in ("x", "y", "x")))
    assert asked.requests == [((A, A), DEFAULT)]
    assert asked.tokens == [("x", "y")]


async def test_a_question_that_comes_after_one_has_left_is_another_one() -> None:
    asked = Asked()
    confirming = Confirming(asked, answer)
    subject = Subject(A)
    first = asking(confirming, subject)
    await eventually(lambda: len(asked.requests) == 1, what="the question")
    second = asking(confirming, subject)
    await eventually(lambda: len(asked.requests) == 2, what="the second question")
    assert len(confirming.under_way) == 2
    asked.open.set()
    assert await first == await second == b"stamp 7"


async def test_questions_of_different_strictness_are_not_mixed() -> None:
    asked = Asked()
    asked.open.set()
    confirming = Confirming(asked, answer)
    await asyncio.gather(asking(confirming, Subject(A)), asking(confirming, Subject(A, CONSISTENT)))
    assert set(asked.requests) == {((A,), DEFAULT), ((A,), CONSISTENT)}


@pytest.mark.parametrize("asked", [Asked(tells=False), Asked(extra=(1,))], ids=["nothing", "wrong"])
async def test_nothing_or_a_wrong_answer_tells_no_stamp(asked: Asked) -> None:
    asked.open.set()
    subject = Subject(A)
    assert await asking(Confirming(asked, answer), subject) is None
    assert subject.told == [None]


async def test_no_more_queries_are_asked_at_once_than_the_bound() -> None:
    asked = Asked()
    asked.stamps = {str(number): number for number in range(STAMPS_MAX + 1)}
    asked.open.set()
    confirming = Confirming(asked, answer)
    told = await asyncio.gather(*(asking(confirming, Subject(KeyQuery(key=key))) for key in asked.stamps))
    assert told == [*(b"stamp %d" % number for number in range(STAMPS_MAX)), None]
