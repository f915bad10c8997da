"""What a server's parts count, as figures."""

from __future__ import annotations

from lictor_core.clock import SeededRng, SystemClock
from lictor_core.commands import KVSet
from lictor_core.metrics import Meter, Series
from lictor_server import Server
from tests.server.conftest import SETTINGS, Log


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
