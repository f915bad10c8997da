"""Figures as text, on a signal."""

from __future__ import annotations

import os
import signal

import pytest

from lictor_agent.telemetry.dump import dump_text, dumping
from lictor_config.sections import Telemetry
from lictor_core.metrics import Gauge, Meter
from tests.support.clock import ManualClock
from tests.support.conditions import eventually


def test_each_figure_has_a_line_with_when_its_interval_began() -> None:
    meter = Meter(ManualClock(now=1_767_225_603.5))
    meter.count("rpc.request", by=3)
    for value in (1.0, 3.0):
        meter.sample("fsm.kvs", value, (("op", "set"),))
    text = dump_text(meter.latest(), [Gauge("raft.is_leader", 1)], Telemetry(), "judge")
    assert text.splitlines() == [
        "[2026-01-01 00:00:00 +0000 UTC][G] 'consul.judge.raft.is_leader': 1.000",
        "[2026-01-01 00:00:00 +0000 UTC][C] 'consul.rpc.request': Count: 1 Sum: 3.000",
        "[2026-01-01 00:00:00 +0000 UTC][S] 'consul.fsm.kvs.set': "
        "Count: 2 Min: 1.000 Mean: 2.000 Max: 3.000 Stddev: 1.414 Sum: 4.000",
    ]


def test_what_is_not_wanted_is_not_there() -> None:
    meter = Meter(ManualClock())
    meter.count("rpc.request")
    assert dump_text(meter.latest(), [Gauge("x", 1)], Telemetry(filter_default=False), "judge") == ""


async def test_the_signal_writes_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    meter = Meter(ManualClock())
    meter.count("rpc.request")
    found: list[str] = []

    async def gauges() -> list[Gauge]:
        return []

    def written() -> bool:
        found.append(capfd.readouterr().err)
        return "'consul.rpc.request': Count: 1" in "".join(found)

    async with dumping(Telemetry, meter, gauges, host="judge"):
        for _ in range(2):
            found.clear()
            os.kill(os.getpid(), signal.SIGUSR1)
            await eventually(written, what="the figures")
