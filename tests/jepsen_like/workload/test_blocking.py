"""The workload of blocking queries: who does what, and what its client does to a real agent."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from lictor_jepsen.checker.blocking import CHANGES, key_name, service_name
from lictor_jepsen.generator import Generator
from lictor_jepsen.op import Invocation, Kind, Mode, Value
from lictor_jepsen.workload import Client
from lictor_jepsen.workload.blocking import BURST, CYCLE, POLLS, Blocking
from tests.jepsen_like.misbehaving import serving
from tests.jepsen_like.places import OneAgent
from tests.support.agents import dev_agent


def asked(threads: int, each: int) -> list[list[Invocation]]:
    """What every thread does."""
    generator = Generator(Blocking(), 5, threads)
    return [[generator.invocation(thread, number, {}) for number in range(each)] for thread in range(threads)]


@pytest.mark.parametrize("threads", [2, 6, 10, 12])
def test_half_of_the_threads_of_each_group_wait_for_what_the_others_change(threads: int) -> None:
    changed: set[str] = set()
    watched: set[str] = set()
    for thread, mine in enumerate(asked(threads, 20 * CYCLE)):
        sorts = {one.f for one in mine}
        assert sorts in ({"watch"}, {"write", "delete", "put", "remove", "write elsewhere"})
        changed |= {key_name(one.key, thread) for one in mine if one.f == "write"}
        watched |= {str(one.value[0]) for one in mine if isinstance(one.value, tuple) and one.f == "watch"}
    assert {target for target in watched if "/" in target and not target.endswith("/")} <= changed
    assert changed <= watched


def test_a_thread_watches_one_thing_for_a_while() -> None:
    mine = next(mine for mine in asked(6, 3 * POLLS) if mine[0].f == "watch")
    for epoch in range(3):
        watched = mine[epoch * POLLS : (epoch + 1) * POLLS]
        assert len({(one.value[0], one.mode) for one in watched if isinstance(one.value, tuple)}) == 1


def test_what_changed_rests_for_most_of_a_cycle() -> None:
    mine = next(mine for mine in asked(6, 10 * CYCLE) if mine[0].f != "watch")
    for verbs in ({"write", "delete"}, {"put", "remove"}):
        moments = [number for number, one in enumerate(mine) if one.f in verbs]
        rests = [after - before for before, after in pairwise(moments)]
        assert len(moments) == 10 * BURST
        assert set(rests) == {1, CYCLE - BURST + 1}


def test_removals_are_fewer_than_writes() -> None:
    done = Counter(one.f for mine in asked(6, 20 * CYCLE) for one in mine if one.f in CHANGES)
    assert 0 < done["delete"] < done["write"]
    assert 0 < done["remove"] < done["put"]


@pytest.mark.slow
async def test_who_waits_at_a_real_agent_is_told_of_changes(tmp_path: Path) -> None:
    with dev_agent("lictor", tmp_path) as agent:
        place = OneAgent(agent.http_address, tmp_path).place()
        watcher, writer = Blocking().client(place), Blocking().client(place)

        async def does(client: Client, f: str, value: Value, mode: Mode = Mode.NONE) -> Value:
            outcome = await client.invoke(Invocation(f, "k", value, mode))
            assert outcome.kind is Kind.OK, outcome
            return outcome.value

        async def sees(target: str, wait_ms: int = 20_000) -> Value:
            value = await does(watcher, "watch", (target, wait_ms), Mode.DEFAULT)
            assert isinstance(value, tuple)
            return value[3:]

        one, instance = key_name("k", 0), service_name("k", 0)
        for target, begin, end in ((one, "write", "delete"), ("k/", "write", "delete"), ("k", "put", "remove")):
            name = instance if target == "k" else one
            assert await sees(target) == ((), ())
            for number, known in ((1, ()), (2, ((name, 1),))):
                looking = asyncio.create_task(sees(target))  # noqa: TID251 a test has no task group
                await asyncio.sleep(0)
                await does(writer, begin, (0, number))
                assert await looking == (known, ((name, number),))
            await does(writer, "write elsewhere", (0, 9))
            assert await sees(target, 100) == (((name, 2),), ((name, 2),))
            await does(writer, end, 0)
            assert await sees(target) == (((name, 2),), ())


async def test_an_index_that_went_back_begins_anew(tmp_path: Path) -> None:
    indexes = iter((7, 5, 9))
    targets: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        targets.append((await reader.readuntil(b"\r\n\r\n")).split()[1])
        writer.write(b"HTTP/1.1 404 no\r\nX-Consul-Index: %d\r\nContent-Length: 0\r\n\r\n" % next(indexes))
        await writer.drain()

    async with serving(answer) as url:
        client = Blocking().client(OneAgent(url.removeprefix("http://"), tmp_path).place())
        for _ in range(3):
            await client.invoke(Invocation("watch", "k", (key_name("k", 0), 10), Mode.DEFAULT))
    assert [target.partition(b"index=")[2].partition(b"&")[0] for target in targets] == [b"0", b"7", b"0"]


async def test_a_poll_without_an_answer_fails(tmp_path: Path) -> None:
    client = Blocking().client(OneAgent("127.0.0.1:1", tmp_path).place())
    outcome = await client.invoke(Invocation("watch", "k", (key_name("k", 0), 10), Mode.DEFAULT))
    assert outcome.kind is Kind.FAIL
