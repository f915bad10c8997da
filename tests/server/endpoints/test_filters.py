"""Filtered answers: worked out once, in steps, kept while they hold."""

from __future__ import annotations

import asyncio
from typing import SupportsIndex, overload

import pytest

from lictor_core.errors import FilterError
from lictor_core.queries import NodesQuery
from lictor_core.records import Node
from lictor_server.endpoints.filters import FilteredAnswers
from tests.server import build

# A filter so long that a thousand nodes cannot be judged in one go.
LONG = NodesQuery(filter="Node == n7 or " + " or ".join(f'"x{number}" in Node' for number in range(300)))


class Nodes(list[Node]):
    """Nodes that count how often somebody looks at a part of them."""

    looks = 0

    @overload
    def __getitem__(self, place: SupportsIndex) -> Node: ...
    @overload
    def __getitem__(self, place: slice) -> list[Node]: ...
    def __getitem__(self, place: SupportsIndex | slice) -> Node | list[Node]:
        self.looks += 1
        return super().__getitem__(place)


def nodes(count: int) -> Nodes:
    return Nodes(build.node(f"n{number}") for number in range(count))


async def test_an_answer_is_kept_while_its_stamp_holds() -> None:
    answers, some = FilteredAnswers(), nodes(20)
    query = NodesQuery(filter="Node == n7")
    first = await answers.left(query, some, 5)
    looks = some.looks
    assert [one.node for one in first] == ["n7"]
    assert await answers.left(query, some, 5) is first
    assert some.looks == looks
    assert await answers.left(query, nodes(3), 6) == []


async def test_who_ask_together_share_the_work() -> None:
    answers, some = FilteredAnswers(), nodes(1000)
    alone = nodes(1000)
    await FilteredAnswers().left(LONG, alone, 5)
    async with asyncio.timeout(60):
        found = await asyncio.gather(*(answers.left(LONG, some, 5) for _ in range(50)))
    assert all(one is found[0] for one in found)
    assert some.looks == alone.looks


async def test_others_go_on_meanwhile() -> None:
    task = asyncio.ensure_future(FilteredAnswers().left(LONG, nodes(2000), 5))
    turns = 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 3
    assert len(task.result()) == 1


async def test_who_gives_up_leaves_the_work_to_the_next() -> None:
    answers, some = FilteredAnswers(), nodes(2000)
    first = asyncio.ensure_future(answers.left(LONG, some, 5))
    second = asyncio.ensure_future(answers.left(LONG, some, 5))
    await asyncio.sleep(0)
    first.cancel()
    async with asyncio.timeout(60):
        assert len(await second) == 1
    assert first.cancelled()


async def test_a_wrong_filter_is_told_to_everybody() -> None:
    answers = FilteredAnswers()
    for _ in range(2):
        with pytest.raises(FilterError):
            await answers.left(NodesQuery(filter="("), nodes(1), 5)


async def test_so_many_answers_are_kept_and_the_oldest_goes() -> None:
    answers, some = FilteredAnswers(kept_max=2), nodes(5)
    queries = [NodesQuery(filter=f"Node == n{number}") for number in range(3)]
    kept = [await answers.left(query, some, 5) for query in queries]
    assert len(answers) == 2
    assert await answers.left(queries[2], some, 5) is kept[2]
    assert await answers.left(queries[0], some, 5) is not kept[0]
