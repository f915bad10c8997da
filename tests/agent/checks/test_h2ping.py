"""HTTP/2 ping checks against a real HTTP/2 server, made of the h2 library."""

from __future__ import annotations

import asyncio
from pathlib import Path

from h2.config import H2Configuration
from h2.connection import H2Connection

from lictor_agent.checks.tls import CheckTls
from lictor_config.definitions import CheckDefinition
from lictor_core.records import CRITICAL, PASSING
from tests.agent.checks.asking import asked, self_signed, speaking
from tests.support.ports import free_port


async def _http2(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    state = H2Connection(H2Configuration(client_side=False))
    state.initiate_connection()
    writer.write(state.data_to_send())
    while data := await reader.read(65_536):
        state.receive_data(data)  # answers pings itself
        writer.write(state.data_to_send())


async def test_an_answered_ping_passes() -> None:
    async with speaking(_http2) as address:
        result = await asked(CheckDefinition(h2ping=address, h2ping_use_tls=False))
    assert (result.status, result.output) == (PASSING, "HTTP2 ping was successful")


async def test_tls_is_the_default_and_verified(tmp_path: Path) -> None:
    tls = self_signed(tmp_path, ("h2",))
    async with speaking(_http2, tls.context) as address:
        verified = await asked(CheckDefinition(h2ping=address))
        failed = f"Failed to dial to {address}: x509: certificate signed by unknown authority"
        assert (verified.status, verified.output) == (CRITICAL, failed)
        assert (await asked(CheckDefinition(h2ping=address), material=CheckTls(ca_file=tls.file))).status == PASSING
        assert (await asked(CheckDefinition(h2ping=address, tls_skip_verify=True))).status == PASSING


async def test_nobody_listening_is_critical() -> None:
    address = f"127.0.0.1:{free_port()}"
    result = await asked(CheckDefinition(h2ping=address))
    reason = f"dial tcp {address}: connect: connection refused"
    assert (result.status, result.output) == (CRITICAL, f"Failed to dial to {address}: {reason}")


async def test_a_server_of_older_http_is_critical() -> None:
    async def older(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with speaking(older) as address:
        result = await asked(CheckDefinition(h2ping=address, h2ping_use_tls=False, timeout_s=10))
    assert (result.status, result.output[:18]) == (CRITICAL, "HTTP2 ping failed:")


async def test_silence_is_critical_at_the_time_out() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with speaking(silent) as address:
        result = await asked(CheckDefinition(h2ping=address, h2ping_use_tls=False, timeout_s=1.0))
    assert (result.status, result.output) == (CRITICAL, "HTTP2 ping failed: context deadline exceeded")
