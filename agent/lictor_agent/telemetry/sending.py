"""Sends the figures of an agent to statsd, DogStatsD and statsite, as its settings say, while it runs.

What was counted and sampled leaves at every turn of the meter, about once a second; gauges leave as often as intervals
begin, since some cost something to be asked for. Which figures are wanted follows a reload; where they go does not, as
in Consul.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from structlog.typing import FilteringBoundLogger

from lictor_agent.telemetry.lines import Dialect, DogStatsd, Statsd, counter_lines, gauge_lines, packed, sample_lines
from lictor_agent.telemetry.names import is_wanted, named_gauges, told_name
from lictor_agent.telemetry.sinks import Sink, TcpSink, UdpSink
from lictor_config.sections import STATSD_PORT, Telemetry
from lictor_core.addresses import split_host_port
from lictor_core.clock import Clock
from lictor_core.errors import ConfigurationError, RequestError
from lictor_core.metrics import INTERVAL_S, Aggregate, Gauge, Meter, Series, Slice

__all__ = ["Sender", "sending", "ways_of"]

Told = list[tuple[Series, Aggregate]]


class Way(NamedTuple):
    """A sink and what it understands."""

    dialect: Dialect
    sink: Sink


class Sender:
    """Writes figures as lines and hands them to sinks."""

    def __init__(self, ways: Sequence[Way], telemetry: Callable[[], Telemetry], host: str) -> None:
        """`telemetry` are the settings as they are now; `host` is the name that gauges carry."""
        self._ways = tuple(ways)
        self._telemetry = telemetry
        self._host = host

    def send(self, found: Slice) -> None:
        """What was told since the last time."""
        telemetry = self._telemetry()
        counters, samples = _named(telemetry, found.counters), _named(telemetry, found.samples)
        for way in self._ways:
            way.sink.send(packed(_lines(way.dialect, counters, samples)))

    def send_gauges(self, gauges: list[Gauge]) -> None:
        """How things stand."""
        named = named_gauges(self._telemetry(), gauges, self._host)
        for way in self._ways:
            way.sink.send(packed(gauge_lines(way.dialect, named)))


@asynccontextmanager
async def sending(
    telemetry: Callable[[], Telemetry],
    meter: Meter,
    gauges: Callable[[], Awaitable[list[Gauge]]],
    *,
    host: str,
    clock: Clock,
    log: FilteringBoundLogger,
) -> AsyncGenerator[None]:
    """Send while the block runs. Raises `ConfigurationError` for an address that is none."""
    ways = ways_of(telemetry(), host, clock, log)
    sender = Sender(ways, telemetry, host)

    async def tell_gauges() -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            sender.send_gauges(await gauges())

    end = meter.on_slice(sender.send)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(way.sink.run(), name="telemetry sink") for way in ways]
            tasks.append(group.create_task(tell_gauges(), name="telemetry gauges"))
            yield
            for task in tasks:
                task.cancel()
    finally:
        end()


def ways_of(telemetry: Telemetry, host: str, clock: Clock, log: FilteringBoundLogger) -> list[Way]:
    """Everywhere figures are sent. Raises `ConfigurationError` for an address that is none."""
    found: list[Way] = []
    if telemetry.statsite_address:
        address = _address("statsite_address", telemetry.statsite_address)
        found.append(Way(Statsd(), TcpSink("statsite", address, clock, log)))
    if telemetry.statsd_address:
        address = _address("statsd_address", telemetry.statsd_address)
        found.append(Way(Statsd(), UdpSink("statsd", address, clock, log)))
    if telemetry.dogstatsd_addr:
        address = _address("dogstatsd_addr", telemetry.dogstatsd_addr)
        found.append(Way(DogStatsd(telemetry.dogstatsd_tags, host), UdpSink("dogstatsd", address, clock, log)))
    return found


def _address(key: str, text: str) -> tuple[str, int]:
    try:
        return split_host_port(text, STATSD_PORT)
    except RequestError as error:
        raise ConfigurationError(f"telemetry.{key}: {error}") from error


def _named(telemetry: Telemetry, found: Told) -> Told:
    named = [(series._replace(name=told_name(telemetry, series.name)), told) for series, told in found]
    return [(series, told) for series, told in named if is_wanted(telemetry, series.name)]


def _lines(dialect: Dialect, counters: Told, samples: Told) -> Iterator[str]:
    yield from counter_lines(dialect, counters)
    yield from sample_lines(dialect, samples)
