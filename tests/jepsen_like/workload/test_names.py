"""The workload of DNS: what it asks, and what its client does to a real agent."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lictor_jepsen.checker.names import STALE_MS
from lictor_jepsen.db import PROGRAMS, Cluster
from lictor_jepsen.disk import Folders
from lictor_jepsen.generator import Generator
from lictor_jepsen.interpreter import serving
from lictor_jepsen.net import Loopback
from lictor_jepsen.op import Invocation, Kind, Value
from lictor_jepsen.workload import Place
from lictor_jepsen.workload.names import Names


def test_every_operation_comes_and_belongs_to_its_thread() -> None:
    generator = Generator(Names(), 5, 6)
    asked = [(thread, generator.invocation(thread, number, {})) for thread in range(6) for number in range(200)]
    assert set(Counter(one.f for _, one in asked)) == {"put", "ail", "remove", "addresses", "servers", "node"}
    for thread, one in asked:
        if one.f in ("put", "ail", "remove"):
            assert (one.value[0] if isinstance(one.value, tuple) else one.value) == thread
    numbers = [one.value for _, one in asked if one.f in ("put", "ail")]
    assert len(set(numbers)) == len(numbers)


def test_a_service_is_worked_on_for_longer_than_an_answer_may_be_old() -> None:
    generator = Generator(Names(), 5, 6)
    seconds = 0.0
    number = 0
    while generator.invocation(0, number, {}).key == generator.invocation(0, 0, {}).key:
        seconds += generator.pause_s(0, number, mean_s=6 / 100)
        number += 1
    assert seconds > 2 * STALE_MS / 1000


@pytest.mark.slow
async def test_operations_do_to_a_real_agent_what_they_say(tmp_path: Path) -> None:
    cluster = Cluster(PROGRAMS["lictor"](), Loopback(1), Folders(tmp_path / "data"), tmp_path)
    [node] = cluster.nodes
    try:
        await cluster.start(node)
        assert await serving(cluster, lambda: 0.0) is not None
        client = Names().client(Place(cluster.url(node), node, cluster, 0))

        async def saw(f: str, value: Value) -> Value:
            outcome = await client.invoke(Invocation(f, "web", value))
            assert outcome.kind is Kind.OK, outcome
            return outcome.value

        for how in ("udp", "tcp"):
            assert await saw("addresses", how) == await saw("servers", how) == (False, ())
        assert await saw("node", (0, "udp")) == (False, ())
        await saw("put", (0, 5))
        await saw("put", (1, 6))
        for how in ("udp", "tcp"):
            assert await saw("addresses", how) == await saw("servers", how) == (False, (5, 6))
        await saw("ail", (0, 7))
        assert await saw("addresses", "udp") == (False, (6,))
        assert await saw("node", (0, "udp")) == (False, (7,))
        await saw("put", (0, 8))
        await saw("remove", 1)
        assert await saw("servers", "udp") == (False, (8,))
        assert await saw("node", (1, "tcp")) == (False, (6,))
        await cluster.kill(node)
        for question in (("addresses", "udp"), ("servers", "tcp"), ("node", (0, "udp"))):
            assert (await client.invoke(Invocation(question[0], "web", question[1]))).kind is Kind.FAIL
    finally:
        await cluster.stop()
