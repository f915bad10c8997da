"""TCP checks against real sockets."""

from __future__ import annotations

import asyncio
import socket

import pytest

from lictor_agent.checks.connecting import Dialer
from lictor_agent.checks.tcp import check_tcp
from lictor_config.definitions import CheckDefinition
from lictor_core.records import CRITICAL, PASSING
from tests.support.ports import free_port


async def test_a_listener_passes() -> None:
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        result = await check_tcp(CheckDefinition(tcp=f"127.0.0.1:{port}"), Dialer())
        assert (result.status, result.output) == (PASSING, f"TCP connect 127.0.0.1:{port}: Success")
        assert (await check_tcp(CheckDefinition(tcp=f":{port}"), Dialer())).status == PASSING


async def test_nobody_listening_is_critical() -> None:
    address = f"127.0.0.1:{free_port()}"
    result = await check_tcp(CheckDefinition(tcp=address), Dialer())
    assert (result.status, result.output) == (CRITICAL, f"dial tcp {address}: connect: connection refused")


async def test_an_address_without_a_port_is_critical() -> None:
    result = await check_tcp(CheckDefinition(tcp="127.0.0.1"), Dialer())
    assert (result.status, result.output) == (CRITICAL, "dial tcp: address 127.0.0.1: missing port in address")


@pytest.mark.parametrize("host", ["a..b", "a" * 64, "\udc80"])
async def test_a_text_that_can_be_no_host_name_is_critical(host: str) -> None:
    result = await check_tcp(CheckDefinition(tcp=f"{host}:80"), Dialer())
    assert (result.status, result.output) == (CRITICAL, f"dial tcp: lookup {host}: no such host")


async def test_no_answer_in_time_is_critical() -> None:
    with socket.socket() as full, socket.socket() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)  # one connection waits to be accepted; the next gets no answer
        waiting.connect(full.getsockname())
        address = f"127.0.0.1:{full.getsockname()[1]}"
        results = await asyncio.gather(
            *(check_tcp(CheckDefinition(tcp=address, timeout_s=0.1), Dialer()) for _ in range(3))
        )
    assert f"dial tcp {address}: i/o timeout" in {result.output for result in results}
