"""Servers come, go and are replaced, with real ones."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.members import judge_members
from lictor_jepsen.clients.members import MembersClient
from lictor_jepsen.db import Cluster, lictor
from lictor_jepsen.disk import Folders
from lictor_jepsen.interpreter import serving
from lictor_jepsen.net import Loopback
from lictor_jepsen.op import Invocation, Kind, Op, Outcome, Value
from lictor_jepsen.workload.membership import Membership


def _lines(done: list[tuple[str, Value, Outcome]]) -> list[Op]:
    ops: list[Op] = []
    for f, value, outcome in done:
        begun = Op(float(len(ops)), 0, Kind.INVOKE, f, "members", value)
        ops += [begun, begun._replace(kind=outcome.kind, value=outcome.value)]
    return ops


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_one_server_grows_to_three_spares_one_and_shrinks_to_one_again(tmp_path: Path) -> None:
    cluster = Cluster(lictor(), Loopback(1), Folders(tmp_path / "data"), tmp_path, settings=Membership.needs.settings)
    client = MembersClient(cluster.url(cluster.nodes[0]), cluster)
    steps: list[tuple[str, Value]] = [("grow", (3, 1)), ("spare", 1), ("shrink", (1, 1)), ("look", None)]
    done: list[tuple[str, Value, Outcome]] = []
    try:
        await cluster.start(cluster.nodes[0])
        assert await serving(cluster, time.monotonic) is not None
        for f, value in [*steps, ("settle", None)]:
            done.append((f, value, await client.invoke(Invocation(f, "members", value))))
    finally:
        await cluster.stop()
    assert [outcome.kind for _, _, outcome in done] == [Kind.OK] * 5, done
    found = judge_members(_lines(done))
    assert {name: one.verdict for name, one in found.items()} == dict.fromkeys(found, Verdict.VALID), found
    assert [node.name for node in cluster.ever] != [node.name for node in cluster.nodes]
    assert cluster.deaths == [], "who leaves dies no death"


@pytest.mark.parametrize(("f", "value"), [("shrink", (3, 1)), ("spare", 1), ("replace", 1), ("move", 1), ("remove", 1)])
async def test_a_step_that_makes_no_sense_fails_and_touches_nothing(tmp_path: Path, f: str, value: Value) -> None:
    cluster = Cluster(lictor(("/bin/false",)), Loopback(2), Folders(tmp_path / "data"), tmp_path)
    nodes = list(cluster.nodes)
    outcome = await MembersClient(cluster.url(nodes[0]), cluster).invoke(Invocation(f, "members", value))
    assert outcome.kind is Kind.FAIL
    assert cluster.nodes == nodes
