"""What a check hears from an HTTP/2 peer."""

from __future__ import annotations

import asyncio

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection

from lictor_agent.checks import http2
from lictor_agent.checks.connecting import Dialer
from lictor_agent.checks.dialing import DialError
from lictor_agent.checks.http2 import Http2Connection, open_http2
from tests.agent.checks.asking import speaking


async def _chatter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pings many times, twice."""
    state = H2Connection(H2Configuration(client_side=False))
    state.initiate_connection()
    for _ in range(2):
        for _ in range(40):
            state.ping(b"12345678")
        writer.write(state.data_to_send())
        await reader.read(65_536)


async def test_a_peer_that_never_stops_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http2, "_EVENTS_MAX", 50)
    async with speaking(_chatter) as address:
        connection = await open_http2(Dialer(), address, None)
        async with asyncio.timeout(20):
            with pytest.raises(DialError, match="more than 50 events"):
                await _heard(connection)
        connection.close()


async def _heard(connection: Http2Connection) -> None:
    while True:
        await connection.next_event()


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def test_the_end_of_a_connection_is_told_again_and_again() -> None:
    async with speaking(_hang_up) as address:
        connection = await open_http2(Dialer(), address, None)
        for _ in range(2):
            with pytest.raises(DialError):
                await connection.next_event()
