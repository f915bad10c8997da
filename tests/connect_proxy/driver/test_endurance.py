"""Nothing stays behind of connections that came and went: no task, no descriptor, no object."""

import asyncio
import gc
import os
import sys

import pytest

from lictor_connect_proxy.driver.handshake import TlsEnd
from lictor_connect_proxy.driver.pump import Pump
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.live import (
    Application,
    all_bytes,
    connected,
    public_port,
    public_snapshot,
    running,
    upstream_snapshot,
)
from tests.support.conditions import eventually

AUTHORITY = Authority()
_WARM_UP = 50
_CONNECTIONS = 400
_AT_ONCE = 20
_OBJECTS_MORE_MAX = 200
_BATCHES_MAX = 3
"""What caches may add while `_CONNECTIONS` pass: less than one object for two of them."""


async def _one(port: int, number: int) -> None:
    async with connected(port) as (reader, writer):
        writer.write(b"%d\n" % number)
        match number % 3:
            case 0:
                writer.write_eof()
                await all_bytes(reader)
            case 1:
                await reader.readline()
            case _:
                # It leaves at once, while the other end is perhaps still being dialed.
                pass


async def _many(port: int, count: int) -> None:
    for first in range(0, count, _AT_ONCE):
        await asyncio.gather(*(_one(port, number) for number in range(first, first + _AT_ONCE)))


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def _left() -> list[object]:
    return [one for one in gc.get_objects() if isinstance(one, Pump | TlsEnd)]


async def test_what_a_connection_held_is_freed_without_a_garbage_collection() -> None:
    application = Application()
    db = public_snapshot(AUTHORITY, application)
    web = upstream_snapshot(AUTHORITY, public_port(db))
    async with application.running(), running(db), running(web):
        gc.collect()
        gc.disable()
        try:
            # Also one that ends before it has heard anything, one that hears the banner, and one that is resumed.
            await _many(web.upstreams[0].bind_port, 2 * _AT_ONCE)
            await eventually(lambda: not _left(), what="all relays are gone")
        finally:
            gc.enable()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="descriptors are counted in /proc")
async def test_connections_that_came_and_went_leave_nothing_behind() -> None:
    application = Application()
    db = public_snapshot(AUTHORITY, application)
    web = upstream_snapshot(AUTHORITY, public_port(db))
    async with application.running(), running(db) as inbound, running(web) as outbound:

        def is_quiet() -> bool:
            return inbound.connections() == outbound.connections() == 0

        port = web.upstreams[0].bind_port
        await _many(port, _WARM_UP)
        await eventually(is_quiet, what="the first connections have ended")
        gc.collect()
        descriptors, grown = _descriptors(), list[int]()
        # Something may be loaded meanwhile, once: what connections leave behind is left by each batch of them.
        while not grown or (grown[-1] >= _OBJECTS_MORE_MAX and len(grown) < _BATCHES_MAX):
            gc.collect()
            before = len(gc.get_objects())
            await _many(port, _CONNECTIONS)
            await eventually(is_quiet, what="all connections have ended")
            await eventually(lambda: _descriptors() <= descriptors, what="all descriptors are closed")
            gc.collect()
            assert _left() == []
            grown.append(len(gc.get_objects()) - before)
        assert grown[-1] < _OBJECTS_MORE_MAX, grown
        assert [flow.open for flow in (*inbound.figures.flows.values(), *outbound.figures.flows.values())] == [0, 0]
