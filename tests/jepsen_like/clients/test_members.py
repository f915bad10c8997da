"""Servers come, go and are replaced, with real ones."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.members import Server, judge_members
from lictor_jepsen.clients import members
from lictor_jepsen.clients.members import MembersClient
from lictor_jepsen.db import Cluster, lictor
from lictor_jepsen.disk import Folders
from lictor_jepsen.interpreter import serving
from lictor_jepsen.net import Loopback, Node
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


@pytest.mark.parametrize(("f", "value"), [("shrink", (1, 1)), ("spare", 1), ("replace", 1), ("move", 1), ("remove", 1)])
async def test_no_server_is_taken_away_before_all_of_them_vote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, f: str, value: Value
) -> None:
    monkeypatch.setattr(members, "STEP_S_MAX", 0.1)
    cluster = Cluster(lictor(("/bin/false",)), Loopback(3), Folders(tmp_path / "data"), tmp_path)
    nodes = list(cluster.nodes)
    outcome = await MembersClient(cluster.url(nodes[0]), cluster).invoke(Invocation(f, "members", value))
    assert (outcome.kind, "had a vote" in outcome.error) == (Kind.FAIL, True)
    assert cluster.nodes == nodes


async def test_a_server_belongs_to_the_others_until_it_ended_and_they_have_it_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who killed it on its way starts those again that belong to them, and no others."""
    cluster = Cluster(lictor(("/bin/false",)), Loopback(2), Folders(tmp_path / "data"), tmp_path)
    leaver, nodes = "", list(cluster.nodes)
    told: list[bool] = []

    async def rows(_client: MembersClient) -> list[Server]:
        names = [node.name for node in cluster.nodes] if len(told) < 3 else ["n1" if leaver == "n2" else "n2"]
        addresses = {node.name: f"{node.address}:8300" for node in nodes}
        return [Server(name, name, addresses[name], votes=True, leads=False) for name in names]

    async def tell_to_leave(_client: MembersClient, url: str) -> None:
        nonlocal leaver
        leaver = next(node.name for node in nodes if cluster.url(node) == url)
        told.append(leaver in {node.name for node in cluster.nodes})

    monkeypatch.setattr(MembersClient, "_rows", rows)
    monkeypatch.setattr(MembersClient, "_tell_to_leave", tell_to_leave)
    outcome = await MembersClient(cluster.url(nodes[0]), cluster).do(Invocation("shrink", "members", (1, 1)))
    await cluster.stop()
    assert (outcome.kind, told) == (Kind.OK, [True, True, True])
    assert [node.name for node in cluster.nodes] == [node.name for node in nodes if node.name != leaver]


async def test_servers_do_not_agree_while_one_stands_beside_its_old_self(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "STEP_S_MAX", 0.1)
    cluster = Cluster(lictor(("/bin/false",)), Loopback(3), Folders(tmp_path / "data"), tmp_path)
    ids = [*(node.name for node in cluster.nodes), "old"]
    places = [*((node.name, f"{node.address}:8300") for node in cluster.nodes)]
    places.append(places[-1])

    async def rows(_client: MembersClient) -> list[Server]:
        found = zip(places, ids, strict=True)
        return [Server(name, one, address, votes=True, leads=False) for (name, address), one in found]

    monkeypatch.setattr(MembersClient, "_rows", rows)
    outcome = await MembersClient(cluster.url(cluster.nodes[0]), cluster).do(Invocation("spare", "members", 1))
    assert outcome.kind is Kind.FAIL


@pytest.mark.parametrize(("known_as", "kind"), [("old", Kind.FAIL), ("n3", Kind.OK)])
async def test_servers_do_not_agree_while_one_that_lost_its_data_is_known_by_its_former_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known_as: str, kind: Kind
) -> None:
    monkeypatch.setattr(members, "STEP_S_MAX", 0.1)
    cluster = Cluster(lictor(("/bin/false",)), Loopback(3), Folders(tmp_path / "data"), tmp_path)

    async def rows(_client: MembersClient) -> list[Server]:
        ids = ["n1", "n2", known_as]
        nodes = zip(cluster.nodes, ids, strict=True)
        return [Server(node.name, one, f"{node.address}:8300", votes=True, leads=False) for node, one in nodes]

    async def self_of(_client: MembersClient, node: Node) -> SimpleNamespace:
        return SimpleNamespace(Config=SimpleNamespace(NodeID=node.name))

    async def serve_again(_client: MembersClient, nodes: Sequence[Node]) -> bool:
        return bool(nodes)

    monkeypatch.setattr(MembersClient, "_rows", rows)
    monkeypatch.setattr(MembersClient, "_self", self_of)
    monkeypatch.setattr(MembersClient, "_serve_again", serve_again)
    outcome = await MembersClient(cluster.url(cluster.nodes[0]), cluster).do(Invocation("spare", "members", 1))
    await cluster.stop()
    assert outcome.kind is kind
