"""The workload of the catalog: what it asks, and what its client does to a real agent."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from lictor_jepsen.op import Invocation, Kind, Mode, Outcome, Value
from lictor_jepsen.workload import Turn
from lictor_jepsen.workload.catalog import Catalog
from tests.jepsen_like.misbehaving import serving
from tests.jepsen_like.places import OneAgent
from tests.support.agents import NODE, dev_agent

READ = Invocation("health", "web", mode=Mode.CONSISTENT)


def test_every_operation_comes_and_belongs_to_its_thread() -> None:
    asked = [Catalog().invocation(Random(number), Turn(3, number, 6, "k", {})) for number in range(300)]
    named = Counter(one.f for one in asked)
    assert set(named) == {"register", "deregister", "erase", "put", "remove", "local", "list", "health"}
    numbers = [one.value for one in asked if one.f == "put"] + [one.value for one in asked if one.f == "register"]
    assert len(set(numbers)) == len(numbers)
    assert {one.value for one in asked if one.f in ("deregister", "erase")} == {3}
    assert all((one.mode is not Mode.NONE) == (one.f in ("list", "health")) for one in asked)


@pytest.mark.slow
async def test_operations_do_to_a_real_agent_what_they_say(tmp_path: Path) -> None:
    with dev_agent("lictor", tmp_path) as agent:
        client = Catalog().client(OneAgent(agent.http_address, tmp_path).place())

        async def saw(f: str, value: Value = None, mode: Mode = Mode.NONE) -> Value:
            outcome = await client.invoke(Invocation(f, "web", value, mode))
            assert outcome.kind is Kind.OK, outcome
            return outcome.value

        async def shown() -> Value:
            return await saw("health", mode=Mode.CONSISTENT)

        assert await shown() == ()
        assert await saw("register", (0, 5)) == (0, 5)
        assert await saw("local") == ((f"{NODE}/web-0", 5),)
        assert await saw("agree") == (((f"{NODE}/web-0", 5),), ((f"{NODE}/web-0", 5),))
        assert await saw("put", 9) == 9
        both = ((f"{NODE}/web-0", 5), ("x-web/web", 9))
        assert await shown() == await saw("list", mode=Mode.STALE) == both
        assert await saw("erase", 0) == 0
        assert await shown() == (("x-web/web", 9),)
        assert await saw("register", (0, 6)) == (0, 6)
        assert await saw("agree") == (((f"{NODE}/web-0", 6),), ((f"{NODE}/web-0", 6),))
        assert await saw("deregister", 0) == 0
        await saw("remove")
        assert await saw("local") == await shown() == ()
        await client.close()


async def test_what_was_never_registered_is_neither_deregistered_nor_erased(tmp_path: Path) -> None:
    client = Catalog().client(OneAgent("127.0.0.1:1", tmp_path).place())
    for f in ("deregister", "erase"):
        assert (await client.invoke(Invocation(f, "web", 0))).kind is Kind.FAIL


async def test_agents_of_consul_are_not_erased_since_they_notice_too_late(tmp_path: Path) -> None:
    client = Catalog().client(OneAgent("127.0.0.1:1", tmp_path, "consul").place())
    await client.invoke(Invocation("register", "web", (0, 1)))
    assert "later than a run" in (await client.invoke(Invocation("erase", "web", 0))).error


@pytest.mark.parametrize(("asked", "kind"), [(READ, Kind.FAIL), (Invocation("put", "web", 1), Kind.INFO)])
async def test_a_read_without_an_answer_fails_and_of_a_change_nobody_knows(
    asked: Invocation, kind: Kind, tmp_path: Path
) -> None:
    async with serving(lambda _reader, _writer: _nothing()) as url:
        client = Catalog().client(OneAgent(url.removeprefix("http://"), tmp_path).place())
        outcome: Outcome = await client.invoke(asked)
    assert outcome.kind is kind


async def _nothing() -> None:
    """Close at once."""
