"""Figures of a server, by Consul's names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from lictor_core.clock import SeededRng, SystemClock
from lictor_core.commands import (
    Command,
    Deregister,
    IntentionDelete,
    KVDelete,
    KVDeleteTree,
    KVSet,
    PreparedQueryDelete,
    ReadMode,
    SessionDestroy,
)
from lictor_core.errors import RequestError
from lictor_core.metrics import Meter, Series
from lictor_core.queries import KeyQuery
from lictor_core.registry import ReadOptions
from lictor_server import Server
from lictor_server.figures import ServerFigures
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
