"""An agent that is told to send its figures does so."""

from __future__ import annotations

import dataclasses
import socket
from contextlib import suppress

import pytest
import structlog

from lictor_agent.telemetry.telling import telling
from lictor_config.sections import Telemetry
from lictor_core.clock import SystemClock
from lictor_core.errors import ConfigurationError
from tests.agent.http.live import Live, live_agent
from tests.support.conditions import eventually

LOG = structlog.get_logger()


def configure(live: Live, telemetry: Telemetry) -> None:
    agent = live.agent
    agent.reloader.configuration = dataclasses.replace(agent.configuration, telemetry=telemetry)


async def test_requests_are_told_to_statsd() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setblocking(False)
        receiver.bind(("127.0.0.1", 0))
        got = bytearray()

        def told() -> bool:
            with suppress(BlockingIOError):
                got.extend(receiver.recv(65_536))
            live.http.meter.turn()
            return b"consul.http.PUT.v1.kv._:" in got and b"consul.kvs.apply:" in got

        async with live_agent() as live:
            configure(live, Telemetry(statsd_address=f"127.0.0.1:{receiver.getsockname()[1]}"))
            async with telling(live.agent, live.http, SystemClock(), LOG):
                await eventually(lambda: True, what="the sink")
                for _ in range(3):
                    await live.put("/v1/kv/a", b"1")
                    with suppress(AssertionError):
                        await eventually(told, within_s=2.0, what="the request and the write")
                        break
                assert told()


async def test_an_address_that_is_none_ends_the_start() -> None:
    async with live_agent() as live:
        configure(live, Telemetry(statsite_address="[::"))
        with pytest.raises(ConfigurationError, match="statsite_address"):
            async with telling(live.agent, live.http, SystemClock(), LOG):
                pass
