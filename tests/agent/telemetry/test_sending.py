"""Figures on their way, from a meter to sinks."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from collections.abc import Iterable
from contextlib import suppress

import pytest
import structlog

from lictor_agent.telemetry import sending as module
from lictor_agent.telemetry.lines import DogStatsd, Statsd
from lictor_agent.telemetry.sending import Sender, Way, sending, ways_of
from lictor_agent.telemetry.sinks import TcpSink, UdpSink
from lictor_config.sections import Telemetry
from lictor_core.clock import SystemClock
from lictor_core.errors import ConfigurationError
from lictor_core.metrics import Gauge, Meter
from tests.support.clock import ManualClock
from tests.support.conditions import eventually

LOG = structlog.get_logger()


class Kept:
    """A sink that keeps what it is sent."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    async def run(self) -> None:
        await asyncio.Event().wait()

    def send(self, datagrams: Iterable[bytes]) -> None:
        self.lines += b"".join(datagrams).decode().splitlines()


def test_every_sink_gets_what_is_wanted_in_its_own_form() -> None:
    statsd, dogstatsd = Kept(), Kept()
    settings = [Telemetry(prefix_filter=("-consul.judge.runtime", "-consul.kvs"))]
    sender = Sender(
        [Way(Statsd(), statsd), Way(DogStatsd(("env:test",), "judge"), dogstatsd)], lambda: settings[0], "judge"
    )
    meter = Meter(ManualClock())
    meter.on_slice(sender.send)
    meter.count("rpc.request", by=3)
    meter.sample("kvs.apply", 1.5)
    meter.turn()
    sender.send_gauges([Gauge("raft.is_leader", 1), Gauge("runtime.sys_bytes", 5)])
    assert statsd.lines == ["consul.rpc.request:3.000000|c", "consul.judge.raft.is_leader:1.000000|g"]
    assert dogstatsd.lines == [
        "consul.rpc.request:3.000000|c|#env:test",
        "consul.raft.is_leader:1.000000|g|#env:test",
    ]
    settings[0] = dataclasses.replace(settings[0], prefix_filter=())  # as by a reload
    meter.sample("kvs.apply", 1.5)
    meter.turn()
    assert statsd.lines[-1] == "consul.kvs.apply:1.500000|ms"


def test_each_address_has_its_own_kind_of_sink() -> None:
    telemetry = Telemetry(statsd_address="127.0.0.1:1", dogstatsd_addr="127.0.0.1:2", statsite_address="127.0.0.1")
    ways = ways_of(telemetry, "judge", SystemClock(), LOG)
    assert [(type(way.dialect), type(way.sink)) for way in ways] == [
        (Statsd, TcpSink),
        (Statsd, UdpSink),
        (DogStatsd, UdpSink),
    ]


def test_an_address_that_is_none_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"telemetry\.statsd_address"):
        ways_of(Telemetry(statsd_address="127.0.0.1:none"), "judge", SystemClock(), LOG)


async def test_counters_and_gauges_reach_a_real_receiver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INTERVAL_S", 0.02)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setblocking(False)
        receiver.bind(("127.0.0.1", 0))
        telemetry = Telemetry(statsd_address=f"127.0.0.1:{receiver.getsockname()[1]}", disable_hostname=True)
        meter = Meter(SystemClock())
        got: set[str] = set()

        async def gauges() -> list[Gauge]:
            return [Gauge("raft.is_leader", 1)]

        def arrived() -> bool:
            meter.count("rpc.request")
            meter.turn()
            with suppress(BlockingIOError):
                got.update(receiver.recv(65_536).decode().splitlines())
            return {"consul.rpc.request:1.000000|c", "consul.raft.is_leader:1.000000|g"} <= got

        async with sending(lambda: telemetry, meter, gauges, host="judge", clock=SystemClock(), log=LOG):
            await eventually(arrived, what="a counter and a gauge")
        with suppress(BlockingIOError):
            while receiver.recv(65_536):
                pass
        meter.count("rpc.request")
        meter.turn()
        with pytest.raises(BlockingIOError):
            receiver.recv(65_536)
