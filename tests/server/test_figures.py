"""Figures of a server, by Consul's names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from lictor_core.clock import SeededRng, SystemClock
from lictor_core.commands import (
    AclPolicyDelete,
    AclTokenSet,
    Command,
    ConfigDelete,
    ConfigSet,
    Deregister,
    IntentionDelete,
    KVDelete,
    KVDeleteTree,
    KVSet,
    PreparedQueryDelete,
    PreparedQuerySet,
    ReadMode,
    SessionDestroy,
)
from lictor_core.errors import RequestError
from lictor_core.metrics import Meter, Series
from lictor_core.queries import KeyQuery
from lictor_core.registry import ReadOptions
from lictor_server import Server
from lictor_server.figures import ServerFigures
from tests.server import build_acl
from tests.server.build import prepared_query
from tests.server.conftest import SETTINGS, Log
from tests.support.clock import ManualClock
from tests.support.conditions import eventually


@pytest.fixture
def meter() -> Meter:
    return Meter(SystemClock())


@pytest.fixture
async def measured(meter: Meter, log: Log) -> AsyncIterator[Server]:
    server = Server(SETTINGS, clock=SystemClock(), rng=SeededRng(1), log=log.logger, meter=meter)
    await server.start()
    yield server
    await server.stop()


def sampled(meter: Meter, name: str, op: str = "") -> int:
    found = meter.samples.get(Series(name, (("op", op),) if op else ()))
    return 0 if found is None else found.count


def counted(meter: Meter, name: str) -> float:
    found = meter.counters.get(Series(name))
    return 0 if found is None else found.sum


async def test_a_write_is_measured_at_the_leader_and_where_it_is_applied(measured: Server, meter: Meter) -> None:
    await measured.write(KVSet(key="a", value=b"1"))
    before = counted(meter, "raft.apply"), sampled(meter, "raft.commitTime")
    await measured.write(KVSet(key="a", value=b"1"))
    await measured.write(KVDelete(key="a"))
    assert sampled(meter, "kvs.apply") == 3
    assert (sampled(meter, "fsm.kvs", "set"), sampled(meter, "fsm.kvs", "delete")) == (2, 1)
    assert (counted(meter, "raft.apply"), sampled(meter, "raft.commitTime")) == (before[0] + 2, before[1] + 2)
    total = meter.samples[Series("kvs.apply")].sum
    assert total >= meter.samples[Series("fsm.kvs", (("op", "set"),))].sum > 0


async def test_a_write_that_is_refused_before_the_log_is_none(measured: Server, meter: Meter) -> None:
    with pytest.raises(RequestError):
        await measured.write(KVSet(key="a", value=b"1", cas=0, acquire="s"))
    assert sampled(meter, "kvs.apply") == 0
    assert sampled(meter, "fsm.kvs", "set") == 0


async def test_elections_members_and_blocked_queries_are_counted(measured: Server, meter: Meter) -> None:
    await measured.write(KVSet(key="a", value=b"1"))
    assert (counted(meter, "raft.state.candidate"), counted(meter, "raft.state.leader")) == (1, 1)
    index = (await measured.read(KeyQuery(key="a"), ReadOptions())).index
    waiting = asyncio.ensure_future(measured.read(KeyQuery(key="a"), ReadOptions(min_index=index, wait_s=30)))

    def blocked() -> float:
        return next(one.value for one in meter.gauges() if one.name == "rpc.queries_blocking")

    await eventually(lambda: blocked() == 1, what="the blocked query")
    assert counted(meter, "rpc.query") == 1
    await measured.write(KVSet(key="a", value=b"2"))
    await waiting
    assert blocked() == 0


async def test_a_consistent_read_is_measured(measured: Server, meter: Meter) -> None:
    await measured.write(KVSet(key="a", value=b"1"))
    await measured.read(KeyQuery(key="a"), ReadOptions(mode=ReadMode.CONSISTENT))
    assert sampled(meter, "rpc.consistentRead") >= 1


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (Deregister(node="n"), "catalog.deregister"),
        (SessionDestroy(id="s"), "session.apply"),
        (IntentionDelete(id="i"), "intention.apply"),
        (PreparedQueryDelete(id="q"), "prepared-query.apply"),
        (KVDeleteTree(prefix="p"), "kvs.apply"),
    ],
)
def test_each_kind_of_write_has_consuls_name(command: Command, name: str) -> None:
    clock = ManualClock()
    meter = Meter(clock)
    figures = ServerFigures(meter, clock)
    began = figures.now()
    clock.advance(0.5)
    figures.note_committed(command, began)
    assert meter.samples[Series(name)].sum == 500.0


def test_contact_with_other_voters_is_told_in_milliseconds() -> None:
    meter = Meter(ManualClock())
    ServerFigures(meter, ManualClock()).note_contact(0.25)
    assert meter.samples[Series("raft.leader.lastContact")].sum == 250.0


@pytest.mark.parametrize(
    ("command", "name", "op"),
    [
        (KVSet(key="a", value=b""), "fsm.kvs", "set"),
        (KVSet(key="a", value=b"", cas=0), "fsm.kvs", "cas"),
        (KVSet(key="a", value=b"", acquire="s"), "fsm.kvs", "lock"),
        (KVSet(key="a", value=b"", release="s"), "fsm.kvs", "unlock"),
        (KVDelete(key="a"), "fsm.kvs", "delete"),
        (KVDelete(key="a", cas=7), "fsm.kvs", "delete-cas"),
        (ConfigSet(kind="service-defaults", name="web", body={}), "fsm.config_entry.service-defaults", "upsert"),
        (ConfigSet(kind="proxy-defaults", name="g", body={}, cas=1), "fsm.config_entry.proxy-defaults", "upsert-cas"),
        (ConfigDelete(kind="service-defaults", name="web"), "fsm.config_entry.service-defaults", "delete"),
        (AclTokenSet(token=build_acl.token("t")), "fsm.acl.token", "upsert"),
        (AclPolicyDelete(id="p"), "fsm.acl.policy", "delete"),
        (PreparedQuerySet(query=prepared_query()), "fsm.prepared-query", "create"),
        (PreparedQuerySet(query=prepared_query(), is_update=True), "fsm.prepared-query", "update"),
    ],
)
def test_an_applied_command_has_consuls_operation(command: Command, name: str, op: str) -> None:
    meter = Meter(ManualClock())
    ServerFigures(meter, ManualClock()).note_applied(command, 0.0)
    assert [one for one in meter.samples if one.name.startswith("fsm.")] == [Series(name, (("op", op),))]


def test_all_that_is_applied_is_one_figure_too() -> None:
    clock = ManualClock()
    meter = Meter(clock)
    figures = ServerFigures(meter, clock)
    began = figures.now()
    clock.advance(0.5)
    for _ in range(3):
        figures.note_applied(KVDelete(key="a"), began)
    meter.turn()
    assert (meter.samples[Series("raft.fsm.apply")].count, meter.samples[Series("raft.fsm.apply")].sum) == (3, 1500.0)


def test_batches_of_the_log_are_told_apart_by_who_leads() -> None:
    meter = Meter(ManualClock())
    figures = ServerFigures(meter, ManualClock())
    figures.note_batch(0.25, 7, leads=True)
    figures.note_batch(0.5, 9, leads=False)
    assert meter.samples[Series("raft.leader.dispatchLog")].sum == 250.0
    assert meter.samples[Series("raft.rpc.appendEntries.storeLogs")].sum == 500.0
    assert figures.entries_written == 7


def test_a_snapshot_is_measured_in_its_parts() -> None:
    meter = Meter(ManualClock())
    ServerFigures(meter, ManualClock()).note_snapshot(1.0, 1.25, 1000.0)
    assert {one.name: told.sum for one, told in meter.samples.items()} == {
        "raft.fsm.snapshot": 250.0,
        "raft.snapshot.persist": 750.0,
        "raft.snapshot.takeSnapshot": 1000.0,
        "fsm.persist": 750.0,
    }
