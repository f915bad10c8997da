"""The ports of a server."""

from __future__ import annotations

import asyncio
import dataclasses
import socket

import pytest

from lictor_core.calls import LOOK, Attendance
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.codec import pack
from lictor_core.errors import OverloadedError
from lictor_server import RpcPool, Server
from tests.server.conftest import SETTINGS, Log
from tests.support.ports import free_port

ATTENDANCE = pack(Attendance(name="a1", datacenter="dc1"))


async def test_the_second_port_answers_as_the_first(log: Log) -> None:
    port, pool = free_port(), RpcPool(rng=SeededRng(1))
    server = Server(
        dataclasses.replace(SETTINGS, join_port=port), clock=SystemClock(), rng=SeededRng(1), log=log.logger
    )
    await server.start()
    try:
        for each in (server.server_port, port):
            assert await pool.call(f"127.0.0.1:{each}", LOOK, ATTENDANCE, timeout_s=5.0)
    finally:
        await pool.stop()
        await server.stop()


async def test_bound_of_one_address_holds_at_both_ports_and_may_change(log: Log) -> None:
    port = free_port()
    settings = dataclasses.replace(SETTINGS, join_port=port, rpc_per_client_max=1)
    server = Server(settings, clock=SystemClock(), rng=SeededRng(1), log=log.logger)
    await server.start()
    pools = [RpcPool(rng=SeededRng(number)) for number in range(3)]
    try:
        for each in (server.server_port, port):
            await pools[0].call(f"127.0.0.1:{each}", LOOK, ATTENDANCE, timeout_s=5.0)
            with pytest.raises(OverloadedError, match="rpc_max_conns_per_client"):
                await pools[1].call(f"127.0.0.1:{each}", LOOK, ATTENDANCE, timeout_s=5.0)
        server.bound_clients(2)
        for each in (server.server_port, port):
            assert await pools[2].call(f"127.0.0.1:{each}", LOOK, ATTENDANCE, timeout_s=5.0)
    finally:
        for pool in pools:
            await pool.stop()
        await server.stop()


async def test_a_second_port_that_cannot_be_had_is_told_and_done_without(log: Log) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = dataclasses.replace(SETTINGS, join_port=taken.getsockname()[1])
        server = Server(settings, clock=SystemClock(), rng=SeededRng(1), log=log.logger)
        await server.start()
        assert [one["port"] for one in log.named("rpc.join_port.unavailable")] == [settings.join_port]
        await server.stop()


async def test_a_server_that_stopped_listens_nowhere(log: Log) -> None:
    port = free_port()
    server = Server(
        dataclasses.replace(SETTINGS, join_port=port), clock=SystemClock(), rng=SeededRng(1), log=log.logger
    )
    await server.start()
    places = [server.server_port, port]
    await server.stop()
    for place in places:
        connecting = asyncio.open_connection("127.0.0.1", place)
        assert isinstance((await asyncio.gather(connecting, return_exceptions=True))[0], ConnectionRefusedError)
