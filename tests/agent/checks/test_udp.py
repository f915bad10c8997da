"""UDP checks against real sockets."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

import pytest

from lictor_config.definitions import CheckDefinition
from lictor_core.records import CRITICAL, PASSING
from tests.agent.checks.asking import asked
from tests.support.ports import free_port


async def test_nobody_listening_is_critical_at_once() -> None:
    address = f"127.0.0.1:{free_port()}"
    async with asyncio.timeout(20):
        result = await asked(CheckDefinition(udp=address, timeout_s=60))
    assert (result.status, result.output) == (CRITICAL, f"read udp {address}: read: connection refused")


async def test_who_listens_and_keeps_silent_passes() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        result = await asked(CheckDefinition(udp=address, timeout_s=0.2))
        silent.setblocking(False)
        assert silent.recv(10) == b""  # the datagram, which is empty
    assert (result.status, result.output) == (PASSING, f"UDP connect {address}: Success")


@pytest.mark.parametrize("family", ["127.0.0.1", "::1"])
async def test_an_answer_passes_before_the_time_out(family: str) -> None:
    class Answer(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast("asyncio.DatagramTransport", transport)

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            self.transport.sendto(b"here", addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Answer, (family, 0))
    port = transport.get_extra_info("sockname")[1]
    address = f"[{family}]:{port}" if ":" in family else f"{family}:{port}"
    async with asyncio.timeout(20):
        assert (await asked(CheckDefinition(udp=address, timeout_s=60))).status == PASSING
    transport.close()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1", "dial udp: address 127.0.0.1: missing port in address"),
        ("127.0.0.1:x", "dial udp: address udp/x: unknown port"),
        ("nowhere.invalid:1", "dial udp: lookup nowhere.invalid: no such host"),
    ],
)
async def test_what_is_no_address_is_critical(address: str, reason: str) -> None:
    result = await asked(CheckDefinition(udp=address, timeout_s=20))
    assert (result.status, result.output) == (CRITICAL, reason)
