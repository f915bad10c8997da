"""The figures of the last interval as text, for people who have nothing but a shell: `kill -USR1`.

Source: Consul's document `docs/agent/telemetry`.
"""

from __future__ import annotations

import asyncio
import datetime
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress

from lictor_agent.telemetry.names import is_wanted, named_gauges, told_name
from lictor_config.sections import Telemetry
from lictor_core.metrics import Aggregate, Gauge, Interval, Meter, Series

__all__ = ["dump_text", "dumping"]


def dump_text(interval: Interval, gauges: list[Gauge], telemetry: Telemetry, host: str) -> str:
    """One line for each figure that is wanted: gauges, then counters, then samples."""
    began = f"{datetime.datetime.fromtimestamp(interval.began, datetime.UTC):%Y-%m-%d %H:%M:%S +0000 UTC}"
    lines = [
        *(f"[G] '{_shown(one.name, one.labels)}': {one.value:.3f}" for one in named_gauges(telemetry, gauges, host)),
        *(f"[C] '{name}': {_count(found)}" for name, found in _named(telemetry, interval.counters)),
        *(f"[S] '{name}': {_count(found)}" for name, found in _named(telemetry, interval.samples)),
    ]
    return "".join(f"[{began}]{line}\n" for line in lines)


@asynccontextmanager
async def dumping(
    telemetry: Callable[[], Telemetry], meter: Meter, gauges: Callable[[], Awaitable[list[Gauge]]], *, host: str
) -> AsyncGenerator[None]:
    """Write the figures to standard error whenever SIGUSR1 comes, while the block runs."""
    loop, asked = asyncio.get_running_loop(), asyncio.Event()

    async def answer() -> None:
        while True:
            await asked.wait()
            asked.clear()
            text = dump_text(meter.latest(), await gauges(), telemetry(), host)
            with suppress(OSError):
                print(text, end="", file=sys.stderr, flush=True)

    loop.add_signal_handler(signal.SIGUSR1, asked.set)
    task = loop.create_task(answer(), name="telemetry dump")
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)
        task.cancel()
        await asyncio.wait([task])


def _named(telemetry: Telemetry, found: dict[Series, Aggregate]) -> Iterator[tuple[str, Aggregate]]:
    for series, figures in sorted(found.items()):
        if is_wanted(telemetry, name := told_name(telemetry, series.name)):
            yield _shown(name, series.labels), figures


def _shown(name: str, labels: tuple[tuple[str, str], ...]) -> str:
    return ".".join((name, *(text for _, text in labels)))


def _count(found: Aggregate) -> str:
    spread = f" Min: {found.min:.3f} Mean: {found.mean:.3f} Max: {found.max:.3f} Stddev: {found.deviation:.3f}"
    return f"Count: {found.count}{spread if found.count > 1 else ''} Sum: {found.sum:.3f}"
