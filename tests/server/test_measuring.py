"""What a server's parts count, as figures."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from lictor_core.clock import SeededRng, SystemClock
from lictor_core.commands import KVSet
from lictor_core.metrics import Meter, Series
from lictor_server import Server
from lictor_server.raft.settings import RaftSettings
from tests.server.conftest import SETTINGS, Log
from tests.support.conditions import eventually


async def test_what_was_counted_before_is_in_no_figure_and_gauges_are_there(log: Log) -> None:
    meter = Meter(SystemClock())
    server = Server(SETTINGS, clock=SystemClock(), rng=SeededRng(1), log=log.logger, meter=meter)
    await server.start()
    try:
        await server.write(KVSet(key="a", value=b"1"))
        states = {state: meter.counters[Series(f"raft.state.{state}")].sum for state in ("candidate", "leader")}
        assert states == {"candidate": 1, "leader": 1}
        assert {"rpc.queries_blocking", "session_ttl.active"} <= {one.name for one in meter.gauges()}
        meter.turn()
        assert Series("raft.leader.lastContact") not in meter.samples, "there is no other voter"
    finally:
        await server.stop()


def batches_of_a_follower(meter: Meter) -> int:
    found = meter.samples.get(Series("raft.rpc.appendEntries.storeLogs"))
    return 0 if found is None else found.count


async def test_what_the_disk_costs_a_leader_is_measured(log: Log, tmp_path: Path) -> None:
    meter = Meter(SystemClock())
    settings = dataclasses.replace(SETTINGS, data_dir=str(tmp_path), raft=RaftSettings(snapshot_log_bytes=20_000))
    server = Server(settings, clock=SystemClock(), rng=SeededRng(1), log=log.logger, meter=meter)
    await server.start()
    try:
        await server.write(KVSet(key="k", value=b""))
        following = batches_of_a_follower(meter)
        for number in range(4):
            await server.write(KVSet(key=f"k{number}", value=bytes(10_000)))
        assert meter.samples[Series("raft.leader.dispatchLog")].count >= 4
        assert meter.samples[Series("raft.leader.dispatchLog")].sum > 0
        assert batches_of_a_follower(meter) == following, "it led"
        assert {one.name: one.value for one in meter.gauges()}["raft.leader.dispatchNumLogs"] >= 1
        await eventually(lambda: Series("raft.snapshot.takeSnapshot") in meter.samples, what="a snapshot")
        for name in ("raft.fsm.snapshot", "raft.snapshot.persist", "fsm.persist", "leader.barrier"):
            assert meter.samples[Series(name)].count >= 1, name
    finally:
        await server.stop()
